// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// State of charge, capacity and resistance of one cell from its current, voltage and temperature.
///
/// Feed it every measurement with its moment: steps from 1 ms to 60 s are exact in their length,
/// shorter ones wait for the next, longer ones are a gap. Over a gap a counted charge is used;
/// without one the load is taken to be off, with a deviation that the interval shows. The estimator
/// is total: it never traps, and says in `Estimate.conditions` what it had to do without.
public struct StateEstimator: Sendable {
  var filter: StateFilter
  /// What is known of the cell; the open-circuit curve is replaced when the cell's modes are known.
  public internal(set) var profile: CellProfile
  private var lastTime: MonotonicTime?
  /// What the first reading is worth, as the time since an imagined one before. Unit: µs.
  var firstLook: Int64 = 1_000_000
  var lastCurrent = Current.microamperes(0)
  var lastTemperature = Temperature.degreesCelsius(25)
  private var temperatureAge: Int64 = .max
  private var voltageAge: Int64 = 0
  /// Whether charge can go in and come out: what is assumed of a current that was not read.
  ///
  /// Set before a step, for the time since the last one; a switch that is off lets nothing through.
  public var mayCharge = true
  /// See `mayCharge`.
  public var mayDischarge = true
  private var waitingCharge = Charge.zero
  /// What was taken to have moved since the last measurement with a current.
  private var assumed = Charge.zero
  private var chargeIsCounted = true
  var sticky: EstimatorConditions = []
  private var current: EstimatorConditions = []
  /// The charge that went in less the charge that came out, as measured, without any correction.
  public internal(set) var ledger = Charge.zero
  /// How many results of its arithmetic were clamped since the start.
  public internal(set) var saturations: UInt32 = 0

  /// Starts from a belief about the state of charge.
  ///
  /// - Parameters:
  ///   - profile: what is known of the cell.
  ///   - stateOfCharge: the most likely value.
  ///   - deviation: its standard deviation, in ppm; 0 to 1,000,000.
  public init(
    profile: CellProfile, stateOfCharge: StateOfCharge, deviation: Int32 = 300_000
  ) {
    self.profile = profile
    filter = Self.filter(self.profile, stateOfCharge, deviation)
  }

  /// Begins anew with another cell of the make, as an estimator that was just made.
  ///
  /// In place, because a new one beside it takes the stack for one more profile.
  public mutating func begin(at stateOfCharge: StateOfCharge, deviation: Int32) {
    filter = Self.filter(profile, stateOfCharge, deviation)
    lastTime = nil
    firstLook = 1_000_000
    lastCurrent = .microamperes(0)
    lastTemperature = .degreesCelsius(25)
    temperatureAge = .max
    voltageAge = 0
    waitingCharge = .zero
    assumed = .zero
    chargeIsCounted = true
    sticky = []
    current = []
    ledger = .zero
    saturations = 0
  }

  private static func filter(
    _ profile: borrowing @_addressable CellProfile, _ stateOfCharge: StateOfCharge,
    _ deviation: Int32
  ) -> StateFilter {
    var arithmetic = SaturatingArithmetic()
    let wide = Format.millionths(min(max(deviation, 100), 1_000_000), &arithmetic)
    return StateFilter(
      profile,
      stateOfCharge: Format.millionths(
        min(max(stateOfCharge.partsPerMillion, 0), 1_000_000), &arithmetic),
      variance: arithmetic.multiply(wide, wide, shift: 28))
  }

  /// The state of charge at which `voltage` is the open-circuit voltage.
  public static func stateOfCharge(
    atOpenCircuit voltage: Voltage, _ profile: borrowing @_addressable CellProfile
  ) -> StateOfCharge {
    var arithmetic = SaturatingArithmetic()
    let wide = profile.stateOfCharge(
      atOpenCircuit: Format.millionths(voltage.microvolts, &arithmetic), &arithmetic)
    let parts = Format.toMillionths(wide, &arithmetic)
    return .partsPerMillion(Int32(clamping: min(max(parts, 0), 1_000_000)))
  }

  // MARK: One step

