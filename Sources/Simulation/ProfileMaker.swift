// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
public import CellSimulation
import DeterministicMath
import Quantities

/// Makes the estimator's tables from a cell description, as a laboratory would from the cell.
///
/// A circuit description holds the tables already. Electrodes do not: they are put through virtual
/// experiments (pulses at several states of charge, temperatures and currents), and an equivalent
/// circuit is fitted to what the terminals showed. The estimator so never sees the electrodes.
public enum ProfileMaker {
  /// Makes a profile.
  ///
  /// - Throws: `CellError` if the description cannot be a cell.
  public static func profile(
    for description: CellDescription, tuning: FilterTuning = FilterTuning()
  ) throws(CellError) -> CellProfile {
    let circuit: FittedCircuit
    switch description.model {
    case .circuit(let described):
      try description.validate()
      circuit = FittedCircuit(described, description)
    case .electrodes:
      circuit = try Characterisation(description, ReferenceTest(description)).fit()
    }
    var openCircuit = InlineArray<257, Int32>(repeating: 0)
    var highest = Int32.min
    for i in 0..<257 {
      let volts = extended(circuit.openCircuit, -0.05 + 1.1 * Double(i) / 256)
      highest = max(highest, millionths(volts))
      openCircuit[i] = highest
    }
    var series = InlineArray<65, Int32>(repeating: 0)
    var perKelvin = series
    var displacement = series
    var fast = series
    var slow = series
    var hysteresis = series
    for i in 0..<65 {
      let place = -0.05 + 1.1 * Double(i) / 64
      displacement[i] = millionths(circuit.displacement(place))
      perKelvin[i] = millionths(circuit.openCircuitPerKelvin(place))
      series[i] = millionths(circuit.series(place))
      fast[i] = millionths(circuit.fast(place))
      slow[i] = millionths(circuit.slow(place))
      hysteresis[i] = millionths(circuit.hysteresis(place))
    }
    var cold = InlineArray<25, Int32>(repeating: 65_536)
    var coldRelaxation = cold
    var coldTime = cold
    var coldDisplacement = cold
    for i in 0..<25 {
      let celsius = -40 + 5 * Double(i)
      cold[i] = factor(circuit.seriesByTemperature(celsius))
      coldRelaxation[i] = factor(circuit.relaxationByTemperature(celsius))
      coldTime[i] = factor(circuit.timeByTemperature(celsius))
      coldDisplacement[i] = factor(circuit.displacementByTemperature(celsius))
    }
    var byCurrent = InlineArray<17, Int32>(repeating: 65_536)
    for i in 0..<17 { byCurrent[i] = factor(circuit.seriesByCurrent(FittedCircuit.currents[i])) }
    let nanocoulombs = (description.ratedCapacityAmpereHours * 3.6e12).rounded()
    return CellProfile(
      ratedCapacity: .nanocoulombs(Int64(nanocoulombs)),
      lowerCutoff: .microvolts(millionths(description.lowerCutoffVolts)),
      upperCutoff: .microvolts(millionths(description.upperCutoffVolts)),
      openCircuit: openCircuit, openCircuitPerKelvin: perKelvin, series: series, fast: fast,
      slow: slow, displacement: displacement, hysteresis: hysteresis,
      fastMilliseconds: Int32((circuit.fastSeconds * 1e3).rounded()),
      slowMilliseconds: Int32((circuit.slowSeconds * 1e3).rounded()),
      hysteresisRateThousandths: Int32((circuit.hysteresisRate * 1e3).rounded()),
      seriesTemperatureFactor: cold, relaxationTemperatureFactor: coldRelaxation,
      timeTemperatureFactor: coldTime, displacementTemperatureFactor: coldDisplacement,
      seriesCurrentFactor: byCurrent, tuning: tuning)
  }

  /// The open-circuit curve, continued beyond its ends with the slope of its last hundredth.
  private static func extended(_ curve: Curve, _ place: Double) -> Double {
    let first = curve.x[0]
    let last = curve.x[curve.x.count - 1]
    if place < first {
      return curve(first) + (place - first) * (curve(first + 0.01) - curve(first)) / 0.01
    }
    if place > last {
      return curve(last) + (place - last) * (curve(last) - curve(last - 0.01)) / 0.01
    }
    return curve(place)
  }

