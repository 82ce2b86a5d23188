// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import CellSimulation
import DeterministicMath
import Quantities

/// One worn cell of a fleet under two estimators on the same readings: with and without modes.
///
/// The readings carry a board's errors, noise, and a ripple of the open-circuit voltage that no
/// composition can follow. First the cell is used and charged as the trial says, then mixed cycles
/// are scored.
public struct ModeTrial: Sendable {
  /// The nominal make.
  public var make: CellDescription
  /// The cell's seed.
  public var seed: UInt64
  /// How far the cell is from the make.
  public var mismatch: Double
  /// The share of the fresh capacity that is left.
  public var health: Double
  /// How it was lost.
  public var path: AgeingPath
  /// The learning charges before the score. Unit: C; and the voltage they start from.
  public var charges: [(c: Double, fromVolts: Double)]
  /// The amplitudes of the ripple. Unit: V.
  public var ripple: (Double, Double) = (0.006, 0.0042)
  /// The tuning of the modes.
  public var tuning = ModeTuning()
  /// How long the score lasts. Unit: s.
  public var scoredSeconds = 60_000.0

  /// A trial with one near-full charge at C/5.
  public init(
    make: CellDescription, seed: UInt64, health: Double, path: AgeingPath, mismatch: Double = 1
  ) {
    self.make = make
    self.seed = seed
    self.health = health
    self.path = path
    self.mismatch = mismatch
    charges = [(0.2, make.lowerCutoffVolts + 0.05)]
  }

  /// What a trial found.
  public struct Result: Sendable {
    /// The state of charge without modes.
    public var plain = AccuracyScore()
    /// With modes.
    public var modes = AccuracyScore()
    /// The largest change of the reported state of charge in one second.
    public var largestStep = 0.0
    /// True modes in the estimator's coordinates; shares of the rated capacity.
    public var truth = TrueModes()
    /// What was identified after the learning charges.
    public var health: HealthReport?
    /// Whether the joint 95 % region of coupling, iron and stock held the truth then.
    public var jointHolds = false
    /// Charges that were learned from and refused.
    public var learned = 0
    /// How many times the curve was replaced.
    public var rebuilds = 0
    /// Charges that were undone.
    public var refused = 0
    /// The reference capacity. Unit: Ah.
    public var capacity = 0.0
    /// What the plain estimator said of it at the end. Unit: Ah.
    public var plainCapacity = 0.0
    /// What the estimator with modes said of it at the end. Unit: Ah.
    public var modesCapacity = 0.0
    /// Clamped results.
    public var saturations: UInt32 = 0
  }

  /// The modes behind a description, scaled as the make's tables are.
  public struct TrueModes: Sendable {
    /// The coupling plateau.
    public var coupling = 0.0
    /// The iron.
    public var iron = 0.0
    /// The iron that the window reaches.
    public var accessibleIron = 0.0
    /// The anode.
    public var anode = 0.0
    /// The anode's content at the boundary.
    public var stock = 0.0
    /// The window.
    public var span = 0.0
  }

  /// Runs the trial.
  ///
  /// - Throws: `CellError` if a description cannot be a cell.
  public func run(
    profile: CellProfile, composition: CompositionProfile
  ) throws(CellError) -> Result {
    var random = SeededRandom(seed: seed, stream: 21)
    let fresh = make.drawn(using: &random, mismatch: mismatch)
    let worn = try path.worn(fresh, health: health)
    let reference = try StateOfChargeReference(worn)
    var result = Result()
    result.capacity = reference.capacityAmpereHours
    result.truth = TrueModes(worn, make: make, composition) ?? TrueModes()
    var stream = try ReadingStream(
      cell: reference.cell(at: 0.6, celsius: 25), reference: reference, random: random,
      ripple: ripple, oneC: make.ratedCapacityAmpereHours)
    var plain = StateEstimator(
      profile: profile, stateOfCharge: .partsPerMillion(500_000), deviation: 200_000)
    var lifelong = LifelongEstimator(
      profile: profile, composition: composition, stateOfCharge: .partsPerMillion(500_000),
      deviation: 200_000, isFresh: health == 1)
    var last: Int32?

    func play(_ schedule: LoadSchedule, seconds: Double, scored: Bool) {
      var player = LoadPlayer(schedule, ratedAmpereHours: make.ratedCapacityAmpereHours)
      var elapsed = 0.0
      while elapsed < seconds {
        let reading = stream.next(&player)
        if player.rounds > 0, !scored { break }
        elapsed += 1
        plain.step(at: reading.time, reading.measurement)
        lifelong.step(at: reading.time, reading.measurement)
        let now = lifelong.estimate
        if let last {
          let moved = abs(Double(now.stateOfCharge.partsPerMillion) - Double(last)) * 1e-6
          if lifelong.learnedCharges > 0 { result.largestStep = max(result.largestStep, moved) }
        }
        last = now.stateOfCharge.partsPerMillion
        if scored {
          result.plain.add(plain.estimate, truth: reading.stateOfCharge)
          result.modes.add(now, truth: reading.stateOfCharge)
        }
      }
    }

    let lower = make.lowerCutoffVolts
    let upper = make.upperCutoffVolts
    // A morning's use, so that the filter knows its sensors.
    play(
      LoadSchedule(steps: [
        .drive(meanC: 0.3, untilVolts: lower + 0.4, seconds: 3_600), .rest(seconds: 1_800),
        .charge(c: 0.5, volts: upper, untilC: 0.05), .rest(seconds: 1_800),
        .drive(meanC: 0.3, untilVolts: lower + 0.4, seconds: 5_400),
      ]), seconds: 60_000, scored: false)
    for charge in charges {
      play(
        LoadSchedule(steps: [
          .current(c: -0.33, untilVolts: charge.fromVolts, seconds: 1e9), .rest(seconds: 1_800),
          .charge(c: charge.c, volts: upper, untilC: 0.05), .rest(seconds: 1_800),
          .drive(meanC: 0.3, untilVolts: lower + 0.4, seconds: 3_600),
        ]), seconds: 100_000, scored: false)
    }
    result.health = lifelong.health
    result.jointHolds = Self.holds(lifelong, result.truth)
    play(.mixedCycles(lower: lower, upper: upper), seconds: scoredSeconds, scored: true)
    result.learned = Int(lifelong.learnedCharges)
    result.refused = Int(lifelong.refusedCharges)
    result.rebuilds = Int(lifelong.rebuilds)
    result.plainCapacity = Double(plain.estimate.fullChargeCapacity.nanocoulombs) / 3.6e12
    result.modesCapacity = Double(lifelong.estimate.fullChargeCapacity.nanocoulombs) / 3.6e12
    result.saturations = lifelong.saturations
    return result
  }