  /// Takes in what the sensors said at `time`.
  ///
  /// The first call only sets the clock and weighs the voltage. After a time before the last one the
  /// new time holds, and a sticky condition says so: how long that step was nobody knows, so it is
  /// taken for the shortest, with the charge that was counted in it. A clock that steps back must
  /// neither freeze the estimate until it has caught up, nor make a count forgotten.
  public mutating func step(at time: MonotonicTime, _ measurement: Measurement) {
    guard let last = lastTime else {
      current = []
      lastTime = time
      lastCurrent = measurement.current ?? lastCurrent
      note(measurement.temperature, after: 0)
      correct(measurement, after: firstLook)
      settle()
      return
    }
    if time < last { sticky.insert(.timeRanBackwards) }
    if let charge = measurement.charge {
      // What was assumed while readings failed is in the count now.
      waitingCharge = sum(waitingCharge, charge)
      waitingCharge = sum(waitingCharge, .nanocoulombs(-assumed.nanocoulombs))
      assumed = .zero
      chargeIsCounted = true
    } else {
      chargeIsCounted = false
      if measurement.current != nil { assumed = .zero }
    }
    let elapsed = Self.elapsed(from: last, to: time)
    guard elapsed >= Self.shortestStep else { return }
    current = []
    lastTime = time
    note(measurement.temperature, after: elapsed)
    advance(measurement, by: elapsed)
    correct(measurement, after: elapsed)
    settle()
  }

  /// Shorter steps wait for the next one. Unit: µs.
  private static let shortestStep: Int64 = 1_000

  /// The time to account for. Unit: µs.
  private static func elapsed(from last: MonotonicTime, to time: MonotonicTime) -> Int64 {
    if time < last { return shortestStep }
    // A year is as good as any longer time and keeps every product in range.
    let year: Int64 = 31_536_000_000_000
    let difference = time.microseconds.subtractingReportingOverflow(last.microseconds)
    return difference.overflow ? year : min(difference.partialValue, year)
  }

  /// Moves the filter over the time since the last measurement.
  private mutating func advance(_ measurement: Measurement, by elapsed: Int64) {
    var deviation: Int32 = 0
    var isMeasured = true
    var charge = waitingCharge
    if !chargeIsCounted {
      if elapsed > 60_000_000 {
        current.insert(.gapCoasted)
        deviation = profile.tuning.gapCurrent
        charge = .zero
        // What is taken to be zero was not read too high by the sensor's offset.
        isMeasured = false
      } else {
        let held = measurement.current ?? heldCurrent
        // µA · µs = pC, rounded to nC; no filter state keeps the rest, so it is half a nC at most.
        charge = Charge.nanocoulombs(
          filter.arithmetic.multiply(
            Int64(held.microamperes), elapsed, dividedBy: 1_000))
        if measurement.current == nil {
          current.insert(.currentMissing)
          deviation = profile.tuning.missingCurrent
          assumed = sum(assumed, charge)
        }
      }
    }
    waitingCharge = .zero
    chargeIsCounted = true
    if let now = measurement.current { lastCurrent = now }
    ledger = sum(ledger, charge)
    let rated = profile.ratedCapacity.nanocoulombs
    let moved = filter.arithmetic.multiply(charge.nanocoulombs, Format.one, dividedBy: rated)
    let rate = max(filter.arithmetic.multiply(rated, elapsed, dividedBy: 3_600_000_000), 1)
    filter.advance(
      profile,
      StateFilter.Movement(
        microseconds: elapsed, charge: moved,
        meanCurrent: filter.arithmetic.multiply(
          charge.nanocoulombs, Format.one, dividedBy: rate),
        currentDeviation: deviation, isMeasured: isMeasured),
      temperature: lastTemperature)
  }

  /// The last current, as far as the switches let it go on.
  private var heldCurrent: Current {
    let isLetThrough = lastCurrent.microamperes > 0 ? mayCharge : mayDischarge
    return isLetThrough ? lastCurrent : .microamperes(0)
  }

  /// Weighs the voltage, if there is one and the current under which it was taken is known.
  private mutating func correct(_ measurement: Measurement, after elapsed: Int64) {
    voltageAge = min(voltageAge &+ elapsed, .max / 2)
    guard let voltage = measurement.voltage, let flowing = measurement.current else {
      current.insert(.voltageMissing)
      return
    }
    let wide = Format.millionths(voltage.microvolts, &filter.arithmetic)
    let c = inC(flowing)
    let verdict = filter.correct(
      profile, voltage: wide, current: c, temperature: lastTemperature,
      microseconds: elapsed)
    switch verdict {
    case .accepted: voltageAge = 0
    case .rejected: current.insert(.voltageRejected)
    case .forced:
      voltageAge = 0
      current.insert(.voltageForced)
    }
  }

