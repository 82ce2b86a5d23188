// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// What went through a cell in its life: charge each way, equivalent full cycles, coulombic efficiency.
///
/// Fed with the change of a counted charge. A sum that is full stays full.
public struct UsageLedger: Equatable, Sendable {
  /// The charge that went in.
  public private(set) var charged = Charge.zero
  /// The charge that came out.
  public private(set) var discharged = Charge.zero

  /// Starts with an unused cell.
  public init() {}

  /// Goes on from stored sums; negative ones count as 0.
  public init(charged: Charge, discharged: Charge) {
    self.charged = max(charged, .zero)
    self.discharged = max(discharged, .zero)
  }

  /// Adds a counted charge; positive went in.
  public mutating func add(_ charge: Charge) {
    if charge > .zero {
      charged = Self.sum(charged, charge.nanocoulombs)
    } else {
      discharged = Self.sum(discharged, 0 - max(charge.nanocoulombs, -.max))
    }
  }

  private static func sum(_ a: Charge, _ more: Int64) -> Charge {
    let sum = a.nanocoulombs.addingReportingOverflow(more)
    return .nanocoulombs(sum.overflow ? .max : sum.partialValue)
  }

  /// The charge that went through in both directions over twice the rated capacity. Unit: 1/1000.
  ///
  /// Rounded towards zero; at most `Int32.max`.
  public func equivalentFullCycles(rated: Charge) -> Int32 {
    let half = charged.nanocoulombs / 2 + discharged.nanocoulombs / 2
    let thousandth = max(rated.nanocoulombs / 1_000, 1)
    return Int32(clamping: half / thousandth)
  }

  /// What came out over what went in between two moments at the same state of charge. Unit: ppm.
  ///
  /// - Parameters:
  ///   - start: the books at the first moment.
  ///   - stored: what the cell holds more than it did then, by the estimate; it is owed, not lost.
  ///   - rated: the rated capacity: less than two full charges say nothing, because the estimate's
  ///     error of 1 % would be larger than what is asked.
  /// - Returns: nil if too little went in.
  public func coulombicEfficiency(
    since start: UsageLedger, stored: Charge, rated: Charge
  ) -> Int32? {
    let went = charged.nanocoulombs - start.charged.nanocoulombs
    let came = discharged.nanocoulombs - start.discharged.nanocoulombs
    guard rated > .zero, went / 2 >= rated.nanocoulombs else { return nil }
    var arithmetic = SaturatingArithmetic()
    let recovered = arithmetic.add(came, stored.nanocoulombs)
    return Int32(clamping: arithmetic.multiply(recovered, 1_000_000, dividedBy: went))
  }
}
