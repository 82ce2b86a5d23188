// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// A state estimator whose open-circuit curve follows the cell through its life.
///
/// Every charge that qualifies teaches the modes, and the modes rebuild the curve. The work is done
/// in slices, one a step, so that no step is late: one edge's update, or a few points of the curve.
/// When the new curve takes over, the charge counted since the charge began is kept; what the
/// reported state of charge would jump by is paid out as the charge moves.
public struct LifelongEstimator: Sendable {
  private var estimator: StateEstimator
  /// The make's profile, as a new cell's; the estimator's own follows the modes.
  private let made: CellProfile
  private let composition: CompositionProfile
  private var modes: ModeFilter
  private var session = ChargeSession()
  private var work = Work.none
  /// The charge whose looks are being weighed.
  private var record = ChargeRecord()
  /// The modes as they were before it; every pass starts there.
  private var before: ModeFilter
  /// How fast the modes change.
  private var drift = ModeDrift()
  /// The charge that went in since the modes last changed with it. Unit: rated capacities, 2^-40.
  private var unfaded: Int64 = 0
  /// The modes whose curve the state filter uses.
  private var inUse: ModeVector
  private var question = Question.curveInUse
  /// The age that explains the first charge best, and how well; of a cell of unknown age.
  private var bestAge: Int32 = 0
  private var leastSurprise = Int64.max
  /// How well the curve in use explains the charge: its mean squared innovation over the variance.
  private var misfitInUse: Int64 = 0
  /// Where a pass is linearised.
  private var around = ModeVector(repeating: 0)
  private var rebuild: CurveRebuild
  private var outlook: WindowOutlook
  /// The current offset that the filter had found when the charge ended, 40 fractional bits.
  private var offset: Int64 = 0
  /// Its variance, 52 fractional bits.
  private var offsetVariance: Int64 = 0
  private var surprise: Int64 = 0
  /// The deviation of the curve's empty end along the charge. Unit: ppm of the rated capacity.
  private var footDeviation: Int32 = 0
  /// Whether nothing is known of the cell's age: then several are tried, and a charge must show the
  /// lower part of the curve to teach anything, because the rest fits all of them.
  private var ageIsUnknown: Bool
  private var ageWasUnknown: Bool
  private var varianceSum: Int64 = 0
  /// The relaxations' currents in open loop: a filter's would have learned the old curve's errors.
  private var fastCurrent: Int64 = 0
  private var slowCurrent: Int64 = 0
  /// The voltage without overpotential and hysteresis, smoothed: which sites are at work. Unit: µV.
  private var openMicrovolts: Int64 = 3_200_000
  private var lastTime: MonotonicTime?
  private var lastLedger = Charge.zero
  private var lastCharge: Int64 = 0
  private var smoothedLedger = Charge.zero
  /// Charge and time since the session under work began. Unit: rated capacities and h, 2^-40.
  private var sinceStart = (charge: Int64(0), hours: Int64(0))
  /// What the reported state of charge is ahead of the filter's, 40 fractional bits.
  private var lead: Int64 = 0
  /// The time since a charge last showed the foot of the curve, and the plateau. Unit: µs.
  ///
  /// Times and not moments: a moment would mean nothing after a start or a step of the clock.
  private var sinceIron: Int64?
  private var sinceCoupling: Int64?
  /// Whether a curve that no longer explains a charge is replaced; else the modes are only tracked, and
  /// the state of charge is that of `StateEstimator`, bit by bit.
  public var replacesCurve = true
  /// How many charges have taught the modes.
  public private(set) var learnedCharges: Int32 = 0
  /// How many charges were undone because they fitted no cell of this make.
  public private(set) var refusedCharges: Int32 = 0
  /// How many times the open-circuit curve was replaced.
  public private(set) var rebuilds: Int32 = 0

  /// The slices of work after a charge.
  private enum Work: Equatable, Sendable {
    case none
    case edge(pass: Int32, edge: Int32)
    case judge
    case points
    case variances(Int32)
    case takeOver
  }

  /// What the passes over a charge ask.
  private enum Question: Equatable, Sendable {
    /// How well does the curve in use explain it?
    case curveInUse
    /// How well does one age explain it, of a cell of unknown age?
    case age(Int32)
    /// What does it teach?
    case modes
  }

  /// Starts from a belief about the state of charge and the cell's age.
  ///
  /// - Parameters:
  ///   - profile: what is known of the cell.
  ///   - composition: what is known of its electrodes.
  ///   - stateOfCharge: the most likely value.
  ///   - deviation: its standard deviation, in ppm.
  ///   - isFresh: whether the cell is known to be new; otherwise any age is possible.
  public init(
    profile: CellProfile, composition: CompositionProfile, stateOfCharge: StateOfCharge,
    deviation: Int32 = 300_000, isFresh: Bool
  ) {
    estimator = StateEstimator(
      profile: profile, stateOfCharge: stateOfCharge, deviation: deviation)
    made = profile
    self.composition = composition
    modes = ModeFilter(composition, isFresh: isFresh)
    before = modes
    inUse = modes.x
    ageIsUnknown = !isFresh
    ageWasUnknown = !isFresh
    rebuild = CurveRebuild(profile.openCircuit)
    outlook = modes.outlook(composition)
  }

