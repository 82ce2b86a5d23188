// SPDX-License-Identifier: Apache-2.0

/// The rest voltage of a cell of lithium cobalt oxide and graphite, for gauges that are tuned to it.
///
/// The tables in the chips are not published. This one is typical of such cells, in steps of 5 % from
/// empty to full; assumed, because what matters is that 0 % lies above 3 V and 100 % at 4.2 V.
enum LithiumModel {
  private static let restVolts: [Double] = [
    3.20, 3.50, 3.61, 3.65, 3.68, 3.70, 3.72, 3.74, 3.76, 3.78, 3.80, 3.82, 3.85, 3.88, 3.92, 3.96,
    4.00, 4.04, 4.09, 4.14, 4.20,
  ]

  /// The state of charge, 0…1, at a rest voltage; the ends hold beyond the table.
  static func stateOfCharge(restVolts volts: Double) -> Double {
    guard volts > restVolts[0] else { return 0 }
    for index in 1..<restVolts.count where volts <= restVolts[index] {
      let share = (volts - restVolts[index - 1]) / (restVolts[index] - restVolts[index - 1])
      return (Double(index - 1) + share) / Double(restVolts.count - 1)
    }
    return 1
  }
}
