// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CLinuxI2C
import Foundation
import LinuxBus
import Simulation
import Testing

@testable import sodalite

/// What there is to test on, as `Tools/hil` says.
enum Devices {
  /// The board: a name or a path, as `sodalite probe` takes it.
  static let board = ProcessInfo.processInfo.environment["SODALITE_DEVICES"]
  /// Whether somebody moves the alert lines meanwhile.
  static let haveEdges = ProcessInfo.processInfo.environment["SODALITE_EDGES"] != nil
}

/// The bus and the lines of a board that is there: a real one, or one that a virtual machine has.
///
/// Nothing is configured, and switches are only ever held open. `Tools/hil` runs them in a guest, and
/// `Tools/hil --on-this-machine --board B` where it is called.
@Suite(
  .serialized,
  .enabled(if: Devices.board != nil, "needs a board: Tools/hil --on-this-machine --board B"))
struct OnDevicesTests {
  private let board: BoardDescription
  private let device: String

  init() throws {
    board = try BoardChoice.find(try #require(Devices.board)).board
    device = try #require(board.bus.device, "the board has no device of this machine")
  }

  /// A bus with the system's calls, which an emulated processor may take long for.
  private func bus(_ watched: WatchedCalls, attempts: Int = 3) throws(DeviceProblem) -> LinuxI2CBus
  {
    var policy = BusPolicy()
    policy.attempts = attempts
    policy.patience = 2_000_000
    policy.failuresBeforeReopen = .max
    return unsafe try LinuxI2CBus(
      path: device, policy: policy, calls: UnsafePointer(watched.calls), context: watched.context)
  }

  @Test(.timeLimit(.minutes(1))) func `Each chip says who it is`() throws {
    let watched = WatchedCalls(hidesMessages: false)
    var bus = try bus(watched)
    for chip in board.chips {
      let finding = ChipProbe.ask(chip.kind, at: chip.address, on: &bus)
      guard case .present = finding else {
        Issue.record("\(chip.kind) at \(chip.address): \(finding)")
        continue
      }
    }
    #expect(watched.seen.messages >= board.chips.count)
  }

  @Test(.timeLimit(.minutes(1))) func `By SMBus alone, each says the same`() throws {
    let plain = WatchedCalls(hidesMessages: false)
    let narrow = WatchedCalls(hidesMessages: true)
    var first = try bus(plain)
    var second = try bus(narrow)
    for chip in board.chips {
      let wanted = ChipProbe.ask(chip.kind, at: chip.address, on: &first)
      let found = ChipProbe.ask(chip.kind, at: chip.address, on: &second)
      // An address of two bytes before a read is no transfer of SMBus.
      #expect(found == (chip.kind == .mb85rc256v ? .failed(.unsupported) : wanted))
    }
    let counts = narrow.seen
    #expect(counts.messages == 0)
    if board.chips.contains(where: { $0.kind != .mb85rc256v }) { #expect(counts.smbus > 0) }
  }

  @Test(.timeLimit(.minutes(1))) func `Where nothing answers, an error and its hint say so`()
    throws
  {
    let watched = WatchedCalls(hidesMessages: false)
    var scan = try bus(watched, attempts: 1)
    let free = try #require(
      (UInt8(0x08)...0x77).first { address in
        !board.chips.contains { $0.address == address }
          && ChipProbe.call(address, on: &scan).map { !BusHint.isOwned($0) } == true
      }, "every address answers")
    var bus = try bus(watched)
    var buffer = [UInt8](repeating: 0xEE, count: 2)
    let pointer: [UInt8] = [0]
    do throws(I2CError) {
      var span = buffer.mutableSpan
      try bus.transfer(with: I2CAddress(free), writing: pointer.span, reading: &span)
      Issue.record("something answers at \(free)")
    } catch {
      // A virtual adapter only tells how many messages moved.
      #expect([.noAcknowledge, .shortTransfer].contains(error))
      let hint = BusHint.text(for: error, at: I2CAddress(free), on: device)
      #expect(hint.contains("check") && hint.contains("wiring"), "\(hint)")
      #expect(bus.health.lastFailure?.address == free)
      let counts = bus.health.counts
      #expect(counts.noAcknowledge + counts.shortTransfer == 3, "\(counts)")
    }
    #expect(buffer == [0xEE, 0xEE])
  }

  @Test func `What is not there cannot be opened, and its hint says why`() {
    do throws(DeviceProblem) {
      _ = try LinuxI2CBus(path: "/dev/i2c-4095")
      Issue.record("there is a bus with this number")
    } catch {
      #expect(error.code == ENOENT)
      #expect(BusHint.text(for: error).contains("modprobe i2c-dev"))
    }
    let request = LineRequest(
      chips: [], name: "no line has this name", offset: 0, isActiveLow: false)
    #expect(request.problem()?.code == ENOENT)
  }

  // MARK: - Lines

  private var switches: [LineRequest] {
    [board.chargeSwitch, board.dischargeSwitch].compactMap { $0?.request }
  }

  private var inputs: [LineRequest] {
    (board.chips.map(\.alert) + [board.chargeFeedback, board.dischargeFeedback])
      .compactMap { $0?.request }
  }

  @Test func `An input has a level, and one owner`() throws {
    for request in inputs {
      #expect(request.problem() == nil, "\(request.text)")
      let input = try LinuxInput(request)
      #expect(input.isActive != nil, "\(request.text)")
      expectTaken(request)
    }
    // Each was let go of when its input went.
    for request in inputs { _ = try LinuxInput(request) }
  }

  /// A switch is opened, as every run begins; it is never closed here.
  @Test func `A switch has one owner`() throws {
    for request in switches {
      var output = try LinuxOutput(request)
      output.set(false)
      expectTaken(request)
      // It is still ours, and may be moved.
      output.set(false)
    }
    for request in switches { _ = try LinuxOutput(request) }
  }

  private func expectTaken(_ request: LineRequest) {
    do throws(DeviceProblem) {
      _ = try LinuxInput(request)
      Issue.record("\(request.text) was taken twice")
    } catch {
      #expect(error.code == EBUSY)
      #expect(BusHint.text(for: error).contains("taken by another"))
    }
  }

  @Test(
    .enabled(if: Devices.haveEdges, "needs somebody who moves the lines: Tools/hil"),
    .timeLimit(.minutes(1)))
  func `An edge wakes who waits for it`() throws {
    let requests = board.chips.compactMap { $0.alert?.request }
    try #require(!requests.isEmpty)
    for request in requests {
      var input = try LinuxInput(request)
      // The first may have come between two pulses; two in a row were taken, not seen twice.
      for _ in 0..<2 {
        var file = pollfd(fd: input.file, events: Int16(POLLIN), revents: 0)
        let count = unsafe poll(&file, 1, 20_000)
        try #require(count == 1, "\(request.text): no edge in 20 s")
        input.takeEdge()
      }
    }
  }
}
