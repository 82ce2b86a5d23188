// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import Testing

@Suite struct INA228TimingTests {
  /// The sum of the enabled conversion times, times the average: 3 · 1052 µs by default.
  static let cycles: [(UInt16, Int64)] = [
    (0xFB68, 3156), (0xF000, 150), (0xA000, 50), (0x9E00, 4120), (0xBFC2, 8240 * 16),
    (0xC038, 4120), (0xD24B, (84 + 84) * 64), (0xA101, 540 * 4),
    (0xA185, 2074 * 256),
  ]

  @Test(arguments: cycles.indices) func conversionReady(_ index: Int) throws {
    let (setting, time) = Self.cycles[index]
    var bench = try INA228Bench()
    try bench.set(0x01, setting)
    bench.run(time - 1)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(1)
    #expect(try bench.get(0x0B) & 2 == 2)
    #expect(try bench.get(0x0B) & 2 == 0, "reading DIAG_ALRT clears CNVRF")
    bench.run(time - 1)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(1)
    #expect(try bench.get(0x0B) & 2 == 2)
  }

  @Test func firstConversionFollowsStartUp() throws {
    var bench = try INA228Bench()
    bench.run(300 + 3155)
    #expect(try bench.get(0x0B) == 1)
    bench.run(1)
    #expect(try bench.get(0x0B) == 3)
  }

  @Test func fastClockFinishesEarly() throws {
    var bench = try INA228Bench(INA228Errors(clockPartsPerMillion: 10_000))
    try bench.set(0x01, 0xA185)
    // 530 944 µs / 1.01 = 525 687.1 µs
    bench.run(525_687)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(1)
    #expect(try bench.get(0x0B) & 2 == 2)
  }

  @Test func resultsDoNotClearReady() throws {
    var bench = try INA228Bench()
    bench.run(10_000)
    _ = try bench.get(0x05, 3)
    _ = try bench.get(0x07, 3)
    #expect(try bench.get(0x0B) & 2 == 2)
  }

  @Test func writingTheSettingsClearsReadyAndStartsAnew() throws {
    var bench = try INA228Bench()
    bench.run(10_000)
    try bench.set(0x01, 0xFB68)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(3155)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(1)
    #expect(try bench.get(0x0B) & 2 == 2)
  }

  @Test func conversionDelay() throws {
    var bench = try INA228Bench()
    try bench.set(0x00, 5 << 6)
    bench.run(10_000 + 3155)
    #expect(try bench.get(0x0B) & 2 == 0)
    bench.run(1)
    #expect(try bench.get(0x0B) & 2 == 2)
  }

  @Test func triggeredModeConvertsOnce() throws {
    var bench = try INA228Bench()
    try bench.set(0x01, 0x7B69)
    bench.run(12_624, shunt: 0.01, bus: 3, die: 20)
    #expect(try bench.get(0x0B) & 2 == 2)
    #expect(try bench.bus.signed20(0x40, 0x04) == 32_000)
    bench.run(1_000_000, shunt: 0.02, bus: 4, die: 30)
    #expect(try bench.get(0x0B) & 2 == 0)
    #expect(try bench.bus.signed20(0x40, 0x04) == 32_000)
    try bench.set(0x01, 0x7B69)
    bench.run(12_624, shunt: 0.02, bus: 4, die: 30)
    #expect(try bench.bus.signed20(0x40, 0x04) == 64_000)
    #expect(try bench.bus.signed20(0x40, 0x05) == 20_480)
    #expect(try bench.get(0x06) == 3840)
  }

  @Test func shutdownHoldsResults() throws {
    var bench = try INA228Bench()
    bench.run(10_000, shunt: 0.01)
    try bench.set(0x01, 0x0B68)
    bench.run(1_000_000, shunt: 0.05)
    #expect(try bench.bus.signed20(0x40, 0x04) == 32_000)
  }

  /// Half of a window at one current and half at another give the mean.
  @Test func averageSpansSteps() throws {
    var bench = try INA228Bench()
    try bench.set(0x01, 0xA003)
    bench.run(1_600, shunt: 0.01)
    bench.run(1_600, shunt: 0.03)
    #expect(try bench.bus.signed20(0x40, 0x04) == 64_000)
  }

  @Test func absentChipDoesNotConvert() throws {
    var bench = try INA228Bench()
    bench.chip.isPresent = false
    bench.run(1_000_000, shunt: 0.01)
    #expect(bench.chip.alertLine)
    bench.chip.isPresent = true
    #expect(try bench.get(0x0B) & 2 == 0)
    #expect(try bench.get(0x04, 3) == 0)
  }
}

@Suite struct INA228AlertTests {
  /// Limit register, its value, the flag, an input beyond the limit and one that just keeps it.
  struct Limit: Sendable {
    let register: UInt8
    let value: UInt16
    let flag: UInt64
    let beyond: (shunt: Double, bus: Double, die: Double)
    let inside: (shunt: Double, bus: Double, die: Double)
  }

