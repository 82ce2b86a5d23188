// SPDX-License-Identifier: Apache-2.0

/// What stands in for the unpublished algorithm of a gauge that counts charge.
///
/// It starts from the lithium model's charge at the first voltage, counts the current, starts anew from
/// the voltage after 30 min of rest, is empty below a voltage, and full at 4.1 V and a small current. So
/// on sodium cells it is empty while much is left, as a real one would be.
struct LithiumGauge: Sendable {
  /// 0…1; nil until the first measurement.
  private(set) var charge: Double?
  private var restSeconds: Int64 = 0

  /// Takes what one measurement shows.
  ///
  /// - Parameters:
  ///   - cellVolts: of one cell.
  ///   - milliamperes: positive charges the cells.
  ///   - seconds: since the last measurement.
  ///   - capacity: unit: mAh.
  ///   - emptyVolts: where a cell is taken for empty.
  mutating func measure(
    cellVolts: Double, milliamperes: Double, seconds: Int64, capacity: Double, emptyVolts: Double
  ) {
    let lithium = LithiumModel.stateOfCharge(restVolts: cellVolts)
    let counted = (charge ?? lithium) + milliamperes * Double(seconds) / 3_600 / capacity
    // The first measurement counts nothing.
    charge = charge == nil ? lithium : min(max(counted, 0), 1)
    let isAtRest = abs(milliamperes) < capacity / 100
    restSeconds = isAtRest ? restSeconds + seconds : 0
    if restSeconds >= 1_800 { charge = lithium }
    let isTapered = 0...capacity / 20 ~= milliamperes
    if cellVolts >= 4.1, isTapered { charge = 1 }
    if cellVolts < emptyVolts { charge = 0 }
  }
}