  // MARK: One step

  /// Takes in what the sensors said at `time`, and does one slice of what is left of the last charge.
  public mutating func step(at time: MonotonicTime, _ measurement: Measurement) {
    estimator.step(at: time, measurement)
    smooth()
    let last = lastTime ?? time
    let difference = time.microseconds.subtractingReportingOverflow(last.microseconds)
    let elapsed = difference.overflow ? .max : difference.partialValue
    lastTime = time
    if elapsed > 0 { age(by: elapsed) }
    if elapsed > 0, elapsed <= 60_000_000 { follow(measurement, elapsed) }
    advanceWork()
  }

  private mutating func age(by elapsed: Int64) {
    let year: Int64 = 31_536_000_000_000
    // A hundred years are as good as any longer time.
    func older(_ age: Int64) -> Int64 { min(age + min(elapsed, year), 100 * year) }
    sinceIron = sinceIron.map(older)
    sinceCoupling = sinceCoupling.map(older)
  }

  /// Keeps the reported state of charge from jumping once a curve has taken over.
  ///
  /// The lead falls by twenty times the share of the cell that the counted charge moved. What a
  /// reading corrects by more than 0.2 % at once goes into the lead first.
  private mutating func smooth() {
    let charge = estimator.filter.x[State.charge]
    let counted = Charge.nanocoulombs(
      modes.arithmetic.subtract(estimator.ledger.nanocoulombs, smoothedLedger.nanocoulombs))
    smoothedLedger = estimator.ledger
    let flow = modes.arithmetic.times(
      modes.arithmetic.multiply(
        counted.nanocoulombs, Format.one,
        dividedBy: estimator.profile.ratedCapacity.nanocoulombs),
      estimator.filter.x[State.inverseCapacity])
    let corrected = charge - lastCharge - flow
    lastCharge = charge
    guard rebuilds > 0 else { return }
    let most = Format.one / 500
    lead -= corrected - min(max(corrected, -most), most)
    let share = min(Int64(clamping: flow.magnitude), Format.one / 20) * 20
    lead -= modes.arithmetic.times(lead, share)
  }

  /// Shows the sample to the session.
  private mutating func follow(_ measurement: Measurement, _ elapsed: Int64) {
    let ledger = estimator.ledger
    let counted = Charge.nanocoulombs(
      modes.arithmetic.subtract(ledger.nanocoulombs, lastLedger.nanocoulombs))
    lastLedger = ledger
    let profile = estimator.profile
    let hours = modes.arithmetic.multiply(elapsed, Format.one, dividedBy: 3_600_000_000)
    let charge = modes.arithmetic.multiply(
      counted.nanocoulombs, Format.one, dividedBy: profile.ratedCapacity.nanocoulombs)
    sinceStart.charge = modes.arithmetic.add(sinceStart.charge, charge)
    sinceStart.hours = modes.arithmetic.add(sinceStart.hours, hours)
    unfaded = min(unfaded + min(max(charge, 0), Format.one), Format.one)
    let mean = modes.arithmetic.ratio(charge, hours) - estimator.filter.x[State.currentOffset]
    let times = CellProfile.temperatureFactor(
      profile.timeTemperatureFactor, estimator.lastTemperature)
    fastCurrent = relaxed(fastCurrent, mean, elapsed, profile.fastMilliseconds, times)
    slowCurrent = relaxed(slowCurrent, mean, elapsed, profile.slowMilliseconds, times)
    guard let voltage = measurement.voltage, let flowing = measurement.current else { return }
    let sample = sample(voltage, estimator.inC(flowing), charge, hours)
    if session.note(sample, composition.edges, &modes.arithmetic) == .ended { take() }
  }

  private mutating func relaxed(
    _ state: Int64, _ current: Int64, _ elapsed: Int64, _ milliseconds: Int32, _ factor: Int64
  ) -> Int64 {
    let constant = max(modes.arithmetic.times(Int64(milliseconds) * 1_000, factor), 1_000)
    let kept =
      elapsed / constant >= 28
      ? 0 : IntegerMath.exponentialOfNegative(modes.arithmetic.ratio(elapsed, constant))
    return modes.arithmetic.times(kept, state) + modes.arithmetic.times(Format.one - kept, current)
  }

