// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// One row of the paper's table (Data/hu2024.csv) with how it is emulated and judged.
public struct PaperRow: Sendable {
  /// The row's name in the table, such as `P036`.
  public var id: String
  /// The systems it needs; the first one is that under which it is listed.
  public var systems: [PaperSystem]
  /// The experiment.
  public var experiment: String
  /// The quantity.
  public var quantity: String
  /// What the paper says.
  public var published: Published
  /// Its unit; "-" for none.
  public var unit: String
  /// How far the emulated number of a fitted row may be off; a predicted one three times as far.
  public var tolerance: Tolerance
  /// Whether the row was used to find parameters.
  public var role: Role
  /// Why the row is missed, where it is known to be.
  public var reason: String?
  /// Finds the emulated value.
  public var emulate: @Sendable (inout PaperLaboratory) throws(CellError) -> Emulated

  /// What the paper says.
  public enum Published: Sendable, Equatable {
    /// A number.
    case number(Double)
    /// A statement.
    case statement(String)
  }

  /// What the emulator says.
  public enum Emulated: Sendable, Equatable {
    /// A number.
    case number(Double)
    /// Whether the paper's statement holds, and on what grounds.
    case statement(String, holds: Bool)
  }

  /// How far an emulated number may be off.
  public enum Tolerance: Sendable, Equatable {
    /// A share of the published value.
    case share(Double)
    /// An amount in the row's unit.
    case amount(Double)
    /// A factor either way: an order of magnitude has the factor √10.
    case factor(Double)
    /// A statement holds or does not.
    case exact
  }

  /// Whether a row was used to find parameters.
  public enum Role: String, Sendable {
    /// The parameters were found with it, or with rows that contain it.
    case fitted
    /// Not used: the emulator predicts it.
    case predicted
    /// A statement of order or shape; none was used except where the parameter set says so.
    case ordinal
  }

  /// How a row came out.
  public enum Verdict: Sendable {
    /// Within the tolerance, or the statement holds.
    case pass
    /// A predicted row beyond its tolerance, but within three times it.
    case near
    /// Beyond what its role allows, or the statement fails.
    case miss
  }

  /// The emulated value with its judgement.
  public struct Result: Sendable {
    /// The row.
    public var row: PaperRow
    /// The emulated value.
    public var emulated: Emulated
    /// Emulated less published, in the row's unit; nil for statements.
    public var error: Double?
    /// What its role allows, in the row's unit; nil for statements and factors.
    public var allowed: Double?
    /// How it came out.
    public var verdict: Verdict
    /// Whether it is within what its role allows.
    public var passes: Bool { verdict != .miss }
  }

  /// What the role allows: nothing was turned to meet a predicted row, which may miss by three times
  /// the tolerance of a fitted one.
  public var allowance: Tolerance {
    guard role == .predicted else { return tolerance }
    return switch tolerance {
    case .share(let share): .share(3 * share)
    case .amount(let amount): .amount(3 * amount)
    case .factor(let factor): .factor(factor * factor * factor)
    case .exact: .exact
    }
  }

  /// Emulates the row and judges it.
  public func evaluate(in laboratory: inout PaperLaboratory) throws(CellError) -> Result {
    let emulated = try emulate(&laboratory)
    guard case .number(let published) = published, case .number(let value) = emulated else {
      var holds = false
      if case .statement(_, let isTrue) = emulated { holds = isTrue }
      return Result(
        row: self, emulated: emulated, error: nil, allowed: nil, verdict: holds ? .pass : .miss)
    }
    let verdict: Verdict =
      tolerance.holds(value, near: published)
      ? .pass : allowance.holds(value, near: published) ? .near : .miss
    return Result(
      row: self, emulated: emulated, error: value - published,
      allowed: allowance.amount(of: published), verdict: verdict)
  }

  /// All rows, in the order of the table.
  public static let all: [PaperRow] =
    (voltammetryRows + firstCycleRows + stateRows + differentialRows + couplingRows + rateRows
    + titrationRows + cyclingRows + fullCellRows).sorted { $0.id < $1.id }
}

extension PaperRow.Tolerance {
  /// What it is in the unit of the published value; nil for a factor.
  fileprivate func amount(of published: Double) -> Double? {
    switch self {
    case .share(let share): share * published.magnitude
    case .amount(let amount): amount
    case .factor: nil
    case .exact: 0
    }
  }

  /// Whether a value is this near; a tie counts, NaN does not.
  fileprivate func holds(_ value: Double, near published: Double) -> Bool {
    if case .factor(let factor) = self {
      let ratio = value / published
      return ratio <= factor && ratio >= 1 / factor
    }
    return (value - published).magnitude <= (amount(of: published) ?? 0) * (1 + 1e-9)
  }

  /// Capacities, retentions and splits: 3 %.
  static let capacity = PaperRow.Tolerance.share(0.03)
  /// Peak positions, shifts and polarisations: 25 mV.
  static let peak = PaperRow.Tolerance.amount(0.025)
}

extension PaperRow {
  typealias Emulate = @Sendable (inout PaperLaboratory) throws(CellError) -> Emulated
  typealias Measure = @Sendable (inout PaperLaboratory) throws(CellError) -> Double

  /// A row with a number.
  static func number(
    _ id: String, _ system: PaperSystem, _ experiment: String, _ quantity: String,
    _ published: Double, _ unit: String, _ tolerance: Tolerance, _ role: Role,
    because reason: String? = nil, _ measure: @escaping Measure
  ) -> PaperRow {
    PaperRow(
      id: id, systems: [system], experiment: experiment, quantity: quantity,
      published: .number(published), unit: unit, tolerance: tolerance, role: role, reason: reason
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      .number(try measure(&laboratory))
    }
  }

  /// A row with a statement.
  static func statement(
    _ id: String, _ systems: [PaperSystem], _ experiment: String, _ quantity: String,
    _ published: String, _ emulate: @escaping Emulate
  ) -> PaperRow {
    PaperRow(
      id: id, systems: systems, experiment: experiment, quantity: quantity,
      published: .statement(published), unit: "-", tolerance: .exact, role: .ordinal,
      reason: nil, emulate: emulate)
  }

  /// A number for a statement's grounds: three decimals at most.
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return "none" }
    let scaled = (value.magnitude * 1000).rounded()
    guard scaled < 1e15 else { return "\(value)" }
    let whole = Int64(scaled)
    let sign = value < 0 && whole > 0 ? "-" : ""
    var decimals = "\(whole % 1000)"
    while decimals.count < 3 { decimals = "0" + decimals }
    while decimals.hasSuffix("0") { decimals.removeLast() }
    return sign + "\(whole / 1000)" + (decimals.isEmpty ? "" : "." + decimals)
  }
}
