// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Foundation
import Testing
import VirtioBackends

/// What the pins of all chips see.
struct Pins {
  var shuntVolts = 0.0
  var volts = 3.1
  var amperes = 0.0
  var celsius = 25.0
  var inputs = SIMD4(0.0, 0, 0, 0)
  /// Of chips that only a pack can supply.
  var packVolts = 12.0
}

/// Ideal chips on one bus, behind a guest.
///
/// Time passes for them when a test says so, and a little with each transfer, so that a driver that
/// waits for a conversion finds it done.
final class World: GPIOLines {
  let bus = EmulatedI2CBus()
  let ina226 = INA226Emulator(address: I2CAddress(0x40))
  let ina219 = INA219Emulator(address: I2CAddress(0x41))
  let ina238 = INA228Emulator(address: I2CAddress(0x45), variant: .ina238)
  let ads1115 = ADS1115Emulator(address: I2CAddress(0x49))
  let tmp117 = TMP117Emulator(address: I2CAddress(0x48))
  let tmp102 = TMP102Emulator(address: I2CAddress(0x4A))
  let bq27441 = BQ27441Emulator(variant: .bq27441, cellVolts: 3.7)
  let max17048 = MAX17048Emulator(cellVolts: 3.7)
  let max17055 = MAX17055Emulator(cellVolts: 3.7)
  let at24c32 = AT24C32Emulator(address: I2CAddress(0x57), writeMicroseconds: 5_000)
  let fram = MB85RC256VEmulator(address: I2CAddress(0x50))
  let ds3231 = DS3231Emulator()
  let bq34z100 = BQ34Z100Emulator()
  let ltc2943 = LTC2943Emulator(variant: .ltc2943, packVolts: 12)
  let ltc2944 = LTC2943Emulator(variant: .ltc2944, packVolts: 12)
  var pins = Pins()
  private(set) var now: Int64 = 0

  /// Of the four lines: what the world drives, and what the guest drives.
  var levels = [false, false, false, false]
  private(set) var driven: [Bool?] = [nil, nil, nil, nil]
  /// Called when the guest drives a line.
  var whenDriven: (Int, Bool) -> Void = { _, _ in }

  init() throws {
    let targets: [any I2CTarget] = [
      ina226, ina219, ina238, ads1115, tmp117, tmp102, bq27441, max17048, at24c32, fram, ds3231,
      ltc2943,
    ]
    for target in targets { try bus.attach(target) }
  }

  func pass(milliseconds: Int64) {
    now += milliseconds * 1_000
    ina226.advance(
      toMicroseconds: now, shuntVolts: pins.shuntVolts, busVolts: pins.volts,
      dieCelsius: pins.celsius)
    ina219.advance(
      toMicroseconds: now, shuntVolts: pins.shuntVolts, busVolts: pins.volts,
      dieCelsius: pins.celsius)
    ina238.advance(
      toMicroseconds: now, shuntVolts: pins.shuntVolts, busVolts: pins.volts,
      dieCelsius: pins.celsius)
    ads1115.advance(toMicroseconds: now, inputs: pins.inputs)
    tmp117.advance(toMicroseconds: now, celsius: pins.celsius)
    tmp102.advance(toMicroseconds: now, celsius: pins.celsius)
    bq27441.advance(
      toMicroseconds: now, cellVolts: pins.volts, amperes: pins.amperes, celsius: pins.celsius)
    max17048.advance(toMicroseconds: now, cellVolts: pins.volts, celsius: pins.celsius)
    max17055.advance(
      toMicroseconds: now, cellVolts: pins.volts, shuntVolts: pins.shuntVolts,
      celsius: pins.celsius)
    at24c32.advance(toMicroseconds: now)
    ds3231.advance(toMicroseconds: now, celsius: pins.celsius)
    // Its divider is one to five.
    bq34z100.advance(
      toMicroseconds: now, pinVolts: pins.volts / 5, shuntVolts: pins.shuntVolts,
      celsius: pins.celsius)
    for counter in [ltc2943, ltc2944] {
      counter.advance(
        toMicroseconds: now, packVolts: pins.packVolts, shuntVolts: pins.shuntVolts,
        celsius: pins.celsius)
    }
  }

  /// A register as the chip sends it, read without the guest.
  func register(_ address: UInt8, _ pointer: UInt8, bytes: Int = 2, littleEndian: Bool = false)
    throws -> Int
  {
    let question = [pointer]
    var answer = [UInt8](repeating: 0, count: bytes)
    var room = answer.mutableSpan
    try bus.transfer(with: I2CAddress(address), writing: question.span, reading: &room)
    return (littleEndian ? answer.reversed() : answer).reduce(0) { $0 << 8 | Int($1) }
  }