  /// A reading without what the current adds to it.
  private mutating func sample(
    _ voltage: Voltage, _ current: Int64, _ charge: Int64, _ hours: Int64
  ) -> ChargeSession.Sample {
    let profile = estimator.profile
    let filter = estimator.filter
    let place = EdgePlace(openMicrovolts, composition.edges)
    let table = composition.overpotential
    func volts(_ microvolts: Int32) -> Int64 {
      // 2^60 / 10^6, as Format.millionths.
      Int64(microvolts) * 1_099_512
    }
    let net = current - filter.x[State.currentOffset]
    let relaxation = CellProfile.temperatureFactor(
      profile.relaxationTemperatureFactor, estimator.lastTemperature)
    let series = modes.arithmetic.times(
      modes.arithmetic.times(
        volts(place.value(table.series)),
        CellProfile.temperatureFactor(
          profile.seriesTemperatureFactor, estimator.lastTemperature)),
      profile.currentFactor(net))
    let fast = modes.arithmetic.times(volts(place.value(table.fast)), relaxation)
    let slow = modes.arithmetic.times(volts(place.value(table.slow)), relaxation)
    let drop =
      modes.arithmetic.times(
        modes.arithmetic.times(series, net), filter.x[State.resistance])
      + modes.arithmetic.times(fast, fastCurrent) + modes.arithmetic.times(slow, slowCurrent)
    let hysteresis = modes.arithmetic.times(
      volts(place.value(table.hysteresis)), filter.x[State.hysteresis])
    let reach = profile.lagReach(
      filter.x[State.charge], estimator.lastTemperature, &modes.arithmetic)
    let wide = Format.millionths(voltage.microvolts, &modes.arithmetic)
    // The place for the next sample, smoothed over a minute so that noise does not feed itself.
    let open = Format.toMillionths(wide - drop - hysteresis, &modes.arithmetic)
    openMicrovolts += (open - openMicrovolts) / 16
    return ChargeSession.Sample(
      hours: hours, charge: charge, current: current, open: wide - drop - hysteresis, drop: drop,
      lag: modes.arithmetic.times(reach, slowCurrent),
      atTop: voltage.microvolts >= profile.upperCutoff.microvolts - 2_000)
  }

  // MARK: Work in slices

  /// A charge that crosses fewer edges shows one slope, which an offset and a resistance explain.
  private static let leastEdges: Int32 = 5
  /// Colder charges teach nothing: what the current adds to the voltage grows in the cold, and its
  /// error with it. At 10 °C a curve that followed such charges was twice as wrong as the make's
  /// (`sodalite evaluate --tests 10C --seed 1`); that 15 °C is warm enough is assumed.
  private static let coldest = Temperature.millidegreesCelsius(15_000)

  /// Takes up the charge that has just ended, if it shows enough: a fifth of the rated capacity.
  ///
  /// Partial charges are most of a battery's life. What one does not show stays as it is believed, with
  /// its deviation; waiting for nearly whole ones would leave months without any teaching.
  private mutating func take() {
    // A charge that ends while the last one is still being worked on is left out.
    guard work == .none, session.record.count >= Self.leastEdges,
      session.charge >= Format.one / 5, estimator.lastTemperature >= Self.coldest
    else { return }
    guard !ageIsUnknown || session.record.seen & 0x7F != 0 else { return }
    record = session.record
    sinceStart = (session.charge, session.hours)
    // A filter with a wrong curve explains it by an offset that no sensor has: the sensor's own
    // tolerance bounds what is taken over.
    let tolerance = Format.millionths(composition.tuning.current, &modes.arithmetic)
    offsetVariance = estimator.filter.covariance.variance(
      of: State.currentOffset, &modes.arithmetic)
    let sensor = modes.arithmetic.multiply(tolerance, tolerance, shift: 28)
    offset = min(max(estimator.filter.x[State.currentOffset], -tolerance), tolerance)
    if offsetVariance > sensor {
      offset = 0
      offsetVariance = sensor
    }
    fade()
    before = modes
    bestAge = 0
    leastSurprise = .max
    ask(.curveInUse)
  }

  /// Starts the passes that answer a question.
  private mutating func ask(_ question: Question) {
    self.question = question
    beginPass(0)
    around = modes.x
  }

  /// Every pass starts from the same belief; only where it is linearised moves.
  private mutating func beginPass(_ pass: Int32) {
    let window = modes.window
    modes = before
    if ageIsUnknown {
      switch question {
      case .curveInUse: break
      case .age(let age): modes.assume(age: age, composition)
      case .modes: modes.assume(age: bestAge, composition)
      }
    }
    modes.beginCharge(composition.tuning, offsetVariance: offsetVariance)
    if question == .curveInUse {
      modes.hold(inUse, composition)
    } else if pass > 0 {
      modes.window = window
    }
    surprise = 0
    work = .edge(pass: pass, edge: 0)
  }