  /// The sum, clamped and counted where `+` would trap.
  ///
  /// Not by the filter's arithmetic: books that are full say nothing about the covariance.
  private mutating func sum(_ a: Charge, _ b: Charge) -> Charge {
    var books = SaturatingArithmetic()
    let sum = books.add(a.nanocoulombs, max(b.nanocoulombs, -.max))
    if books.saturations > 0 {
      sticky.insert(.saturated)
      if saturations < .max { saturations += 1 }
    }
    return .nanocoulombs(max(sum, -.max))
  }

  mutating func inC(_ flowing: Current) -> Int64 {
    // 1C in µA is the rated capacity in nC over 3.6e6 µs·1000.
    filter.arithmetic.multiply(
      Int64(flowing.microamperes) * 3_600_000, Format.one,
      dividedBy: profile.ratedCapacity.nanocoulombs)
  }

  private mutating func note(_ temperature: Temperature?, after elapsed: Int64) {
    if let temperature {
      lastTemperature = temperature
      temperatureAge = 0
    } else if temperatureAge < .max / 2 {
      temperatureAge += elapsed
    }
    if temperatureAge > 60_000_000 { current.insert(.temperatureStale) }
  }

  /// Looks after the covariance: where it saturated or outgrew all meaning the filter begins anew from
  /// its prior, about the state of charge it has.
  private mutating func settle() {
    let meaningless = Format.varianceOne / 4  // a deviation of half the whole range
    let clamped = filter.arithmetic.saturations
    let wide = filter.covariance.variance(of: State.charge, &filter.arithmetic)
    if clamped > 0 || wide > meaningless {
      let prior = Format.variance(ofMillionths: 300_000, &filter.arithmetic)
      filter.forget(profile.tuning, chargeVariance: prior)
      filter.arithmetic.saturations = 0
      saturations = clamped > .max - saturations ? .max : saturations + clamped
      if clamped > 0 { sticky.insert([.covarianceReset, .saturated]) }
      if wide > meaningless { sticky.insert(.covarianceReset) }
    }
  }

  /// What current and its direction add to the voltage, over the state of charge.
  struct Overpotentials {
    var series: InlineArray<65, Int32>
    var fast: InlineArray<65, Int32>
    var slow: InlineArray<65, Int32>
    var hysteresis: InlineArray<65, Int32>

    init(_ profile: borrowing @_addressable CellProfile) {
      series = profile.series
      fast = profile.fast
      slow = profile.slow
      hysteresis = profile.hysteresis
    }
  }

  /// Goes on with other overpotentials.
  mutating func adopt(_ tables: Overpotentials) {
    profile.series = tables.series
    profile.fast = tables.fast
    profile.slow = tables.slow
    profile.hysteresis = tables.hysteresis
  }

  /// Goes on with another open-circuit curve and what it says of charge and capacity.
  ///
  /// What the new curve says of charge and capacity is weighed against what the filter has found of
  /// them, with all that ties them to the other states: a filter that forgets at every new curve is
  /// worse than one that never gets one. Only where the two contradict each other is the old curve's
  /// teaching dropped.
  /// - Parameters:
  ///   - curve: over state of charge from −5 % to 105 %, not falling. Unit: µV.
  ///   - stateOfCharge: on that curve, 40 fractional bits.
  ///   - variance: of that state of charge, 52 fractional bits.
  ///   - inverseCapacity: the rated capacity over the true one, 40 fractional bits.
  ///   - inverseCapacityVariance: 52 fractional bits.
  ///   - modelError: the deviation of the new curve's voltage. Unit: µV.
  ///   - modelErrorOfCharge: the deviation of the new curve along the charge. Unit: ppm.
  mutating func adopt(
    curve: borrowing @_addressable InlineArray<257, Int32>, stateOfCharge: Int64, variance: Int64,
    inverseCapacity: Int64, inverseCapacityVariance: Int64, modelError: Int32,
    modelErrorOfCharge: Int32
  ) {
    let before = profile.openCircuitVoltage(
      filter.x[State.charge], lastTemperature, &filter.arithmetic)
    use(curve: curve, modelError: modelError, modelErrorOfCharge: modelErrorOfCharge)
    filter.fuse(inverseCapacity, variance: inverseCapacityVariance, into: State.inverseCapacity)
    filter.fuse(stateOfCharge, variance: variance, into: State.charge)
    // The voltage that the filter expects goes on, as far as the new curve may be wrong.
    let after = profile.openCircuitVoltage(
      filter.x[State.charge], lastTemperature, &filter.arithmetic)
    let most = Format.millionths(modelError, &filter.arithmetic)
    filter.x[State.modelError] = min(
      max(filter.x[State.modelError] + before - after, -most), most)
  }