  /// Writes bytes to a chip, without the guest.
  func write(_ address: UInt8, _ bytes: [UInt8]) throws {
    var nothing = [UInt8]()
    var room = nothing.mutableSpan
    try bus.transfer(with: I2CAddress(address), writing: bytes.span, reading: &room)
  }

  // MARK: - Lines

  var names: [String] { ["ALERT", "CHARGE", "DISCHARGE", ""] }
  func level(of line: Int) -> Bool { levels[line] }
  func drive(_ line: Int, high: Bool) {
    driven[line] = high
    whenDriven(line, high)
  }
}

/// A guest with a world, shared by the tests of this target: to boot takes seconds.
///
/// Only tests use it, one at a time.
struct Bench {
  let world: World
  let i2c: VirtioI2C<EmulatedI2CBus>
  let gpio: VirtioGPIO
  /// The lines' way to the guest.
  let lineServer: VhostUserServer
  let guest: Guest

  nonisolated(unsafe) private static var made: Bench?

  static func shared() throws -> Bench {
    if let bench = unsafe made { return bench }
    // The other machine boots meanwhile, served by a process of its own.
    if Guest.share != nil { _ = try ServedMachine.shared() }
    let bench = try Bench()
    unsafe made = bench
    // The machine would need seconds to see that nobody serves it any more.
    atexit { unsafe Bench.made = nil }
    try bench.guest.boot()
    print("hil: the guest booted in \(bench.guest.bootSeconds ?? 0) s")
    return bench
  }

  init() throws {
    let world = try World()
    self.world = world
    i2c = VirtioI2C(bus: world.bus) { world.pass(milliseconds: 20) }
    let gpio = VirtioGPIO(world)
    self.gpio = gpio
    let directory = try Guest.directory()
    let busServer = try VhostUserServer(path: directory.path + "/i2c", device: i2c)
    let lineServer = try VhostUserServer(path: directory.path + "/gpio", device: gpio)
    self.lineServer = lineServer
    var options: [String] = []
    for name in ["i2c", "gpio"] {
      options += [
        "-chardev", "socket,id=\(name),path=\(directory.path)/\(name)", "-device",
        "vhost-user-\(name)-pci,chardev=\(name)",
      ]
    }
    guest = try Guest(directory: directory, options: options, serving: [busServer, lineServer])
    guest.afterServing = {
      gpio.levelsMayHaveChanged(lineServer.queues)
      lineServer.flush()
    }
  }

  /// Lets a driver of the kernel take a chip.
  ///
  /// - Parameter pattern: of the folder's name below the device's.
  /// - Returns: the one folder of that name.
  func bind(_ driver: String, _ address: UInt8, _ pattern: String = ".") throws -> String {
    let hex = String(address, radix: 16)
    _ = try guest.ask("echo \(driver) 0x\(hex) > /sys/bus/i2c/devices/i2c-0/new_device")
    let digits = String(repeating: "0", count: 4 - hex.count) + hex
    let folder = "/sys/bus/i2c/devices/0-\(digits)"
    let (text, status) = try guest.run("readlink \(folder)/driver")
    let said = try guest.ask("dmesg | tail -3")
    try #require(status == 0, "\(driver) is not bound: \(text) \(said)")
    return try guest.ask("cd \(folder)/\(pattern) && pwd")
  }

  /// Takes the driver off again.
  func unbind(_ address: UInt8) throws {
    let hex = String(address, radix: 16)
    _ = try guest.ask("echo 0x\(hex) > /sys/bus/i2c/devices/i2c-0/delete_device")
    print("hil: \(unsafe Agreement.files.count) files agreed so far")
  }

  /// Compares files of the kernel with what they should say; both are in the test's message.
  func expect(_ folder: String, _ wanted: [(file: String, value: String)]) throws {
    let names = wanted.map(\.file).joined(separator: " ")
    let text = try guest.ask("cd \(folder) && for f in \(names); do echo $(cat $f 2>&1); done")
    let seen = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    try #require(seen.count == wanted.count, "\(text)")
    for (file, (name, value)) in zip(seen, wanted) {
      #expect(file == value, "\(folder)/\(name)")
      if file == value { _ = Agreement.note("\(folder)/\(name)") }
    }
  }

  func expect(_ folder: String, _ wanted: [(file: String, value: Int)]) throws {
    try expect(folder, wanted.map { (file: $0.file, value: "\($0.value)") })
  }
}

/// The files of the kernel that agreed at least once.
enum Agreement {
  nonisolated(unsafe) static var files: Set<String> = []

  /// Counts a file that was compared as a whole.
  static func note(_ file: String) -> Int {
    unsafe files.insert(file)
    return unsafe files.count
  }
}

/// As the kernel's DIV_ROUND_CLOSEST: to the nearest, halves away from zero.
func roundedQuotient(_ value: Int, _ divisor: Int) -> Int {
  (value + (value < 0 ? -divisor / 2 : divisor / 2)) / divisor
}