  private static func millionths(_ value: Double) -> Int32 {
    Int32(min(max((value * 1e6).rounded(), -2e9), 2e9))
  }

  /// A factor with 16 fractional bits, between 1/100 and 100: no sane cell is outside.
  private static func factor(_ value: Double) -> Int32 {
    Int32((min(max(value, 0.01), 100) * 65_536).rounded())
  }
}

/// An equivalent circuit in volts per C, with what temperature and current do to it.
struct FittedCircuit {
  var openCircuit: Curve
  var openCircuitPerKelvin: Curve
  var hysteresis: Curve
  var series: Curve
  var fast: Curve
  var slow: Curve
  /// Shift of the electrodes' state per C of the slow current; a fraction of the state of charge.
  var displacement: Curve
  var fastSeconds: Double
  var slowSeconds: Double
  var hysteresisRate: Double
  var seriesByTemperature: Curve
  var relaxationByTemperature: Curve
  var timeByTemperature: Curve
  var displacementByTemperature: Curve
  var seriesByCurrent: Curve

  /// The circuit of a description that has one; a third and later pair joins the slow one.
  init(_ circuit: EquivalentCircuit, _ description: CellDescription) {
    let oneC = description.ratedCapacityAmpereHours
    func perC(_ curves: [Curve]) -> Curve {
      let places = Array(stride(from: 0.0, through: 1.0, by: 1.0 / 64))
      return Curve(
        x: places, y: places.map { place in curves.reduce(0) { $0 + $1(place) * oneC } })
    }
    openCircuit = circuit.openCircuitVolts
    openCircuitPerKelvin = .constant(0)
    hysteresis = circuit.hysteresisVolts
    series = perC([circuit.seriesOhms])
    fast = perC(circuit.pairs.prefix(1).map(\.ohms))
    slow = perC(circuit.pairs.dropFirst().map(\.ohms))
    // Per C instead of per ampere: of the state of charge, in hours.
    displacement = .constant(circuit.surfaceLeadSeconds / 3_600)
    fastSeconds = circuit.pairs.first?.seconds ?? 15
    slowSeconds = circuit.pairs.count > 1 ? circuit.pairs[1].seconds : 350
    hysteresisRate = circuit.hysteresisRate
    let celsius = Array(stride(from: -40.0, through: 80, by: 5))
    let arrhenius = Curve(
      x: celsius,
      y: celsius.map { Arrhenius.slowing($0, circuit.activationJoulesPerMole) })
    seriesByTemperature = arrhenius
    relaxationByTemperature = arrhenius
    timeByTemperature = .constant(1)
    displacementByTemperature = .constant(1)
    seriesByCurrent = Curve(
      x: Self.currents, y: Self.currents.map { circuit.seriesFactor(amperes: $0 * oneC) })
  }

  /// The currents of the profile's table, in C.
  static let currents = (0...8).map { Double($0) / 8 } + (2...9).map { Double($0) }

  init(
    openCircuit: Curve, openCircuitPerKelvin: Curve, hysteresis: Curve, series: Curve,
    fast: Curve, slow: Curve, displacement: Curve, fastSeconds: Double, slowSeconds: Double,
    hysteresisRate: Double, seriesByTemperature: Curve, relaxationByTemperature: Curve,
    timeByTemperature: Curve, displacementByTemperature: Curve,
    seriesByCurrent: Curve
  ) {
    self.openCircuit = openCircuit
    self.openCircuitPerKelvin = openCircuitPerKelvin
    self.hysteresis = hysteresis
    self.series = series
    self.fast = fast
    self.slow = slow
    self.displacement = displacement
    self.fastSeconds = fastSeconds
    self.slowSeconds = slowSeconds
    self.hysteresisRate = hysteresisRate
    self.seriesByTemperature = seriesByTemperature
    self.relaxationByTemperature = relaxationByTemperature
    self.timeByTemperature = timeByTemperature
    self.displacementByTemperature = displacementByTemperature
    self.seriesByCurrent = seriesByCurrent
  }
}

