// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities

/// Watches the measurements against the table; says what must be stopped.
///
/// Time counts, not samples: a cause that is still there when its delay has passed trips at the
/// first tick that sees it, so the reaction is the delay or the tick's period, whichever is longer.
/// A value that was not read neither raises nor ends the protections that need it; `sensorLost`
/// looks after that.
struct ProtectionMonitor: Sendable {
  private var states: InlineArray<17, RuleState>
  private(set) var active: ProtectionSet = []
  /// Protections beyond their recommended limit.
  private(set) var warnings: ProtectionSet = []
  /// Protections beyond their operating limit.
  private(set) var notices: ProtectionSet = []
  /// When a switch that is due to open opens; nil if it is not. Charge, then discharge.
  private var openings: InlineArray<2, Int64?> = [nil, nil]
  /// Whether it has opened since.
  private var hasOpened: InlineArray<2, Bool> = [false, false]
  /// How much more than the lasting current has flowed. Charge, then discharge.
  private var excess: InlineArray<2, Int64> = [0, 0]
  private var lastCheck: Int64?

  private struct RuleState: Sendable {
    var causeSince: Int64?
    var goneSince: Int64?
    var warnedSince: Int64?
    var noticedSince: Int64?
    var firstTrip: Int64 = 0
    var trips: UInt8 = 0
    var isLatched = false
    /// Whether the cause was there, or not far enough away, when it was last looked at.
    var hasCause = false
  }

  /// What one tick brought, for the monitor.
  struct Evidence {
    var measurement: Measurement
    /// The voltage below the cell's window, where it is believed to be the cell's.
    var deepVoltage: Voltage?
    /// Of the lowest and the highest cell, where each is measured.
    var cells: CellRange? = nil
    /// Protections that a chip has carried out itself since the last tick.
    var opened: ProtectionSet = []
    /// Whether all that was read can be; nil if something that can be was not read.
    var isPlausible: Bool?
    /// Whether a sensor gave no answer.
    var isLost: Bool
    /// What the switches were told a tick ago; nil before the first.
    var allowed: Direction?
    /// What lets a current through: the switches, and a path beside one of them.
    var flowing: Direction?
    /// What the switches say of themselves; nil if they say nothing.
    var feedback: Direction?
    /// Whether the load did not come up in its time.
    var prechargeFailed = false
    /// Whether the voltage keeps contradicting the estimate.
    var modelDisagrees: Bool
    /// Whether charging a deeply discharged cell does not lift its voltage.
    var doesNotRise: Bool
  }

  init() { states = InlineArray(repeating: RuleState()) }

  /// Whether a rule's cause is there.
  private struct Cause {
    var trips: Bool
    var releases: Bool
    var warns = false
    var notices = false

    init(trips: Bool) {
      self.trips = trips
      releases = !trips
    }

    private init(trips: Bool, releases: Bool, warns: Bool, notices: Bool) {
      self.trips = trips
      self.releases = releases
      self.warns = warns
      self.notices = notices
    }

    static func above(_ value: Int32, _ rule: ProtectionRule) -> Cause {
      Cause(
        trips: value >= rule.threshold, releases: value <= rule.release,
        warns: rule.recommended.map { value >= $0 } ?? false,
        notices: rule.operating.map { value >= $0 } ?? false)
    }

    static func below(_ value: Int32, _ rule: ProtectionRule) -> Cause {
      Cause(
        trips: value <= rule.threshold, releases: value >= rule.release,
        warns: rule.recommended.map { value <= $0 } ?? false,
        notices: rule.operating.map { value <= $0 } ?? false)
    }
  }

