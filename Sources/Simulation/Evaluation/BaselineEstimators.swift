// SPDX-License-Identifier: Apache-2.0

public import CellEstimation
import DeterministicMath
import Quantities

/// What the simple estimators know of a make: its beginning-of-life tables as numbers.
///
/// The tables are those of Sodalite's own profile, so that no opponent loses for want of a good curve.
public struct MakeTables: Sendable {
  let openCircuit: [Double]
  let series: [Double]
  let fast: [Double]
  let slow: [Double]
  let seriesAtTemperature: [Double]
  let relaxationAtTemperature: [Double]
  let timeAtTemperature: [Double]
  let fastSeconds: Double
  let slowSeconds: Double
  /// Unit: Ah.
  let ratedAmpereHours: Double

  /// Reads a profile.
  public init(_ profile: CellProfile) {
    openCircuit = profile.openCircuit.indices.map { Double(profile.openCircuit[$0]) * 1e-6 }
    series = profile.series.indices.map { Double(profile.series[$0]) * 1e-6 }
    fast = profile.fast.indices.map { Double(profile.fast[$0]) * 1e-6 }
    slow = profile.slow.indices.map { Double(profile.slow[$0]) * 1e-6 }
    seriesAtTemperature = profile.seriesTemperatureFactor.indices.map {
      Double(profile.seriesTemperatureFactor[$0]) / 65_536
    }
    relaxationAtTemperature = profile.relaxationTemperatureFactor.indices.map {
      Double(profile.relaxationTemperatureFactor[$0]) / 65_536
    }
    timeAtTemperature = profile.timeTemperatureFactor.indices.map {
      Double(profile.timeTemperatureFactor[$0]) / 65_536
    }
    fastSeconds = Double(profile.fastMilliseconds) * 1e-3
    slowSeconds = Double(profile.slowMilliseconds) * 1e-3
    ratedAmpereHours = Double(profile.ratedCapacity.nanocoulombs) / 3.6e12
  }

  /// Tables for a hand calculation: a straight open-circuit line and constant resistances.
  init(
    volts: ClosedRange<Double>, series: Double, fast: Double, slow: Double, fastSeconds: Double,
    slowSeconds: Double, ratedAmpereHours: Double
  ) {
    let rise = volts.upperBound - volts.lowerBound
    openCircuit = (0..<257).map { volts.lowerBound + rise * (Double($0) / 256 * 1.1 - 0.05) }
    self.series = [Double](repeating: series, count: 65)
    self.fast = [Double](repeating: fast, count: 65)
    self.slow = [Double](repeating: slow, count: 65)
    seriesAtTemperature = [Double](repeating: 1, count: 25)
    relaxationAtTemperature = seriesAtTemperature
    timeAtTemperature = seriesAtTemperature
    self.fastSeconds = fastSeconds
    self.slowSeconds = slowSeconds
    self.ratedAmpereHours = ratedAmpereHours
  }

  /// A value of a table over state of charge.
  @inline(__always)
  static func value(_ table: [Double], _ place: Double) -> Double {
    interpolate(table, (place + 0.05) / 1.1 * Double(table.count - 1))
  }

  /// A value of a table over temperature.
  @inline(__always)
  static func value(_ table: [Double], celsius: Double) -> Double {
    interpolate(table, (celsius + 40) / 5)
  }

  @inline(__always)
  private static func interpolate(_ table: [Double], _ position: Double) -> Double {
    let bounded = min(max(position, 0), Double(table.count - 1))
    let index = min(Int(bounded), table.count - 2)
    return table[index] + (table[index + 1] - table[index]) * (bounded - Double(index))
  }