  /// Measures the state of charge on another curve from now on; what is believed of it stays a number.
  mutating func use(
    curve: borrowing @_addressable InlineArray<257, Int32>, modelError: Int32,
    modelErrorOfCharge: Int32
  ) {
    for i in 0..<257 { profile.openCircuit[i] = curve[i] }
    profile.tuning.modelError = modelError
    profile.tuning.modelErrorOfCharge = modelErrorOfCharge
  }

  // MARK: What is believed

  /// The present estimate.
  public var estimate: Estimate {
    @_addressableSelf get {
      var arithmetic = SaturatingArithmetic()
      let charge = min(max(filter.x[State.charge], 0), Format.one)
      let reach = interval(
        of: State.charge, widened: profile.tuning.chargeInterval, &arithmetic)
      let kappa = filter.x[State.inverseCapacity]
      let kappaReach = interval(
        of: State.inverseCapacity, widened: profile.tuning.capacityInterval, &arithmetic)
      let floor = Format.one / 10
      return Estimate(
        stateOfCharge: parts(charge, &arithmetic),
        lowestStateOfCharge: parts(charge - reach, &arithmetic),
        highestStateOfCharge: parts(charge + reach, &arithmetic),
        fullChargeCapacity: capacity(kappa, &arithmetic),
        lowestCapacity: capacity(kappa + kappaReach, &arithmetic),
        highestCapacity: capacity(max(kappa - kappaReach, floor), &arithmetic),
        resistanceRatio: Int32(
          clamping: Format.toMillionths(filter.x[State.resistance], &arithmetic)),
        currentOffset: .microamperes(
          Int32(
            clamping: arithmetic.multiply(
              filter.x[State.currentOffset], profile.ratedCapacity.nanocoulombs / 3_600_000,
              shift: 40))),
        age: voltageAge,
        conditions: sticky.union(current))
    }
  }

  /// The state of charge without clamping or rounding, 40 fractional bits; for comparing filters.
  public var preciseStateOfCharge: Int64 { @_addressableSelf get { filter.x[State.charge] } }

  /// The variance of the state of charge, 52 fractional bits; for comparing filters.
  public var stateOfChargeVariance: Int64 {
    @_addressableSelf get {
      var arithmetic = SaturatingArithmetic()
      return filter.covariance.variance(of: State.charge, &arithmetic)
    }
  }

  /// 1.96 deviations of a state, widened; 40 fractional bits.
  @_addressableSelf
  private func interval(
    of state: Int, widened thousandths: Int32, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let variance = filter.covariance.variance(of: state, &arithmetic)
    let deviation = Int64(
      bitPattern: IntegerMath.squareRoot(UInt64(max(variance, 0))) << 14)
    return arithmetic.multiply(deviation, 196 * Int64(thousandths), dividedBy: 100_000)
  }

  private func parts(_ wide: Int64, _ arithmetic: inout SaturatingArithmetic) -> StateOfCharge {
    let value = Format.toMillionths(min(max(wide, 0), Format.one), &arithmetic)
    return .partsPerMillion(Int32(clamping: value))
  }

  @_addressableSelf
  private func capacity(_ kappa: Int64, _ arithmetic: inout SaturatingArithmetic) -> Charge {
    .nanocoulombs(
      arithmetic.multiply(profile.ratedCapacity.nanocoulombs, Format.one, dividedBy: kappa))
  }
}
