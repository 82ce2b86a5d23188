// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// All that a `StateEstimator` has learned of its cell, as numbers that can be kept without power.
///
/// An estimator made from a snapshot goes on bit by bit as the one it was taken from, but for what
/// the clock tells: the first step after it only sets the clock.
public struct EstimatorSnapshot: Sendable {
  /// How many words there are.
  public static let count = 54

  /// The eight states; the 28 elements of the covariance's unit triangle by columns; its diagonal of
  /// eight; then one word each: time of the slow walks, time since the charge was freed, missing
  /// steps, charge moved through, readings rejected in a row, ledger (nC), last current (µA), last
  /// temperature (m°C), clamped results, sticky conditions.
  ///
  /// The order is part of every kept record and never changes; more words need a section of their own.
  public var words: InlineArray<54, Int64>

  /// Makes a snapshot from its words; whether they can be an estimator's, `isSane` tells.
  public init(words: InlineArray<54, Int64>) { self.words = words }

  private static let diagonal = 36
  private static let rest = 44

  /// Takes the snapshot of an estimator.
  public init(_ estimator: borrowing @_addressable StateEstimator) {
    words = InlineArray(repeating: 0)
    for i in 0..<8 {
      words[i] = estimator.filter.x[i]
      words[Self.diagonal + i] = estimator.filter.covariance.d[i]
    }
    for i in 0..<28 { words[8 + i] = estimator.filter.covariance.u[i] }
    let others: InlineArray<10, Int64> = [
      estimator.filter.slowMicroseconds, estimator.filter.sinceFreed, estimator.filter.missing,
      estimator.filter.travelled, Int64(estimator.filter.rejected), estimator.ledger.nanocoulombs,
      Int64(estimator.lastCurrent.microamperes),
      Int64(estimator.lastTemperature.millidegreesCelsius), Int64(estimator.saturations),
      Int64(estimator.sticky.rawValue),
    ]
    for i in 0..<10 { words[Self.rest + i] = others[i] }
  }

  /// Whether every word is in the range that an estimator keeps it in.
  ///
  /// A checksum tells that the words are those that were written; this, that an estimator wrote them.
  public var isSane: Bool {
    @_addressableSelf get {
      let bounds: InlineArray<18, ClosedRange<Int64>> = [
        TablePlace.lowest...TablePlace.highest, -Format.one...Format.one,
        (-32 * Format.one)...(32 * Format.one), (-32 * Format.one)...(32 * Format.one),
        -Format.half...Format.half, (Format.one / 10)...(10 * Format.one),
        Format.half...(4 * Format.one), (-Format.one / 4)...(Format.one / 4),
        0...59_999_999, 0...300_000_000, 0...1_000_000, 0...(.max), 0...10, -(.max)...(.max),
        Int64(Int32.min)...Int64(Int32.max), -50_000...120_000, 0...Int64(UInt32.max),
        0...Int64(UInt16.max),
      ]
      for i in 0..<8 where !bounds[i].contains(words[i]) { return false }
      for i in 0..<8 where words[Self.diagonal + i] < 1 { return false }
      for i in 0..<28 where words[8 + i] == .min { return false }
      for i in 0..<10 where !bounds[8 + i].contains(words[Self.rest + i]) { return false }
      return true
    }
  }

  /// Gives an estimator what the snapshot holds.
  @_addressableSelf
  func restore(_ estimator: inout StateEstimator) {
    for i in 0..<8 {
      estimator.filter.x[i] = words[i]
      estimator.filter.covariance.d[i] = words[Self.diagonal + i]
    }
    for i in 0..<28 { estimator.filter.covariance.u[i] = words[8 + i] }
    estimator.filter.slowMicroseconds = words[Self.rest]
    estimator.filter.sinceFreed = words[Self.rest + 1]
    estimator.filter.missing = words[Self.rest + 2]
    estimator.filter.travelled = words[Self.rest + 3]
    estimator.filter.rejected = Int32(truncatingIfNeeded: words[Self.rest + 4])
    estimator.ledger = .nanocoulombs(words[Self.rest + 5])
    estimator.lastCurrent = .microamperes(Int32(truncatingIfNeeded: words[Self.rest + 6]))
    estimator.lastTemperature = .millidegreesCelsius(
      Int32(truncatingIfNeeded: words[Self.rest + 7]))
    estimator.saturations = UInt32(truncatingIfNeeded: words[Self.rest + 8])
    estimator.sticky = EstimatorConditions(
      rawValue: UInt16(truncatingIfNeeded: words[Self.rest + 9]))
  }
}

/// What happened to the cell between a snapshot and the estimator that is made from it.
public struct Pause: Equatable, Sendable {
  /// How long the firmware was away. Unit: µs; nil if nobody knows.
  public var microseconds: Int64?
  /// The deviation of the charge that moved after the snapshot was taken and before the power went.
  /// Unit: ppm of the rated capacity; 0 after a clean stop.
  public var unseen: Int32

  /// Makes a pause.
  public init(microseconds: Int64?, unseen: Int32) {
    self.microseconds = microseconds
    self.unseen = unseen
  }

