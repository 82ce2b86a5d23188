// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities
import TestSupport
import Testing

@Suite struct UsageLedgerTests {
  /// A charge and a discharge of the rated capacity are one equivalent full cycle.
  @Test func countsFullCycles() {
    let rated = Charge.milliampereHours(1_500)
    var ledger = UsageLedger()
    for _ in 0..<10 {
      ledger.add(.milliampereHours(150))
      ledger.add(.milliampereHours(-150))
    }
    #expect(ledger.charged == rated)
    #expect(ledger.discharged == rated)
    #expect(ledger.equivalentFullCycles(rated: rated) == 1_000)
    #expect(ledger.equivalentFullCycles(rated: .zero) == .max)
  }

  /// 1 % less comes out than went in; what the cell still holds is not lost.
  @Test func efficiencyCountsWhatIsStored() {
    let rated = Charge.milliampereHours(1_000)
    let start = UsageLedger(charged: .milliampereHours(500), discharged: .milliampereHours(100))
    var ledger = start
    ledger.add(.milliampereHours(4_000))
    ledger.add(.milliampereHours(-3_460))
    #expect(
      ledger.coulombicEfficiency(since: start, stored: .milliampereHours(500), rated: rated)
        == 990_000)
    var little = start
    little.add(.milliampereHours(1_999))
    #expect(little.coulombicEfficiency(since: start, stored: .zero, rated: rated) == nil)
  }

  /// Books that are full stay full.
  @Test func sumsDoNotWrap() {
    var ledger = UsageLedger(charged: .nanocoulombs(.max - 1), discharged: .nanocoulombs(-5))
    #expect(ledger.discharged == .zero)
    ledger.add(.nanocoulombs(5))
    #expect(ledger.charged == .nanocoulombs(.max))
    ledger.add(.nanocoulombs(.min))
    ledger.add(.nanocoulombs(.min))
    #expect(ledger.discharged == .nanocoulombs(.max))
  }

  /// A new estimator's health is the prior's: nominal, with the tuning's deviations.
  @Test func healthStartsWithThePrior() {
    let health = StateEstimator(
      profile: .sample(), stateOfCharge: .partsPerMillion(500_000)
    ).stateOfHealth
    #expect(health.capacity.likely == 1_000_000)
    #expect(health.resistance.likely == 1_000_000)
    // 1.96 · 0.3; and κ ± 2 · 1.96 · 4 %.
    #expect(abs(health.resistance.highest - 1_588_000) < 10)
    #expect(abs(health.resistance.lowest - 412_000) < 10)
    #expect(abs(health.capacity.lowest - 864_454) < 100)
    #expect(abs(health.capacity.highest - 1_185_958) < 100)
  }
}
