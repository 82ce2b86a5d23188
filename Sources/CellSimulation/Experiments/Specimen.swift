// SPDX-License-Identifier: Apache-2.0

/// A cell of an experiment with the mass its specific currents and capacities refer to.
///
/// Specific quantities are per gram of cathode active material, as in the paper: mA/g and mAh/g.
public struct Specimen: Sendable {
  /// What the cell is made of.
  public var description: CellDescription
  /// The cathode's active mass. Unit: g.
  public var cathodeGrams: Double

  /// Makes a specimen.
  public init(_ description: CellDescription, cathodeGrams: Double) {
    self.description = description
    self.cathodeGrams = cathodeGrams
  }

  /// Makes the cell at rest at a voltage.
  ///
  /// - Throws: `CellError` if the description is wrong.
  public func cell(
    restingAtVolts volts: Double, temperatureCelsius: Double = 25
  ) throws(CellError) -> Cell {
    try Cell(
      description, restingAtVolts: volts, temperatureCelsius: temperatureCelsius)
  }
}

/// One charge or discharge at constant current.
public struct GalvanostaticBranch: Sendable, Equatable {
  /// The specific current; positive charges. Unit: mA/g.
  public var milliamperesPerGram: Double
  /// The terminal voltage at each recorded moment. Unit: V.
  public var volts: [Double]
  /// The charge that flowed since the branch began, a magnitude. Unit: mAh/g.
  public var milliampereHoursPerGram: [Double]
  /// How long it took. Unit: s.
  public var seconds: Double
  /// How it ended.
  public var end: StepOutcome.Reason

  /// The charge of the whole branch. Unit: mAh/g.
  public var capacity: Double { milliampereHoursPerGram.last ?? 0 }

  /// The charge that flowed before the voltage first passed a value. Unit: mAh/g.
  public func capacity(beforeVolts limit: Double) -> Double {
    let isCharge = milliamperesPerGram > 0
    for index in volts.indices where isCharge ? volts[index] >= limit : volts[index] <= limit {
      guard index > 0 else { return 0 }
      let share = (limit - volts[index - 1]) / (volts[index] - volts[index - 1])
      let before = milliampereHoursPerGram[index - 1]
      return before + share * (milliampereHoursPerGram[index] - before)
    }
    return capacity
  }

  /// The mean voltage, weighted with charge. Unit: V.
  public var meanVolts: Double {
    var sum = 0.0
    for index in volts.indices.dropFirst() {
      let charge = milliampereHoursPerGram[index] - milliampereHoursPerGram[index - 1]
      sum += 0.5 * (volts[index] + volts[index - 1]) * charge
    }
    return capacity > 0 ? sum / capacity : .nan
  }
}

extension Specimen {
  /// Runs a constant current to the cut-off of its direction.
  ///
  /// - Parameters:
  ///   - milliamperesPerGram: the specific current; positive charges.
  ///   - cell: a cell of this specimen; keeps the state of the end.
  ///   - lowerVolts: where a discharge ends; the description's cut-off without it. Unit: V.
  ///   - upperVolts: where a charge ends; the description's cut-off without it. Unit: V.
  ///   - ambientCelsius: the temperature around the cell. Unit: °C.
  ///   - points: about how many moments are recorded at least.
  public func run(
    _ milliamperesPerGram: Double, on cell: inout Cell, lowerVolts: Double? = nil,
    upperVolts: Double? = nil, ambientCelsius: Double = 25, points: Int = 400
  ) -> GalvanostaticBranch {
    let amperes = milliamperesPerGram * cathodeGrams / 1000
    let start = cell.netChargeAmpereHours
    var branch = GalvanostaticBranch(
      milliamperesPerGram: milliamperesPerGram, volts: [], milliampereHoursPerGram: [],
      seconds: 0, end: .completed)
    // No electrode here takes up more than 200 mAh/g.
    let longest = 200 / milliamperesPerGram.magnitude * 3600
    let outcome = cell.trace(
      .current(amperes: amperes), seconds: longest, ambientCelsius: ambientCelsius,
      until: CellLimits(
        lowerVolts: lowerVolts ?? description.lowerCutoffVolts,
        upperVolts: upperVolts ?? description.upperCutoffVolts),
      longestSeconds: longest / Double(points)
    ) { point in
      branch.volts.append(point.volts)
      branch.milliampereHoursPerGram.append(
        1000 * (point.ampereHours - start).magnitude / cathodeGrams)
    }
    if outcome.reason == .unreachable, let charge = branch.milliampereHoursPerGram.last {
      // An electrode that is full or empty lets the voltage fall to the cut-off with no more charge.
      branch.volts.append(
        milliamperesPerGram > 0
          ? upperVolts ?? description.upperCutoffVolts
          : lowerVolts ?? description.lowerCutoffVolts)
      branch.milliampereHoursPerGram.append(charge)
    }
    branch.seconds = outcome.seconds
    branch.end = outcome.reason
    return branch
  }

  /// Lets the cell rest.
  public func rest(_ seconds: Double, on cell: inout Cell, ambientCelsius: Double = 25) {
    cell.step(.current(amperes: 0), seconds: seconds, ambientCelsius: ambientCelsius)
  }
}
