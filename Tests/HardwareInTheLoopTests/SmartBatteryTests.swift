// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// drivers/power/supply/sbs-battery.c, which turns the packet error code on by itself: with a word of
/// the specification that says 1.1 with it, every word goes with a third byte.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct SmartBatteryTests {
  @Test(arguments: [(11.1, -0.75, 25.0), (12.3, 1.2, -5.0), (9.9, 0, 41.3)])
  func sbsBattery(volts: Double, amperes: Double, celsius: Double) throws {
    let bench = try Bench.shared()
    let battery = SmartBatteryEmulator(
      seriesCells: 3, designCapacity: 4_400, stackVolts: volts)
    try bench.world.bus.attach(battery)
    defer { bench.world.bus.detach(battery.address) }
    battery.advance(
      toMicroseconds: 300_000_000, stackVolts: volts, amperes: amperes, celsius: celsius)
    _ = try bench.guest.run("mount -t tracefs none /sys/kernel/tracing 2>/dev/null")
    _ = try bench.guest.ask(
      "cd /sys/kernel/tracing && echo > trace && echo 1 > events/smbus/enable")
    let folder = try bench.bind("sbs-battery", 0x0B, "power_supply/*")
    defer { do { try bench.unbind(0x0B) } catch { Issue.record(error) } }
    func word(_ command: UInt8) throws -> Int {
      try bench.world.register(0x0B, command, littleEndian: true)
    }
    func signed(_ command: UInt8) throws -> Int {
      Int(Int16(truncatingIfNeeded: try word(command)))
    }
    // By what the pins see.
    let milliamperes = Int((amperes * 1_000).rounded())
    try bench.expect(
      folder,
      [
        ("voltage_now", Int((volts * 1_000).rounded()) * 1_000),
        ("current_now", milliamperes * 1_000),
        ("temp", Int((celsius * 10 + 2_731.5).rounded()) - 2_731),
        ("charge_full_design", 4_400_000), ("voltage_max_design", 11_100_000), ("present", 1),
        ("manufacture_year", 2026), ("manufacture_month", 11), ("manufacture_day", 23),
      ])
    // By the battery's own words.
    let wanted: [(file: String, value: Int)] = [
      ("current_avg", try signed(0x0B) * 1_000), ("capacity", try word(0x0D)),
      ("capacity_error_margin", try word(0x0C)), ("charge_now", try word(0x0F) * 1_000),
      ("charge_full", try word(0x10) * 1_000), ("time_to_empty_now", try minutes(word(0x11))),
      ("time_to_empty_avg", try minutes(word(0x12))),
      ("time_to_full_avg", try minutes(word(0x13))), ("cycle_count", try word(0x17)),
      ("constant_charge_current_max", try word(0x14) * 1_000),
      ("constant_charge_voltage_max", try word(0x15) * 1_000),
      ("voltage_min_design", try word(0x19) * 1_000),
    ]
    try bench.expect(folder, wanted)
    let status =
      amperes > 0 ? "Charging" : amperes < 0 ? "Discharging" : "Not charging"
    try bench.expect(
      folder,
      [
        (file: "status", value: status), (file: "capacity_level", value: "Normal"),
        (file: "health", value: "Unknown"), (file: "technology", value: "Li-ion"),
        (file: "manufacturer", value: "Sodalite"), (file: "model_name", value: "Emulated"),
        (file: "serial_number", value: "0001"),
      ])
    try energies(bench, folder)
    try errorCodes(bench)
  }

  /// 65,535 is for ever, and the driver makes minutes of it as of any other.
  private func minutes(_ word: Int) -> Int { word * 60 }

  /// The driver sets the mode for power, reads, and sets the mode back.
  private func energies(_ bench: Bench, _ folder: String) throws {
    let world = bench.world
    try write(world, [0x03, 0x00, 0x80])
    let wanted: [(file: String, value: Int)] = [
      ("energy_now", try world.register(0x0B, 0x0F, littleEndian: true) * 10_000),
      ("energy_full", try world.register(0x0B, 0x10, littleEndian: true) * 10_000),
      ("energy_full_design", try world.register(0x0B, 0x18, littleEndian: true) * 10_000),
    ]
    try write(world, [0x03, 0x00, 0x00])
    try bench.expect(folder, wanted)
    #expect(try world.register(0x0B, 0x03, littleEndian: true) == 0)
  }

  /// The kernel's packet error codes, of whoever asks for them: right ones are taken, and while a bit
  /// of each answer flips on the wire, no word is.
  private func errorCodes(_ bench: Bench) throws {
    // The driver's own words went with a code until here; it forgets the code when two of its threads
    // read a name at a time (sbs_read_string_data sets the flag back to what it was), so it is not
    // asked any further.
    let count = try bench.guest.ask(
      "grep -c 'smbus_result.*a=00b f=0004.*res=0' /sys/kernel/tracing/trace")
    #expect((Int(count) ?? 0) >= 20)
    let bus = bench.world.bus
    let ask = "i2cget -f -y 0 0x0b 0x09 wp"
    let right = try bench.guest.ask(ask)
    #expect(
      Int(right.dropFirst(2), radix: 16)
        == (try bench.world.register(0x0B, 0x09, littleEndian: true)))
    for seed: UInt64 in 1...5 {
      bus.faults = TransferFaults(probabilities: FaultProbabilities(corrupt: 1), seed: seed)
      let (text, status) = try bench.guest.run(ask)
      #expect(status != 0, "seed \(seed): \(text)")
      #expect(bus.faults.counts.corrupt > 0)
    }
    bus.faults = .none
    #expect(try bench.guest.ask(ask) == right)
  }

  private func write(_ world: World, _ bytes: [UInt8]) throws {
    var nothing = [UInt8]()
    var room = nothing.mutableSpan
    try world.bus.transfer(with: I2CAddress(0x0B), writing: bytes.span, reading: &room)
  }
}
