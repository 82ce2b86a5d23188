// SPDX-License-Identifier: Apache-2.0

extension Specimen {
  /// Cycles a cell at one rate and gives every discharge.
  ///
  /// - Parameters:
  ///   - milliamperesPerGram: the magnitude of charge and discharge current.
  ///   - cycles: how many.
  ///   - cell: keeps the state of the end.
  ///   - inspect: sees each discharge, with its number from 1.
  /// - Returns: the capacity of each discharge. Unit: mAh/g.
  @discardableResult
  public func cycle(
    _ milliamperesPerGram: Double, cycles: Int, on cell: inout Cell, ambientCelsius: Double = 25,
    points: Int = 100, inspect: (Int, GalvanostaticBranch) -> Void = { _, _ in }
  ) -> [Double] {
    var capacities: [Double] = []
    capacities.reserveCapacity(cycles)
    for number in 1...cycles {
      _ = run(milliamperesPerGram, on: &cell, ambientCelsius: ambientCelsius, points: points)
      let discharge = run(
        -milliamperesPerGram, on: &cell, ambientCelsius: ambientCelsius, points: points)
      capacities.append(discharge.capacity)
      inspect(number, discharge)
    }
    return capacities
  }

  /// A rate test: rising currents on one cell, the last discharge of each.
  ///
  /// - Parameters:
  ///   - rates: the currents in order. Unit: mA/g.
  ///   - cyclesPerRate: 5 are usual; the paper's number is not in its text.
  ///   - cell: keeps the state of the end.
  public func rateTest(
    _ rates: [Double] = [10, 20, 50, 100, 200, 500, 1000], cyclesPerRate: Int = 5,
    on cell: inout Cell, ambientCelsius: Double = 25
  ) -> [GalvanostaticBranch] {
    rates.compactMap { rate in
      var last: GalvanostaticBranch?
      cycle(rate, cycles: cyclesPerRate, on: &cell, ambientCelsius: ambientCelsius) { last = $1 }
      return last
    }
  }

  /// The capacity at each temperature: charged at 25 °C, brought to the temperature, discharged.
  ///
  /// - Parameters:
  ///   - celsius: the temperatures. Unit: °C.
  ///   - milliamperesPerGram: the discharge current; the charge is at a tenth of 1C.
  /// - Throws: `CellError` if the description is wrong.
  public func temperatureTest(
    _ celsius: [Double] = [-20, 0, 25, 45, 60], milliamperesPerGram: Double = 100,
    restingAtVolts volts: Double
  ) throws(CellError) -> [GalvanostaticBranch] {
    var branches: [GalvanostaticBranch] = []
    for ambient in celsius {
      var cell = try cell(restingAtVolts: volts)
      _ = run(10, on: &cell)
      rest(4 * 3600, on: &cell, ambientCelsius: ambient)
      branches.append(run(-milliamperesPerGram, on: &cell, ambientCelsius: ambient))
    }
    return branches
  }
}

/// What storage does to a cell.
public struct StorageResult: Sendable, Equatable {
  /// The second discharge before storage. Unit: mAh/g.
  public var capacityBefore: Double
  /// The second discharge after it. Unit: mAh/g.
  public var capacityAfter: Double
  /// The health of every mode after storage.
  public var health: AgeingHealth
}

extension Specimen {
  /// Cycles a new cell twice, stores it at rest, and cycles it twice again.
  ///
  /// - Parameters:
  ///   - days: how long.
  ///   - volts: where the charge before storage ends, between the cut-offs. Unit: V.
  ///   - celsius: the temperature of storage. Unit: °C.
  ///   - rate: the magnitude of all currents. Unit: mA/g.
  /// - Throws: `CellError` if nothing is known about ageing or the description is no cell.
  public func storage(
    days: Double, atVolts volts: Double, celsius: Double, milliamperesPerGram rate: Double = 100
  ) throws(CellError) -> StorageResult {
    var cell = try Cell(
      description, age: .fresh(description),
      restingAtVolts: 0.9 * description.lowerCutoffVolts + 0.1 * description.upperCutoffVolts)
    let before = cycle(rate, cycles: 2, on: &cell)[1]
    _ = run(rate, on: &cell, upperVolts: volts)
    rest(days * 86_400, on: &cell, ambientCelsius: celsius)
    let after = cycle(rate, cycles: 2, on: &cell)[1]
    guard let age = cell.age else { throw .unknownAgeing }
    return StorageResult(
      capacityBefore: before, capacityAfter: after, health: try description.health(after: age))
  }
}

/// What an abuse does to a cell's capacity.
public struct AbuseResult: Sendable, Equatable {
  /// The discharge before. Unit: mAh/g.
  public var capacityBefore: Double
  /// How the abuse ended: at its voltage, or `unreachable` where an electrode ran out first.
  public var end: StepOutcome.Reason
  /// The terminal voltage at the end of the abuse. Unit: V.
  public var extremeVolts: Double
  /// The voltage after an hour of rest. Unit: V.
  public var restedVolts: Double
  /// The first full discharge after. Unit: mAh/g.
  public var capacityAfter: Double
}

extension Specimen {
  /// Discharges to 0 V, rests for an hour, and cycles again.
  public func overDischarge(
    milliamperesPerGram: Double = 100, toVolts volts: Double = 0, on cell: inout Cell
  ) -> AbuseResult {
    abuse(-milliamperesPerGram, toVolts: volts, on: &cell)
  }

  /// Charges to a voltage above the cut-off, rests for an hour, and cycles again.
  ///
  /// The model knows no decomposition of the electrolyte: it says how far the electrodes can be
  /// emptied, and nothing about gas or fire. Above 4.5 V it means nothing.
  public func overcharge(
    milliamperesPerGram: Double = 100, toVolts volts: Double = 4.5, on cell: inout Cell
  ) -> AbuseResult {
    precondition(volts <= 4.5, "the model means nothing above 4.5 V")
    return abuse(milliamperesPerGram, toVolts: volts, on: &cell)
  }

  private func abuse(
    _ milliamperesPerGram: Double, toVolts volts: Double, on cell: inout Cell
  ) -> AbuseResult {
    let rate = milliamperesPerGram.magnitude
    let before = cycle(rate, cycles: 2, on: &cell)[1]
    if milliamperesPerGram > 0 { _ = run(rate, on: &cell) }
    let branch = run(milliamperesPerGram, on: &cell, lowerVolts: volts, upperVolts: volts)
    let extreme = cell.terminalVolts
    rest(3600, on: &cell)
    let rested = cell.terminalVolts
    if milliamperesPerGram > 0 { _ = run(-rate, on: &cell) }
    let after = cycle(rate, cycles: 1, on: &cell)[0]
    return AbuseResult(
      capacityBefore: before, end: branch.end, extremeVolts: extreme, restedVolts: rested,
      capacityAfter: after)
  }
}
