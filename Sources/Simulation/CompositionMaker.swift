// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import CellSimulation
import DeterministicMath
import Quantities

/// Makes the tables of a make's electrodes for the identification of modes.
///
/// Shapes come from the half cells' equilibria, as two slow half-cell experiments would show them;
/// sizes from the reference test of the nominal cell; what the two do not explain of the profile's
/// measured curve is kept as a residual. Nothing here knows the cell that is then measured.
public enum CompositionMaker {
  /// Makes the tables; nil for a description without electrodes.
  ///
  /// - Parameter profile: the same make's; its open-circuit curve is what the composition meets.
  /// - Throws: `CellError` if the description cannot be a cell.
  public static func composition(
    for description: CellDescription, profile: CellProfile, tuning: ModeTuning = ModeTuning()
  ) throws(CellError) -> CompositionProfile? {
    guard case .electrodes(let pair) = description.model else { return nil }
    let reference = try ReferenceTest(description)
    let fitted = fit(
      ComposedCurve(pair), profile, capacity: reference.capacityAmpereHours)
    var composition = make(
      fitted, profile, oneC: description.ratedCapacityAmpereHours, tuning)
    try follow(description, reference, &composition)
    try ChargeCalibration(description, reference, profile).correct(&composition)
    return composition
  }

  /// How the ends move on the make itself, worn to four fifths on every path: the mean of the paths.
  ///
  /// A laboratory has it from cells that were cycled to that health and put through the same test.
  private static func follow(
    _ description: CellDescription, _ fresh: ReferenceTest, _ composition: inout CompositionProfile
  ) throws(CellError) {
    var fall = 0.0
    var rise = 0.0
    for path in AgeingPath.allCases {
      let worn = try ReferenceTest(path.worn(description, health: 0.8))
      let lost = 1 - worn.capacityAmpereHours / fresh.capacityAmpereHours
      fall += (fresh.full.openCircuitVolts - worn.full.openCircuitVolts) / lost
      rise += (worn.empty.openCircuitVolts - fresh.empty.openCircuitVolts) / lost
    }
    let count = Double(AgeingPath.allCases.count)
    composition.freshSpan = millionths(
      fresh.capacityAmpereHours / description.ratedCapacityAmpereHours)
    composition.upperFall = millionths(fall / count)
    composition.lowerRise = millionths(rise / count)
  }

  /// Sizes that meet the measured curve best: what a slow test reaches of each part.
  private static func fit(
    _ start: ComposedCurve, _ profile: CellProfile, capacity: Double
  ) -> ComposedCurve {
    let ends = (lower: openCircuit(profile, 0), upper: openCircuit(profile, 1))
    let measured = stride(from: 0.02, to: 0.985, by: 0.02).map {
      (place: $0, volts: openCircuit(profile, $0))
    }
    /// The curve with other shares between the parts, scaled to the measured capacity.
    func candidate(_ shares: [Double]) -> (curve: ComposedCurve, cost: Double) {
      var curve = start
      curve.coupling *= shares[0]
      curve.iron *= shares[1]
      curve.anode *= shares[2]
      curve.stock *= shares[3]
      let scale = capacity / curve.window(ends.lower, ends.upper).span
      curve.coupling *= scale
      curve.iron *= scale
      curve.remainder *= scale
      curve.anode *= scale
      curve.stock *= scale
      let window = curve.window(ends.lower, ends.upper)
      var cost = 0.0
      var potentials = ComposedCurve.Potentials.guess
      for point in measured {
        potentials = curve.potentials(window.empty + point.place * window.span, near: potentials)
        let error = potentials.cellVolts - point.volts
        cost += error * error
      }
      return (curve, cost)
    }
    var shares = [1.0, 1, 1, 1]
    var best = candidate(shares)
    var reach = 0.02
    while reach > 0.0004 {
      var improved = false
      for index in shares.indices {
        for sign in [-1.0, 1] {
          var tried = shares
          tried[index] += sign * reach
          let next = candidate(tried)
          if next.cost < best.cost {
            best = next
            shares = tried
            improved = true
          }
        }
      }
      if !improved { reach /= 2 }
    }
    return best.curve
  }

