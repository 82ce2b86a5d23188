// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// One cycle of a cyclic voltammogram.
public struct Voltammogram: Sendable, Equatable {
  /// The scan rate. Unit: V/s.
  public var voltsPerSecond: Double
  /// The current on the way up over the voltage. Unit: mA/g over V.
  public var oxidation: SampledCurve
  /// The magnitude of the current on the way down over the voltage, sorted by rising voltage.
  /// Unit: mA/g over V.
  public var reduction: SampledCurve

  /// The separation of the main peaks of both sweeps within a range. Unit: V.
  public func separation(in range: ClosedRange<Double>? = nil) -> Double {
    guard let up = oxidation.highestPeak(in: range), let down = reduction.highestPeak(in: range)
    else { return .nan }
    return up.place - down.place
  }
}

extension Specimen {
  /// Sweeps the voltage up to the upper and down to the lower cut-off, so many times.
  ///
  /// - Parameters:
  ///   - voltsPerSecond: the scan rate.
  ///   - cell: a cell of this specimen; keeps the state of the end.
  ///   - cycles: how often; the last cycle is returned, as an experimenter reads it.
  ///   - partVolts: the spacing of the points. Unit: V.
  public func voltammogram(
    _ voltsPerSecond: Double, on cell: inout Cell, cycles: Int = 2, partVolts: Double = 2e-3,
    ambientCelsius: Double = 25
  ) -> Voltammogram {
    precondition(cycles > 0, "a voltammogram has a cycle")
    var up = SampledCurve(x: [], y: [])
    var down = up
    for _ in 0..<cycles {
      up = sweep(
        to: description.upperCutoffVolts, voltsPerSecond, on: &cell, partVolts, ambientCelsius)
      down = sweep(
        to: description.lowerCutoffVolts, voltsPerSecond, on: &cell, partVolts, ambientCelsius)
    }
    return Voltammogram(
      voltsPerSecond: voltsPerSecond, oxidation: up,
      reduction: SampledCurve(x: down.x.reversed(), y: down.y.reversed().map { -$0 }))
  }

  private func sweep(
    to volts: Double, _ voltsPerSecond: Double, on cell: inout Cell, _ partVolts: Double,
    _ ambientCelsius: Double
  ) -> SampledCurve {
    var curve = SampledCurve(x: [], y: [])
    cell.sweep(
      toVolts: volts, voltsPerSecond: voltsPerSecond, partVolts: partVolts,
      ambientCelsius: ambientCelsius
    ) { point in
      curve.x.append(point.volts)
      curve.y.append(1000 * point.amperes / cathodeGrams)
    }
    return curve
  }
}

/// A straight line through points, by least squares.
public struct StraightLine: Sendable, Equatable {
  /// The rise per unit of x.
  public var slope: Double
  /// The value at 0.
  public var offset: Double

  /// Fits a line; fewer than two different places give NaN.
  public init(x: [Double], y: [Double]) {
    let count = Double(x.count)
    let meanX = x.reduce(0, +) / count
    let meanY = y.reduce(0, +) / count
    var products = 0.0
    var squares = 0.0
    for index in x.indices {
      products += (x[index] - meanX) * (y[index] - meanY)
      squares += (x[index] - meanX) * (x[index] - meanX)
    }
    slope = products / squares
    offset = meanY - slope * meanX
  }
}

/// How peak current grows with the scan rate.
public struct ScanRateStudy: Sendable, Equatable {
  /// The slope of the oxidation peak's current over the root of the scan rate (Randles–Ševčík).
  /// Unit: mA/g per (V/s)^½.
  public var slope: Double
  /// The exponent b of Ip ~ v^b: 0.5 for diffusion, 1 for a surface.
  public var exponent: Double

  /// Evaluates voltammograms of rising scan rate.
  public init(_ voltammograms: [Voltammogram]) {
    let rates = voltammograms.map(\.voltsPerSecond)
    let currents = voltammograms.map { $0.oxidation.highestPeak()?.height ?? .nan }
    slope = StraightLine(x: rates.map { $0.squareRoot() }, y: currents).slope
    exponent =
      StraightLine(
        x: rates.map { DeterministicMath.log($0) }, y: currents.map { DeterministicMath.log($0) }
      ).slope
  }
}
