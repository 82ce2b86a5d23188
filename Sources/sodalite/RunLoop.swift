// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Firmware
import LinuxBus
import Quantities
import Telemetry

/// When ticks are due.
///
/// A tick that comes late is one tick, not several: the chips' own counters have gone on, and the
/// firmware bridges the time. The moments keep their places, so that lateness does not add up.
struct RunSchedule {
  /// The time between two ticks. Unit: µs.
  let period: Int64
  /// When the run ends by itself; nil for never. Unit: µs since the start.
  let end: Int64?
  /// When the next tick is due. Unit: µs since the start.
  private(set) var next: Int64 = 0
  /// Ticks that were left out because the one before came too late.
  private(set) var missed: Int64 = 0

  init(period: Int64, seconds: Double?) {
    self.period = period
    end = seconds.map { Int64(($0 * 1e6).rounded()) }
  }

  /// Notes a tick that was due and gives the next one its moment.
  mutating func ticked(at now: Int64) {
    let late = max(now - next, 0) / period
    missed += late
    next += (late + 1) * period
  }
}

/// The firmware on a board, tick after tick, until it is told to stop.
struct RunLoop<
  Bus: I2CBus & ~Copyable, ChargeSwitch: DigitalOutput & ~Copyable,
  DischargeSwitch: DigitalOutput & ~Copyable, Memory: NonvolatileMemory & ~Copyable,
  Estimator: FirmwareEstimator, World: RunWorld
>: ~Copyable {
  private var firmware: Firmware<Bus, ChargeSwitch, DischargeSwitch, Memory, Estimator>
  private let world: World
  private var schedule: RunSchedule
  private var reporter: RunReporter
  /// Latches to end once it is known which there are.
  private var clears: [Protection]
  private var lastTick: Int64 = .min
  /// What the switches were told last.
  private var allowed = (charge: false, discharge: false)
  private var lastPrognosis: Int64 = .min

  /// The shortest time between two ticks, however often a line asks for one. Unit: µs.
  private static var shortestPause: Int64 { 20_000 }
  /// What is expected of the cell is asked for this often. Unit: µs.
  private static var betweenPrognoses: Int64 { 10_000_000 }
  /// While the memory is searched at the start, both switches are off. Unit: µs.
  private static var betweenSearches: Int64 { 100_000 }
  /// How long a stop waits for the state to be saved: an EEPROM takes 62 pages of 20 ms, and as long again
  /// where each is seen to be stored a tick later. Unit: µs.
  private static var longestSave: Int64 { 6_000_000 }

  init(
    firmware: consuming Firmware<Bus, ChargeSwitch, DischargeSwitch, Memory, Estimator>,
    world: World, schedule: RunSchedule, reporter: consuming RunReporter, clears: [Protection]
  ) {
    self.firmware = firmware
    self.world = world
    self.schedule = schedule
    self.reporter = reporter
    self.clears = clears
  }

  /// Runs until a signal or the end of the schedule; the switches go off with the firmware.
  mutating func run(_ events: borrowing ProcessEvents) throws {
    reporter.greet()
    let start = LinuxClock.microseconds
    if let calendar = LinuxClock.secondsSince2000.flatMap(CalendarTime.init(secondsSince2000:)) {
      firmware.setWallClock(calendar, at: .microseconds(0))
    }
    var due: Int64 = 0
    while true {
      switch events.wait(for: world.files, until: start + due) {
      case .stop(let signal):
        return try finish(
          at: LinuxClock.microseconds - start, start: start, signal: signal, events)
      case .file(let file):
        let isUrgent = world.take(file)
        if isUrgent { due = min(due, max(lastTick + Self.shortestPause, 0)) }
      case .time:
        let now = LinuxClock.microseconds - start
        guard now >= due else { continue }
        let isSearching = try tick(at: now)
        if let end = schedule.end, now >= end {
          return try finish(at: now, start: start, signal: nil, events)
        }
        due = isSearching ? min(schedule.next, now + Self.betweenSearches) : schedule.next
      }
    }
  }

  /// Does everything once; true while the memory is still searched.
  private mutating func tick(at now: Int64) throws -> Bool {
    try prepare(at: now)
    let (charge, discharge) = world.feedback
    // A switch without feedback is taken to be as it was told.
    if charge != nil || discharge != nil {
      firmware.setFeedback(
        charge: charge ?? allowed.charge, discharge: discharge ?? allowed.discharge)
    }
    let report = firmware.tick(at: .microseconds(now))
    allowed = (report.allowsCharge, report.allowsDischarge)
    lastTick = now
    if report.restoration.isSettled {
      for protection in clears { firmware.clear(protection) }
      clears = []
    }
    if now >= schedule.next { schedule.ticked(at: now) }
    if lastPrognosis == .min || now - lastPrognosis >= Self.betweenPrognoses {
      lastPrognosis = now
      reporter.note(firmware.prognosis(), at: report.time)
    }
    try reporter.note(
      report, faults: firmware.busFaults, world: world, missed: schedule.missed)
    ServiceManager.notify(reporter.ticks == 1 ? "READY=1" : "WATCHDOG=1")
    return report.restoration == .searching
  }

  private func prepare(at now: Int64) throws {
    do throws(DataProblem) {
      try world.prepare(at: now)
    } catch {
      throw UserMistake.exit(error)
    }
  }

  /// Ends a run in order: the switches go off, and the state is saved as one after which nothing moves.
  private mutating func finish(
    at now: Int64, start: Int64, signal: Int32?, _ events: borrowing ProcessEvents
  ) throws {
    ServiceManager.notify("STOPPING=1")
    firmware.stop()
    var moment = now
    while !firmware.isStopped, moment < now + Self.longestSave {
      // A second signal does not wait for the save.
      if case .stop = events.wait(for: [], until: start + moment + Self.shortestPause) { break }
      moment = LinuxClock.microseconds - start
      try prepare(at: moment)
      _ = firmware.tick(at: .microseconds(moment))
    }
    // A memory that is emulated has its last write behind it only then.
    try prepare(at: moment + Self.shortestPause)
    let failures = firmware.memoryCounts.failedSaves
    if !firmware.isStopped || failures > 0 {
      StandardError.write(
        "sodalite: the state was not saved; \(failures) tries failed in this run\n")
    }
    try reporter.finish(at: now, signal: signal, world: world, missed: schedule.missed)
  }
}
