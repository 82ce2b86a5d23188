// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// A number that was looked for.
public struct FittedParameter: Sendable, Equatable {
  /// What it is, in words.
  public var name: String
  /// Its unit; empty for a ratio.
  public var unit: String
  /// The value; the prior where the data did not determine it.
  public var value: Double
  /// The 95 % interval.
  public var interval: ClosedRange<Double>
  /// Where a belief without data stands.
  public var prior: Double?
  /// False where the data leave more than half of the belief's width.
  public var isDetermined: Bool

  /// Makes a parameter from its parts.
  public init(
    name: String, unit: String, value: Double, interval: ClosedRange<Double>,
    prior: Double? = nil, isDetermined: Bool = true
  ) {
    self.name = name
    self.unit = unit
    self.value = value
    self.interval = interval
    self.prior = prior
    self.isDetermined = isDetermined
  }
}

/// A curve over state of charge that was looked for.
public struct FittedCurve: Sendable, Equatable {
  /// What it is, in words.
  public var name: String
  /// Its unit.
  public var unit: String
  /// States of charge.
  public var places: [Double]
  /// Values there.
  public var values: [Double]
  /// Standard deviations there.
  public var deviations: [Double]
  /// Whether the data determine each value.
  public var isDetermined: [Bool]

  /// The value at a state of charge; linear between places, constant outside.
  public func value(at place: Double) -> Double { Knots(places: places).value(values, at: place) }

  /// The standard deviation at a state of charge.
  public func deviation(at place: Double) -> Double {
    Knots(places: places).value(deviations, at: place)
  }
}

/// How measured and modelled voltage differ in one record.
public struct FitResiduals: Sendable, Equatable {
  /// The record.
  public var record: String
  /// Time since the record's start. Unit: s.
  public var seconds: [Double]
  /// States of charge.
  public var places: [Double]
  /// What was measured. Unit: V.
  public var measured: [Double]
  /// Measured less modelled. Unit: V.
  public var volts: [Double]

  /// The root of the mean square. Unit: V.
  public var rootMeanSquare: Double {
    guard !volts.isEmpty else { return 0 }
    return (volts.reduce(0) { $0 + $1 * $1 } / Double(volts.count)).squareRoot()
  }
  /// The mean. Unit: V.
  public var mean: Double { volts.isEmpty ? 0 : volts.reduce(0, +) / Double(volts.count) }
  /// The one of the largest magnitude. Unit: V.
  public var worst: Double { volts.reduce(0) { $1.magnitude > $0.magnitude ? $1 : $0 } }
}

/// A description with what is known about it.
public struct FitResult: Sendable {
  /// The cell.
  public var description: CellDescription
  /// The numbers.
  public var parameters: [FittedParameter]
  /// Open-circuit voltage, series, fast and slow resistance, hysteresis.
  public var curves: [FittedCurve]
  /// Record by record.
  public var residuals: [FitResiduals]
  /// What the data did not determine and what was assumed instead, a sentence each.
  public var undetermined: [String]
  /// Of the nonlinear parameters, each over its prior deviation, the largest first: below 1 the data
  /// say less than the belief.
  public var singularValues: [Double]
  /// Of the electrodes' four numbers, over the recorded charge and over a content of 1, in units of
  /// the curve's deviation; empty without half-cell curves.
  public var electrodeSingularValues: [Double]
  /// What the half-cell curves leave of the open-circuit voltage, root of the mean square. Unit: V.
  public var electrodeMissVolts: Double?
  /// The deviation of the residuals, without the few that are far off. Unit: V.
  public var noiseVolts: Double
  /// How many neighbouring rows say the same.
  public var correlation: Double
  /// How many times the Jacobian was made in the last round.
  public var iterations: Int
  /// False where the search met its limit first.
  public var hasConverged: Bool
}
