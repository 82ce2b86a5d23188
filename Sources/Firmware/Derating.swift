// SPDX-License-Identifier: Apache-2.0

import CellEstimation
public import Quantities

/// From nothing at one value to everything at another, straight in between.
public struct Ramp: Equatable, Sendable {
  /// Where nothing is allowed.
  public var none: Int32
  /// Where everything is allowed; on either side of `none`.
  public var all: Int32

  /// Makes a ramp.
  public init(none: Int32, all: Int32) {
    self.none = none
    self.all = all
  }

  /// The allowed share at a value. Unit: 1/1024, rounded down.
  public func share(at value: Int32) -> Int64 {
    let span = Int64(all) - Int64(none)
    let way = Int64(value) - Int64(none)
    guard span != 0 else { return way == 0 ? 0 : 1_024 }
    return min(max(way * 1_024 / span, 0), 1_024)
  }
}

/// By what the allowed currents are reduced before a protection has to act: the least share counts.
public struct DeratingTable: Equatable, Sendable {
  /// Charging by voltage. Unit: µV.
  public var chargeByVoltage: Ramp
  /// Discharging by voltage. Unit: µV.
  public var dischargeByVoltage: Ramp
  /// Charging, where it is cold and where it is warm. Unit: m°C.
  public var chargeWhenCold, chargeWhenWarm: Ramp
  /// Discharging, where it is cold and where it is warm. Unit: m°C.
  public var dischargeWhenCold, dischargeWhenWarm: Ramp
  /// Charging by the upper end of the interval on state of charge. Unit: ppm.
  ///
  /// Who is less sure begins earlier to be careful. It never reaches nothing: full is what the voltage
  /// says.
  public var chargeByInterval: Ramp
  /// Discharging by the lower end of the interval on state of charge. Unit: ppm.
  public var dischargeByInterval: Ramp

  /// The table of a cell by its window.
  public init(lowerCutoff: Voltage, upperCutoff: Voltage) {
    let (lower, upper) = (lowerCutoff.withinReach.microvolts, upperCutoff.withinReach.microvolts)
    chargeByVoltage = Ramp(none: upper + 20_000, all: upper - 30_000)
    dischargeByVoltage = Ramp(none: lower, all: lower + 200_000)
    chargeWhenCold = Ramp(none: -10_000, all: 5_000)
    chargeWhenWarm = Ramp(none: 45_000, all: 40_000)
    dischargeWhenCold = Ramp(none: -30_000, all: -10_000)
    dischargeWhenWarm = Ramp(none: 60_000, all: 55_000)
    chargeByInterval = Ramp(none: 1_010_000, all: 900_000)
    dischargeByInterval = Ramp(none: -10_000, all: 100_000)
  }

  /// What may flow at a measurement; nil where it says too little.
  func limits(
    _ measurement: Measurement, _ estimate: Estimate, largest: CurrentLimits
  ) -> CurrentLimits? {
    guard let voltage = measurement.voltage?.microvolts else { return nil }
    // Without a thermometer the cell is taken to be at 25 °C, as the estimator does.
    let temperature = measurement.temperature?.millidegreesCelsius ?? 25_000
    let charge = min(
      chargeByVoltage.share(at: voltage), chargeWhenCold.share(at: temperature),
      chargeWhenWarm.share(at: temperature),
      chargeByInterval.share(at: estimate.highestStateOfCharge.partsPerMillion))
    let discharge = min(
      dischargeByVoltage.share(at: voltage), dischargeWhenCold.share(at: temperature),
      dischargeWhenWarm.share(at: temperature),
      dischargeByInterval.share(at: estimate.lowestStateOfCharge.partsPerMillion))
    return CurrentLimits(
      charge: largest.charge.scaled(by: charge), discharge: largest.discharge.scaled(by: discharge))
  }
}

extension Current {
  fileprivate func scaled(by share: Int64) -> Current {
    .microamperes(Int32(clamping: Int64(microamperes) * share / 1_024))
  }
}

/// The currents that may flow, as magnitudes.
public struct CurrentLimits: Equatable, Sendable {
  /// Into the cell.
  public var charge: Current
  /// Out of the cell.
  public var discharge: Current

  /// Makes limits.
  public init(charge: Current, discharge: Current) {
    self.charge = charge
    self.discharge = discharge
  }

  /// Nothing.
  public static let none = CurrentLimits(
    charge: .microamperes(0), discharge: .microamperes(0))
}