  /// Whether the truth is within the joint 95 % region: the squared distance over the covariance below
  /// 7.815, the 95 % point of chi-squared with three degrees of freedom.
  private static func holds(_ lifelong: LifelongEstimator, _ truth: TrueModes) -> Bool {
    let c = lifelong.jointCovariance
    func v(_ k: Int) -> Double { Double(c[k]) * 0x1p-52 }
    func error(_ mode: Int, _ true1: Double) -> Double {
      Double(lifelong.preciseModes[mode]) * 0x1p-40 - true1
    }
    let e = (error(6, truth.coupling), error(7, truth.iron), error(10, truth.stock))
    // Cholesky of the 3×3 covariance, and the error carried through it.
    let a = max(v(0), 1e-18).squareRoot()
    let b = v(1) / a
    let d = max(v(2) - b * b, 1e-18).squareRoot()
    let g = v(3) / a
    let h = (v(4) - g * b) / d
    let k = max(v(5) - g * g - h * h, 1e-18).squareRoot()
    let x = e.0 / a
    let y = (e.1 - b * x) / d
    let z = (e.2 - g * x - h * y) / k
    return x * x + y * y + z * z <= 7.815
  }
}

extension AccuracyScore {
  /// Scores an estimate's state of charge.
  mutating func add(_ estimate: Estimate, truth: Double) {
    let low = Double(estimate.lowestStateOfCharge.partsPerMillion) * 1e-6
    let high = Double(estimate.highestStateOfCharge.partsPerMillion) * 1e-6
    add(
      error: Double(estimate.stateOfCharge.partsPerMillion) * 1e-6 - truth,
      covered: low <= min(max(truth, 0), 1) && min(max(truth, 0), 1) <= high)
  }
}

/// A cell's readings through a board with errors, noise and an open-circuit ripple.
struct ReadingStream {
  struct Reading {
    var time: MonotonicTime
    var measurement: Measurement
    var stateOfCharge: Double
  }

  private var cell: Cell
  private let reference: StateOfChargeReference
  private var random: SeededRandom
  private let oneC: Double
  private let offset: Double
  private let gain: Double
  private let voltageOffset: Double
  private let ripple: (Double, Double)
  private let waves: [Double]
  private var seconds: Int64 = 0

  init(
    cell: Cell, reference: StateOfChargeReference, random: SeededRandom,
    ripple: (Double, Double), oneC: Double
  ) {
    self.cell = cell
    self.reference = reference
    self.random = random
    self.oneC = oneC
    self.ripple = ripple
    // The design's board: 5 mA and 0.2 % in the current path of a 1.5 Ah cell, 2 mV.
    offset = 0.005 / 1.5 * oneC * self.random.gaussian()
    gain = 1 + 0.002 * self.random.gaussian()
    voltageOffset = 0.002 * self.random.gaussian()
    waves = [
      self.random.uniform(2, 4), self.random.uniform(0, 1), self.random.uniform(5, 9),
      self.random.uniform(0, 1),
    ]
  }

  /// One second under what the player asks.
  mutating func next(_ player: inout LoadPlayer) -> Reading {
    let demand = player.next(
      seconds: 1, volts: cell.terminalVolts, amperes: cell.currentAmperes)
    demand.apply(to: &cell, seconds: 1, ambientCelsius: 25)
    seconds += 1
    let truth = reference.stateOfCharge(of: cell)
    let amperes = cell.currentAmperes * gain + offset + 0.003 * random.gaussian()
    let volts =
      cell.terminalVolts + voltageOffset + bend(truth) + 0.0015 * random.gaussian()
    return Reading(
      time: .microseconds(seconds * 1_000_000),
      measurement: Measurement(
        current: .microamperes(Int32((amperes * 1e6).rounded())),
        voltage: .microvolts(Int32((volts * 1e6).rounded())),
        temperature: .millidegreesCelsius(Int32((cell.temperatureCelsius * 1e3).rounded()))),
      stateOfCharge: truth)
  }

  /// The ripple at a state of charge; it fades out at both ends, which the cut-offs define.
  private func bend(_ place: Double) -> Double {
    let fade = min(max(min(place, 1 - place) * 20, 0), 1)
    return fade
      * (ripple.0 * Self.wave(waves[0] * place + waves[1])
        + ripple.1 * Self.wave(waves[2] * place + waves[3]))
  }

  /// A sine of period 1, by the series of the quarter turn.
  private static func wave(_ turns: Double) -> Double {
    let part = turns - turns.rounded()
    let folded = abs(part) > 0.25 ? (part > 0 ? 0.5 - part : -0.5 - part) : part
    let x = folded * 2 * Double.pi
    let s = x * x
    return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110)))))
  }
}