  private mutating func advanceWork() {
    switch work {
    case .none: if unfaded >= Self.fadingStep { fade() }
    case .edge(let pass, let edge): weigh(pass: pass, edge: Int(edge))
    case .judge: judge()
    case .points:
      rebuild.advance(composition, modes.x, modes.window, count: 8, &modes.arithmetic)
      if rebuild.isComplete {
        varianceSum = 0
        work = .variances(0)
      }
    case .variances(let node):
      let place = Format.one / 18 * Int64(node + 1)
      varianceSum += modes.curveVariance(composition, at: place, outlook) / 17
      work = node == 16 ? .takeOver : .variances(node + 1)
    case .takeOver: takeOver()
    }
  }

  private static let passes: Int32 = 4
  /// The charge after which the modes are moved on; a power cut forgets less than that.
  private static let fadingStep = Format.one / 16

  private mutating func weigh(pass: Int32, edge: Int) {
    if edge == 24 {
      endPass(pass)
      return
    }
    work = .edge(pass: pass, edge: Int32(edge + 1))
    guard record.has(edge), record.charge[edge] > Format.one / 200 else { return }
    // On the first pass every look is linearised where the looks before it have led.
    let linear = pass == 0 ? modes.x : around
    surprise += modes.weigh(
      composition, record, edge: edge, offset: offset, around: linear)
  }

  /// The window follows the modes into the next pass; after the last one the question is answered.
  private mutating func endPass(_ pass: Int32) {
    around = modes.x
    modes.window = composition.window(modes.x, &modes.arithmetic)
    if pass + 1 < Self.passes {
      beginPass(pass + 1)
      return
    }
    switch question {
    case .curveInUse:
      misfitInUse = modes.isSane ? surprise / Int64(max(record.count, 1)) : .max
      ask(ageIsUnknown ? .age(0) : .modes)
    case .age(let age):
      if modes.isSane, surprise < leastSurprise {
        leastSurprise = surprise
        bestAge = age
      }
      ask(age + 1 < ModeFilter.ages ? .age(age + 1) : .modes)
    case .modes: work = .judge
    }
  }

  /// Keeps what was learned, or undoes it when it fits no cell of this make.
  private mutating func judge() {
    let misfit = surprise / Int64(max(record.count, 1))
    guard modes.isSane, misfit < 6 * Format.one else {
      modes = before
      modes.arithmetic.saturations = 0
      refusedCharges &+= 1
      work = .none
      return
    }
    learnedCharges &+= 1
    modes.teach(&drift, from: before)
    noteLooks()
    look()
    // A curve that explains the charge stays: a new one would bring its own error and no gain.
    let most = Format.one / 1_000 * Int64(composition.tuning.curveMisfit)
    guard replacesCurve, ageIsUnknown || misfitInUse > most else {
      work = .none
      return
    }
    ageIsUnknown = false
    // From the make's table, so that a curve is the same however many there were before it.
    rebuild = CurveRebuild(made.openCircuit)
    work = .points
  }

  /// The modes change with the charge that went in, and what follows from them too.
  private mutating func fade() {
    guard unfaded > 0 else { return }
    modes.fade(&drift, over: unfaded, composition.tuning)
    unfaded = 0
    look()
  }

  /// Notes what follows from the modes.
  private mutating func look() {
    outlook = modes.outlook(composition)
    modes.window = outlook.window
    if learnedCharges > 0 { noteFoot() }
  }

  /// Notes how far the empty end is known, where the state of charge is counted from.
  ///
  /// The estimate is left as it is, bit by bit, where the make's curve stays in use.
  private mutating func noteFoot() {
    guard replacesCurve else { return }
    let variance = modes.variance(along: outlook.empty)
    let deviation = Int64(bitPattern: IntegerMath.squareRoot(UInt64(max(variance, 0))) << 14)
    footDeviation = Int32(
      clamping: min(Format.toMillionths(deviation, &modes.arithmetic), 1_000_000))
  }

  /// Notes which sites the charge went through: at least four edges of one.
  private mutating func noteLooks() {
    var iron = 0
    var coupling = 0
    for edge in 0..<24 where record.has(edge) {
      if composition.ironShare[edge] >= 500_000 { iron += 1 } else { coupling += 1 }
    }
    if iron >= 4 { sinceIron = 0 }
    if coupling >= 4 { sinceCoupling = 0 }
  }

