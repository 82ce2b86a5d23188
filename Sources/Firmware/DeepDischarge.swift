// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities

/// Tells a cell that was discharged far below its window from a broken sense wire, and watches that
/// trickle charging brings it back.
///
/// A sodium-ion cell may be discharged to 0 V: its anode's foil is aluminium, and nothing dissolves
/// (Sci. Rep. 2017, s41598-017-00202-y). It is a state to come back from, so its voltage must be
/// believed; but a wire that breaks shows the same voltage, and charging by it would never end. The
/// difference is how it began: the voltage of a cell passes the lower cut-off on its way down.
struct DeepDischarge: Sendable {
  private let rated: Charge
  /// The voltage from which charge is counted until it has risen.
  private var reference = Voltage.microvolts(.min)
  private var charged = Charge.zero
  /// A clear by the operator says: this cell is deeply discharged.
  private(set) var isDeclared = false
  /// Charge went in and the voltage did not rise.
  private(set) var doesNotRise = false

  init(rated: Charge) { self.rated = rated }

  mutating func declare() {
    isDeclared = true
    doesNotRise = false
    reference = .microvolts(.min)
  }

  /// What below its window the cell's voltage is, if it can be believed.
  ///
  /// - Parameter wasLow: whether the voltage was believed and low before, now or in an earlier run.
  func voltage(_ raw: Voltage?, _ reasons: Implausibility, wasLow: Bool) -> Voltage? {
    let low: Implausibility = [.voltageOutOfRange, .zeroDropout]
    guard let raw, wasLow || isDeclared, !reasons.isDisjoint(with: low),
      -100_000...2_000_000 ~= raw.microvolts
    else { return nil }
    return raw
  }

  /// Counts what goes in at a low voltage: 5 % of the rated capacity must lift it by 20 mV.
  mutating func watch(_ voltage: Voltage?, current: Current?, elapsed: Int64, isLow: Bool) {
    guard isLow, let voltage, let current else {
      if !isLow {
        reference = .microvolts(.min)
        charged = .zero
        isDeclared = false
      }
      return
    }
    if Int64(voltage.microvolts) >= Int64(reference.microvolts) + 20_000 || elapsed < 0 {
      reference = voltage
      charged = .zero
      return
    }
    let step = min(elapsed, 60_000_000) * Int64(max(current.microamperes, 0)) / 1_000
    charged = .nanocoulombs(charged.nanocoulombs + step)
    if charged.nanocoulombs > rated.nanocoulombs / 20 { doesNotRise = true }
  }
}
