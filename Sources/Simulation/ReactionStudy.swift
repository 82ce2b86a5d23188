// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
public import CellSimulation
import ChipDrivers
public import ChipEmulators
import DeterministicMath
public import Firmware
import Quantities

/// How long each protection takes from its cause at the chips' pins to the open switch.
///
/// An INA228 and a TMP117, byte by byte; the cause comes at a moment that no tick knows of.
public struct ReactionStudy: Sendable {
  private let cells: SwarmCells
  private let rules: ProtectionTable?

  /// Those that open a switch by what a sensor sees, in the order of the table.
  public static let protections: [Protection] = [
    .overVoltage, .underVoltage, .overCurrentCharge, .overCurrentDischarge,
    .overTemperatureCharge, .overTemperatureDischarge, .underTemperatureCharge,
    .underTemperatureDischarge, .sensorImplausible, .sensorLost, .deepDischarge,
    .sustainedCurrentCharge, .sustainedCurrentDischarge, .switchDisagrees,
  ]

  /// Makes the chips' configuration and the firmware's tables for a cell.
  ///
  /// - Parameter rules: what the firmware protects by instead of the stated rules; to show that being
  ///   late is seen.
  /// - Throws: `CellError` if the description cannot be a cell.
  public init(_ description: CellDescription, rules: ProtectionTable? = nil) throws(CellError) {
    cells = try SwarmCells(description)
    self.rules = rules
  }

  /// The stated rules.
  public var protection: ProtectionTable { cells.configuration(hasClock: false).protection }

  /// What is stated: the chip's results, a tick until it is read, and the rule's delay and grace, each
  /// to the next tick. Unit: s.
  public func stated(_ protection: Protection, period: Double) -> Double {
    let rule = self.protection[protection]
    func ticks(_ seconds: Double) -> Double { (seconds / period - 1e-9).rounded(.up) * period }
    return conversion(of: protection) + period + ticks(delay(of: protection))
      + ticks(Double(rule.grace) * 1e-6)
  }

  /// The rule's own delay at the cause of this study, and the time that it gives the load. Unit: s.
  public func rule(_ protection: Protection) -> Double {
    delay(of: protection) + Double(self.protection[protection].grace) * 1e-6
  }

  private func delay(of protection: Protection) -> Double {
    let delay = Double(self.protection[protection].delay) * 1e-6
    guard protection == .sustainedCurrentCharge || protection == .sustainedCurrentDischarge else {
      return delay
    }
    // A little less than the limit may last a little longer: see `ProtectionMonitor`.
    let lasting = 0.75 * 0.75
    let flowing = ReactionBench.lastingShare * ReactionBench.lastingShare
    return delay * (1 - lasting) / (flowing - lasting)
  }

  /// Two results of the chip: the one that the cause comes into is a mean of before and after, the next
  /// one is whole. Its clock may be 2 % slow.
  private func conversion(of protection: Protection) -> Double {
    switch protection {
    case .overTemperatureCharge, .overTemperatureDischarge, .underTemperatureCharge,
      .underTemperatureDischarge:
      2 * 0.5 * 1.02
    case .sensorLost: 0
    default: 2 * cells.resultSeconds * 1.02
    }
  }

  /// One reaction; a function of its arguments.
  ///
  /// - Parameters:
  ///   - period: the time between two ticks. Unit: s.
  ///   - faults: of the bus, if any.
  /// - Returns: from the cause to the open switch, in s; nil if it is still on after five times what is
  ///   stated.
  public func reaction(
    _ protection: Protection, seed: UInt64, period: Double, faults: FaultProbabilities? = nil
  ) -> Double? {
    var configuration = cells.configuration(hasClock: false)
    if let rules { configuration.protection = rules }
    var bench = ReactionBench(
      protection, self.protection, cells, configuration, seed: seed, period: period,
      faults: faults)
    return bench.run(atMost: 5 * stated(protection, period: period))
  }
}

/// Firmware and chips whose pins are set by hand.
private struct ReactionBench: ~Copyable {
  /// Of the largest current, for one that lasts too long.
  static let lastingShare = 0.97

  private struct Pins {
    var amperes = 0.0
    var volts = 3.3
    var celsius = 25.0
  }

  private let protection: Protection
  private let stops: Direction
  private let period: Double
  private let shuntOhms: Double
  private let bus: EmulatedI2CBus
  private let monitor: INA228Emulator
  private let thermometer: TMP117Emulator
  private let chargeLine = EmulatedLine()
  private let dischargeLine = EmulatedLine()
  private var firmware:
    Firmware<EmulatedI2CBus, EmulatedLine, EmulatedLine, NoMemory, StateEstimator>
  private var random: SeededRandom
  private var pins = Pins()
  private var now = 0.0
  /// What is there before the cause, and the cause.
  private let before: Pins
  private let cause: Pins