  /// Gives the filter the new curve, and the charge that it puts the cell at.
  private mutating func takeOver() {
    work = .none
    inUse = modes.x
    let window = outlook.window
    let reported = min(max(estimator.filter.x[State.charge] + lead, 0), Format.one)
    let charge =
      modes.x[Mode.charge] + sinceStart.charge
      - modes.arithmetic.times(offset + modes.x[Mode.current], sinceStart.hours)
    let place = modes.arithmetic.ratio(charge - window.empty, window.span)
    let kappa = modes.arithmetic.ratio(Format.one, window.span)

    var toPlace = ModeVector(repeating: 0)
    var toSpan = ModeVector(repeating: 0)
    for k in 0..<Mode.count {
      toSpan[k] = outlook.full[k] - outlook.empty[k]
      toPlace[k] =
        0
        - modes.arithmetic.times(
          outlook.empty[k] + modes.arithmetic.times(place, toSpan[k]), kappa)
    }
    toPlace[Mode.charge] = kappa
    toPlace[Mode.current] = 0 - modes.arithmetic.times(sinceStart.hours, kappa)
    let least = Format.variance(ofMillionths: 3_000, &modes.arithmetic)
    let placeVariance = modes.variance(along: toPlace) + least
    let spanVariance = modes.variance(along: toSpan)
    let squared = modes.arithmetic.times(kappa, kappa)
    let kappaVariance =
      modes.arithmetic.times(modes.arithmetic.times(squared, squared), spanVariance)
      + Format.variance(ofMillionths: 7_000, &modes.arithmetic)
    let deviation = Int64(bitPattern: IntegerMath.squareRoot(UInt64(max(varianceSum, 0))) << 14)
    let ownError = Int32(
      clamping: min(Format.toMillionths(deviation, &modes.arithmetic), 20_000))
    estimator.adopt(overpotentials())
    // Never believed more than the make's own curve is of a fresh cell.
    estimator.adopt(
      curve: rebuild.table, stateOfCharge: place, variance: placeVariance,
      inverseCapacity: kappa, inverseCapacityVariance: kappaVariance,
      modelError: max(10_000, 4_000 + ownError), modelErrorOfCharge: 15_000)
    rebuilds &+= 1
    lastCharge = estimator.filter.x[State.charge]
    lead = reported - lastCharge
  }

  /// The tables over the new state of charge of what belongs to the sites at work.
  @_addressableSelf
  private func overpotentials() -> StateEstimator.Overpotentials {
    var tables = StateEstimator.Overpotentials(estimator.profile)
    for i in 0..<65 {
      let place = EdgePlace(Int64(rebuild.table[4 * i]), composition.edges)
      tables.series[i] = place.value(composition.overpotential.series)
      tables.fast[i] = place.value(composition.overpotential.fast)
      tables.slow[i] = place.value(composition.overpotential.slow)
      tables.hysteresis[i] = place.value(composition.overpotential.hysteresis)
    }
    return tables
  }

  // MARK: What is believed

  /// The present estimate; the state of charge is the filter's plus what is not paid out yet.
  public var estimate: Estimate { @_addressableSelf get { believed() } }

  @_addressableSelf
  private func believed() -> Estimate {
    var estimate = estimator.estimate
    // Without another curve there is nothing to pay out, and the two estimators agree bit by bit.
    guard rebuilds > 0 else { return estimate }
    var arithmetic = SaturatingArithmetic()
    // The filter's own estimate is cut to 0…1 before the lead; beyond an end both matter.
    let whole = Format.toMillionths(estimator.filter.x[State.charge] + lead, &arithmetic)
    let ahead = Format.toMillionths(lead, &arithmetic)
    let own = estimate.stateOfCharge.partsPerMillion
    let below = own - estimate.lowestStateOfCharge.partsPerMillion
    let above = estimate.highestStateOfCharge.partsPerMillion - own
    let wide = arithmetic.multiply(
      Int64(max(below, above)), curveInterval(&arithmetic), shift: 40)
    let reach = widened(Int32(clamping: wide), at: own) + Int64(clamping: ahead.magnitude)
    let reported = min(max(whole, 0), 1_000_000)
    func cut(_ value: Int64) -> StateOfCharge {
      .partsPerMillion(Int32(clamping: min(max(value, 0), 1_000_000)))
    }
    estimate.stateOfCharge = cut(reported)
    estimate.lowestStateOfCharge = cut(reported - reach)
    estimate.highestStateOfCharge = cut(reported + reach)
    return estimate
  }

  /// What the filter's interval is multiplied by on a curve that was made from modes, 40 fractional
  /// bits: 1, and 5 more for a cell that has lost everything.
  ///
  /// The filter draws its curve's error anew along the way, while the modes' is one error on all of it,
  /// and the further a cell has gone from its make, the less the make's tables fit. The
  /// five were chosen on worn cells of seeds 1 to 6: `sodalite evaluate --tests life-0.73 --fleet 6 --seed 1`.
  private func curveInterval(_ arithmetic: inout SaturatingArithmetic) -> Int64 {
    guard composition.freshSpan > 0 else { return Format.one }
    let left = arithmetic.ratio(
      outlook.window.span, Format.millionths(composition.freshSpan, &arithmetic))
    return Format.one + 5 * min(max(Format.one - left, 0), Format.half)
  }

  /// The interval's half with what is not known of the empty end, both in ppm.
  ///
  /// The filter takes its curve for the cell's. Where the foot was not seen for long, the whole curve
  /// stands on a wrong zero, and a voltage tells only the distance from full.
  @_addressableSelf
  private func widened(_ own: Int32, at place: Int32) -> Int64 {
    let foot = Int64(1_000_000 - place) * Int64(footDeviation) / 1_000_000 * 196 / 100
    return Int64(
      clamping: IntegerMath.squareRoot(UInt64(Int64(own) * Int64(own) + foot * foot)))
  }