  static let limits: [Limit] = [
    // 0x07D0 · 5 µV = 10 mV
    Limit(
      register: 0x0C, value: 0x07D0, flag: 0x40, beyond: (0.010_001, 3, 25),
      inside: (0.010, 3, 25)),
    Limit(
      register: 0x0D, value: 0xF830, flag: 0x20, beyond: (-0.010_001, 3, 25),
      inside: (-0.010, 3, 25)),
    // 1344 · 3.125 mV = 4.2 V; 640 · 3.125 mV = 2 V
    Limit(register: 0x0E, value: 1344, flag: 0x10, beyond: (0, 4.2003, 25), inside: (0, 4.2, 25)),
    Limit(register: 0x0F, value: 640, flag: 0x08, beyond: (0, 1.9997, 25), inside: (0, 2, 25)),
    // 45 °C
    Limit(register: 0x10, value: 5760, flag: 0x80, beyond: (0, 3, 45.01), inside: (0, 3, 45)),
    // CAL 4096: 32 000 · 15 360 / 16 384 = 30 000 counts; the limit is 117 · 256 = 29 952.
    Limit(
      register: 0x11, value: 117, flag: 0x04, beyond: (-0.01, 3, 25), inside: (-0.009_98, 3, 25)),
  ]

  @Test(arguments: limits.indices, [false, true])
  func transparent(_ index: Int, slow: Bool) throws {
    let limit = Self.limits[index]
    var bench = try INA228Bench()
    try bench.set(limit.register, limit.value)
    try bench.set(0x0B, slow ? 0x2000 : 0)
    bench.run(10_000, shunt: limit.inside.shunt, bus: limit.inside.bus, die: limit.inside.die)
    #expect(try bench.get(0x0B) & 0xFC == 0)
    #expect(bench.chip.alertLine)
    bench.run(10_000, shunt: limit.beyond.shunt, bus: limit.beyond.bus, die: limit.beyond.die)
    #expect(try bench.get(0x0B) & 0xFC == limit.flag)
    #expect(try bench.get(0x0B) & 0xFC == limit.flag, "reading does not clear it")
    #expect(!bench.chip.alertLine)
    bench.run(10_000, shunt: limit.inside.shunt, bus: limit.inside.bus, die: limit.inside.die)
    #expect(try bench.get(0x0B) & 0xFC == 0)
    #expect(bench.chip.alertLine)
  }

  @Test(arguments: limits.indices) func latched(_ index: Int) throws {
    let limit = Self.limits[index]
    var bench = try INA228Bench()
    try bench.set(limit.register, limit.value)
    try bench.set(0x0B, 0x8000)
    bench.run(10_000, shunt: limit.beyond.shunt, bus: limit.beyond.bus, die: limit.beyond.die)
    bench.run(10_000, shunt: limit.inside.shunt, bus: limit.inside.bus, die: limit.inside.die)
    #expect(!bench.chip.alertLine)
    #expect(try bench.get(0x0B) & 0xFC == limit.flag)
    #expect(bench.chip.alertLine)
    #expect(try bench.get(0x0B) & 0xFC == 0)
  }

  @Test func severalLimitsAtOnce() throws {
    var bench = try INA228Bench()
    try bench.set(0x0E, 1344)
    try bench.set(0x10, 5760)
    bench.run(10_000, bus: 4.3, die: 50)
    #expect(try bench.get(0x0B) & 0xFC == 0x90)
  }

  @Test func polarity() throws {
    var bench = try INA228Bench()
    try bench.set(0x0E, 1344)
    try bench.set(0x0B, 0x1000)
    bench.run(10_000, bus: 3)
    #expect(!bench.chip.alertLine)
    bench.run(10_000, bus: 4.3)
    #expect(bench.chip.alertLine)
  }

  /// A fast alert sees the first bad conversion; a slow one waits for the average.
  @Test func slowAlertWaitsForTheAverage() throws {
    for slow in [false, true] {
      var bench = try INA228Bench()
      try bench.set(0x0E, 1344)
      try bench.set(0x0B, slow ? 0x2000 : 0)
      try bench.set(0x01, 0x9B6F)
      bench.run(1_052 * 4, bus: 4.3)
      #expect(bench.chip.alertLine == slow)
      bench.run(1_052 * 1020, bus: 4.3)
      #expect(!bench.chip.alertLine)
    }
  }

  @Test func readyPinPulsesOrHolds() throws {
    var bench = try INA228Bench()
    try bench.set(0x01, 0xA000)
    try bench.set(0x0B, 0x4000)
    bench.run(1_000)
    #expect(bench.chip.alertLine)
    #expect(bench.chip.alertActivations == 20)
    try bench.set(0x0B, 0xC000)
    bench.run(1_000)
    #expect(!bench.chip.alertLine)
    #expect(try bench.get(0x0B) & 2 == 2)
    #expect(bench.chip.alertLine)
  }
}