  /// Takes in one tick's evidence and gives what is to be stopped.
  mutating func check(
    _ evidence: Evidence, against table: borrowing @_addressable ProtectionTable,
    at time: MonotonicTime
  ) -> Direction {
    let elapsed = lastCheck.map { max(time.microseconds - $0, 0) } ?? 0
    lastCheck = time.microseconds
    let measurement = evidence.measurement
    if let voltage = (evidence.deepVoltage ?? measurement.voltage)?.microvolts {
      let highest = max(voltage, evidence.cells?.highest.microvolts ?? voltage)
      let lowest = min(voltage, evidence.cells?.lowest.microvolts ?? voltage)
      watch(.overVoltage, .above(highest, table[.overVoltage]), table, time)
      watch(.underVoltage, .below(lowest, table[.underVoltage]), table, time)
      watch(.deepDischarge, .below(lowest, table[.deepDischarge]), table, time)
    }
    if let current = measurement.current {
      watchCurrents(current, elapsed, table, time)
    }
    watchSwitches(evidence, table, time)
    if let temperature = measurement.temperature?.millidegreesCelsius {
      watchTemperatures(temperature, table, time)
    }
    if let isPlausible = evidence.isPlausible {
      watch(.sensorImplausible, Cause(trips: !isPlausible), table, time)
    }
    watch(.sensorLost, Cause(trips: evidence.isLost), table, time)
    watch(.prechargeFailed, Cause(trips: evidence.prechargeFailed), table, time)
    watch(.modelDisagrees, Cause(trips: evidence.modelDisagrees), table, time)
    watchTicks(elapsed, table, time)
    follow(evidence.opened, table, time)
    return stopped(evidence, by: table, at: time)
  }

  private mutating func watchCurrents(
    _ current: Current, _ elapsed: Int64, _ table: borrowing @_addressable ProtectionTable,
    _ time: MonotonicTime
  ) {
    let inward = max(current.microamperes, 0)
    let outward = current.microamperes < 0 ? Int32(clamping: current.microamperes.magnitude) : 0
    let charging = Self.charging(table, isDeep: active.contains(.deepDischarge))
    watch(.overCurrentCharge, .above(inward, charging), table, time)
    watch(.overCurrentDischarge, .above(outward, table[.overCurrentDischarge]), table, time)
    watch(
      .sustainedCurrentCharge,
      lasting(
        0, inward, elapsed, table[.sustainedCurrentCharge], table[.overCurrentCharge].threshold),
      table, time)
    watch(
      .sustainedCurrentDischarge,
      lasting(
        1, outward, elapsed, table[.sustainedCurrentDischarge],
        table[.overCurrentDischarge].threshold), table, time)
  }

  /// The rule of the charging current: for a deeply discharged cell, twice what it is to be charged with.
  ///
  /// Not a method of the monitor: one that borrows it copies all of it.
  private static func charging(
    _ table: borrowing @_addressable ProtectionTable, isDeep: Bool
  ) -> ProtectionRule {
    var rule = table[.overCurrentCharge]
    if isDeep {
      let twice = Int32(clamping: 2 * Int64(table.trickle.microamperes))
      rule.threshold = min(rule.threshold, twice)
      rule.release = min(rule.release, twice)
    }
    return rule
  }

  /// Adds up the square of the current above the lasting one: the limit may last for the rule's delay,
  /// less for longer.
  private mutating func lasting(
    _ side: Int, _ magnitude: Int32, _ elapsed: Int64, _ rule: ProtectionRule, _ limit: Int32
  ) -> Cause {
    // In 1/1024 of the limit, at most 8 times it, and at most a minute at once: no product overflows.
    let unit = Int64(max(limit, 1))
    let flowing = min(Int64(magnitude) * 1_024 / unit, 8_192)
    let lasting = min(Int64(max(rule.threshold, 0)) * 1_024 / unit, 8_192)
    let milliseconds = min(elapsed, 60_000_000) / 1_000
    let longest = min(rule.delay, 3_600_000_000_000) / 1_000
    let budget = max((1_024 * 1_024 - lasting * lasting) * longest, 1)
    let change = (flowing * flowing - lasting * lasting) * milliseconds
    excess[side] = min(max(excess[side] + change, 0), 2 * budget)
    var cause = Cause(trips: excess[side] >= budget)
    cause.releases = magnitude <= rule.release
    return cause
  }

