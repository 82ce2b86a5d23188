// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import Quantities

/// Hands the estimator's state over a time without power: looks for it at the start, weighs it against
/// the cell's voltage, saves it by rule.
struct Remembrance<
  Memory: NonvolatileMemory & ~Copyable, Estimator: FirmwareEstimator
>: ~Copyable {
  private var keeper: StateKeeper<Memory, Estimator.Kept>
  private let currentRange: Current
  private let rule: SaveRule
  var calendar: Calendar
  private(set) var restoration: Restoration
  private(set) var history = FaultHistory()

  /// What the restoration becomes when the voltage agrees.
  private var onAgreement = Restoration.restored
  /// Whether the charge is to be taken from the next good measurement.
  private var awaitsVoltage = false
  private var finding: StateKeeper<Memory, Estimator.Kept>.Finding?
  private var misfits: UInt8 = 0
  private var lastTick: MonotonicTime?
  /// The time between the last two ticks. Unit: µs.
  private var period: Int64 = 0
  private var lastSave: MonotonicTime?
  private var savedCharge = StateOfCharge.partsPerMillion(0)
  private var savedEvents: UInt32 = 0
  private var savedLatched: UInt32 = 0
  private var latched: ProtectionSet?
  private var stopping: Stopping?

  private enum Stopping: Equatable { case saving(failures: UInt8), done }

  init(
    _ memory: consuming Memory, currentRange: Current, rule: SaveRule, wallClock: WallClock
  ) {
    keeper = StateKeeper(memory)
    self.currentRange = currentRange
    self.rule = rule
    calendar = Calendar(wallClock)
    restoration = keeper.isThere ? .searching : (Memory.capacity == 0 ? .none : .noRoom)
  }

  static var layout: StateLayout { StateKeeper<Memory, Estimator.Kept>.layout }

  var counts: MemoryCounts { keeper.counts }

  /// Whether the switches may be used.
  var isReady: Bool {
    restoration.isSettled && !awaitsVoltage && !keeper.isMarking && stopping == nil
  }

  var isStopped: Bool { stopping == .done }

  // MARK: Every tick

  /// Steps the estimator, unless what it shall begin with is not known yet.
  mutating func estimate(
    _ estimator: inout Estimator, _ measurement: Measurement, isGood: Bool,
    at time: MonotonicTime
  ) {
    period = lastTick.map { time.microseconds(since: $0) } ?? 0
    history.run(microseconds: period)
    lastTick = time
    guard restoration != .searching, stopping == nil else { return }
    if restoration == .checking {
      guard isGood, judge(&estimator, measurement, at: time) else { return }
    }
    if awaitsVoltage, isGood, let voltage = measurement.voltage {
      // The voltage of a cell that may still relax, on a curve that may be flat: 20 %, and the filter
      // finds out how much of it is too much.
      estimator.begin(
        atOpenCircuit: voltage, deviation: 200_000,
        isOtherCell: restoration == .refuted || restoration == .otherConfiguration)
      awaitsVoltage = false
    }
    estimator.step(at: time, measurement)
  }

  /// Whether it is settled what was kept is worth: one reading at rest for it, or three against.
  private mutating func judge(
    _ estimator: inout Estimator, _ measurement: Measurement, at time: MonotonicTime
  ) -> Bool {
    guard let voltage = measurement.voltage, let current = measurement.current else {
      return false
    }
    if estimator.fits(voltage, at: current) {
      // A belief this vague says less than the voltage, and at the knee of a full cell it misleads.
      if estimator.chargeDeviation > 100_000 { estimator.takeCharge(fromOpenCircuit: voltage) }
      settle(as: onAgreement, &estimator, at: time)
      return true
    }
    misfits += 1
    guard misfits >= 3 else { return false }
    begin(as: .refuted, &estimator, at: time)
    return true
  }

  private mutating func settle(
    as outcome: Restoration, _ estimator: inout Estimator, at time: MonotonicTime
  ) {
    restoration = outcome
    lastSave = time
    savedCharge = estimator.estimate.stateOfCharge
    savedEvents = history.noted
    savedLatched = history.latched
  }

  /// Notes trips in the history, and what outlives a restart.
  mutating func note(_ tripped: ProtectionSet, persisted: ProtectionSet) {
    // While the memory is searched, an earlier run's are not known yet.
    if restoration != .searching { history.latched = persisted.rawValue }
    guard tripped != [] else { return }
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw), tripped.contains(protection) else {
        continue
      }
      history.note(protection)
    }
  }

  /// What an earlier run had latched for good, once.
  mutating func takeLatched() -> ProtectionSet? {
    defer { latched = nil }
    return latched
  }

  /// One slice of the memory's work, and the clock's.
  mutating func work<Bus: I2CBus & ~Copyable>(
    _ estimator: inout Estimator, on bus: inout Bus, at time: MonotonicTime
  ) {
    guard keeper.isThere else { return }
    calendar.service(on: &bus, at: time)
    if restoration == .searching {
      if finding == nil { finding = keeper.search(on: &bus, at: time) }
      if finding != nil, !calendar.isWaiting { resume(&estimator, at: time) }
      return
    }
    switch keeper.advance(on: &bus, at: time) {
    case .busy: return
    case .idle: saveIfDue(&estimator, at: time)
    case .saved:
      if stopping != nil { stopping = .done }
    case .failed:
      if case .saving(let failures) = stopping {
        stopping = failures >= 2 ? .done : .saving(failures: failures + 1)
      }
    }
  }

  // MARK: The start

  private mutating func resume(_ estimator: inout Estimator, at time: MonotonicTime) {
    guard let found = finding else { return }
    finding = nil
    guard !found.isOtherVersion, let state = found.state else {
      begin(as: found.isOtherVersion ? .otherVersion : .nothingKept, &estimator, at: time)
      return
    }
    history = state.history
    latched = ProtectionSet(rawValue: state.history.latched)
    guard
      state.configuration == identity(of: estimator.identity)
        || state.configuration == identity(of: estimator.replacedCurveIdentity)
    else {
      begin(as: .otherConfiguration, &estimator, at: time)
      return
    }
    // Each state that could not be read may have been a newer one, as far again from this one.
    let steps = state.isCleanStop ? found.unreadable : found.unreadable + 1
    // A save takes a tick for each slice, and what moves meanwhile is not in it, either.
    let lasting = slices * min(max(period, 0), 60_000_000)
    var arithmetic = SaturatingArithmetic()
    let spacing = max(rule.spacing, 1)
    let unseen = arithmetic.multiply(
      Int64(rule.unseen), arithmetic.add(spacing, lasting), dividedBy: spacing)
    let pause = Pause(
      microseconds: away(since: state.wallClock, at: time),
      unseen: arithmetic.narrow(arithmetic.multiply(unseen, Int64(2 * steps), shift: 1)))
    guard estimator.resume(from: state.estimator, after: pause) else {
      begin(as: .nothingKept, &estimator, at: time)
      return
    }
    onAgreement = found.unreadable > 0 ? .restoredOlder : .restored
    restoration = .checking
    if state.isCleanStop { keeper.markOpened() }
  }

  /// The ticks that a save takes: every slice is one, and no memory has shorter ones than 32 bytes.
  private var slices: Int64 {
    Int64(Self.layout.recordSize / max(Memory.sliceSize, 1)) + 1
  }

  /// Tells states apart whose numbers mean different things.
  // Mutating, as `away`, only to be handed its place: a borrowed self is copied whole.
  private mutating func identity(of curve: UInt32) -> UInt32 {
    var crc = CRC32C()
    crc.combine(curve)
    crc.combine(UInt32(bitPattern: currentRange.microamperes))
    // Compact slots lie elsewhere than others in the same memory: what is found there may be an old one.
    if Self.layout.isCompact { crc.combine(UInt8(truncatingIfNeeded: Self.layout.generations)) }
    return crc.value
  }

  private mutating func begin(
    as outcome: Restoration, _ estimator: inout Estimator, at time: MonotonicTime
  ) {
    awaitsVoltage = true
    settle(as: outcome, &estimator, at: time)
  }

  /// How long the firmware was away; nil if either time is unknown, or they contradict each other.
  private mutating func away(since kept: CalendarTime?, at time: MonotonicTime) -> Int64? {
    guard let kept, let now = calendar.time(at: time) else { return nil }
    let seconds = now.secondsSince2000 - kept.secondsSince2000
    return seconds < 0 ? nil : seconds * 1_000_000
  }

  // MARK: Saving

  private mutating func saveIfDue(_ estimator: inout Estimator, at time: MonotonicTime) {
    if stopping != nil {
      guard stopping != .done else { return }
      if keeper.needsSurvey { keeper.survey() } else { save(&estimator, isClean: true, at: time) }
      return
    }
    guard restoration.isSettled, !awaitsVoltage else { return }
    // Where the clock stepped back, the wait begins anew.
    let last = min(lastSave ?? time, time)
    lastSave = last
    let elapsed = time.microseconds(since: last)
    guard elapsed >= rule.spacing else { return }
    let charge = estimator.estimate.stateOfCharge
    let moved = (charge.partsPerMillion - savedCharge.partsPerMillion).magnitude
    let hasNews = history.noted != savedEvents || history.latched != savedLatched
    guard elapsed >= rule.interval || moved >= rule.change || hasNews else { return }
    if keeper.needsSurvey { return keeper.survey() }
    save(&estimator, isClean: false, at: time)
  }

  private mutating func save(
    _ estimator: inout Estimator, isClean: Bool, at time: MonotonicTime
  ) {
    lastSave = time
    savedCharge = estimator.estimate.stateOfCharge
    savedEvents = history.noted
    savedLatched = history.latched
    keeper.save(
      KeptState(
        sequence: keeper.nextSequence, configuration: identity(of: estimator.curveIdentity),
        isCleanStop: isClean, wallClock: calendar.time(at: time), estimator: estimator.kept,
        history: history))
  }

  /// Begins the save of a clean stop; while the start is not settled there is nothing to save.
  mutating func stop(_ estimator: inout Estimator) {
    guard stopping == nil else { return }
    guard keeper.isThere, restoration.isSettled, !awaitsVoltage, let lastTick else {
      stopping = .done
      return
    }
    stopping = .saving(failures: 0)
    if keeper.needsSurvey { keeper.survey() } else { save(&estimator, isClean: true, at: lastTick) }
  }
}