/// The Arrhenius law relative to 25 °C.
enum Arrhenius {
  /// How many times slower a process with an activation energy (J/mol) runs at a temperature.
  static func slowing(_ celsius: Double, _ joulesPerMole: Double) -> Double {
    DeterministicMath.exp(joulesPerMole / 8.314462618 * (1 / (celsius + 273.15) - 1 / 298.15))
  }
}

/// Virtual experiments on a cell of electrodes, and the circuit fitted to them.
///
/// The open-circuit curve is the mean of a C/20 charge and discharge; half of what is left between
/// them after the resistances is the hysteresis. Resistances come from pulses out of rest.
struct Characterisation {
  private let description: CellDescription
  private let reference: ReferenceTest
  /// Moments after the pulse's start at which the voltage is read. Unit: s.
  private static let moments: [Double] = [
    1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 135, 200, 300, 450, 650, 900,
  ]
  private static let pulseC = 1.0 / 3

  init(_ description: CellDescription, _ reference: ReferenceTest) {
    self.description = description
    self.reference = reference
  }

  /// The mean curve, and beyond full the charge curve up to the cut-off: the wall that a charge
  /// meets when the material that follows at once is full.
  private var openCircuitCurve: Curve {
    var x = Array(stride(from: 0.0, through: 1.0, by: 0.005))
    var y = x.map(meanVolts)
    let shift = meanVolts(1) - reference.chargeVolts(1)
    for (place, volts) in zip(reference.chargeVolts.x, reference.chargeVolts.y) where place > 1.001
    {
      x.append(place)
      y.append(volts + shift)
    }
    return Curve(x: x, y: y)
  }

  /// The mean of the C/20 charge and discharge.
  private func meanVolts(_ place: Double) -> Double {
    (reference.chargeVolts(place) + reference.dischargeVolts(place)) / 2
  }

  /// Half the gap between the C/20 charge and discharge.
  private func halfGap(_ place: Double) -> Double {
    max((reference.chargeVolts(place) - reference.dischargeVolts(place)) / 2, 0)
  }

  /// A cell in equilibrium whose sodium content is that of a reference state of charge.
  private func cell(at place: Double, celsius: Double) throws(CellError) -> Cell {
    let empty = reference.empty.stateOfCharge
    let content = empty + place * (reference.full.stateOfCharge - empty)
    return try Cell(
      description, stateOfCharge: min(max(content, 0), 1), temperatureCelsius: celsius)
  }

  /// Where on the curve pulses are run.
  private static let places = [
    0.02, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.92, 0.96, 0.99,
  ]
  /// The temperatures of the pulses in the middle of the curve.
  private static let celsius = [-20.0, -10, 0, 10, 25, 40, 55]
  /// The temperatures of the profile's tables.
  private static let grid = Array(stride(from: -40.0, through: 80, by: 5))

  /// Runs the experiments and fits the circuit.
  func fit() throws(CellError) -> FittedCircuit {
    var responses: [[Double]] = []
    for place in Self.places { responses.append(try response(at: place, celsius: 25)) }
    let seconds = Self.fastSeconds(responses)
    let activation = diffusionActivation
    var series: [Double] = []
    var relaxation: [Double] = []
    for temperature in Self.celsius {
      let fitted = try drops(at: 0.5, celsius: temperature, seconds)
      series.append(fitted.series)
      relaxation.append(fitted.fast)
    }
    func byTemperature(_ values: [Double]) -> Curve {
      Curve(x: Self.grid, y: Self.grid.map { Self.factor(at: $0, values) })
    }
    let relaxationByTemperature = byTemperature(relaxation)
    let fast = try fastDrops(responses, seconds, relaxationByTemperature)
    let fast25 = Curve(x: Self.places, y: fast)
    let series25 = Curve(
      x: Self.places, y: zip(responses, fast).map { Self.series($0, fast: $1, seconds) })
    let percents = Array(stride(from: 0.0, through: 1.0, by: 0.005))
    let hysteresis = Curve(
      x: percents,
      y: percents.map { max(halfGap($0) - (series25($0) + fast25($0)) / 20, 0) })
    var circuit = FittedCircuit(
      openCircuit: openCircuitCurve, openCircuitPerKelvin: try openCircuitPerKelvin(),
      hysteresis: hysteresis, series: series25, fast: fast25, slow: .constant(0),
      displacement: .constant(0), fastSeconds: seconds, slowSeconds: 3_600,
      hysteresisRate: hysteresisRate, seriesByTemperature: byTemperature(series),
      relaxationByTemperature: relaxationByTemperature,
      timeByTemperature: Curve(
        x: Self.grid, y: Self.grid.map { Arrhenius.slowing($0, activation) }),
      displacementByTemperature: .constant(1), seriesByCurrent: try currentFactors())
    addLag(to: &circuit)
    return circuit
  }

