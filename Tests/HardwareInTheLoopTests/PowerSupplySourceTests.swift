// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `sodalite watch` in a guest, on a gauge that only the kernel's driver asks.
@Suite(
  .serialized,
  .enabled(
    if: Guest.folder != nil && Guest.share != nil && Guest.hours != nil,
    "another machine: Tools/hil --hours 0.1"))
struct PowerSupplySourceTests {
  @Test func `A battery of the kernel is estimated, and left alone`() throws {
    let machine = try ServedMachine(board: "Boards/emulated/board.yaml", charge: 0.35)
    _ = try machine.guest.ask("echo bq27441 0x55 > /sys/bus/i2c/devices/i2c-0/new_device")
    let name = try machine.guest.ask("ls /sys/class/power_supply")
    let before = try machine.guest.ask("cat /sys/class/power_supply/\(name)/capacity")
    let text = try machine.guest.ask(
      "\(ServedMachine.program) watch --supply \(name) --rate 2 --duration 6s --format json",
      seconds: 120)
    let truth = try machine.control(#"{"truth": null}"#)
    let rows = try text.split(separator: "\n").map {
      try #require(
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Double], "\($0)")
    }
    try #require(rows.count >= 10)
    let last = rows[rows.count - 1]
    let middle = try #require(last["stateOfCharge"])
    let half = try #require(last["halfWidth"])
    print(
      "hil: the kernel's gauge says \(before) %, watch \((middle * 1_000).rounded() / 10) ± "
        + "\((half * 1_000).rounded() / 10) %, true is \(truth.stateOfCharge * 100) %")
    #expect(abs(middle - truth.stateOfCharge) <= half)
    #expect(last["driverStateOfCharge"].map { Int(($0 * 100).rounded()) } == Int(before))
    // What the kernel says in millivolts, of a cell at rest.
    #expect(
      last["volts"]
        == (try #require(
          Double(try machine.guest.ask("cat /sys/class/power_supply/\(name)/voltage_now"))) / 1e6))
    let (mistake, status) = try machine.guest.run("\(ServedMachine.program) watch --supply nothing")
    #expect(status == 69 && mistake.contains("nothing: no battery of the kernel"), "\(mistake)")
  }
}
