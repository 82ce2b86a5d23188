// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// Gauges and counters of packs, read by the kernel's drivers.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct PackGaugeTests {
  /// drivers/power/supply/bq27xxx_battery.c; `energy_now` and `power_avg` are left out, as the driver reads
  /// the one in the wrong unit and the other from a wrong register (SLUUBW5A, 10 mWh, and 26h).
  @Test(arguments: [(3.7, -0.2, 25.05), (4.15, 0.75, -5), (3.05, -1.337, 56.5), (3.3, 0, 10)])
  func bq34z100(volts: Double, amperes: Double, celsius: Double) throws {
    let bench = try Bench.shared()
    let world = bench.world
    world.bus.detach(world.bq27441.address)
    try world.bus.attach(world.bq34z100)
    defer {
      world.bus.detach(world.bq34z100.address)
      do { try world.bus.attach(world.bq27441) } catch { Issue.record(error) }
      world.pins = Pins()
    }
    // A gauge that was enabled in the factory of its pack.
    for subcommand in [0x0414, 0x3672, 0x0021, 0x0020] {
      try world.write(0x55, [0x00, UInt8(subcommand & 0xFF), UInt8(subcommand >> 8)])
    }
    world.pins.volts = volts
    world.pins.shuntVolts = amperes * 0.010
    world.pins.celsius = celsius
    world.pass(milliseconds: 5_000)
    let folder = try bench.bind("bq34z100", 0x55, "power_supply/*")
    defer { do { try bench.unbind(0x55) } catch { Issue.record(error) } }
    func word(_ command: UInt8) throws -> Int {
      try world.register(0x55, command, littleEndian: true)
    }
    let flags = try word(0x0E)
    let current = Int((amperes * 1_000).rounded()) * 1_000
    let status = current > 0 ? "Charging" : current < 0 ? "Discharging" : "Not charging"
    let level =
      flags & 0x200 != 0
      ? "Full" : flags & 0x4 != 0 ? "Low" : flags & 0x2 != 0 ? "Critical" : "Normal"
    let health = celsius >= 55 ? "Overheat" : flags & 0x2 != 0 ? "Dead" : "Good"
    let wanted: [(file: String, value: String)] = [
      ("status", status), ("present", "1"), ("capacity_level", level), ("health", health),
      ("voltage_now", "\(Int((volts * 1_000).rounded()) * 1_000)"), ("current_now", "\(current)"),
      ("temp", "\(Int((celsius * 10 + 2_731.5).rounded()) - 2_731)"),
      ("capacity", "\(try word(0x02) & 0xFF)"), ("charge_full", "\(try word(0x06) * 1_000)"),
      ("charge_now", "\(try word(0x04) * 1_000)"), ("charge_full_design", "1000000"),
      ("cycle_count", "\(try word(0x2C))"), ("technology", "Unknown"),
      ("manufacturer", "Texas Instruments"),
    ]
    try bench.expect(folder, wanted)
  }

  /// What the driver is told of the board; see Tools/guest/build.
  private static let shunt = (ohms: 0.050, milliohms: 50)
  /// At the largest prescaler and that shunt. Unit: µAh.
  private static let step = 340

  /// drivers/power/supply/ltc2941-battery-gauge.c, with its prescaler of 4096; the threshold of a new part is
  /// not compared, as the driver computes it beyond 31 bits and says −20.67 Ah.
  @Test func ltc2943() throws {
    let bench = try Bench.shared()
    let world = bench.world
    // Other tests have let currents flow through all shunts.
    world.pins = Pins()
    world.ltc2943.powerCycle()
    defer { world.pins = Pins() }
    let folder = try bench.bind("ltc2943", 0x64, "power_supply/*")
    defer { do { try bench.unbind(0x64) } catch { Issue.record(error) } }
    let cases = [(12.0, 0.4, 25.0), (19.9, -1.1, -20), (4.2, 0.0013, 70), (8.05, 0, 40)]
    for (volts, amperes, celsius) in cases {
      world.pins.packVolts = volts
      world.pins.shuntVolts = amperes * Self.shunt.ohms
      world.pins.celsius = celsius
      world.pass(milliseconds: 3_600_000)
      let range = try readings(world, fullScale: 23.6, currentRange: 0.060)
      let count = try world.register(0x64, 0x02)
      let wanted: [(file: String, value: Int)] = [
        // Integers as the driver divides them, down.
        ("voltage_now", range.volts * 47_200 / 65_535 * 500),
        ("current_now", 1_000 * ((range.shunt - 32_767) * 60_000 / (50 * 32_767))),
        ("temp", range.kelvin * 5_100 / 65_535 - 2_722), ("charge_now", count * Self.step),
        ("charge_counter", (count - 32_767) * Self.step),
        ("charge_empty", 0),
      ]
      try bench.expect(folder, wanted)
    }
    // An hour of each current, and what a count rounds off.
    let hours = cases.map(\.1).reduce(0, +)
    let counted = try world.register(0x64, 0x02) - 32_767
    #expect(abs(Double(counted * Self.step) * 1e-6 - hours) < 0.002, "\(counted)")
    // The kernel sets the count and both thresholds.
    _ = try bench.guest.ask(
      "cd \(folder) && echo 10000000 > charge_now && echo 12000000 > charge_full "
        + "&& echo 1000000 > charge_empty")
    let set = [10_000_000, 12_000_000, 1_000_000].map { $0 * 100 / 34_000 }
    #expect(try world.register(0x64, 0x02) == set[0])
    try bench.expect(
      folder,
      [
        ("charge_now", set[0] * Self.step), ("charge_full", set[1] * Self.step),
        ("charge_empty", set[2] * Self.step),
      ])
  }

  /// drivers/power/supply/ltc2941-battery-gauge.c, which takes the charge of this chip for that of an
  /// LTC2942, an eighth: only what is not counted can be compared.
  @Test func ltc2944() throws {
    let bench = try Bench.shared()
    let world = bench.world
    world.bus.detach(world.ltc2943.address)
    try world.bus.attach(world.ltc2944)
    defer {
      world.bus.detach(world.ltc2944.address)
      do { try world.bus.attach(world.ltc2943) } catch { Issue.record(error) }
      world.pins = Pins()
    }
    let folder = try bench.bind("ltc2944", 0x64, "power_supply/*")
    defer { do { try bench.unbind(0x64) } catch { Issue.record(error) } }
    for (volts, amperes, celsius) in [(48.0, 1.2, 25.0), (59.5, -1.25, -40), (10.5, 0, 85)] {
      world.pins.packVolts = volts
      world.pins.shuntVolts = amperes * Self.shunt.ohms
      world.pins.celsius = celsius
      world.pass(milliseconds: 20_000)
      let range = try readings(world, fullScale: 70.8, currentRange: 0.064)
      let wanted: [(file: String, value: Int)] = [
        ("voltage_now", range.volts * 56_640 / 65_535 * 1_250),
        ("current_now", 1_000 * ((range.shunt - 32_767) * 64_000 / (50 * 32_767))),
        ("temp", range.kelvin * 5_100 / 65_535 - 2_722),
      ]
      try bench.expect(folder, wanted)
    }
  }

  /// What the converter makes of the pins, by the datasheets' scales: 14, 12 and 11 bits at the upper end
  /// of a word.
  private func readings(
    _ world: World, fullScale: Double, currentRange: Double
  ) throws -> (volts: Int, shunt: Int, kelvin: Int) {
    func code(_ value: Double, _ step: Int) -> Int { Int((value / Double(step)).rounded()) * step }
    let pins = world.pins
    return (
      code(pins.packVolts / fullScale * 65_535, 4),
      code(32_767 + pins.shuntVolts / currentRange * 32_767, 16),
      code((pins.celsius + 273.15) / 510 * 65_535, 32)
    )
  }
}