  /// The time constant that suits all pulses at 25 °C. Unit: s.
  private static func fastSeconds(_ responses: [[Double]]) -> Double {
    var best = (cost: Double.infinity, seconds: 60.0)
    for seconds in [15.0, 25, 40, 60, 90, 130, 200, 300] {
      let cost = responses.reduce(0.0) { $0 + Self.drops($1, seconds).cost }
      if cost < best.cost { best = (cost, seconds) }
    }
    return best.seconds
  }

  /// What a pulse shows at a place and a temperature, for the time constant at 25 °C.
  private func drops(
    at place: Double, celsius: Double, _ seconds: Double
  ) throws(CellError) -> (series: Double, fast: Double) {
    let slowing = Arrhenius.slowing(celsius, diffusionActivation)
    let fitted = Self.drops(try response(at: place, celsius: celsius), seconds * slowing)
    return (fitted.series, fitted.fast)
  }

  /// The fast relaxation's overpotential per C at 25 °C that holds in the cold as well.
  ///
  /// The factor of the curve's middle tells how it grows there. Where a pulse in the cold shows less,
  /// as on the iron's slope, what relaxes at 25 °C is no diffusion and is gone in the cold; taken along
  /// it would be a voltage of tenths of a volt over an hour of rest. It is left to the series drop.
  private func fastDrops(
    _ responses: [[Double]], _ seconds: Double, _ byTemperature: Curve
  ) throws(CellError) -> [Double] {
    var fast = responses.map { Self.drops($0, seconds).fast }
    for (index, place) in Self.places.enumerated() {
      for celsius in [-10.0, 0] {
        let cold = try drops(at: place, celsius: celsius, seconds).fast
        fast[index] = min(fast[index], cold / max(byTemperature(celsius), 1e-9))
      }
    }
    return fast
  }

  /// Finds the lag beside a circuit without one.
  private func addLag(to circuit: inout FittedCircuit) {
    // The scale is that of a shift which is the same everywhere. Found with the shape it is half as
    // large again and twice as slow: in the closed loop no better at 25 °C, and at −10 °C worse.
    let lag = lag(circuit, celsius: 25).fit()
    let shape = lagShape
    circuit.displacement = Curve(x: shape.x, y: shape.y.map { $0 * lag.displacement })
    circuit.slowSeconds = lag.seconds
    let activation = lagActivation(circuit)
    circuit.displacementByTemperature = Curve(
      x: Self.grid, y: Self.grid.map { Arrhenius.slowing($0, activation) })
  }

  /// The lag's test at a temperature, beside a circuit.
  private func lag(_ circuit: FittedCircuit, celsius: Double) -> SlowLag {
    let series = circuit.seriesByTemperature(celsius)
    let relaxation = circuit.relaxationByTemperature(celsius)
    return SlowLag(
      description, reference, celsius: celsius,
      SlowLag.Circuit(
        openCircuit: { place in
          circuit.openCircuit(place) + circuit.openCircuitPerKelvin(place) * (celsius - 25)
        },
        overpotential: { place, swung, c, relaxed in
          circuit.hysteresis(place) * swung
            + circuit.series(place) * series * circuit.seriesByCurrent(abs(c)) * c
            + circuit.fast(place) * relaxation * relaxed
        },
        fastSeconds: circuit.fastSeconds * circuit.timeByTemperature(celsius),
        hysteresisRate: circuit.hysteresisRate))
  }

