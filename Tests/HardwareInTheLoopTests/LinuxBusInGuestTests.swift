// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The tests of LinuxBus, run by the guest's kernel on the devices that it made of a served board.
@Suite(
  .serialized,
  .enabled(if: Guest.folder != nil && Guest.share != nil, "needs a guest: run Tools/hil"))
struct LinuxBusInGuestTests {
  @Test func `They pass on the guest's devices`() throws {
    let machine = try ServedMachine.shared()
    try machine.guest.send(
      "SODALITE_DEVICES=\(ServedMachine.board) SODALITE_EDGES=1 chroot /host /bin/tests "
        + "--testing-library swift-testing --no-parallel --filter '^LinuxBusTests\\.OnDevicesTests'"
    )
    // What waits for an edge gets one with each turn.
    let (text, status) = try machine.guest.result(seconds: 60) {
      try machine.control(#"{"glitch": "ALERT"}"#)
    }
    #expect(status == 0, "\(text)")
    let passed = text.split(separator: "\n").filter {
      $0.contains("✔ Test ") && $0.contains(" passed after ") && !$0.contains("✔ Test run ")
    }
    print("hil: \(passed.count) tests of LinuxBus passed in the guest")
    #expect(passed.count == 7, "\(text)")
    // Whatever was taken is open again.
    let truth = try machine.control(#"{"truth": null}"#)
    #expect(!truth.allowsCharge && !truth.allowsDischarge)
  }
}