  /// The time until a mean load has emptied the cell, on the curve in use; as `StateEstimator`'s.
  @_addressableSelf
  public func timeToEmpty(at current: Current) -> TimeRange? {
    estimator.timeToEmpty(at: current)
  }

  /// The time until a charger has filled the cell, on the curve in use; as `StateEstimator`'s.
  @_addressableSelf
  public func timeToFull(at current: Current, until end: Current? = nil) -> TimeRange? {
    estimator.timeToFull(at: current, until: end)
  }

  /// The largest current that can flow for a time; as `StateEstimator`'s.
  @_addressableSelf
  public func limit(
    charging: Bool, over seconds: Int32, _ bounds: borrowing LoadBounds
  ) -> LoadLimit {
    estimator.limit(charging: charging, over: seconds, bounds)
  }

  /// How worn the cell is, by capacity and by resistance.
  public var stateOfHealth: StateOfHealth { @_addressableSelf get { estimator.stateOfHealth } }

  /// The modes with all that is uncertain of them.
  private var reported: ModeFilter {
    @_addressableSelf get {
      var filter = modes
      filter.addStructure(composition.tuning, isOfUnknownAge: ageWasUnknown)
      if ageIsUnknown { filter.spreadOverAges() }
      return filter
    }
  }

  /// What is known of the cell's electrodes.
  public var health: HealthReport { @_addressableSelf get { reportedHealth() } }

  @_addressableSelf
  private func reportedHealth() -> HealthReport {
    var filter = reported
    let empty = outlook.empty
    var span = ModeVector(repeating: 0)
    for k in 0..<Mode.count { span[k] = outlook.full[k] - outlook.empty[k] }
    var single = ModeVector(repeating: 0)
    func of(_ mode: Int) -> Measured {
      single = ModeVector(repeating: 0)
      single[mode] = Format.one
      return filter.measured(filter.x[mode], along: single)
    }
    let coupling = of(Mode.coupling)
    let iron = of(Mode.iron)
    let anode = of(Mode.anode)
    single = ModeVector(repeating: 0)
    single[Mode.iron] = Format.one
    single[Mode.stock] = -Format.one
    let slippage = filter.measured(
      filter.x[Mode.iron] - filter.x[Mode.stock], along: single)
    single[Mode.iron] = 2 * Format.one
    let sum = filter.variance(along: single)
    return HealthReport(
      coupling: coupling, accessibleIron: filter.measured(-modes.window.empty, along: empty),
      anode: anode, capacity: filter.measured(modes.window.span, along: span), iron: iron,
      slippage: slippage,
      correlation: HealthReport.correlation(
        varianceOfSum: sum, iron, slippage, &filter.arithmetic),
      ironSeen: moment(sinceIron), couplingSeen: moment(sinceCoupling), charges: learnedCharges)
  }

  /// The unknowns, 40 fractional bits, in the order of the joint covariance; for comparing.
  public var preciseModes: InlineArray<27, Int64> { modes.x }

  /// The deviations of the unknowns, 40 fractional bits.
  public var modeDeviations: InlineArray<27, Int64> {
    var arithmetic = SaturatingArithmetic()
    var deviations = ModeVector(repeating: 0)
    for k in 0..<Mode.count {
      let variance = modes.covariance.variance(of: k, &arithmetic)
      deviations[k] = Int64(
        bitPattern: IntegerMath.squareRoot(UInt64(max(variance, 0))) << 14)
    }
    return deviations
  }

  /// The joint covariance of coupling, iron and the anode's stock at the boundary, 52 fractional
  /// bits: the variances and covariances in the order cc, ci, ii, cs, is, ss.
  ///
  /// Iron and slippage mean little alone; the region that the three share is what is known.
  public var jointCovariance: InlineArray<6, Int64> {
    var filter = reported
    let order: InlineArray<3, Int> = [Mode.coupling, Mode.iron, Mode.stock]
    var result = InlineArray<6, Int64>(repeating: 0)
    var next = 0
    for j in 0..<3 {
      for i in 0...j {
        result[next] = filter.covariance(of: order[i], and: order[j])
        next += 1
      }
    }
    return result
  }

  /// The window's lower end and span in the charge coordinate, 40 fractional bits.
  public var preciseWindow: (empty: Int64, span: Int64) {
    (modes.window.empty, modes.window.span)
  }

  /// Whether a charge is being watched.
  public var isCharging: Bool { @_addressableSelf get { session.isOpen } }

  /// Where the last or present charge crossed an edge, counted from its beginning and with the slow
  /// lag; nil if it did not. Unit: ppm of the rated capacity.
  @_addressableSelf
  public func crossing(_ edge: Int) -> Int32? {
    guard session.record.has(edge) else { return nil }
    var arithmetic = SaturatingArithmetic()
    let charge = session.record.charge[edge] + session.record.lag[edge]
    return Int32(clamping: Format.toMillionths(charge, &arithmetic))
  }

