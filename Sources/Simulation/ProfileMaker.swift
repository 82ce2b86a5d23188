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
    var fast = series
    var slow = series
    var hysteresis = series
    for i in 0..<65 {
      let place = -0.05 + 1.1 * Double(i) / 64
      series[i] = millionths(circuit.series(place))
      fast[i] = millionths(circuit.fast(place))
      slow[i] = millionths(circuit.slow(place))
      hysteresis[i] = millionths(circuit.hysteresis(place))
    }
    var cold = InlineArray<25, Int32>(repeating: 65_536)
    var coldRelaxation = cold
    var coldTime = cold
    for i in 0..<25 {
      let celsius = -40 + 5 * Double(i)
      cold[i] = factor(circuit.seriesByTemperature(celsius))
      coldRelaxation[i] = factor(circuit.relaxationByTemperature(celsius))
      coldTime[i] = factor(circuit.timeByTemperature(celsius))
    }
    var byCurrent = InlineArray<17, Int32>(repeating: 65_536)
    for i in 0..<17 { byCurrent[i] = factor(circuit.seriesByCurrent(FittedCircuit.currents[i])) }
    let nanocoulombs = (description.ratedCapacityAmpereHours * 3.6e12).rounded()
    return CellProfile(
      ratedCapacity: .nanocoulombs(Int64(nanocoulombs)),
      lowerCutoff: .microvolts(millionths(description.lowerCutoffVolts)),
      upperCutoff: .microvolts(millionths(description.upperCutoffVolts)),
      openCircuit: openCircuit, series: series, fast: fast, slow: slow,
      displacement: millionths(circuit.displacement), hysteresis: hysteresis,
      fastMilliseconds: Int32((circuit.fastSeconds * 1e3).rounded()),
      slowMilliseconds: Int32((circuit.slowSeconds * 1e3).rounded()),
      hysteresisRateThousandths: Int32((circuit.hysteresisRate * 1e3).rounded()),
      seriesTemperatureFactor: cold, relaxationTemperatureFactor: coldRelaxation,
      timeTemperatureFactor: coldTime, seriesCurrentFactor: byCurrent, tuning: tuning)
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
  var hysteresis: Curve
  var series: Curve
  var fast: Curve
  var slow: Curve
  /// Shift of the electrodes' state per C of the slow current; a fraction of the state of charge.
  var displacement: Double
  var fastSeconds: Double
  var slowSeconds: Double
  var hysteresisRate: Double
  var seriesByTemperature: Curve
  var relaxationByTemperature: Curve
  var timeByTemperature: Curve
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
    hysteresis = circuit.hysteresisVolts
    series = perC([circuit.seriesOhms])
    fast = perC(circuit.pairs.prefix(1).map(\.ohms))
    slow = perC(circuit.pairs.dropFirst().map(\.ohms))
    // Per C instead of per ampere: of the state of charge, in hours.
    displacement = circuit.surfaceLeadSeconds / 3_600
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
    seriesByCurrent = Curve(
      x: Self.currents, y: Self.currents.map { circuit.seriesFactor(amperes: $0 * oneC) })
  }

  /// The currents of the profile's table, in C.
  static let currents = (0...8).map { Double($0) / 8 } + (2...9).map { Double($0) }

  init(
    openCircuit: Curve, hysteresis: Curve, series: Curve, fast: Curve, slow: Curve,
    displacement: Double, fastSeconds: Double, slowSeconds: Double,
    hysteresisRate: Double, seriesByTemperature: Curve, relaxationByTemperature: Curve,
    timeByTemperature: Curve, seriesByCurrent: Curve
  ) {
    self.openCircuit = openCircuit
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

  /// Runs the experiments and fits the circuit.
  func fit() throws(CellError) -> FittedCircuit {
    let places = [0.02, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.92, 0.96, 0.99]
    var responses: [[Double]] = []
    for place in places { responses.append(try response(at: place, celsius: 25)) }

    var best = (cost: Double.infinity, seconds: 60.0)
    for seconds in [15.0, 25, 40, 60, 90, 130, 200, 300] {
      let cost = responses.reduce(0.0) { $0 + Self.drops($1, seconds).cost }
      if cost < best.cost { best = (cost, seconds) }
    }
    let drops = responses.map { Self.drops($0, best.seconds) }
    let series25 = Curve(x: places, y: drops.map(\.series))
    let fast25 = Curve(x: places, y: drops.map(\.fast))
    let percents = Array(stride(from: 0.0, through: 1.0, by: 0.005))
    let hysteresis = Curve(
      x: percents,
      y: percents.map { max(halfGap($0) - (series25($0) + fast25($0)) / 20, 0) })
    let curve = openCircuitCurve
    let lag = SlowLag(
      description, reference,
      terminals: { place, swung, c, relaxed in
        curve(place) + hysteresis(place) * swung + series25(place) * c
          + fast25(place) * relaxed
      }, fastSeconds: best.seconds, hysteresisRate: hysteresisRate
    ).fit()

    let celsius = [-20.0, -10, 0, 10, 25, 40, 55]
    let activation = diffusionActivation
    var series: [Double] = []
    var relaxation: [Double] = []
    for temperature in celsius {
      let slowing = Arrhenius.slowing(temperature, activation)
      let values = try response(at: 0.5, celsius: temperature)
      let fitted = Self.drops(values, best.seconds * slowing)
      series.append(fitted.series)
      relaxation.append(fitted.fast)
    }
    let grid = Array(stride(from: -40.0, through: 80, by: 5))
    let at25 = celsius.firstIndex(of: 25) ?? 0
    return FittedCircuit(
      openCircuit: openCircuitCurve, hysteresis: hysteresis,
      series: series25, fast: fast25, slow: .constant(0), displacement: lag.displacement,
      fastSeconds: best.seconds, slowSeconds: lag.seconds, hysteresisRate: hysteresisRate,
      seriesByTemperature: Curve(
        x: grid, y: grid.map { Self.factor(at: $0, celsius, series, at25) }),
      relaxationByTemperature: Curve(
        x: grid, y: grid.map { Self.factor(at: $0, celsius, relaxation, at25) }),
      timeByTemperature: Curve(
        x: grid, y: grid.map { Arrhenius.slowing($0, activation) }),
      seriesByCurrent: try currentFactors())
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

  /// A factor relative to 25 °C: the logarithm is linear in 1/T between the measured temperatures
  /// and beyond them.
  private static func factor(
    at celsius: Double, _ measured: [Double], _ values: [Double], _ reference: Int
  ) -> Double {
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
