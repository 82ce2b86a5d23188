// SPDX-License-Identifier: Apache-2.0

internal import BusProtocols

/// Everything an emulated smart battery remembers; a copy is a snapshot.
///
/// Its gauge is a `LithiumGauge` that takes 3.0 V a cell for empty.
public struct SmartBatteryState: Sendable {
  var isSupplied: Bool
  private let seriesCells: Double
  private let designCapacity: UInt16

  /// ManufacturerAccess, the alarms' thresholds, BatteryMode, AtRate.
  private var written: [UInt16]
  private var millivolts = 0.0
  private var milliamperes = 0.0
  private var averageMilliamperes = 0.0
  private var celsius = 25.0
  private var lithium = LithiumGauge()
  private var isFull = false
  private var isEmpty = false
  private var clock: ConversionClock
  /// Status of the last command: 0, or 3 for one that is not known.
  private var errorCode: UInt16 = 0

  private var frame: [UInt8] = []
  private var code = PacketErrorCode()
  private var answer: [UInt8] = []
  private var position = 0

  /// One measurement each second. Unit: ps.
  private static let period: Int64 = 1_000_000_000_000
  /// See `SmartBatteryEmulator`. Unit: V.
  private static let leastCellVolts = 2.5

  init(seriesCells: Double, designCapacity: UInt16, stackVolts: Double, clock: ConversionClock) {
    self.seriesCells = seriesCells
    self.designCapacity = designCapacity
    self.clock = clock
    isSupplied = stackVolts >= Self.leastCellVolts * seriesCells
    // A tenth of the capacity and 10 min (specification, sections 5.1.2 and 5.1.3).
    written = [0, designCapacity / 10, 10, 0, 0]
    self.clock.restart()
  }

  /// Everything but time back to power-on.
  mutating func reset() {
    self = SmartBatteryState(
      seriesCells: seriesCells, designCapacity: designCapacity,
      stackVolts: isSupplied ? .infinity : 0, clock: clock)
  }

  mutating func advance(
    to end: Int64, stackVolts: Double, amperes: Double, celsius: Double
  ) {
    clock.requireNotPast(end)
    let isNowSupplied = stackVolts >= Self.leastCellVolts * seriesCells
    if isSupplied != isNowSupplied {
      isSupplied = isNowSupplied
      reset()
    }
    guard isSupplied else {
      clock.idle(to: end)
      return
    }
    while clock.now < end {
      let stop = clock.stretch(toward: end)
      let count = clock.cycles(to: stop, period: Self.period)
      guard count > 0 else { continue }
      millivolts = stackVolts * 1_000
      milliamperes = amperes * 1_000
      self.celsius = celsius
      gauge(seconds: count)
    }
  }
}

/// Gauging.
extension SmartBatteryState {
  private mutating func gauge(seconds: Int64) {
    let cellVolts = millivolts / 1_000 / seriesCells
    // AverageCurrent is over a minute: a first-order filter stands in for it.
    averageMilliamperes +=
      (milliamperes - averageMilliamperes) * min(Double(seconds) / 60, 1)
    lithium.measure(
      cellVolts: cellVolts, milliamperes: milliamperes, seconds: seconds,
      capacity: Double(designCapacity), emptyVolts: 3.0)
    isFull = (charge ?? 0) >= 0.99
    isEmpty = (charge ?? 1) <= 0
  }

  /// 0…1; nil until the first measurement.
  private var charge: Double? { lithium.charge }

  private var isInPower: Bool { written[3] & 0x8000 != 0 }

  /// mAh, or 10 mWh at 3.7 V a cell.
  private func capacity(_ share: Double) -> UInt16 {
    let milliampereHours = share * Double(designCapacity)
    return Self.unsigned(isInPower ? milliampereHours * seriesCells * 0.37 : milliampereHours)
  }

  /// To empty or to full at a current, 65535 for never. Unit: min.
  private func minutes(_ share: Double, at milliamperes: Double) -> UInt16 {
    guard milliamperes > 0 else { return 65_535 }
    return UInt16(min((share * Double(designCapacity) / milliamperes * 60).rounded(), 65_534))
  }

  private static func unsigned(_ value: Double) -> UInt16 {
    UInt16(min(max(value.rounded(), 0), 65_535))
  }

  private static func signed(_ value: Double) -> UInt16 {
    UInt16(bitPattern: Int16(min(max(value.rounded(), -32_768), 32_767)))
  }

