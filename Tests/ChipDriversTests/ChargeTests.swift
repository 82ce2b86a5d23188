// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities
import TestSupport
import Testing

/// The INA228's accumulator.
@Suite struct ChargeTests {
  static func driver(
    microohms: Int32 = 15_000, milliamperes: Int32 = 10_000,
    polarity: Shunt.Polarity = .chargePositive, clockCorrection: Int32 = 0
  ) throws -> INA228 {
    let shunt = Shunt(
      resistance: .microohms(microohms), maximumCurrent: .milliamperes(milliamperes),
      polarity: polarity)
    return INA228(
      address: I2CAddress(0x40), configuration: try .init(shunt: shunt),
      clockCorrection: ClockCorrection(partsPerMillion: clockCorrection))
  }

  /// Sets the accumulator (the low 40 bits of a signed count) and reads.
  static func read(
    _ driver: inout INA228, _ bus: inout RegisterFile, count: Int64, at microseconds: Int64
  ) throws(ChipError) -> ChargeReading {
    bus.set(0x0A, to: UInt64(bitPattern: count), bytes: 5)
    return try driver.readMeasurement(on: &bus, at: .microseconds(microseconds)).charge
  }

  /// The datasheet's example (table 8-4): 10 A over 16.2 mΩ, one hour of 6 A, 1132462080 counts.
  @Test func datasheetExample() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.driver(microohms: 16_200)
    try driver.configure(on: &bus, at: .microseconds(0))
    // 1132462080 · 10 A / 2^19 · 1 s = 21600 C to the last nanocoulomb: SHUNT_CAL 4050 is exact.
    #expect(
      try Self.read(&driver, &bus, count: 1_132_462_080, at: 3_600_000_000)
        == .counted(.nanocoulombs(21_600_000_000_000)))
  }

  /// The sum of what is handed out is the exact rational of all counts, floored, across the wrap in
  /// both directions, whatever the shunt does to the step.
  @Test(
    arguments: [1, 2, 3] as [UInt64],
    [(15_000, 10_000), (7_919, 5_003), (137, 999_000), (9_999_991, 16), (100, 1_638_400)])
  func sumIsExact(seed: UInt64, shunt: (microohms: Int32, milliamperes: Int32)) throws {
    var random = Sequence64(state: seed)
    var bus = RegisterFile.ina228()
    let polarity = seed == 2 ? Shunt.Polarity.dischargePositive : .chargePositive
    var driver = try Self.driver(
      microohms: shunt.microohms, milliamperes: shunt.milliamperes, polarity: polarity)
    try driver.configure(on: &bus, at: .microseconds(0))
    let calibration = Int128(driver.configuration.shuntCalibration)
    let isWide = driver.configuration.shuntRange == .wide
    // c · 312.5 nV / (4096 · R): in nC, c · 312,500,000 / (4096 · R[µΩ]).
    let numerator = calibration * (isWide ? 312_500_000 : 78_125_000) * (seed == 2 ? -1 : 1)
    let denominator = 4_096 * Int128(shunt.microohms)
    var count: Int64 = 0
    var time: Int64 = 0
    var total: Int128 = 0
    // A drift, so that the counter wraps several times in the run.
    let drift = seed == 3 ? Int64(-40_000_000_000) : 40_000_000_000
    for _ in 0..<200 {
      count += drift + random.next(in: -2_000_000_000...2_000_000_000)
      time += 90_000_000_000
      let reading = try Self.read(&driver, &bus, count: count, at: time)
      guard case .counted(let charge) = reading else {
        Issue.record("seed \(seed): \(reading)")
        return
      }
      total += Int128(charge.nanocoulombs)
      let exact = Int128(count) * numerator
      let floor = (exact - ((exact % denominator) + denominator) % denominator) / denominator
      guard total == floor else {
        Issue.record("seed \(seed): \(total), exact \(floor)")
        return
      }
    }
    #expect(count.magnitude > 1 << 41)
  }

  @Test func moreThanTheFullScaleIsImplausible() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.driver()
    try driver.configure(on: &bus, at: .microseconds(0))
    // One second at full scale is 2^19 counts; 2 % and one conversion (14 ms) more are allowed.
    let limit: Int64 = 1_014 * 53_477_376 / 100_000
    #expect(Double(limit) / 524_288 < 1.035)
    let largest = try Self.read(&driver, &bus, count: limit, at: 1_000_000)
    guard case .counted = largest else {
      Issue.record("\(largest)")
      return
    }
    let beyond = try Self.read(&driver, &bus, count: limit - limit - 1, at: 2_000_000)
    // −542261 − 1 counts of 10/2^19 C.
    guard case .implausible(let charge) = beyond else {
      Issue.record("\(beyond)")
      return
    }
    #expect(charge < .zero)
    // The interval is given up, the count goes on from here.
    #expect(
      try Self.read(&driver, &bus, count: 524_287, at: 3_000_000)
        == .counted(.nanocoulombs(10_000_000_000)))
  }

  @Test func timeThatRunsBackwardsOrTooLongIsImplausible() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.driver()
    try driver.configure(on: &bus, at: .microseconds(0))
    let backwards = try Self.read(&driver, &bus, count: 0, at: -1)
    #expect(backwards == .implausible(.zero))
    // Twelve days: the counter may have gone round.
    let long = try Self.read(&driver, &bus, count: 0, at: 1_000_000_000_000)
    #expect(long == .implausible(.zero))
  }

  @Test func overflowGivesTheIntervalUp() throws {
    var bus = RegisterFile.ina228()
    var driver = try Self.driver()
    try driver.configure(on: &bus, at: .microseconds(0))
    bus.set(0x04, to: 0x7FFFF0, bytes: 3)
    #expect(
      thrown { () throws(ChipError) in
        try Self.read(&driver, &bus, count: 1_000, at: 1_000_000)
      } == .overflow(register: 0x04, positive: true))
    bus.set(0x04, to: 0, bytes: 3)
    // The interval with the overflow counted too little, although the current is back in range.
    #expect(try Self.read(&driver, &bus, count: 2_000, at: 2_000_000) == .overflow)
    guard case .counted = try Self.read(&driver, &bus, count: 3_000, at: 3_000_000) else {
      Issue.record("the count does not go on")
      return
    }
    // MATHOF.
    bus.set(0x0B, to: 0x2203)
    #expect(try Self.read(&driver, &bus, count: 4_000, at: 4_000_000) == .overflow)
  }

  /// A known correction multiplies, and its fractions are not lost either.
  @Test(arguments: [-15_000, -3, 7_777, 15_000] as [Int32])
  func correctionIsExact(partsPerMillion: Int32) throws {
    var bus = RegisterFile.ina228()
    // 16.2 mΩ: exactly 10 A / 2^19, so 524288 counts are 10 C.
    var driver = try Self.driver(microohms: 16_200, clockCorrection: partsPerMillion)
    try driver.configure(on: &bus, at: .microseconds(0))
    var total: Int64 = 0
    for step in 1...1_000 {
      let reading = try Self.read(
        &driver, &bus, count: Int64(step) * 524, at: Int64(step) * 1_000_000)
      guard case .counted(let charge) = reading else {
        Issue.record("\(reading)")
        return
      }
      total += charge.nanocoulombs
    }
    let exact = Int128(524_000) * 10_000_000_000 * Int128(1_000_000 + partsPerMillion)
    #expect((Int128(total) - exact / (524_288 * 1_000_000)).magnitude <= 2)
  }
}

