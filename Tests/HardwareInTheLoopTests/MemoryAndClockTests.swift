// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing

/// Memories and clocks, written and read by the kernel's drivers.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct MemoryAndClockTests {
  /// drivers/misc/eeprom/at24.c, which cuts a write into pages and waits for each.
  @Test func at24c32() throws {
    let bench = try Bench.shared()
    let folder = try bench.bind("24c32", 0x57)
    defer { do { try bench.unbind(0x57) } catch { Issue.record(error) } }
    let chip = bench.world.at24c32
    for place in chip.memory.indices { chip.memory[place] = UInt8(truncatingIfNeeded: place * 7) }
    let text = String(repeating: "sodium-ion ", count: 20)
    _ = try bench.guest.ask(
      "printf '\(text)' | dd of=\(folder)/eeprom bs=91 seek=11 conv=notrunc 2>&1", seconds: 60)
    // The last write cycle ends.
    bench.world.pass(milliseconds: 20)
    #expect(Array(chip.memory[1_001..<1_001 + text.utf8.count]) == Array(text.utf8))
    #expect(chip.memory[1_000] == UInt8(truncatingIfNeeded: 7_000))
    #expect(try contents(bench, folder, from: 0, count: 4_096) == chip.memory)
    _ = Agreement.note("\(folder)/eeprom")
  }

  /// drivers/misc/eeprom/at24.c as a 24c256: a FRAM answers the same way, only faster.
  @Test func mb85rc256v() throws {
    let bench = try Bench.shared()
    let folder = try bench.bind("24c256", 0x50)
    defer { do { try bench.unbind(0x50) } catch { Issue.record(error) } }
    let chip = bench.world.fram
    for place in chip.memory.indices {
      chip.memory[place] = UInt8(truncatingIfNeeded: place * 31 + place >> 8)
    }
    _ = try bench.guest.ask(
      "printf 'sodalite' | dd of=\(folder)/eeprom bs=1 seek=32760 conv=notrunc 2>&1")
    #expect(Array(chip.memory.suffix(8)) == Array("sodalite".utf8))
    #expect(try contents(bench, folder, from: 0, count: 512) == Array(chip.memory.prefix(512)))
    #expect(try contents(bench, folder, from: 32_256, count: 512) == Array(chip.memory.suffix(512)))
    _ = Agreement.note("\(folder)/eeprom")
  }

  private func contents(
    _ bench: Bench, _ folder: String, from start: Int, count: Int
  ) throws -> [UInt8] {
    let text = try bench.guest.ask(
      "dd if=\(folder)/eeprom bs=512 skip=\(start / 512) count=\(count / 512) 2>/dev/null | od -An -v -tx1",
      seconds: 120)
    return text.split { $0 == " " || $0 == "\n" }.compactMap { UInt8($0, radix: 16) }
  }

  /// drivers/rtc/rtc-ds1307.c: the time over the ends of a month and of a leap year's February.
  @Test func ds3231() throws {
    let bench = try Bench.shared()
    let world = bench.world
    // Twelve hours and PM, 11:59:58 in the evening: the driver changes it to 24 hours at once.
    try world.write(0x68, [0x00, 0x58, 0x59, 0x71, 0x05, 0x31, 0x12, 0x98])
    let folder = try bench.bind("ds3231", 0x68)
    defer { do { try bench.unbind(0x68) } catch { Issue.record(error) } }
    // The oscillator's stop flag of a new part: the kernel does not believe the time.
    #expect(try bench.guest.run("cat \(folder)/rtc/rtc*/date").status != 0)
    try world.write(0x68, [0x0F, 0x00])
    #expect(try world.register(0x68, 0x02, bytes: 1) == 0x23)
    let cases: [(set: [UInt8], date: String, time: String)] = [
      ([0x58, 0x59, 0x23, 0x07, 0x28, 0x02, 0x26], "2026-03-01", "00:00:03"),
      ([0x58, 0x59, 0x23, 0x03, 0x28, 0x02, 0x28], "2028-02-29", "00:00:03"),
      ([0x58, 0x59, 0x23, 0x04, 0x31, 0x12, 0x98], "2099-01-01", "00:00:03"),
      ([0x00, 0x30, 0x12, 0x01, 0x15, 0x06, 0x26], "2026-06-15", "12:30:05"),
    ]
    for (set, date, time) in cases {
      try world.write(0x68, [0x00] + set)
      world.pass(milliseconds: 5_300)
      try bench.expect(
        folder + "/rtc/rtc*",
        [(file: "date", value: date), (file: "time", value: time)])
    }
    // The other way: the kernel sets the clock.
    _ = try bench.guest.ask(
      "date -u -s '2027-08-09 10:11:12' >/dev/null && hwclock -u -w -f /dev/$(basename \(folder)/rtc/rtc*)"
    )
    let seconds = try world.register(0x68, 0x00, bytes: 3)
    #expect(seconds >> 8 == 0x1211 || seconds >> 8 == 0x1311, "\(String(seconds, radix: 16))")
    #expect(try world.register(0x68, 0x03, bytes: 4) == 0x02_09_08_27)
    for celsius in [25.25, -10.75, 40] {
      world.pins.celsius = celsius
      world.pass(milliseconds: 70_000)
      try bench.expect(
        folder + "/hwmon/hwmon*", [("temp1_input", Int((celsius * 1_000).rounded()))])
    }
    world.pins.celsius = 25
  }
}
