// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// What a laboratory means by full, empty and capacity, measured on a simulated cell at 25 °C.
///
/// Full is the end of a C/2 charge to the upper cut-off, held until C/20. Empty is the end of a C/20
/// discharge to the lower cut-off; what that discharge gives is the capacity. Between the two the
/// state of charge is counted in coulombs, without error, as a cycler's reference is. Sodium in
/// particles too large to follow at C/20 counts at neither end: it is of no use to anyone.
public struct ReferenceTest: Sendable {
  /// The charge from full to empty. Unit: Ah.
  public let capacityAmpereHours: Double
  /// The terminal voltage of the C/20 discharge over state of charge. Unit: V.
  public let dischargeVolts: Curve
  /// The terminal voltage of the C/20 charge over state of charge. Unit: V.
  public let chargeVolts: Curve
  /// The cell after the standard charge, at rest since no time.
  public let full: Cell
  /// The cell after the C/20 discharge.
  public let empty: Cell
  // What the two hold, kept because every tick asks for it.
  private let fullContent: Double
  private let emptyContent: Double

  /// Runs the test: one cycle to forget the start, then the measured one.
  ///
  /// - Throws: `CellError` if the description cannot be a cell.
  public init(_ description: CellDescription) throws(CellError) {
    let oneC = description.ratedCapacityAmpereHours
    let lower = description.lowerCutoffVolts
    let slowAmperes = oneC / 20
    var cell = try Cell(description, stateOfCharge: 0.5, temperatureCelsius: 25)
    Self.charge(&cell, oneC, description.upperCutoffVolts)
    _ = Self.sweep(&cell, amperes: -slowAmperes, to: lower)
    Self.charge(&cell, oneC, description.upperCutoffVolts)
    full = cell
    fullContent = cell.stateOfCharge
    let start = cell.netChargeAmpereHours
    let down = Self.sweep(&cell, amperes: -slowAmperes, to: lower)
    empty = cell
    emptyContent = cell.stateOfCharge
    let end = cell.netChargeAmpereHours
    capacityAmpereHours = max(start - end, 1e-12)
    let up = Self.sweep(&cell, amperes: slowAmperes, to: description.upperCutoffVolts)
    let capacity = capacityAmpereHours
    dischargeVolts = Self.curve(down.reversed()) { ($0 - end) / capacity }
    chargeVolts = Self.curve(up) { ($0 - end) / capacity }
  }

  /// The state of charge of a cell of the same description: 1 at full, 0 at empty.
  public func stateOfCharge(of cell: borrowing Cell) -> Double {
    (cell.stateOfCharge - emptyContent) / (fullContent - emptyContent)
  }

  private static func charge(_ cell: inout Cell, _ oneC: Double, _ upper: Double) {
    cell.step(
      .current(amperes: oneC / 2), seconds: 8 * 3_600, until: CellLimits(upperVolts: upper))
    cell.step(
      .voltage(volts: upper), seconds: 8 * 3_600, until: CellLimits(currentMagnitude: oneC / 20))
  }

  /// Moves a cell to a cut-off at a slow current and notes charge and voltage on the way.
  private static func sweep(
    _ cell: inout Cell, amperes: Double, to volts: Double
  ) -> [(charge: Double, volts: Double)] {
    let limits =
      amperes < 0 ? CellLimits(lowerVolts: volts) : CellLimits(upperVolts: volts)
    var points: [(charge: Double, volts: Double)] = []
    // 40 h at C/20 is twice the rated capacity: more than any window holds.
    for _ in 0..<800 {
      let outcome = cell.step(.current(amperes: amperes), seconds: 180, until: limits)
      points.append((cell.netChargeAmpereHours, cell.terminalVolts))
      if outcome.reason != .completed { break }
    }
    return points
  }

  /// A curve of voltage over state of charge; places that do not increase are left out.
  private static func curve(
    _ points: [(charge: Double, volts: Double)], _ place: (Double) -> Double
  ) -> Curve {
    var x: [Double] = []
    var y: [Double] = []
    for point in points {
      let next = place(point.charge)
      if let last = x.last, next <= last { continue }
      x.append(next)
      y.append(point.volts)
    }
    return Curve(x: x, y: y)
  }
}