/// Learning the clock of the chip.
@Suite struct ClockCorrectionTests {
  /// A chip whose clock is `partsPerMillion` fast, under a current given at each second.
  ///
  /// The chip counts what really flowed, by its own time.
  static func run(
    partsPerMillion: Double, seconds: Int, correction: Int32 = 0,
    jitter: (Int) -> Int64 = { _ in 0 }, sampled: ((Int) -> Double)? = nil,
    amperes: (Int) -> Double
  ) throws -> (driver: INA228, total: Double, truth: Double) {
    var bus = RegisterFile.ina228()
    var driver = try ChargeTests.driver(clockCorrection: correction)
    try driver.configure(on: &bus, at: .microseconds(0))
    var counts = 0.0
    var truth = 0.0
    var total = 0.0
    var last = 0.0
    for second in 1...seconds {
      let microseconds = Double(Int64(second) * 1_000_000 + jitter(second))
      let elapsed = (microseconds - last) / 1e6
      last = microseconds
      truth += amperes(second) * elapsed
      counts += amperes(second) * elapsed * 52_428.8 * (1 + partsPerMillion / 1e6)
      // The accumulator moves in steps of one conversion, 2.384 ms.
      let code = Int32(
        ((sampled.map { $0(second) } ?? amperes(second)) * 0.015 / 312.5e-9).rounded())
      bus.set(0x04, to: UInt64(UInt32(bitPattern: code) & 0xFFFFF) << 4, bytes: 3)
      let reading = try ChargeTests.read(
        &driver, &bus, count: Int64(counts.rounded()), at: Int64(microseconds))
      if case .counted(let charge) = reading { total += Double(charge.nanocoulombs) / 1e9 }
    }
    return (driver, total, truth)
  }