  /// BatteryStatus; its alarms for charge, time and temperature.
  private var status: UInt16 {
    let share = charge ?? 0
    let toEmpty = minutes(share, at: -averageMilliamperes)
    return errorCode | (charge == nil ? 0 : 0x0080) | (milliamperes > 0 ? 0 : 0x0040)
      | (isFull ? 0x4020 : 0) | (isEmpty ? 0x0810 : 0)
      | (capacity(share) < written[1] ? 0x0200 : 0) | (toEmpty < written[2] ? 0x0100 : 0)
      | (celsius > 60 ? 0x1000 : 0)
  }

  /// A word; nil if there is none under this command.
  private func word(_ command: UInt8) -> UInt16? {
    let share = charge ?? 0
    let percent = Self.unsigned(share * 100)
    switch command {
    case 0x00...0x04: return written[Int(command)]
    case 0x05: return minutes(1 - share, at: Double(Int16(bitPattern: written[4])))
    case 0x06: return minutes(share, at: -Double(Int16(bitPattern: written[4])))
    case 0x07: return isEmpty ? 0 : 1
    case 0x08: return Self.unsigned(celsius * 10 + 2_731.5)
    case 0x09: return Self.unsigned(millivolts)
    case 0x0A: return Self.signed(milliamperes)
    case 0x0B: return Self.signed(averageMilliamperes)
    case 0x0C: return 2
    case 0x0D, 0x0E: return percent
    case 0x0F: return capacity(share)
    case 0x10, 0x18: return capacity(1)
    case 0x11: return minutes(share, at: -milliamperes)
    case 0x12: return minutes(share, at: -averageMilliamperes)
    case 0x13: return minutes(1 - share, at: averageMilliamperes)
    case 0x14: return isFull ? 0 : designCapacity / 2
    case 0x15: return Self.unsigned(seriesCells * 4_200)
    case 0x16: return status
    case 0x17: return 0
    case 0x19: return Self.unsigned(seriesCells * 3_700)
    case 0x1A: return 0x0031
    // 23 November 2026.
    case 0x1B: return 46 << 9 | 11 << 5 | 23
    case 0x1C: return 1
    default: return nil
    }
  }

  /// A block; nil if there is none under this command.
  private func block(_ command: UInt8) -> [UInt8]? {
    switch command {
    case 0x20: Array("Sodalite".utf8)
    case 0x21: Array("Emulated".utf8)
    case 0x22: Array("LION".utf8)
    case 0x23: [0]
    default: nil
    }
  }
}

/// Reading and writing words over the bus.
extension SmartBatteryState {
  mutating func start(_ direction: I2CDirection) {
    guard direction == .read else {
      code.restart()
      code.add(0x16)
      frame.removeAll(keepingCapacity: true)
      return
    }
    code.add(0x17)
    position = 0
    guard let command = frame.first else {
      answer = []
      return
    }
    errorCode = command == 0x16 ? errorCode : 0
    if let word = word(command) {
      answer = [UInt8(word & 0xFF), UInt8(word >> 8)]
    } else if let block = block(command) {
      answer = [UInt8(block.count)] + block
    } else {
      // Unsupported command.
      errorCode = 3
      answer = []
    }
    // A read has no word to take at its end.
    frame.removeAll(keepingCapacity: true)
  }

  mutating func transmit() -> UInt8 {
    defer { position += 1 }
    if position == answer.count, !answer.isEmpty { return code.value }
    guard position < answer.count else { return 0xFF }
    code.add(answer[position])
    return answer[position]
  }

  mutating func receive(_ byte: UInt8) -> Bool {
    if frame.count == 3 {
      let isRight = byte == code.value
      if isRight { take() }
      frame.removeAll(keepingCapacity: true)
      return isRight
    }
    frame.append(byte)
    code.add(byte)
    return true
  }

  mutating func stop() {
    if frame.count == 3 { take() }
    frame.removeAll(keepingCapacity: true)
  }

  private mutating func take() {
    let word = UInt16(frame[2]) << 8 | UInt16(frame[1])
    switch frame[0] {
    case 0x00...0x02, 0x04: written[Int(frame[0])] = word
    // Bits 10…8 and below cannot be written but for the two enables, which this battery has not.
    case 0x03: written[3] = word & 0xE000
    // Access denied.
    default: errorCode = 4
    }
  }
}