  private static func make(
    _ composed: ComposedCurve, _ profile: CellProfile, oneC: Double, _ tuning: ModeTuning
  ) -> CompositionProfile {
    let parts = composed.parts
    let ends = (lower: openCircuit(profile, 0), upper: openCircuit(profile, 1))
    let window = composed.window(ends.lower, ends.upper)
    var residual = InlineArray<257, Int32>(repeating: 0)
    var potentials = ComposedCurve.Potentials.guess
    for i in 1..<256 {
      let volts = ends.lower + (ends.upper - ends.lower) * Double(i) / 256
      let place = fallingRoot(from: 0, to: 1) { volts - openCircuit(profile, $0) }
      potentials = composed.potentials(window.empty + place * window.span, near: potentials)
      residual[i] = millionths(volts - potentials.cellVolts)
    }
    return CompositionProfile(
      coupling: table(parts.coupling), iron: table(parts.iron), remainder: table(parts.remainder),
      anodeSlope: table(parts.anodeSlope), anodePlateau: table(parts.anodePlateau),
      anodeSlopeShare: millionths(composed.slopeShare),
      fresh: CompositionProfile.Capacities(
        coupling: millionths(composed.coupling / oneC), iron: millionths(composed.iron / oneC),
        remainder: millionths(composed.remainder / oneC),
        anode: millionths(composed.anode / oneC), stock: millionths(composed.stock / oneC)),
      lowerVoltage: millionths(ends.lower), upperVoltage: millionths(ends.upper),
      residual: residual, edges: edges(profile, ends),
      overpotential: overpotential(profile, edges(profile, ends)),
      ironShare: ironShare(composed, edges(profile, ends)), tuning: tuning)
  }

  /// Edges even in the mean of charge and voltage: dense enough on the plateau and on the flanks.
  private static func edges(
    _ profile: CellProfile, _ ends: (lower: Double, upper: Double)
  ) -> InlineArray<24, Int32> {
    var edges = InlineArray<24, Int32>(repeating: 0)
    func measure(_ place: Double) -> Double {
      0.5 * place + 0.5 * (openCircuit(profile, place) - ends.lower) / (ends.upper - ends.lower)
    }
    for k in 0..<24 {
      let wanted = (Double(k) + 0.75) / 24.5
      let place = fallingRoot(from: 0, to: 1) { wanted - measure($0) }
      edges[k] = millionths(openCircuit(profile, place))
    }
    return edges
  }

  /// The profile's tables at the states of charge of the edges.
  private static func overpotential(
    _ profile: CellProfile, _ edges: InlineArray<24, Int32>
  ) -> CompositionProfile.Overpotentials {
    func read(_ table: InlineArray<65, Int32>) -> InlineArray<24, Int32> {
      var values = InlineArray<24, Int32>(repeating: 0)
      for k in 0..<24 {
        let volts = Double(edges[k]) * 1e-6
        let place = fallingRoot(from: 0, to: 1) { volts - openCircuit(profile, $0) }
        let position = min(max((place + 0.05) / 1.1 * 64, 0), 63.999)
        let index = Int(position)
        let low = Double(table[index])
        values[k] = Int32(
          (low + (Double(table[index + 1]) - low) * (position - Double(index))).rounded())
      }
      return values
    }
    return CompositionProfile.Overpotentials(
      series: read(profile.series), fast: read(profile.fast), slow: read(profile.slow),
      hysteresis: read(profile.hysteresis))
  }

  /// How much of a little charge at the edges the iron takes.
  private static func ironShare(
    _ composed: ComposedCurve, _ edges: InlineArray<24, Int32>
  ) -> InlineArray<24, Int32> {
    var shares = InlineArray<24, Int32>(repeating: 0)
    for k in 0..<24 {
      shares[k] = millionths(composed.ironShare(atVolts: Double(edges[k]) * 1e-6))
    }
    return shares
  }

  private static func table(_ part: ElectrodeParts.Part) -> SiteTable {
    let centre = part.centre
    let reach = part.reach
    var values = InlineArray<257, Int32>(repeating: 0)
    for i in 0..<257 {
      let volts = centre + reach * (Double(i) / 128 - 1)
      values[i] = Int32((part.emptied(volts) * 0x1p30).rounded())
    }
    values[0] = 0
    values[256] = 1 << 30
    return SiteTable(centre: millionths(centre), reach: millionths(reach), emptied: values)
  }

  static func openCircuit(_ profile: CellProfile, _ place: Double) -> Double {
    let position = min(max((place + 0.05) / 1.1 * 256, 0), 256)
    let index = min(Int(position), 255)
    let low = Double(profile.openCircuit[index])
    return (low + (Double(profile.openCircuit[index + 1]) - low) * (position - Double(index)))
      * 1e-6
  }