  /// The state of charge at an open-circuit voltage, 0 to 1.
  func stateOfCharge(atVolts volts: Double) -> Double {
    var low = 0.0
    var high = 1.0
    for _ in 0..<30 {
      let middle = (low + high) / 2
      if Self.value(openCircuit, middle) < volts { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

/// What a simple estimator sees of a moment; nil was not read or not believed.
public struct BaselineReading: Sendable {
  /// Since the last reading. Unit: s.
  public var seconds: Double
  /// Positive charges. Unit: A.
  public var amperes: Double?
  /// Unit: V.
  public var volts: Double?
  /// Unit: °C.
  public var celsius: Double

  /// Makes a reading.
  public init(seconds: Double, amperes: Double?, volts: Double?, celsius: Double) {
    self.seconds = seconds
    self.amperes = amperes
    self.volts = volts
    self.celsius = celsius
  }
}

/// Counts coulombs from a first guess, over the rated capacity; a missing current is the last one.
public struct CoulombCounter: Sendable {
  private let ratedAmpereHours: Double
  private var amperes = 0.0
  /// 0 to 1.
  public var stateOfCharge: Double

  /// Begins from a guess.
  public init(ratedAmpereHours: Double, stateOfCharge: Double) {
    self.ratedAmpereHours = ratedAmpereHours
    self.stateOfCharge = stateOfCharge
  }

  /// Takes in a reading.
  public mutating func step(_ reading: BaselineReading) {
    amperes = reading.amperes ?? amperes
    let moved = amperes * reading.seconds / 3_600 / ratedAmpereHours
    stateOfCharge = min(max(stateOfCharge + moved, 0), 1)
  }
}

/// Counts coulombs and takes the state of charge from the open-circuit curve whenever at rest.
///
/// As foxBMS 2 does (`soc_counting.c` with its look-up table), which overwrites at rest. It is given
/// ten minutes below C/50 before it does, which is kinder than foxBMS's own rest.
public struct RestingCounter: Sendable {
  private let tables: MakeTables
  private var counter: CoulombCounter
  private var restedSeconds = 0.0
  static let restSeconds = 600.0

  /// Begins from a guess.
  public init(_ tables: MakeTables, stateOfCharge: Double) {
    self.tables = tables
    counter = CoulombCounter(
      ratedAmpereHours: tables.ratedAmpereHours, stateOfCharge: stateOfCharge)
  }

  /// 0 to 1.
  public var stateOfCharge: Double { counter.stateOfCharge }

  /// Takes in a reading.
  public mutating func step(_ reading: BaselineReading) {
    counter.step(reading)
    guard let amperes = reading.amperes else { return }
    guard abs(amperes) < tables.ratedAmpereHours / 50 else {
      restedSeconds = 0
      return
    }
    restedSeconds += reading.seconds
    if restedSeconds >= Self.restSeconds, let volts = reading.volts {
      counter.stateOfCharge = tables.stateOfCharge(atVolts: volts)
    }
  }
}

/// A textbook extended Kalman filter of three states: charge and two relaxations.
///
/// Of the size of TinyEKF's examples; written from Plett, "Extended Kalman filtering for
/// battery management systems", part 3, J. Power Sources 134 (2004). Covariance update P = (I − KH)P.
/// Measurement noise 10 mV, as in the project's estimator study. It knows the make's
/// open-circuit curve and its resistances and time constants over state of charge and temperature; it
/// does not know hysteresis, its own capacity, or the sensor's offset: a textbook filter has no such
/// states.
public struct TextbookEKF: Sendable {
  private let tables: MakeTables
  private var z: Double
  private var v1 = 0.0
  private var v2 = 0.0
  private var p: (zz: Double, z1: Double, z2: Double, oo: Double, ot: Double, tt: Double)
  private var amperes = 0.0
  static let voltageVariance = 1e-4
  /// Per second: charge, and both relaxations. The charge's is (0.1 %)² an hour.
  static let processVariance = (charge: 1e-6 / 3_600, relaxation: 1e-8)

  /// Begins from a guess with its deviation.
  public init(_ tables: MakeTables, stateOfCharge: Double, deviation: Double) {
    self.tables = tables
    z = stateOfCharge
    p = (deviation * deviation, 0, 0, 1e-6, 0, 1e-6)
  }

  /// 0 to 1.
  public var stateOfCharge: Double { min(max(z, 0), 1) }
  /// Its standard deviation, as the filter claims.
  public var deviation: Double { max(p.zz, 0).squareRoot() }

  /// Takes in a reading.
  public mutating func step(_ reading: BaselineReading) {
    amperes = reading.amperes ?? amperes
    let c = amperes / tables.ratedAmpereHours
    let dt = reading.seconds
    let pace = MakeTables.value(tables.timeAtTemperature, celsius: reading.celsius)
    let relaxation = MakeTables.value(
      tables.relaxationAtTemperature, celsius: reading.celsius)
    let a1 = DeterministicMath.exp(-dt / (tables.fastSeconds * pace))
    let a2 = DeterministicMath.exp(-dt / (tables.slowSeconds * pace))
    z += c * dt / 3_600
    v1 = a1 * v1 + (1 - a1) * relaxation * MakeTables.value(tables.fast, z) * c
    v2 = a2 * v2 + (1 - a2) * relaxation * MakeTables.value(tables.slow, z) * c
    let q = Self.processVariance
    p = (
      p.zz + q.charge * dt, a1 * p.z1, a2 * p.z2, a1 * a1 * p.oo + q.relaxation * dt,
      a1 * a2 * p.ot, a2 * a2 * p.tt + q.relaxation * dt
    )
    guard let volts = reading.volts, reading.amperes != nil else { return }
    correct(volts, c, reading.celsius)
  }

  private mutating func correct(_ volts: Double, _ c: Double, _ celsius: Double) {
    let curve = tables.openCircuit
    let step = 1.1 / 256
    let slope =
      (MakeTables.value(curve, z + step) - MakeTables.value(curve, z - step)) / (2 * step)
    let series =
      MakeTables.value(tables.series, z)
      * MakeTables.value(tables.seriesAtTemperature, celsius: celsius)
    let surprise = volts - (MakeTables.value(curve, z) + v1 + v2 + series * c)
    // P·Hᵀ with H = [slope, 1, 1].
    let ph = (
      p.zz * slope + p.z1 + p.z2, p.z1 * slope + p.oo + p.ot, p.z2 * slope + p.ot + p.tt
    )
    let s = slope * ph.0 + ph.1 + ph.2 + Self.voltageVariance
    z += ph.0 / s * surprise
    v1 += ph.1 / s * surprise
    v2 += ph.2 / s * surprise
    p = (
      p.zz - ph.0 * ph.0 / s, p.z1 - ph.0 * ph.1 / s, p.z2 - ph.0 * ph.2 / s,
      p.oo - ph.1 * ph.1 / s, p.ot - ph.1 * ph.2 / s, p.tt - ph.2 * ph.2 / s
    )
    z = min(max(z, -0.05), 1.05)
  }
}