  /// How far each place of the curve lags, 1 where the slowest sites take all of the charge.
  ///
  /// A site falls behind by its diffusion time, and the cathode's lowest one has another than the
  /// plateau above it.
  private var lagShape: Curve {
    guard let pair else { return .constant(1) }
    let sites = pair.cathode.sites.sorted { $0.potentialVolts < $1.potentialVolts }
    let slowest = sites.dropFirst().map(\.diffusionSeconds).max() ?? 0
    let quick = slowest > 0 ? min(sites[0].diffusionSeconds / slowest, 1) : 1
    let composed = ComposedCurve(pair)
    let places = Array(stride(from: 0.0, through: 1.0, by: 1.0 / 32))
    return Curve(
      x: places,
      y: places.map { 1 - (1 - quick) * composed.ironShare(atVolts: meanVolts($0)) })
  }

  /// The activation energy with which the lag's shift grows in the cold, found in cold and warm tests.
  ///
  /// Were every particle as slow, the shift would grow as the time constant does. But the largest
  /// ones, which lag most, take part less the colder it is, and the shift stays behind.
  private func lagActivation(_ circuit: FittedCircuit) -> Double {
    let tests = [-10.0, 0, 10, 40].map { celsius in
      (
        celsius: celsius, lag: lag(circuit, celsius: celsius),
        seconds: circuit.slowSeconds * circuit.timeByTemperature(celsius)
      )
    }
    var best = (cost: Double.infinity, activation: 0.0)
    for share in stride(from: 0.0, through: 1.2, by: 0.1) {
      let activation = share * diffusionActivation
      var cost = 0.0
      for test in tests {
        let factor = Arrhenius.slowing(test.celsius, activation)
        // Logarithms, so that the coldest test, where all is worst, does not decide alone.
        cost += DeterministicMath.log(
          test.lag.restCost(circuit.displacement, times: factor, test.seconds))
      }
      if cost < best.cost { best = (cost, activation) }
    }
    return best.activation
  }

  /// How the voltage of a cell at rest moves with its temperature, from −10 to 45 °C. Unit: V/K.
  ///
  /// The steps of the electrodes' curves are as wide as thermal energy makes them.
  private func openCircuitPerKelvin() throws(CellError) -> Curve {
    let places = Array(stride(from: 0.0, through: 1.0, by: 1.0 / 64))
    var slopes: [Double] = []
    for place in places {
      let cold = try cell(at: place, celsius: -10).terminalVolts
      let warm = try cell(at: place, celsius: 45).terminalVolts
      slopes.append((warm - cold) / 55)
    }
    return Curve(x: places, y: slopes)
  }

  /// The overpotential per C after a pulse begins, without what the state of charge and hysteresis
  /// explain; the mean of a charge and a discharge where both have room.
  private func response(at place: Double, celsius: Double) throws(CellError) -> [Double] {
    var sums = [Double](repeating: 0, count: Self.moments.count)
    // Near an end of the window only the pulse away from it shows a resistance; the other meets the
    // wall of a full or empty site.
    let signs = place < 0.1 ? [1.0] : (place > 0.88 ? [-1.0] : [-1.0, 1.0])
    for sign in signs {
      var cell = try cell(at: place, celsius: celsius)
      let resting = cell.terminalVolts
      let amperes = sign * Self.pulseC * description.ratedCapacityAmpereHours
      var time = 0.0
      for (index, moment) in Self.moments.enumerated() {
        while time < moment {
          let step = min(moment - time, 2)
          cell.step(.current(amperes: amperes), seconds: step, ambientCelsius: celsius)
          time += step
        }
        let travelled = cell.netChargeAmpereHours / reference.capacityAmpereHours
        let swung = 1 - DeterministicMath.exp(-hysteresisRate * abs(travelled))
        let moved = meanVolts(place + travelled) - meanVolts(place)
        let half = halfGap(place + travelled)
        let drop = (cell.terminalVolts - resting - moved) * sign - half * swung
        sums[index] += drop / Self.pulseC / Double(signs.count)
      }
    }
    return sums
  }