  @Test(arguments: [-10_000, -5_000, -20, 0, 300, 10_000, 14_500] as [Double])
  func convergesToTheClock(partsPerMillion: Double) throws {
    let run = try Self.run(partsPerMillion: partsPerMillion, seconds: 3_600) { _ in 1.5 }
    let exact = (1 / (1 + partsPerMillion / 1e6) - 1) * 1e6
    let learned = Double(run.driver.clockCorrection.partsPerMillion)
    #expect(abs(learned - exact) <= 30, "learned \(learned), exact \(exact)")
    #expect(run.driver.clockCorrection.acceptedWindows == 59)
  }

  @Test(arguments: [-10_000, 10_000] as [Double])
  func learnsAsFastAsItSays(partsPerMillion: Double) throws {
    // 8 windows of 60 s leave (3/4)^8 = 10 % of the error; not much less, for it is to be slow.
    let run = try Self.run(partsPerMillion: partsPerMillion, seconds: 482) { _ in -3 }
    let exact = (1 / (1 + partsPerMillion / 1e6) - 1) * 1e6
    let left = 1 - Double(run.driver.clockCorrection.partsPerMillion) / exact
    #expect(left > 0.08 && left < 0.12)
  }

  @Test func jitteringTicksDoNotDisturb() throws {
    let run = try Self.run(
      partsPerMillion: 6_000, seconds: 3_600, jitter: { Int64($0 * 7_919 % 200_000) - 100_000 }
    ) { _ in 2 }
    let exact = (1 / 1.006 - 1) * 1e6
    #expect(abs(Double(run.driver.clockCorrection.partsPerMillion) - exact) <= 30)
  }

  @Test func aChangingOrSmallCurrentTeachesNothing() throws {
    let changing = try Self.run(partsPerMillion: 10_000, seconds: 1_000) { second in
      second % 40 < 20 ? 2 : 2.1
    }
    #expect(
      changing.driver.clockCorrection == ClockCorrection()
        || changing.driver.clockCorrection.acceptedWindows == 0)
    #expect(changing.driver.clockCorrection.partsPerMillion == 0)
    let small = try Self.run(partsPerMillion: 10_000, seconds: 1_000) { _ in 0.15 }
    #expect(small.driver.clockCorrection.acceptedWindows == 0)
    let large = try Self.run(partsPerMillion: 10_000, seconds: 1_000) { _ in 0.16 }
    #expect(large.driver.clockCorrection.acceptedWindows > 0)
  }

  @Test func whatNoClockDoesIsRejected() throws {
    // The samples miss a tenth of the current: a fault, not a clock.
    let run = try Self.run(
      partsPerMillion: 0, seconds: 1_000, correction: 500, sampled: { _ in 1.8 }
    ) { _ in 2 }
    #expect(run.driver.clockCorrection.partsPerMillion == 500)
    #expect(run.driver.clockCorrection.acceptedWindows == 0)
    #expect(run.driver.clockCorrection.rejectedWindows == 16)
  }

  @Test func theCorrectionIsBounded() {
    #expect(ClockCorrection(partsPerMillion: .max).partsPerMillion == ClockCorrection.limit)
    #expect(ClockCorrection(partsPerMillion: .min).partsPerMillion == -ClockCorrection.limit)
    #expect(ClockCorrection.limit == 15_000)
  }

  /// An hour of a pulsed load on a chip that is 1 % fast, after learning.
  @Test(arguments: [-10_000, 10_000] as [Double])
  func chargeIsRightAfterLearning(partsPerMillion: Double) throws {
    let learning = try Self.run(partsPerMillion: partsPerMillion, seconds: 3_600) { _ in 1.5 }
    let learned = learning.driver.clockCorrection.partsPerMillion
    let run = try Self.run(
      partsPerMillion: partsPerMillion, seconds: 3_600, correction: learned
    ) { second in second % 7 < 3 ? -2.9 : 1.3 }
    #expect(abs(run.total - run.truth) <= 50e-6 * 2.9 * 3_600)
  }
}
