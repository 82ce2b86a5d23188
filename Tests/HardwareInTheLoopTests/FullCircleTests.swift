// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipEmulators
import Firmware
import Foundation
import Quantities
import Simulation
import Testing

@testable import sodalite

/// The project's program in a machine, over the kernel's bus and lines, against a cell that lives in
/// another process.
@Suite(
  .serialized,
  .enabled(if: Guest.folder != nil && Guest.share != nil, "needs a guest: run Tools/hil"))
struct FullCircleTests {
  /// How much faster than the wall clock the cell, its chips and the run's clock are.
  static let speed = 100.0

  @Test func `From probe to protection, and the same estimates again`() throws {
    let machine = try ServedMachine.shared()
    try machine.guest.boot()
    print("hil: the machine with a served board was up after \(machine.guest.bootSeconds ?? 0) s")
    try Self.probe(machine)
    // A call that came late on a busy machine would be missing in the replay: then once more.
    for attempt in 1...3 {
      let before = try machine.transcript().count
      let run = try GuestRun(machine, speed: Self.speed, name: "run\(attempt)")
      try Self.followCell(machine, run)
      try Self.alert(machine)
      try Self.overCurrent(machine, run)
      try machine.control(#"{"rest": null}"#)
      let end = try run.stop()
      let truth = try machine.control(#"{"truth": null}"#)
      #expect(!truth.allowsCharge && !truth.allowsDischarge, "\(end)")
      let ticks = try run.ticks()
      if attempt < 3, ticks.contains(where: { $0.lateCalls > 0 }) { continue }
      let lines = Array(try machine.transcript().dropFirst(before))
      Self.tellReaction(lines)
      try Self.replay(ticks, lines)
      break
    }
  }

  /// From 60 % to the lower end of the window, to the upper one, and back; the board stops each of them.
  @Test(.enabled(if: Guest.hours != nil, "a minute or two: Tools/hil --hours 0.1"))
  func `A whole cycle, ended by protection`() throws {
    let machine = try ServedMachine(charge: 0.6, speed: Self.speed)
    let run = try GuestRun(machine, speed: Self.speed, name: "cycle")
    for amperes in [-1.5, 1.0, -1.5] {
      try machine.control(#"{"current": \#(amperes)}"#)
      let begin = Date()
      while true {
        Thread.sleep(forTimeInterval: 3)
        let truth = try machine.control(#"{"truth": null}"#)
        let tick = try #require(try run.lastTick())
        print("hil: \(tick.table(truth))")
        if tick.microseconds > 600_000_000 {
          let told = Double(tick.stateOfCharge[1]) * 1e-6...Double(tick.stateOfCharge[2]) * 1e-6
          #expect(told.contains(min(max(truth.stateOfCharge, 0), 1)))
        }
        if amperes < 0 ? !tick.allowsDischarge : !tick.allowsCharge {
          print("hil: \(tick.protections.joined(separator: ", "))")
          break
        }
        try #require(Date().timeIntervalSince(begin) < 120)
      }
    }
    _ = try run.stop()
    print("hil: log in \(try run.keepLog())")
  }

  private static func probe(_ machine: ServedMachine) throws {
    let text = try machine.guest.ask(
      "\(ServedMachine.program) probe --board \(ServedMachine.board) --format json", seconds: 120)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    #expect(object["complete"] as? Bool == true, "\(text)")
    #expect((object["others"] as? [Any])?.isEmpty == true, "\(text)")
  }

  /// Discharges, then charges; the interval covers the truth.
  private static func followCell(_ machine: ServedMachine, _ run: GuestRun) throws {
    for (amperes, seconds) in [(-1.5, 150.0), (1.0, 150)] {
      try machine.control(#"{"current": \#(amperes)}"#)
      Thread.sleep(forTimeInterval: seconds / speed)
      let truth = try machine.control(#"{"truth": null}"#)
      let tick = try #require(try run.ticks().last)
      #expect(truth.amperes == amperes)
      print("hil: \(tick.table(truth))")
      let told = Double(tick.stateOfCharge[1]) * 1e-6...Double(tick.stateOfCharge[2]) * 1e-6
      #expect(told.contains(truth.stateOfCharge))
    }
  }

  /// Each pulse on the alert line wakes the run.
  private static func alert(_ machine: ServedMachine) throws {
    for _ in 0..<10 {
      try machine.control(#"{"glitch": "ALERT"}"#)
      Thread.sleep(forTimeInterval: 0.03)
    }
  }

  /// More than the board allows: the switch opens as soon as a tick has seen it for long enough.
  private static func overCurrent(_ machine: ServedMachine, _ run: GuestRun) throws {
    let begin = Date()
    try machine.control(#"{"current": -3.5}"#)
    var truth = try machine.control(#"{"truth": null}"#)
    while truth.allowsDischarge, Date().timeIntervalSince(begin) < 20 {
      usleep(1_000)
      truth = try machine.control(#"{"truth": null}"#)
    }
    let seconds = Date().timeIntervalSince(begin)
    print(
      "hil: -3.5 A to the open switch: \(seconds * speed) s of the cell, ticks every two seconds")
    #expect(!truth.allowsDischarge)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(try machine.control(#"{"truth": null}"#).amperes == 0)
    let ticks = try run.ticks()
    for (first, second) in zip(ticks, ticks.dropFirst())
    where (first.microamperes ?? 0) < -3_000_000 && (second.microamperes ?? 0) < -3_000_000 {
      // The delay is 0.2 s.
      if second.microseconds - first.microseconds >= 200_000 { #expect(!second.allowsDischarge) }
    }
  }

  private static func tellReaction(_ lines: [TranscriptLine]) {
    var microseconds: [Double] = []
    var edge: Double?
    for line in lines {
      switch line.event {
      case .line("ALERT", false): edge = line.seconds
      case .transfer:
        if let begin = edge { microseconds.append((line.seconds - begin) * 1e6) }
        edge = nil
      case .line: break
      }
    }
    microseconds.sort()
    #expect(microseconds.count >= 5)
    print(
      "hil: alert to the first transfer of its tick, \(microseconds.count) edges: median "
        + "\(microseconds[microseconds.count / 2].rounded()) µs, "
        + "most \((microseconds.last ?? 0).rounded()) µs")
  }

  /// The bytes that the guest's firmware saw go through the firmware here: all reports are the same.
  private static func replay(_ ticks: [Tick], _ lines: [TranscriptLine]) throws {
    let choice = try BoardChoice.find(GuestRun.boardOnHost)
    let configuration = try choice.board.firmwareConfiguration(cell: choice.cell)
    let estimator = StateEstimator(
      profile: try ProfileMaker.profile(for: choice.cell),
      stateOfCharge: .partsPerMillion(500_000), deviation: 300_000)
    let bus = TranscriptBus(lines)
    let progress = bus.progress
    var firmware = Firmware(
      configuration, estimator: estimator, bus: bus, chargeSwitch: EmulatedLine(),
      dischargeSwitch: EmulatedLine())
    try #require(ticks.count > 100)
    for tick in ticks {
      let report = firmware.tick(at: .microseconds(tick.microseconds))
      try #require(progress.difference == nil, "\(progress.difference ?? "")")
      try #require(Tick(report) == tick.withoutBus, "at \(tick.microseconds) µs")
    }
    print(
      "hil: \(ticks.count) reports over \(progress.position) transfers came out again bit for bit")
  }
}