  /// Least squares of series + fast·(1 − e^−t/τ) through the response; neither below zero.
  private static func drops(
    _ response: [Double], _ seconds: Double
  ) -> (series: Double, fast: Double, cost: Double) {
    let rise = moments.map { 1 - DeterministicMath.exp(-$0 / seconds) }
    let count = Double(moments.count)
    let meanRise = rise.reduce(0, +) / count
    let meanDrop = response.reduce(0, +) / count
    var covariance = 0.0
    var variance = 0.0
    for (x, y) in zip(rise, response) {
      covariance += (x - meanRise) * (y - meanDrop)
      variance += (x - meanRise) * (x - meanRise)
    }
    let fast = min(max(covariance / variance, 0), max(meanDrop / meanRise, 0))
    let series = max(meanDrop - fast * meanRise, 0)
    var cost = 0.0
    for (x, y) in zip(rise, response) {
      let residual = y - series - fast * x
      cost += residual * residual
    }
    return (series, fast, cost)
  }

  /// The series overpotential that is left of a response beside a fast one.
  private static func series(_ response: [Double], fast: Double, _ seconds: Double) -> Double {
    let left = zip(moments, response).map { $1 - fast * (1 - DeterministicMath.exp(-$0 / seconds)) }
    return max(left.reduce(0, +) / Double(moments.count), 0)
  }

  /// A factor relative to 25 °C: the logarithm is linear in 1/T between the measured temperatures
  /// and beyond them.
  private static func factor(at celsius: Double, _ values: [Double]) -> Double {
    let measured = Self.celsius
    let reference = measured.firstIndex(of: 25) ?? 0
    let upper = min(
      max(measured.firstIndex { $0 >= celsius } ?? measured.count, 1), measured.count - 1)
    func inverse(_ celsius: Double) -> Double { 1 / (celsius + 273.15) }
    func logarithm(_ index: Int) -> Double {
      DeterministicMath.log(max(values[index], 1e-9) / max(values[reference], 1e-9))
    }
    let low = inverse(measured[upper - 1])
    let fraction = (inverse(celsius) - low) / (inverse(measured[upper]) - low)
    return DeterministicMath.exp(
      logarithm(upper - 1) + fraction * (logarithm(upper) - logarithm(upper - 1)))
  }

  /// What the drop after one second is per ampere at the table's currents, relative to the pulses'.
  private func currentFactors() throws(CellError) -> Curve {
    func drop(_ c: Double) throws(CellError) -> Double {
      var sum = 0.0
      for sign in [-1.0, 1.0] {
        var cell = try cell(at: 0.5, celsius: 25)
        cell.step(
          .current(amperes: sign * c * description.ratedCapacityAmpereHours), seconds: 1)
        sum += abs(cell.terminalVolts - cell.openCircuitVolts) / c / 2
      }
      return sum
    }
    let reference = try drop(Self.pulseC)
    var factors: [Double] = []
    for c in FittedCircuit.currents {
      // Without a current there is no drop: a small one stands for it.
      factors.append(try drop(c > 0 ? c : 0.02) / reference)
    }
    return Curve(x: FittedCircuit.currents, y: factors)
  }

  private var pair: ElectrodePair? {
    if case .electrodes(let pair) = description.model { return pair }
    return nil
  }

  /// Diffusion in the cathode is the slower one and sets how the relaxation slows in the cold.
  private var diffusionActivation: Double {
    pair?.cathode.diffusionActivationJoulesPerMole ?? 0
  }

  /// The sites' own rate: the cell's swings with the charge of the sites that show the gap.
  private var hysteresisRate: Double {
    guard let pair else { return 25 }
    let sites = pair.cathode.sites + pair.anode.sites
    let weights = sites.map { $0.hysteresisVolts * $0.capacityAmpereHours }
    let total = weights.reduce(0, +)
    guard total > 0 else { return 25 }
    return zip(sites, weights).reduce(0.0) { $0 + $1.0.hysteresisRate * $1.1 } / total
  }
}