  init(
    _ protection: Protection, _ table: ProtectionTable, _ cells: SwarmCells,
    _ configuration: FirmwareConfiguration, seed: UInt64, period: Double,
    faults: FaultProbabilities?
  ) {
    self.protection = protection
    self.period = period
    stops = table[protection].stops
    shuntOhms = cells.shuntOhms
    random = SeededRandom(seed: seed, stream: 120 + UInt64(protection.rawValue))
    bus = EmulatedI2CBus(
      faults: faults.map {
        TransferFaults(
          probabilities: $0, seed: seed, stream: 140 + UInt64(protection.rawValue))
      } ?? .none)
    monitor = INA228Emulator(
      address: SwarmWorld.monitorAddress, errors: .typical(seed: seed, stream: 160), seed: seed,
      stream: 161)
    thermometer = TMP117Emulator(address: SwarmWorld.thermometerAddress)
    (before, cause) = Self.pins(protection, table)
    do throws(AddressConflict) {
      try bus.attach(monitor)
      try bus.attach(thermometer)
    } catch {
      preconditionFailure("the board's own addresses differ")
    }
    firmware = Firmware(
      configuration, estimator: cells.estimator(start: 0.5), bus: bus, chargeSwitch: chargeLine,
      dischargeSwitch: dischargeLine)
  }

  /// A little beyond the limit: by more than the chips err.
  private static func pins(
    _ protection: Protection, _ table: ProtectionTable
  ) -> (before: Pins, cause: Pins) {
    func limit(_ protection: Protection) -> Double { Double(table[protection].threshold) * 1e-6 }
    func degrees(_ protection: Protection) -> Double { Double(table[protection].threshold) * 1e-3 }
    var before = Pins()
    var cause = Pins()
    switch protection {
    case .overVoltage: cause.volts = limit(protection) + 0.02
    case .underVoltage: cause.volts = limit(protection) - 0.02
    case .overCurrentCharge: cause.amperes = 1.03 * limit(protection)
    case .overCurrentDischarge: cause.amperes = -1.03 * limit(protection)
    case .sustainedCurrentCharge: cause.amperes = lastingShare * limit(.overCurrentCharge)
    case .sustainedCurrentDischarge:
      cause.amperes = -lastingShare * limit(.overCurrentDischarge)
    case .overTemperatureCharge, .overTemperatureDischarge:
      cause.celsius = degrees(protection) + 1
    case .underTemperatureCharge, .underTemperatureDischarge:
      cause.celsius = degrees(protection) - 1
    case .sensorImplausible: cause.volts = 0.3
    case .deepDischarge:
      before.volts = limit(.underVoltage) - 0.02
      cause.volts = limit(protection) - 0.05
    case .switchDisagrees:
      before.volts = limit(.overVoltage) + 0.02
      cause = before
      cause.amperes = 3 * limit(protection)
    default: break
    }
    return (before, cause)
  }

  mutating func run(atMost longest: Double) -> Double? {
    for _ in 0..<Int((10 / period).rounded(.up)) + 10 { _ = tick() }
    pins = before
    for _ in 0..<Int((5 / period).rounded(.up)) + 2 { _ = tick() }
    // Somewhere between two ticks.
    let began = now + random.uniform() * period
    advance(to: began)
    pins = cause
    if protection == .sensorLost { monitor.isPresent = false }
    while now - began <= longest {
      let report = tick()
      if report.protections.contains(protection), isOpen { return now - began }
    }
    return nil
  }

  private var isOpen: Bool {
    !(stops.contains(.charge) && chargeLine.isActive)
      && !(stops.contains(.discharge) && dischargeLine.isActive)
  }

  private var ticks = 0

  private mutating func tick() -> Report {
    ticks += 1
    advance(to: Double(ticks) * period)
    return firmware.tick(at: .microseconds(Int64((now * 1e6).rounded())))
  }

  private mutating func advance(to seconds: Double) {
    now = seconds
    let microseconds = Int64((seconds * 1e6).rounded())
    // A voltage that is never still, as no cell's is.
    monitor.advance(
      toMicroseconds: microseconds, shuntVolts: pins.amperes * shuntOhms,
      busVolts: pins.volts + 0.0005 * random.gaussian(), dieCelsius: pins.celsius)
    thermometer.advance(toMicroseconds: microseconds, celsius: pins.celsius)
  }
}
