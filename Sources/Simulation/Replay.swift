// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import Quantities

/// A recorded log through the estimator, sample by sample.
public struct Replay {
  /// One row of a log in SI units; positive current charges.
  public struct Sample: Equatable, Sendable {
    /// Time since the log's start. Unit: s.
    public var seconds: Double
    /// The current. Unit: A.
    public var amperes: Double
    /// The terminal voltage. Unit: V.
    public var volts: Double
    /// The temperature, where the log has it. Unit: °C.
    public var celsius: Double?
    /// The true state of charge, where the log has it.
    public var stateOfCharge: Double?

    /// Makes a sample.
    public init(
      seconds: Double, amperes: Double, volts: Double, celsius: Double? = nil,
      stateOfCharge: Double? = nil
    ) {
      self.seconds = seconds
      self.amperes = amperes
      self.volts = volts
      self.celsius = celsius
      self.stateOfCharge = stateOfCharge
    }
  }

  /// A moment at which the state of charge is known without a reference instrument.
  public struct Landmark: Equatable, Sendable {
    /// Which end of the window.
    public enum Kind: String, Sendable {
      /// The cell was discharged to its lower cut-off.
      case endOfDischarge
      /// The cell was charged to its upper cut-off and the current tapered below C/8.
      case endOfCharge
    }

    /// Which end.
    public var kind: Kind
    /// When. Unit: s since the log's start.
    public var seconds: Double
    /// What was estimated then.
    public var estimate: Estimate
  }

  /// A number that does not fit the estimator's integers.
  public struct OutOfRange: Error, Equatable, Sendable {
    /// Which column and value.
    public var message: String
  }

  private var estimator: StateEstimator
  private var plausibility: PlausibilityCheck
  private let profile: CellProfile
  private let oneC: Double
  private let settleSeconds: Double
  private var last: Sample?
  private var start: Double?
  private var lastEstimate: Estimate?

  /// How estimates after the settling time met the truth, where the log has it.
  public private(set) var score = AccuracyScore()
  /// How all estimates met it, from the first sample on.
  public private(set) var scoreFromStart = AccuracyScore()
  /// The known ends met so far.
  public private(set) var landmarks: [Landmark] = []
  /// How many samples were taken in.
  public private(set) var samples: Int64 = 0
  /// How many samples had a value that was not believed.
  public private(set) var implausible: Int64 = 0
  /// A hash over every estimate.
  public private(set) var hash = StableHash()

  /// Starts a replay.
  ///
  /// - Parameters:
  ///   - profile: the cell's.
  ///   - stateOfCharge: what the estimator is told at the start, as a fraction.
  ///   - deviation: how firmly, as a fraction.
  ///   - settleSeconds: estimates before this time are not in `score`.
  public init(
    profile: CellProfile, stateOfCharge: Double, deviation: Double, settleSeconds: Double
  ) {
    self.profile = profile
    self.settleSeconds = settleSeconds
    oneC = Double(profile.ratedCapacity.nanocoulombs) / 3.6e12
    estimator = StateEstimator(
      profile: profile,
      stateOfCharge: .partsPerMillion(Int32((min(max(stateOfCharge, 0), 1) * 1e6).rounded())),
      deviation: Int32((min(max(deviation, 0), 1) * 1e6).rounded()))
    plausibility = PlausibilityCheck(profile, currentRange: .microamperes(.max))
  }

  /// What the arithmetic had to clamp.
  public var saturations: UInt32 { estimator.saturations }

  /// The present estimate; nil before the first sample.
  public var estimate: Estimate? { lastEstimate }

  /// The time from the first sample to the last. Unit: s.
  public var duration: Double { (last?.seconds ?? 0) - (start ?? 0) }

  /// Takes in one sample and gives the estimate after it.
  ///
  /// - Throws: `OutOfRange` where a value exceeds ±2147 A, ±2147 V or ±2,147,483 °C, which the integer
  ///   types hold, or the time exceeds what microseconds in 64 bits hold.
  public mutating func feed(_ sample: Sample) throws(OutOfRange) -> Estimate {
    var measurement = Measurement(
      current: .microamperes(try Self.whole(sample.amperes, 1e6, "current", "±2147 A")),
      voltage: .microvolts(try Self.whole(sample.volts, 1e6, "voltage", "±2147 V")))
    if let celsius = sample.celsius {
      measurement.temperature = .millidegreesCelsius(
        try Self.whole(celsius, 1e3, "temperature", "±2147483 °C"))
    }
    guard sample.seconds.magnitude < 9e12 else {
      throw OutOfRange(message: "time \(sample.seconds) s is beyond the clock's range")
    }
    noteLandmark(before: sample)
    if plausibility.check(&measurement) != [] { implausible += 1 }
    estimator.step(
      at: .microseconds(Int64((sample.seconds * 1e6).rounded())), measurement)
    let estimate = estimator.estimate
    estimate.combine(into: &hash)
    samples += 1
    start = start ?? sample.seconds
    last = sample
    lastEstimate = estimate
    if let truth = sample.stateOfCharge { grade(estimate, truth, at: sample.seconds) }
    return estimate
  }

  /// Ends the log: its last sample may be a known end.
  public mutating func finish() { noteLandmark(before: nil) }

  private mutating func grade(_ estimate: Estimate, _ truth: Double, at seconds: Double) {
    let value = Double(estimate.stateOfCharge.partsPerMillion) * 1e-6
    let low = Double(estimate.lowestStateOfCharge.partsPerMillion) * 1e-6
    let high = Double(estimate.highestStateOfCharge.partsPerMillion) * 1e-6
    let covered = low <= truth && truth <= high
    scoreFromStart.add(error: value - truth, covered: covered)
    if seconds - (start ?? 0) >= settleSeconds { score.add(error: value - truth, covered: covered) }
  }

  /// The last sample was an end of the window if the current changes its kind after it.
  private mutating func noteLandmark(before next: Sample?) {
    guard let last, let estimate = lastEstimate else { return }
    let lower = Double(profile.lowerCutoff.microvolts) * 1e-6
    let upper = Double(profile.upperCutoff.microvolts) * 1e-6
    let margin = 0.01 * (upper - lower)
    let little = oneC / 50
    let flowing = next?.amperes ?? 0
    if last.amperes < -little, flowing > -little, last.volts <= lower + margin {
      add(Landmark(kind: .endOfDischarge, seconds: last.seconds, estimate: estimate))
    }
    if last.amperes > little, last.amperes < oneC / 8, flowing < little,
      last.volts >= upper - margin
    {
      add(Landmark(kind: .endOfCharge, seconds: last.seconds, estimate: estimate))
    }
  }

  /// Noise may let a current end, flow again and end within seconds: that is one end, the last.
  private mutating func add(_ landmark: Landmark) {
    if let previous = landmarks.last, previous.kind == landmark.kind,
      landmark.seconds - previous.seconds < 60
    {
      landmarks.removeLast()
    }
    landmarks.append(landmark)
  }

  private static func whole(
    _ value: Double, _ scale: Double, _ column: String, _ range: String
  ) throws(OutOfRange) -> Int32 {
    let scaled = (value * scale).rounded()
    guard let exact = Int32(exactly: scaled) else {
      throw OutOfRange(message: "\(column) \(value) is beyond \(range)")
    }
    return exact
  }
}