  /// Whether a charge is still being worked on.
  public var isLearning: Bool { @_addressableSelf get { work != .none } }

  /// How many results of the arithmetic were clamped.
  public var saturations: UInt32 {
    @_addressableSelf get {
      let all = UInt64(estimator.saturations) + UInt64(modes.arithmetic.saturations)
      return UInt32(clamping: all)
    }
  }
}

// MARK: The same as one estimator among others

extension LifelongEstimator {
  /// The charge of a new cell.
  public var ratedCapacity: Charge { made.ratedCapacity }
  /// Where a discharge ends.
  public var lowerCutoff: Voltage { made.lowerCutoff }
  /// Where a charge ends.
  public var upperCutoff: Voltage { made.upperCutoff }
  /// Whether profile and composition are those that were sealed.
  public var isIntact: Bool {
    @_addressableSelf get {
      guard made.isIntact else { return false }
      return composition.isIntact
    }
  }
  /// The profile's checksum.
  public var identity: UInt32 { made.checksum }
  /// The profile's checksum, until the curve was replaced.
  public var curveIdentity: UInt32 {
    @_addressableSelf get { rebuilds > 0 ? replacedCurveIdentity : identity }
  }
  /// The checksum of profile and composition.
  public var replacedCurveIdentity: UInt32 {
    @_addressableSelf get {
      var crc = CRC32C()
      crc.combine(made.checksum)
      crc.combine(composition.checksum)
      return crc.value
    }
  }

  /// What a new cell of the make has of the parts that fade.
  public var madeElectrodes: NewElectrodes {
    @_addressableSelf get {
      var arithmetic = SaturatingArithmetic()
      let window = composition.window(composition.freshModes, &arithmetic)
      return NewElectrodes(
        coupling: composition.fresh.coupling,
        accessibleIron: Int32(clamping: Format.toMillionths(0 - window.empty, &arithmetic)),
        anode: composition.fresh.anode)
    }
  }

  /// See `StateEstimator.mayCharge`.
  public var mayCharge: Bool {
    get { estimator.mayCharge }
    set { estimator.mayCharge = newValue }
  }
  /// See `StateEstimator.mayDischarge`.
  public var mayDischarge: Bool {
    get { estimator.mayDischarge }
    set { estimator.mayDischarge = newValue }
  }
  /// The charge counted since the start; see `StateEstimator.ledger`.
  public var ledger: Charge { estimator.ledger }
  /// The deviation of the state of charge. Unit: ppm.
  public var chargeDeviation: Int32 { @_addressableSelf get { estimator.chargeDeviation } }
  /// Whether a first reading speaks for the belief; see `StateEstimator.fits(_:at:)`.
  public mutating func fits(_ voltage: Voltage, at flowing: Current) -> Bool {
    estimator.fits(voltage, at: flowing)
  }

  /// Takes the state of charge from a voltage at rest, ±20 %, and keeps what else is known.
  public mutating func takeCharge(fromOpenCircuit voltage: Voltage) {
    estimator.takeCharge(fromOpenCircuit: voltage)
    lead = 0
    lastCharge = estimator.filter.x[State.charge]
  }

  /// Begins anew at the state of charge that a voltage at rest stands for.
  ///
  /// - Parameters:
  ///   - voltage: at rest.
  ///   - deviation: of the state of charge. Unit: ppm.
  ///   - isOtherCell: whether it is another cell than the one that this estimator was made for; then
  ///     nothing that was learned holds, and any age is possible.
  public mutating func begin(
    atOpenCircuit voltage: Voltage, deviation: Int32, isOtherCell: Bool
  ) {
    if isOtherCell {
      return forget(
        stateOfCharge: StateEstimator.stateOfCharge(atOpenCircuit: voltage, made),
        deviation: deviation, isFresh: false)
    }
    estimator.begin(atOpenCircuit: voltage, deviation: deviation, isOtherCell: false)
    beginCounting()
  }

  /// The filter's books begin anew; a charge that was being watched is lost.
  private mutating func beginCounting() {
    session = ChargeSession()
    lead = 0
    lastTime = nil
    smoothedLedger = estimator.ledger
    lastLedger = estimator.ledger
    lastCharge = estimator.filter.x[State.charge]
  }

  private mutating func forget(
    stateOfCharge: StateOfCharge, deviation: Int32, isFresh: Bool
  ) {
    let may = (charge: mayCharge, discharge: mayDischarge)
    let replaces = replacesCurve
    self = LifelongEstimator(
      profile: made, composition: composition, stateOfCharge: stateOfCharge, deviation: deviation,
      isFresh: isFresh)
    mayCharge = may.charge
    mayDischarge = may.discharge
    replacesCurve = replaces
  }