  private mutating func watchTemperatures(
    _ temperature: Int32, _ table: borrowing @_addressable ProtectionTable, _ time: MonotonicTime
  ) {
    watch(.overTemperatureCharge, .above(temperature, table[.overTemperatureCharge]), table, time)
    watch(
      .overTemperatureDischarge, .above(temperature, table[.overTemperatureDischarge]), table, time)
    watch(.underTemperatureCharge, .below(temperature, table[.underTemperatureCharge]), table, time)
    watch(
      .underTemperatureDischarge, .below(temperature, table[.underTemperatureDischarge]), table,
      time)
  }

  /// A current through a switch that is off, or feedback that is not what was told.
  ///
  /// Feedback is heard while the current is not read, too: that is when both switches are told to be off.
  private mutating func watchSwitches(
    _ evidence: Evidence, _ table: borrowing @_addressable ProtectionTable, _ time: MonotonicTime
  ) {
    guard let allowed = evidence.allowed, let flowing = evidence.flowing else { return }
    let denies = evidence.feedback.map { $0 != allowed } ?? false
    var leaks = false
    if let current = evidence.measurement.current {
      let least = Int64(table[.switchDisagrees].threshold)
      let present = Int64(current.microamperes)
      leaks =
        (!flowing.contains(.charge) && present >= least)
        || (!flowing.contains(.discharge) && present <= -least)
    } else if !denies {
      return
    }
    watch(.switchDisagrees, Cause(trips: leaks || denies), table, time)
  }