  /// What a cell loses by itself. Unit: ppm of the rated capacity an hour; 3 % a month.
  ///
  /// Assumed: makers of sodium-ion cells state 1 to 5 % a month at 25 °C. The deviation of the loss is
  /// taken to be as large as the loss.
  public static let selfDischarge: Int64 = 42
  /// The deviation of the charge when nobody knows how long the pause was. Unit: ppm; the loss of two
  /// months.
  static let unknown: Int32 = 60_000
}

extension StateEstimator {
  /// Goes on from a snapshot after a pause.
  ///
  /// - Returns: nil if the snapshot is not an estimator's.
  public init?(profile: CellProfile, from snapshot: EstimatorSnapshot, after pause: Pause) {
    self.init(profile: profile, stateOfCharge: .partsPerMillion(500_000))
    guard resume(from: snapshot, after: pause) else { return nil }
  }

  /// Goes on from a snapshot after a pause; what was known before is forgotten, but for the profile.
  ///
  /// Over a known pause the cell relaxes and loses charge to itself; over an unknown one it may have
  /// done so or not, and the interval says that. The next voltage, taken at rest, is then weighed by
  /// what is left of the belief.
  ///
  /// - Returns: false, with nothing changed, if the snapshot is not an estimator's.
  public mutating func resume(
    from snapshot: borrowing @_addressable EstimatorSnapshot, after pause: Pause
  ) -> Bool {
    guard snapshot.isSane else { return false }
    begin(at: .partsPerMillion(500_000), deviation: 300_000)
    snapshot.restore(&self)
    // Whatever was learned before the pause, the first reading after it is an independent one.
    firstLook = Int64(profile.tuning.slopeSeconds) * 1_000_000
    let unseen = Format.variance(
      ofMillionths: min(max(pause.unseen, 0), 1_000_000), &filter.arithmetic)
    filter.covariance.add(variance: unseen, to: State.charge, &filter.arithmetic)
    if let microseconds = pause.microseconds {
      if microseconds > 0 { relax(over: min(microseconds, 31_536_000_000_000)) }
    } else {
      forgetRelaxation()
    }
    return true
  }

  /// Begins anew at the state of charge that a voltage at rest stands for.
  ///
  /// - Parameters:
  ///   - voltage: at rest.
  ///   - deviation: of the state of charge. Unit: ppm.
  ///   - isOtherCell: of no matter: every cell has the make's curve.
  public mutating func begin(
    atOpenCircuit voltage: Voltage, deviation: Int32, isOtherCell: Bool
  ) {
    begin(at: Self.stateOfCharge(atOpenCircuit: voltage, profile), deviation: deviation)
  }

  /// Whether a first reading speaks for the belief: it is within three deviations of it.
  ///
  /// Asked before the first step of an estimator that goes on from a snapshot, to tell whether it still
  /// is the same cell.
  public mutating func fits(_ voltage: Voltage, at flowing: Current) -> Bool {
    let wide = Format.millionths(voltage.microvolts, &filter.arithmetic)
    let current = inC(flowing)
    return filter.fits(
      profile, voltage: wide, current: current, temperature: lastTemperature,
      microseconds: firstLook)
  }

  /// The deviation of the state of charge. Unit: ppm.
  public var chargeDeviation: Int32 {
    @_addressableSelf get {
      var arithmetic = SaturatingArithmetic()
      let root = Int64(
        bitPattern: IntegerMath.squareRoot(UInt64(max(stateOfChargeVariance, 0))) << 14)
      return Int32(clamping: Format.toMillionths(root, &arithmetic))
    }
  }

  /// Takes the state of charge from a voltage at rest, ±20 %, and keeps what else is known.
  public mutating func takeCharge(fromOpenCircuit voltage: Voltage) {
    let wide = Format.millionths(voltage.microvolts, &filter.arithmetic)
    filter.x[State.charge] = profile.stateOfCharge(atOpenCircuit: wide, &filter.arithmetic)
    filter.covariance.decorrelate(
      row: State.charge, variance: Format.variance(ofMillionths: 200_000, &filter.arithmetic))
  }

  /// Lets a known time pass at rest.
  private mutating func relax(over microseconds: Int64) {
    let lost = Pause.selfDischarge * (microseconds / 1_000) / 3_600_000
    let loss = Format.millionths(Int32(clamping: lost), &filter.arithmetic)
    filter.advance(
      profile,
      StateFilter.Movement(
        microseconds: microseconds, charge: -loss, meanCurrent: 0, currentDeviation: 0,
        isMeasured: false),
      temperature: lastTemperature)
    filter.covariance.add(
      variance: Format.variance(ofMillionths: Int32(clamping: lost), &filter.arithmetic),
      to: State.charge, &filter.arithmetic)
  }

  /// After an unknown time the relaxation may be over or not, and some charge may be lost.
  private mutating func forgetRelaxation() {
    for state in State.fast...State.slow {
      // Between all and nothing of it is left.
      let half = filter.x[state] / 2
      filter.x[state] = half
      let spread = filter.arithmetic.multiply(half, half, shift: 28)
      let prior = Format.variance(
        ofMillionths: state == State.fast ? profile.tuning.fastNoise : profile.tuning.slowNoise,
        &filter.arithmetic)
      filter.covariance.decorrelate(row: state, variance: filter.arithmetic.add(spread, prior))
    }
    filter.covariance.add(
      variance: Format.variance(ofMillionths: Pause.unknown, &filter.arithmetic),
      to: State.charge, &filter.arithmetic)
  }
}