  @_addressableSelf
  private func moment(_ age: Int64?) -> MonotonicTime? {
    guard let age, let now = lastTime?.microseconds else { return nil }
    return .microseconds(max(now, .min + age) - age)
  }
}

// MARK: Over a power cut

extension LifelongEstimator {
  /// What is known, as numbers that can be kept without power.
  ///
  /// A charge that is going on, or still being worked on, is not in it: it will have taught nothing.
  public var kept: LifelongSnapshot { @_addressableSelf get { snapshot() } }

  @_addressableSelf
  private func snapshot() -> LifelongSnapshot {
    var snapshot = LifelongSnapshot(filter: EstimatorSnapshot(estimator))
    var flags: Int64 = ageIsUnknown ? LifelongSnapshot.Flag.ageIsUnknown : 0
    if ageWasUnknown { flags |= LifelongSnapshot.Flag.ageWasUnknown }
    if sinceIron != nil { flags |= LifelongSnapshot.Flag.ironSeen }
    if sinceCoupling != nil { flags |= LifelongSnapshot.Flag.couplingSeen }
    let head: InlineArray<14, Int64> = [
      LifelongSnapshot.layout, Int64(composition.checksum), flags, sinceIron ?? 0,
      sinceCoupling ?? 0, Int64(learnedCharges), Int64(refusedCharges), Int64(rebuilds),
      Int64(estimator.profile.tuning.modelError),
      Int64(estimator.profile.tuning.modelErrorOfCharge), lead, openMicrovolts, fastCurrent,
      slowCurrent,
    ]
    snapshot.hasModes = true
    for i in 0..<14 { snapshot.modes[i] = head[i] }
    snapshot.put(settledModes, curve: inUse)
    snapshot.put(drift)
    return snapshot
  }

  /// The modes as the last charge left them.
  private var settledModes: ModeFilter {
    @_addressableSelf get {
      switch work {
      case .edge, .judge: before
      default: modes
      }
    }
  }

  /// Goes on from a snapshot after a pause; what was known before is forgotten.
  ///
  /// The curve is made anew from the modes: that takes as long as all its slices together, once.
  /// - Returns: false, with nothing changed, if the snapshot is not of such an estimator, or its curve is
  ///   that of another make's electrodes.
  public mutating func resume(
    from kept: borrowing @_addressable LifelongSnapshot, after pause: Pause
  ) -> Bool {
    guard kept.isSane else { return false }
    let isOfThisMake = kept.composition == composition.checksum
    if kept.hasOtherCurve, !isOfThisMake { return false }
    forget(
      stateOfCharge: .partsPerMillion(500_000), deviation: 300_000, isFresh: !ageWasUnknown)
    if kept.hasModes, isOfThisMake { take(kept) }
    guard estimator.resume(from: kept.filter, after: pause) else { return false }
    smoothedLedger = estimator.ledger
    lastLedger = estimator.ledger
    lastCharge = estimator.filter.x[State.charge]
    if pause.microseconds != 0 {
      // The electrodes have relaxed, or nobody knows.
      fastCurrent = 0
      slowCurrent = 0
    }
    if let away = pause.microseconds { age(by: max(away, 0)) }
    return true
  }

  private mutating func take(_ kept: borrowing @_addressable LifelongSnapshot) {
    let flags = kept.modes[2]
    ageIsUnknown = flags & LifelongSnapshot.Flag.ageIsUnknown != 0
    ageWasUnknown = flags & LifelongSnapshot.Flag.ageWasUnknown != 0
    sinceIron = flags & LifelongSnapshot.Flag.ironSeen != 0 ? kept.modes[3] : nil
    sinceCoupling = flags & LifelongSnapshot.Flag.couplingSeen != 0 ? kept.modes[4] : nil
    learnedCharges = Int32(truncatingIfNeeded: kept.modes[5])
    refusedCharges = Int32(truncatingIfNeeded: kept.modes[6])
    rebuilds = Int32(truncatingIfNeeded: kept.modes[7])
    lead = kept.modes[10]
    openMicrovolts = kept.modes[11]
    fastCurrent = kept.modes[12]
    slowCurrent = kept.modes[13]
    kept.restore(&modes, curve: &inUse)
    drift = kept.drift
    modes.window = composition.window(modes.x, &modes.arithmetic)
    before = modes
    outlook = modes.outlook(composition)
    if learnedCharges > 0 { noteFoot() }
    guard rebuilds > 0 else { return }
    let window = composition.window(inUse, &modes.arithmetic)
    rebuild = CurveRebuild(made.openCircuit)
    rebuild.advance(composition, inUse, window, count: 257, &modes.arithmetic)
    estimator.adopt(overpotentials())
    estimator.use(
      curve: rebuild.table, modelError: Int32(truncatingIfNeeded: kept.modes[8]),
      modelErrorOfCharge: Int32(truncatingIfNeeded: kept.modes[9]))
  }
}