  /// What a chip has opened by itself is open here as well, without a delay of our own.
  private mutating func follow(
    _ opened: ProtectionSet, _ table: borrowing @_addressable ProtectionTable, _ time: MonotonicTime
  ) {
    let new = opened.subtracting(active)
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw), new.contains(protection) else { continue }
      trip(protection, table, time)
    }
  }

  private mutating func watchTicks(
    _ elapsed: Int64, _ table: borrowing @_addressable ProtectionTable, _ time: MonotonicTime
  ) {
    // Its delay is the time between two ticks, which has passed when it is noticed.
    let isLate = elapsed > table[.tickLate].delay
    let set = ProtectionSet(.tickLate)
    if isLate, !active.contains(.tickLate) { trip(.tickLate, table, time) }
    if !isLate { active.remove(set) }
  }

  /// What the active protections stop together, each direction when the first of them is due.
  private mutating func stopped(
    _ evidence: Evidence, by table: borrowing @_addressable ProtectionTable, at time: MonotonicTime
  ) -> Direction {
    var wanted: Direction = []
    var coming: Direction = []
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw) else { continue }
      if active.contains(protection) {
        wanted.formUnion(table[protection].stops)
      } else if states[Int(raw)].causeSince != nil {
        coming.formUnion(table[protection].stops)
      }
    }
    var stops: Direction = []
    for side in 0..<2 {
      let direction = side == 0 ? Direction.charge : Direction.discharge
      // Delay and grace are for a switch that is on: one that is off does not close onto a cause that
      // was not seen while the sensors were away.
      let isOff = evidence.allowed.map { !$0.contains(direction) } ?? true
      if isOff {
        if coming.contains(direction) { stops.formUnion(direction) }
        if wanted.contains(direction) { hasOpened[side] = true }
      }
      guard let opening = openings[side] else { continue }
      if hasOpened[side], !wanted.contains(direction) {
        openings[side] = nil
        hasOpened[side] = false
      } else if hasOpened[side] || opening <= time.microseconds
        || opening - time.microseconds > 60_000_000
      {
        // Where the clock stepped back, what was open stays open, and nothing waits for the old time.
        stops.formUnion(direction)
        hasOpened[side] = true
      }
    }
    if evidence.doesNotRise { stops.formUnion(.charge) }
    return stops
  }

  /// Follows one rule through cause, delay, trip, release.
  private mutating func watch(
    _ protection: Protection, _ cause: Cause, _ table: borrowing @_addressable ProtectionTable,
    _ time: MonotonicTime
  ) {
    let index = Int(protection.rawValue)
    let rule = table[protection]
    // Where the clock stepped back, a delay begins anew rather than wait for the old time.
    let now = time.microseconds
    Self.flag(&warnings, protection, cause.warns, &states[index].warnedSince, rule.delay, now)
    Self.flag(&notices, protection, cause.notices, &states[index].noticedSince, rule.delay, now)
    states[index].hasCause = cause.trips || !cause.releases
    if active.contains(protection) {
      guard cause.releases, !states[index].isLatched else {
        states[index].goneSince = nil
        return
      }
      let since = min(states[index].goneSince ?? now, now)
      states[index].goneSince = since
      if now - since >= rule.releaseDelay {
        active.remove(ProtectionSet(protection))
        states[index].goneSince = nil
        states[index].causeSince = nil
      }
      return
    }
    guard cause.trips else {
      states[index].causeSince = nil
      return
    }
    let since = min(states[index].causeSince ?? now, now)
    states[index].causeSince = since
    // What adds up its own delay is due at once.
    let addsUp = protection == .sustainedCurrentCharge || protection == .sustainedCurrentDischarge
    if addsUp || now - since >= rule.delay { trip(protection, table, time) }
  }

  private static func flag(
    _ set: inout ProtectionSet, _ protection: Protection, _ isBeyond: Bool, _ since: inout Int64?,
    _ delay: Int64, _ now: Int64
  ) {
    guard isBeyond else {
      since = nil
      set.remove(ProtectionSet(protection))
      return
    }
    let began = min(since ?? now, now)
    since = began
    if now - began >= delay { set.insert(ProtectionSet(protection)) }
  }

  private mutating func trip(
    _ protection: Protection, _ table: borrowing @_addressable ProtectionTable,
    _ time: MonotonicTime
  ) {
    let index = Int(protection.rawValue)
    let rule = table[protection]
    let now = time.microseconds
    active.insert(ProtectionSet(protection))
    switch rule.latch {
    case .never: break
    case .persisted: states[index].isLatched = true
    case .untilRestart(let trips, let within):
      let since = now - min(states[index].firstTrip, now)
      if states[index].trips == 0 || since > within {
        states[index].firstTrip = now
        states[index].trips = 0
      }
      states[index].trips += states[index].trips == .max ? 0 : 1
      states[index].isLatched = states[index].trips >= trips
    }
    for side in 0..<2 {
      guard rule.stops.contains(side == 0 ? .charge : .discharge) else { continue }
      openings[side] = min(openings[side] ?? .max, now + min(rule.grace, 3_600_000_000))
    }
  }

  /// Takes over what an earlier run had latched for good.
  mutating func hold(_ latched: ProtectionSet, by table: borrowing @_addressable ProtectionTable) {
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw), latched.contains(protection),
        table[protection].latch == .persisted
      else { continue }
      trip(protection, table, .microseconds(lastCheck ?? 0))
    }
  }

  /// Those that outlive a restart.
  @_addressableSelf
  func persisted(by table: borrowing @_addressable ProtectionTable) -> ProtectionSet {
    var set: ProtectionSet = []
    for raw in UInt8(0)..<UInt8(Protection.count) {
      guard let protection = Protection(rawValue: raw), active.contains(protection),
        table[protection].latch == .persisted
      else { continue }
      set.insert(ProtectionSet(protection))
    }
    return set
  }

  /// Ends a latch and forgets the trips. While its cause is there a protection goes on, unlatched:
  /// whoever clears it does not get a switch back for as long as it takes to trip again.
  mutating func clear(_ protection: Protection) {
    let index = Int(protection.rawValue)
    guard !active.contains(protection) || !states[index].hasCause else {
      states[index].isLatched = false
      states[index].trips = 0
      return
    }
    states[index] = RuleState()
    active.remove(ProtectionSet(protection))
    if protection == .sustainedCurrentCharge { excess[0] = 0 }
    if protection == .sustainedCurrentDischarge { excess[1] = 0 }
  }
}