  private static func millionths(_ value: Double) -> Int32 {
    Int32(min(max((value * 1e6).rounded(), -2e9), 2e9))
  }

  /// Where the falling `function` crosses 0, by bisection.
  static func fallingRoot(
    from low: Double, to high: Double, _ function: (Double) -> Double
  ) -> Double {
    var low = low
    var high = high
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if function(middle) > 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

/// The sites of an electrode pair, gathered into the parts that the identification tells apart.
struct ElectrodeParts {
  /// Sites that are read as one.
  struct Part {
    private let sites: [RedoxSite]
    /// Stands in where the make has no such site.
    private let assumed: (volts: Double, width: Double)?
    let ampereHours: Double
    /// The middle of the part's potentials. Unit: V.
    let centre: Double
    /// How far from the middle the last site ends. Unit: V.
    let reach: Double

    init(sites: [RedoxSite], assumed: (volts: Double, width: Double)? = nil) {
      self.sites = sites
      self.assumed = assumed
      let ampereHours = sites.reduce(0) { $0 + $1.capacityAmpereHours }
      self.ampereHours = ampereHours
      if let assumed {
        centre = assumed.volts
        reach = 12 * assumed.width
      } else {
        let centre =
          sites.reduce(0) { $0 + $1.capacityAmpereHours * $1.potentialVolts } / ampereHours
        self.centre = centre
        reach =
          sites.map {
            abs($0.potentialVolts - centre) + 12 * $0.width * Self.thermalVolts
              + $0.interactionVolts / 2
          }.max() ?? 1
      }
    }

    /// RT/F at 25 °C. Unit: V.
    private static let thermalVolts = 8.314462618 * 298.15 / 96485.33212

    /// The empty share in equilibrium with a potential.
    func emptied(_ volts: Double) -> Double { emptying(volts).value }

    /// The empty share in equilibrium with a potential, and how it rises with it. Unit: 1/V.
    func emptying(_ volts: Double) -> (value: Double, slope: Double) {
      if let assumed {
        let filled = Self.logistic((assumed.volts - volts) / assumed.width)
        return (1 - filled, filled * (1 - filled) / assumed.width)
      }
      var filled = 0.0
      var slope = 0.0
      for site in sites {
        let share = Self.filling(site, volts)
        filled += site.capacityAmpereHours * share.value
        slope += site.capacityAmpereHours * share.slope
      }
      return (1 - filled / ampereHours, slope / ampereHours)
    }

    /// The filled share of a site, and how it falls with the potential.
    ///
    /// θ = logistic(y), y = (E − V − g·(θ − ½)) / scale. From the line through the middle Newton's
    /// steps in y come from one side only: the function bends the same way between there and the root.
    private static func filling(
      _ site: RedoxSite, _ volts: Double
    ) -> (value: Double, slope: Double) {
      let scale = site.width * thermalVolts
      let repulsion = max(site.interactionVolts, 0) / scale
      let alone = (site.potentialVolts - volts) / scale
      var y = alone / (1 + repulsion / 4)
      var filled = logistic(y)
      var rise = filled * (1 - filled)
      while repulsion > 0 {
        let step = (alone - y - repulsion * (filled - 0.5)) / (1 + repulsion * rise)
        y += step
        filled = logistic(y)
        rise = filled * (1 - filled)
        // The next step would be about the square of this one.
        if abs(step) < 1e-8 { break }
      }
      return (filled, rise / scale / (1 + repulsion * rise))
    }

    private static func logistic(_ y: Double) -> Double {
      let tail = DeterministicMath.exp(-abs(y))
      return y < 0 ? tail / (1 + tail) : 1 / (1 + tail)
    }
  }

  let coupling: Part
  let iron: Part
  let remainder: Part
  let anodeSlope: Part
  let anodePlateau: Part

  /// Parts a pair: the cathode's lowest site is the iron, what lies more than 0.25 V above the
  /// largest other site is the remainder; the anode's sites above 0.15 V are its slope.
  init(_ pair: ElectrodePair) {
    let cathode = pair.cathode.sites.sorted { $0.potentialVolts < $1.potentialVolts }
    let rest = Array(cathode.dropFirst())
    let largest = rest.max { $0.capacityAmpereHours < $1.capacityAmpereHours }
    let middle = largest?.potentialVolts ?? 3.4
    let above = rest.filter { $0.potentialVolts > middle + 0.25 }
    iron = Part(sites: Array(cathode.prefix(1)))
    coupling = Part(sites: rest.filter { $0.potentialVolts <= middle + 0.25 })
    // Assumed where the make has none: the reference study's remainder, 0.38 V above the plateau.
    remainder = Part(
      sites: above, assumed: above.isEmpty ? (volts: middle + 0.38, width: 0.14) : nil)
    anodeSlope = Part(sites: pair.anode.sites.filter { $0.potentialVolts > 0.15 })
    anodePlateau = Part(sites: pair.anode.sites.filter { $0.potentialVolts <= 0.15 })
  }
}

/// A make's open-circuit voltage from its parts, over the charge given up beyond the boundary.
struct ComposedCurve {
  let parts: ElectrodeParts
  /// Capacities, and the anode's content at the boundary. Unit: Ah.
  var coupling: Double
  var iron: Double
  var remainder: Double
  var anode: Double
  var stock: Double
  /// The sloping part's share of the anode.
  let slopeShare: Double

  /// The curve of a pair in equilibrium.
  init(_ pair: ElectrodePair) {
    parts = ElectrodeParts(pair)
    coupling = parts.coupling.ampereHours
    iron = parts.iron.ampereHours
    remainder = parts.remainder.ampereHours
    anode = parts.anodeSlope.ampereHours + parts.anodePlateau.ampereHours
    stock = pair.cyclableSodiumAmpereHours - coupling - remainder
    slopeShare = parts.anodeSlope.ampereHours / anode
  }

  /// The potentials of both electrodes. Unit: V.
  struct Potentials {
    var cathode: Double
    var anode: Double

    var cellVolts: Double { cathode - anode }

    /// Where a search begins that knows nothing.
    static let guess = Potentials(cathode: 3.3, anode: 0.2)
  }

  /// The charge that the cathode gave up, and how it rises with its potential.
  private func cathodeCharge(_ volts: Double) -> (value: Double, slope: Double) {
    let coupled = parts.coupling.emptying(volts)
    let ferrous = parts.iron.emptying(volts)
    let rest = parts.remainder.emptying(volts)
    return (
      coupling * coupled.value - iron * (1 - ferrous.value) + remainder * rest.value,
      coupling * coupled.slope + iron * ferrous.slope + remainder * rest.slope
    )
  }

  /// What the anode holds, and how it rises with its potential.
  private func anodeContent(_ volts: Double) -> (value: Double, slope: Double) {
    let slope = parts.anodeSlope.emptying(volts)
    let plateau = parts.anodePlateau.emptying(volts)
    return (
      anode * (1 - slopeShare * slope.value - (1 - slopeShare) * plateau.value),
      -anode * (slopeShare * slope.slope + (1 - slopeShare) * plateau.slope)
    )
  }

  /// The charge at which the cell rests at a voltage. Unit: Ah.
  private func charge(atVolts volts: Double) -> Double {
    cathodeCharge(cathodeVolts(atVolts: volts)).value
  }

  /// The cathode's potential where the cell rests at a voltage. Unit: V.
  private func cathodeVolts(atVolts volts: Double) -> Double {
    Self.fallingRoot(from: 0, to: 6, near: volts + 0.2) {
      let anode = anodeContent($0 - volts)
      let cathode = cathodeCharge($0)
      return (anode.value - stock - cathode.value, anode.slope - cathode.slope)
    }
  }

  /// The iron's share of a little charge at the cell's resting voltage.
  func ironShare(atVolts volts: Double) -> Double {
    let potential = cathodeVolts(atVolts: volts)
    let rise = { (part: ElectrodeParts.Part) in
      part.emptied(potential + 0.002) - part.emptied(potential - 0.002)
    }
    let all = cathodeCharge(potential + 0.002).value - cathodeCharge(potential - 0.002).value
    return all > 0 ? iron * rise(parts.iron) / all : 0
  }

  /// The window between two voltages. Unit: Ah.
  func window(_ lower: Double, _ upper: Double) -> (empty: Double, span: Double) {
    let empty = charge(atVolts: lower)
    return (empty, charge(atVolts: upper) - empty)
  }

  /// The potentials at a charge (Ah), found from those at another charge; the nearer, the quicker.
  func potentials(_ charge: Double, near known: Potentials) -> Potentials {
    Potentials(
      cathode: Self.fallingRoot(from: 0, to: 6, near: known.cathode) {
        let given = cathodeCharge($0)
        return (charge - given.value, -given.slope)
      },
      anode: Self.fallingRoot(from: -1, to: 3, near: known.anode) {
        let content = anodeContent($0)
        return (content.value - charge - stock, content.slope)
      })
  }

  /// Where a falling function crosses 0, by Newton's steps from `start`, and by halves where these
  /// leave what is known or do not come nearer twice as fast.
  private static func fallingRoot(
    from low: Double, to high: Double, near start: Double,
    _ function: (Double) -> (value: Double, slope: Double)
  ) -> Double {
    var low = low
    var high = high
    var place = min(max(start, low), high)
    var last = high - low
    for _ in 0..<100 {
      let (value, slope) = function(place)
      if value > 0 { low = place } else { high = place }
      var next = place - value / slope
      if !(next >= low && next <= high && abs(next - place) <= last / 2) {
        next = (low + high) / 2
      }
      last = abs(next - place)
      place = next
      // A few units in the last place of a volt.
      if last < 1e-15 { break }
    }
    return place
  }
}

/// What the firmware's view of a charge is wrong by on the make itself, measured in virtual charges.
///
/// Averages of time constants and resistances cannot describe a charge exactly; the error is the
/// same for every cell of the make as far as it is like the make, and a table takes it away.
struct ChargeCalibration {
  private let description: CellDescription
  private let reference: ReferenceTest
  private let profile: CellProfile

  init(_ description: CellDescription, _ reference: ReferenceTest, _ profile: CellProfile) {
    self.description = description
    self.reference = reference
    self.profile = profile
  }

  /// Measures the crossings at three rates and notes how far they are from the curve.
  func correct(_ composition: inout CompositionProfile) throws(CellError) {
    for row in 0..<3 {
      let c = Double(CompositionProfile.correctionRates[row]) * 1e-6
      let crossings = try charge(composition, c: c)
      for edge in 0..<24 {
        composition.correction[24 * row + edge] = crossings[edge]
      }
    }
    composition.seal()
  }

  /// One charge from near empty, through a firmware that knows the cell; unit of the result: ppm.
  private func charge(
    _ composition: CompositionProfile, c: Double
  ) throws(CellError) -> [Int32] {
    let oneC = description.ratedCapacityAmpereHours
    var cell = reference.full
    cell.step(.current(amperes: 0), seconds: 3_600)
    cell.step(
      .current(amperes: -oneC / 3), seconds: 4 * 3_600,
      until: CellLimits(lowerVolts: description.lowerCutoffVolts + 0.02))
    cell.step(.current(amperes: 0), seconds: 3_600)
    // The laboratory knows its sensors and the make's resistance: nothing of that is to be found.
    var known = profile
    known.tuning.offsetPrior = 1
    known.tuning.offsetWalk = 0
    known.tuning.resistancePrior = 1
    known.tuning.resistanceWalk = 0
    var estimator = LifelongEstimator(
      profile: known, composition: composition,
      stateOfCharge: .partsPerMillion(
        Int32((min(max(reference.stateOfCharge(of: cell), 0), 1) * 1e6).rounded())),
      deviation: 5_000, isFresh: true)
    var start: Double?
    for second in 0..<Int64(8 / c * 3_600 / 6) {
      cell.step(.current(amperes: c * oneC), seconds: 1)
      guard cell.terminalVolts < description.upperCutoffVolts - 0.002 else { break }
      estimator.step(
        at: .microseconds(second * 1_000_000),
        Measurement(
          current: .microamperes(Int32((cell.currentAmperes * 1e6).rounded())),
          voltage: .microvolts(Int32((cell.terminalVolts * 1e6).rounded())),
          temperature: .millidegreesCelsius(
            Int32((cell.temperatureCelsius * 1e3).rounded()))))
      if start == nil, estimator.isCharging { start = reference.stateOfCharge(of: cell) }
    }
    guard let start else { return [Int32](repeating: 0, count: 24) }
    let share = reference.capacityAmpereHours / oneC
    var values: [Int32] = []
    var lastSeen: Int32 = 0
    for edge in 0..<24 {
      if let crossing = estimator.crossing(edge) {
        let place = Self.place(profile, Double(composition.edges[edge]) * 1e-6)
        lastSeen = Int32(((start - place) * share * 1e6).rounded()) + crossing
      }
      values.append(lastSeen)
    }
    return values
  }

  /// The state of charge at an open-circuit voltage.
  private static func place(_ profile: CellProfile, _ volts: Double) -> Double {
    CompositionMaker.fallingRoot(from: 0, to: 1) {
      volts - CompositionMaker.openCircuit(profile, $0)
    }
  }
}
