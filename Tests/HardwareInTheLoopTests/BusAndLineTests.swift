// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Testing
import VirtioBackends

/// The kernel's bus and lines themselves, without a driver for a chip.
@Suite(.serialized, .enabled(if: Guest.folder != nil, "needs a guest: run Tools/hil"))
struct BusAndLineTests {
  @Test func `A scan finds who is there`() throws {
    let bench = try Bench.shared()
    let text = try bench.guest.ask("i2cdetect -y 0", seconds: 60)
    let found = text.split(separator: "\n").dropFirst().flatMap {
      $0.split(separator: " ").dropFirst().compactMap { UInt8($0, radix: 16) }
    }
    #expect(
      found == [0x36, 0x40, 0x41, 0x45, 0x48, 0x49, 0x4A, 0x50, 0x55, 0x57, 0x64, 0x68], "\(text)")
  }

  @Test func `Refused transfers are errors in the guest`() throws {
    let bench = try Bench.shared()
    let (_, absent) = try bench.guest.run("i2cget -y 0 0x42 0 w")
    #expect(absent != 0)
    bench.world.bus.faults.strikeNext(.noAcknowledge)
    let (_, struck) = try bench.guest.run("i2cget -y 0 0x48 0x0f w")
    #expect(struck != 0)
    #expect(try bench.guest.ask("i2cget -y 0 0x48 0x0f w") == "0x1701")
  }

  @Test func `The kernel knows the lines`() throws {
    let bench = try Bench.shared()
    let text = try bench.guest.ask("cat /sys/bus/gpio/devices/gpiochip*/uevent; ls /dev/gpiochip*")
    #expect(text.contains("/dev/gpiochip"), "\(text)")
    // By the old interface, which the shell can use: an output and an input.
    let gpio = "/sys/class/gpio"
    let base = try bench.guest.ask("cat $(dirname $(grep -l ^virtio \(gpio)/gpiochip*/label))/base")
    guard let first = Int(base) else {
      Issue.record("no number: \(base)")
      return
    }
    _ = try bench.guest.ask("echo \(first + 1) > \(gpio)/export; echo \(first) > \(gpio)/export")
    _ = try bench.guest.ask("echo high > \(gpio)/CHARGE/direction")
    #expect(bench.world.driven[1] == true)
    _ = try bench.guest.ask("echo 0 > \(gpio)/CHARGE/value")
    #expect(bench.world.driven[1] == false)
    for level in [true, false, true] {
      bench.world.levels[0] = level
      #expect(try bench.guest.ask("cat \(gpio)/ALERT/value") == (level ? "1" : "0"))
    }
  }
}
