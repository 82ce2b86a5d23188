// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// Drivers of the Linux kernel 6.1, which nobody here wrote, read the emulated chips.
///
/// What the pins see is converted by the datasheet's step and then by the driver's formula (named at
/// each test by its file in the kernel's source); the file in /sys must say the same to the last
/// digit.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct KernelDriverTests {
  /// Shunt and bus voltages: at rest, both ways, near both ends, and where truncating shows.
  static let electrical: [(shunt: Double, bus: Double)] = [
    (0, 0), (-0.010, 3.0575), (0.015_0025, 1.995), (0.081_915, 25.9), (-0.081_92, 2.5),
    (0.000_0025, 3.1), (-0.000_0125, 4.2),
  ]

  /// drivers/hwmon/ina2xx.c.
  @Test func ina226() throws {
    let bench = try Bench.shared()
    let world = bench.world
    let folder = try bench.bind("ina226", 0x40, "hwmon/hwmon*")
    defer { do { try bench.unbind(0x40) } catch { Issue.record(error) } }
    try bench.expect(folder, [("name", "ina226")])
    try bench.expect(folder, [("shunt_resistor", 10_000), ("update_interval", 35)])
    for (shunt, bus) in Self.electrical {
      world.pins.shuntVolts = shunt
      world.pins.volts = bus
      world.pass(milliseconds: 200)
      let shuntCode = min(max(Int((shunt * 400_000).rounded()), -32_768), 32_767)
      let busCode = Int((bus * 800).rounded())
      let power = abs(shuntCode) * busCode / 20_000
      let wanted: [(file: String, value: Int)] = [
        ("in0_input", roundedQuotient(shuntCode, 400)),
        ("in1_input", roundedQuotient(busCode * 1_250, 1_000)),
        ("curr1_input", roundedQuotient(shuntCode * 250, 1_000)),
        ("power1_input", power * 6_250),
      ]
      try bench.expect(folder, wanted)
    }
    // Another shunt: the driver computes its current anew.
    _ = try bench.guest.ask("echo 2000 > \(folder)/shunt_resistor")
    try bench.expect(folder, [("shunt_resistor", 2_000), ("curr1_input", -6)])
    // A limit, and the alarm behind it, by the chip's own comparison.
    world.pins.volts = 3.0
    _ = try bench.guest.ask("echo 3500 > \(folder)/in1_crit")
    world.pass(milliseconds: 200)
    try bench.expect(folder, [("in1_crit", 3_500), ("in1_crit_alarm", 0)])
    world.pins.volts = 3.6
    world.pass(milliseconds: 200)
    try bench.expect(folder, [("in1_crit_alarm", 1)])
  }

  /// drivers/hwmon/ina2xx.c.
  @Test func ina219() throws {
    let bench = try Bench.shared()
    let world = bench.world
    let folder = try bench.bind("ina219", 0x41, "hwmon/hwmon*")
    defer { do { try bench.unbind(0x41) } catch { Issue.record(error) } }
    for (shunt, bus) in Self.electrical {
      world.pins.shuntVolts = shunt
      world.pins.volts = bus
      world.pass(milliseconds: 200)
      let shuntCode = Int((shunt * 100_000).rounded())
      let busCode = Int((bus * 250).rounded())
      let power = abs(shuntCode) * busCode / 5_000
      let wanted: [(file: String, value: Int)] = [
        ("in0_input", roundedQuotient(shuntCode, 100)), ("in1_input", busCode * 4),
        ("curr1_input", shuntCode), ("power1_input", power * 20_000),
      ]
      try bench.expect(folder, wanted)
    }
  }

  /// drivers/hwmon/ina238.c: the INA228's engine, seen through 16 bits.
  @Test func ina238() throws {
    let bench = try Bench.shared()
    let world = bench.world
    let folder = try bench.bind("ina238", 0x45, "hwmon/hwmon*")
    defer { do { try bench.unbind(0x45) } catch { Issue.record(error) } }
    for (index, (shunt, bus)) in Self.electrical.enumerated() {
      world.pins.shuntVolts = shunt
      world.pins.volts = bus
      world.pins.celsius = -40 + Double(index) * 20.0625
      world.pass(milliseconds: 2_000)
      // The driver's range is ±163.84 mV and its SHUNT_CAL 0x4000; the 16 bits are the upper ones.
      let shunt20 = Int((shunt * 3_200_000).rounded())
      let bus20 = Int((bus * 5_120).rounded())
      let current16 = (shunt20 * 4_096 / 16_384) >> 4
      let power = abs(shunt20) * bus20 / (4 * 16_384)
      let die = Int((world.pins.celsius * 128).rounded()) >> 4
      let wanted: [(file: String, value: Int)] = [
        ("in0_input", (shunt20 >> 4) * 5 / 1_000),
        ("in1_input", (bus20 >> 4) * 3_125 / 1_000),
        ("curr1_input", current16 * 2),
        ("power1_input", power * 400),
        ("temp1_input", die * 125),
      ]
      try bench.expect(folder, wanted)
    }
    world.pins.celsius = 25
  }

  /// drivers/iio/adc/ti-ads1015.c, at its first range of ±2.048 V.
  @Test func ads1115() throws {
    let bench = try Bench.shared()
    let folder = try bench.bind("ads1115", 0x49, "iio:device*")
    defer { do { try bench.unbind(0x49) } catch { Issue.record(error) } }
    let cases: [SIMD4<Double>] = [
      SIMD4(0, 1.25, 2.0479375, 0.0000625), SIMD4(2.5, 0.1, 1.0000625, 2.0),
    ]
    for inputs in cases {
      bench.world.pins.inputs = inputs
      let codes = (0..<4).map { min(Int((inputs[$0] / 0.000_062_5).rounded()), 32_767) }
      var wanted = (0..<4).map { (file: "in_voltage\($0)_raw", value: codes[$0]) }
      for (first, second) in [(0, 1), (0, 3), (1, 3), (2, 3)] {
        let volts = inputs[first] - inputs[second]
        let code = min(max(Int((volts / 0.000_062_5).rounded()), -32_768), 32_767)
        wanted.append((file: "in_voltage\(first)-voltage\(second)_raw", value: code))
      }
      try bench.expect(folder, wanted)
    }
    try bench.expect(folder, [(file: "in_voltage0_scale", value: "0.062500000")])
    // Another range and rate, through the driver.
    _ = try bench.guest.ask(
      "cd \(folder) && echo 0.125 > in_voltage0_scale && echo 860 > in_voltage0_sampling_frequency")
    try bench.expect(folder, [("in_voltage0_raw", 20_000), ("in_voltage1_raw", 1_600)])
  }

  /// drivers/iio/temperature/tmp117.c.
  @Test(arguments: [25, -40, 0, -0.007_812_5, 85.5, 150]) func tmp117(celsius: Double) throws {
    let bench = try Bench.shared()
    let folder = try bench.bind("tmp117", 0x48, "iio:device*")
    defer { do { try bench.unbind(0x48) } catch { Issue.record(error) } }
    bench.world.pins.celsius = celsius
    defer { bench.world.pins.celsius = 25 }
    bench.world.pass(milliseconds: 2_500)
    try bench.expect(
      folder,
      [
        (file: "in_temp_raw", value: "\(Int((celsius * 128).rounded()))"),
        (file: "in_temp_scale", value: "7.812500"), (file: "in_temp_calibbias", value: "0"),
      ])
    _ = try bench.guest.ask("echo -13 > \(folder)/in_temp_calibbias")
    bench.world.pass(milliseconds: 2_500)
    let shifted = max(Int((celsius * 128).rounded()) - 13, -32_768)
    try bench.expect(folder, [("in_temp_raw", shifted), ("in_temp_calibbias", -13)])
    _ = try bench.guest.ask("echo 0 > \(folder)/in_temp_calibbias")
  }

  /// drivers/hwmon/tmp102.c, which chooses the 13-bit format.
  @Test func tmp102() throws {
    let bench = try Bench.shared()
    let folder = try bench.bind("tmp102", 0x4A, "hwmon/hwmon*")
    defer { do { try bench.unbind(0x4A) } catch { Issue.record(error) } }
    defer { bench.world.pins.celsius = 25 }
    // The driver gives the chip 35 ms of the guest's time.
    _ = try bench.guest.ask("usleep 60000")
    for celsius in [25, -40, -0.0625, 99.9375, 127.9375, 150.0] {
      bench.world.pins.celsius = celsius
      bench.world.pass(milliseconds: 1_000)
      try bench.expect(
        folder, [(file: "temp1_input", value: Int((celsius * 16).rounded()) * 1_000 / 16)])
    }
    _ = try bench.guest.ask("cd \(folder) && echo 45000 > temp1_max && echo 40000 > temp1_max_hyst")
    try bench.expect(folder, [("temp1_max", 45_000), ("temp1_max_hyst", 40_000)])
  }

  /// drivers/power/supply/bq27xxx_battery.c.
  @Test(arguments: [(3.7, -0.2, 25.05), (4.15, 0.75, -5), (3.05, -1.337, 45.5), (3.3, 0, 10)])
  func bq27441(volts: Double, amperes: Double, celsius: Double) throws {
    let bench = try Bench.shared()
    let world = bench.world
    world.pins.volts = volts
    world.pins.amperes = amperes
    world.pins.celsius = celsius
    defer {
      world.pins.amperes = 0
      world.pins.celsius = 25
    }
    world.pass(milliseconds: 5_000)
    // The driver keeps what it has read for five seconds; here it is bound anew for each case.
    let folder = try bench.bind("bq27441", 0x55, "power_supply/*")
    defer { do { try bench.unbind(0x55) } catch { Issue.record(error) } }
    func word(_ command: UInt8) throws -> Int {
      try world.register(0x55, command, littleEndian: true)
    }
    let flags = try word(0x06)
    let current = Int((amperes * 1_000).rounded()) * 1_000
    let status =
      current > 0
      ? "Charging" : current < 0 ? "Discharging" : flags & 0x200 != 0 ? "Full" : "Not charging"
    let level =
      flags & 0x200 != 0
      ? "Full" : flags & 0x4 != 0 ? "Low" : flags & 0x2 != 0 ? "Critical" : "Normal"
    let wanted: [(file: String, value: String)] = [
      ("status", status), ("present", "1"), ("capacity_level", level),
      ("voltage_now", "\(Int((volts * 1_000).rounded()) * 1_000)"), ("current_now", "\(current)"),
      ("temp", "\(Int(((celsius + 273.15) * 10).rounded()) - 2_731)"),
      ("capacity", "\(try word(0x1C))"), ("charge_full", "\(try word(0x0E) * 1_000)"),
      ("charge_now", "\(try word(0x08) * 1_000)"),
      ("charge_full_design", "\(try word(0x3C) * 1_000)"), ("technology", "Li-ion"),
      ("manufacturer", "Texas Instruments"),
    ]
    try bench.expect(folder, wanted)
    // The design capacity of a new part, and a charge that belongs to the percentage.
    try bench.expect(folder, [(file: "charge_full_design", value: "1340000")])
    let percent = try word(0x1C)
    let share = Double(try word(0x08)) * 100 / Double(try word(0x0E))
    #expect(abs(share - Double(percent)) <= 0.55)
  }

  /// drivers/power/supply/max17040_battery.c, which at a part without a device tree writes RCOMP 0.
  @Test(arguments: [3.7, 4.2, 3.0, 2.5]) func max17048(volts: Double) throws {
    let bench = try Bench.shared()
    let world = bench.world
    world.pins.volts = volts
    world.max17048.powerCycle()
    world.pass(milliseconds: 3_000)
    let folder = try bench.bind("max17048", 0x36, "power_supply/*")
    defer { do { try bench.unbind(0x36) } catch { Issue.record(error) } }
    #expect(try world.register(0x36, 0x0C) == 0x001C)
    // Steps of 78.125 µV; the lower byte of the charge is its fraction.
    let code = Int((volts / 78.125e-6).rounded())
    try bench.expect(
      folder,
      [
        ("voltage_now", code * 625 / 8), ("capacity", try world.register(0x36, 0x04) >> 8),
        ("online", 1),
      ])
  }

  /// drivers/power/supply/max17042_battery.c; it takes the shunt for 10 mΩ.
  @Test(arguments: [(3.7, -0.003_209_375), (4.2, 0.005), (3.2, 0), (3.0, -0.02)])
  func max17055(volts: Double, shuntVolts: Double) throws {
    let bench = try Bench.shared()
    let world = bench.world
    world.bus.detach(world.max17048.address)
    try world.bus.attach(world.max17055)
    defer {
      world.bus.detach(world.max17055.address)
      do { try world.bus.attach(world.max17048) } catch { Issue.record(error) }
      world.pins.shuntVolts = 0
    }
    world.pins.volts = volts
    world.pins.shuntVolts = shuntVolts
    world.max17055.powerCycle()
    world.pass(milliseconds: 60_000)
    let folder = try bench.bind("max17055", 0x36, "power_supply/*")
    defer { do { try bench.unbind(0x36) } catch { Issue.record(error) } }
    _ = try bench.guest.ask("sleep 0.3")
    // Without the driver's polling nothing moves between its reading and ours.
    func word(_ register: UInt8) throws -> Int {
      try world.register(0x36, register, littleEndian: true)
    }
    func signed(_ value: Int) -> Int { value > 32_767 ? value - 65_536 : value }
    let current = signed(Int((shuntVolts / 1.5625e-6).rounded()) & 0xFFFF)
    let minMax = try word(0x1B)
    let wanted: [(file: String, value: Int)] = [
      ("present", 1), ("voltage_now", Int((volts / 78.125e-6).rounded()) * 625 / 8),
      ("voltage_avg", try word(0x19) * 625 / 8), ("voltage_ocv", try word(0xFB) * 625 / 8),
      ("voltage_min", (minMax & 0xFF) * 20_000), ("voltage_max", (minMax >> 8) * 20_000),
      ("voltage_min_design", (try word(0x3A) >> 7) * 10_000),
      ("current_now", current * 1_562_500 / 10_000), ("current_avg", current * 1_562_500 / 10_000),
      ("capacity", try word(0x06) >> 8), ("charge_full", try word(0x10) * 500),
      ("charge_full_design", try word(0x18) * 500), ("charge_now", try word(0x05) * 500),
      ("charge_counter", signed(try word(0x4D)) * 500),
      ("charge_term_current", try word(0x1E) * 1_562_500 / 10_000),
      ("temp", 250), ("temp_alert_min", signed8(try word(0x02)) * 10),
      ("temp_alert_max", signed8(try word(0x02) >> 8) * 10), ("cycle_count", try word(0x17)),
      ("time_to_empty_now", try word(0x11) * 5_625 / 1_000),
    ]
    try bench.expect(folder, wanted)
    // A design of 1500 mAh, charged or discharged by what flowed in a minute and a little.
    try bench.expect(folder, [("charge_full_design", 1_500_000)])
  }

  private func signed8(_ value: Int) -> Int {
    Int(Int8(truncatingIfNeeded: value))
  }
}
