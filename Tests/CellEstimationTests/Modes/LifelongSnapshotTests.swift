// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Quantities
import TestSupport
import Testing

@testable import CellEstimation

/// A cell that is what the sample composition says, but for a plateau that has faded.
private struct FadedCell {
  let composition = FadedCell.sample
  private let modes: ModeVector
  private let window: ChargeWindow
  /// Unit: °C.
  var celsius: Int32 = 25
  /// Where it is, 0 to 1.
  private(set) var place = 0.5
  private(set) var seconds: Int64 = 0

  init(coupling: Double) {
    var arithmetic = SaturatingArithmetic()
    var m = composition.freshModes
    m[Mode.coupling] = Int64(Double(m[Mode.coupling]) * coupling)
    modes = m
    window = composition.window(m, &arithmetic)
  }

  static let sample = CompositionProfile.sample()

  /// The profile whose curve is the composition's, as a make's is.
  static let profile: CellProfile = {
    var profile = CellProfile.sample()
    let composition = FadedCell.sample
    var arithmetic = SaturatingArithmetic()
    let m = composition.freshModes
    let window = composition.window(m, &arithmetic)
    for i in 0..<257 {
      let place = -0.05 + 1.1 * Double(i) / 256
      let charge = window.empty + Int64(place * Double(window.span))
      let volts = composition.point(atCharge: charge, m, window, &arithmetic).voltage
      let value = Int32(clamping: Format.toMillionths(volts, &arithmetic))
      profile.openCircuit[i] = i == 0 ? value : max(value, profile.openCircuit[i - 1])
    }
    profile.checksum = profile.computedChecksum
    return profile
  }()

  static func estimator(isFresh: Bool = true) -> LifelongEstimator {
    LifelongEstimator(
      profile: profile, composition: sample, stateOfCharge: .partsPerMillion(500_000),
      deviation: 100_000, isFresh: isFresh)
  }

  /// Ten seconds at a current in C.
  mutating func next(_ c: Double) -> (time: MonotonicTime, measurement: Measurement) {
    var arithmetic = SaturatingArithmetic()
    seconds += 10
    place += c * 10 / 3_600 / (Double(window.span) * 0x1p-40)
    let charge = window.empty + Int64(place * Double(window.span))
    let open =
      Double(composition.point(atCharge: charge, modes, window, &arithmetic).voltage) * 0x1p-40
    let volts = open + 0.12 * c + (c > 0 ? 0.01 : (c < 0 ? -0.01 : 0))
    return (
      .microseconds(seconds * 1_000_000),
      Measurement(
        current: .microamperes(Int32((c * 1.5e6).rounded())),
        voltage: .microvolts(Int32((volts * 1e6).rounded())),
        temperature: .degreesCelsius(celsius))
    )
  }

  /// Lets an estimator see a discharge to nearly empty and a charge at C/5 to nearly full.
  mutating func round(_ estimator: inout LifelongEstimator) {
    while place > 0.02 { see(&estimator, -0.3) }
    for _ in 0..<180 { see(&estimator, 0) }
    while place < 0.97 { see(&estimator, 0.2) }
  }

  mutating func see(_ estimator: inout LifelongEstimator, _ c: Double) {
    let (time, measurement) = next(c)
    estimator.step(at: time, measurement)
  }

  /// Rests until nothing is left to be worked on.
  mutating func settle(_ estimator: inout LifelongEstimator) {
    repeat { see(&estimator, 0) } while estimator.isLearning
  }
}

/// What a lifelong estimator knows outlives a power cut.
@Suite struct LifelongSnapshotTests {
  private func words(_ kept: LifelongSnapshot) -> [Int64] {
    kept.filter.words.indices.map { kept.filter.words[$0] }
      + kept.modes.indices.map { kept.modes[$0] }
  }

  /// After two charges from nearly empty to nearly full.
  private static let once: (cell: FadedCell, estimator: LifelongEstimator) = {
    var cell = FadedCell(coupling: 0.8)
    var estimator = FadedCell.estimator()
    for _ in 0..<2 {
      cell.round(&estimator)
      cell.settle(&estimator)
    }
    return (cell, estimator)
  }()

  private func taught() -> (cell: FadedCell, estimator: LifelongEstimator) { Self.once }

  /// The same charges teach when warm, and nothing when cold.
  @Test(arguments: [(Int32(20), true), (10, false), (-10, false)])
  func coldChargesTeachNothing(celsius: Int32, teaches: Bool) {
    var cell = FadedCell(coupling: 0.8)
    cell.celsius = celsius
    var estimator = FadedCell.estimator()
    for _ in 0..<2 {
      cell.round(&estimator)
      cell.settle(&estimator)
    }
    #expect((estimator.health.charges > 0) == teaches)
  }

  @Test func aFadedPlateauIsSeen() {
    let (_, estimator) = taught()
    #expect(estimator.learnedCharges == 2)
    #expect(estimator.rebuilds >= 1)
    let share = Double(estimator.health.coupling.value) / Double(estimator.madeElectrodes.coupling)
    // It was told that the cell is new, and two charges have moved it more than a third of the way.
    #expect(0.75 < share && share < 0.93, "\(share)")
  }

  @Test func nothingIsLost() {
    let (_, estimator) = taught()
    let kept = estimator.kept
    #expect(kept.isSane)
    #expect(!kept.isOfOtherLayout)
    var other = FadedCell.estimator()
    let isResumed = other.resume(from: kept, after: Pause(microseconds: 0, unseen: 0))
    #expect(isResumed)
    #expect(words(other.kept) == words(kept))
    #expect(other.health.coupling == estimator.health.coupling)
    #expect(other.health.accessibleIron == estimator.health.accessibleIron)
    #expect(other.health.slippage == estimator.health.slippage)
    #expect(other.estimate.stateOfCharge == estimator.estimate.stateOfCharge)
    #expect(other.curveIdentity == estimator.curveIdentity)
    #expect(other.curveIdentity != other.identity)
    // What is expected of the cell goes by the curve, which is made anew.
    let load = Current.milliamperes(-500)
    #expect(other.timeToEmpty(at: load) == estimator.timeToEmpty(at: load))
  }

  /// A record of the layout before has no rates; all else of it is read.
  @Test func theOlderLayoutIsRead() {
    let (_, estimator) = taught()
    let kept = estimator.kept
    #expect(kept.modes[0] == 2)
    #expect((287..<296).contains { kept.modes[$0] != 0 })
    var older = kept
    older.modes[0] = 1
    #expect(!older.isSane, "it had no rates")
    for place in 287..<296 { older.modes[place] = 0 }
    #expect(older.isSane && !older.isOfOtherLayout)
    var other = FadedCell.estimator()
    let isResumed = other.resume(from: older, after: Pause(microseconds: 0, unseen: 0))
    #expect(isResumed)
    #expect(other.health.coupling == estimator.health.coupling)
    #expect(other.estimate.stateOfCharge == estimator.estimate.stateOfCharge)
    let fresh = FadedCell.estimator().kept
    #expect((287..<296).allSatisfy { other.kept.modes[$0] == fresh.modes[$0] })
    var later = kept
    later.modes[0] = 3
    #expect(later.isOfOtherLayout && !later.isSane)
  }

  /// Who only tracks the modes estimates what an estimator without modes does, bit by bit.
  @Test func trackingChangesNoEstimate() {
    var cell = FadedCell(coupling: 0.8)
    var tracking = FadedCell.estimator()
    tracking.replacesCurve = false
    var plain = StateEstimator(
      profile: FadedCell.profile, stateOfCharge: .partsPerMillion(500_000), deviation: 100_000)
    var isEqual = true
    func see(_ c: Double) {
      let (time, measurement) = cell.next(c)
      tracking.step(at: time, measurement)
      plain.step(at: time, measurement)
      isEqual = isEqual && tracking.estimate == plain.estimate
    }
    while cell.place > 0.02 { see(-0.3) }
    while cell.place < 0.97 { see(0.2) }
    repeat { see(0) } while tracking.isLearning
    #expect(isEqual)
    #expect(tracking.learnedCharges == 1)
    #expect(tracking.rebuilds == 0)
    #expect(tracking.health.coupling.value < tracking.madeElectrodes.coupling)
  }

  /// A cut at any slice of the work leaves what was known before the charge, or after it.
  @Test func everySliceOfTheWork() throws {
    var cell = FadedCell(coupling: 0.8)
    var estimator = FadedCell.estimator()
    let before = words(estimator.kept)[54 + 14]
    cell.round(&estimator)
    var slices = 0
    var seen: Set<Int64> = []
    repeat {
      cell.see(&estimator, 0)
      slices += 1
      let kept = estimator.kept
      #expect(kept.isSane, "slice \(slices)")
      guard seen.insert(kept.modes[14]).inserted || slices % 16 == 0 else { continue }
      var other = FadedCell.estimator()
      let isResumed = other.resume(from: kept, after: Pause(microseconds: nil, unseen: 10_000))
      #expect(isResumed, "slice \(slices)")
      #expect(!other.isLearning)
      let apart =
        other.estimate.stateOfCharge.partsPerMillion
        - estimator.estimate.stateOfCharge.partsPerMillion
      #expect(abs(apart) <= 1, "slice \(slices)")
    } while estimator.isLearning
    #expect(slices > 100)
    #expect(seen.count == 2, "before the charge and after it")
    #expect(seen.contains(before))
  }

  /// After the cut the next charge teaches as it would have.
  @Test func learningGoesOn() throws {
    var (cell, estimator) = taught()
    var other = FadedCell.estimator()
    let isResumed = other.resume(from: estimator.kept, after: Pause(microseconds: 0, unseen: 0))
    #expect(isResumed)
    var twin = cell
    cell.round(&estimator)
    cell.settle(&estimator)
    twin.round(&other)
    twin.settle(&other)
    #expect(other.learnedCharges == estimator.learnedCharges)
    let (a, b) = (other.health, estimator.health)
    // The first reading after a start is weighed more, so the two are not the same bit by bit.
    #expect(abs(a.coupling.value - b.coupling.value) < 2_000)
    #expect(abs(a.accessibleIron.value - b.accessibleIron.value) < 2_000)
    #expect(a.ironSeen != nil)
  }

  /// Another cell in its place: nothing that was learned holds, and its age is not known.
  @Test func anotherCell() {
    var (_, estimator) = taught()
    estimator.begin(
      atOpenCircuit: .millivolts(3_000), deviation: 200_000, isOtherCell: true)
    #expect(estimator.rebuilds == 0)
    #expect(estimator.learnedCharges == 0)
    #expect(estimator.curveIdentity == estimator.identity)
    #expect(estimator.health.learningChargeAdvice == .nothingLearned)
    #expect(estimator.health.ironSeen == nil)
    var fresh = LifelongEstimator(
      profile: FadedCell.profile, composition: FadedCell.sample,
      stateOfCharge: StateEstimator.stateOfCharge(
        atOpenCircuit: .millivolts(3_000), FadedCell.profile),
      deviation: 200_000, isFresh: false)
    #expect(words(estimator.kept) == words(fresh.kept))
    // And the curve is the make's again.
    var cell = FadedCell(coupling: 1)
    var twin = cell
    for _ in 0..<500 {
      cell.see(&estimator, -0.3)
      twin.see(&fresh, -0.3)
    }
    #expect(estimator.estimate == fresh.estimate)
  }

  /// A record of the make's own curve is read whatever the composition; one of another curve only by
  /// who can make that curve again.
  @Test func anotherComposition() {
    let (_, worn) = taught()
    var tuning = ModeTuning()
    tuning.edgeVoltage += 1
    func other() -> LifelongEstimator {
      LifelongEstimator(
        profile: FadedCell.profile, composition: .sample(tuning: tuning),
        stateOfCharge: .partsPerMillion(500_000), isFresh: true)
    }
    var estimator = other()
    let isResumed = estimator.resume(from: worn.kept, after: Pause(microseconds: 0, unseen: 0))
    #expect(!isResumed)
    var cell = FadedCell(coupling: 1)
    var fresh = FadedCell.estimator()
    cell.round(&fresh)
    cell.settle(&fresh)
    #expect(fresh.learnedCharges == 1 && fresh.rebuilds == 0)
    let isResumedToo = estimator.resume(
      from: fresh.kept, after: Pause(microseconds: 0, unseen: 0))
    #expect(isResumedToo)
    #expect(estimator.learnedCharges == 0, "modes of other tables are not believed")
    #expect(estimator.estimate.stateOfCharge == fresh.estimate.stateOfCharge)
  }

  /// A clock that jumps, and a count that no cell has, end no estimator and no modes.
  @Test(arguments: [.min, -1, 0, 86_400_000_000, 31_536_000_000_000, .max] as [Int64])
  func clocksAndCountsThatJump(to moment: Int64) {
    var (cell, estimator) = taught()
    let before = estimator.health
    for charge in [Int64.min + 1, -1, .max] {
      estimator.step(
        at: .microseconds(moment),
        Measurement(
          current: .milliamperes(100), charge: .nanocoulombs(charge), voltage: .millivolts(3_400)))
    }
    let after = estimator.health
    #expect(after.coupling == before.coupling)
    #expect(after.ironSeen != nil)
    let (time, measurement) = cell.next(0)
    estimator.step(at: time, measurement)
    let estimate = estimator.estimate
    #expect(estimate.lowestStateOfCharge <= estimate.stateOfCharge)
    #expect(estimate.stateOfCharge <= estimate.highestStateOfCharge)
    #expect(estimator.kept.isSane)
  }

  /// Words that no estimator writes are refused, and those that one could have end nothing.
  @Test func nonsense() {
    let seed: UInt64 = 91
    var random = SeededRandom(seed: seed)
    let (_, estimator) = taught()
    let good = estimator.kept
    var refused = 0
    for _ in 0..<80 {
      var kept = good
      let place = Int(random.next() % UInt64(LifelongSnapshot.count))
      kept.modes[place] = Int64(bitPattern: random.next()) >> Int64(random.next() % 64)
      var other = FadedCell.estimator()
      if other.resume(from: kept, after: Pause(microseconds: 3_600_000_000, unseen: 0)) {
        #expect(kept.isSane, "seed \(seed)")
        var cell = FadedCell(coupling: 0.8)
        for _ in 0..<5 { cell.see(&other, 0.2) }
        let estimate = other.estimate
        #expect(estimate.lowestStateOfCharge <= estimate.highestStateOfCharge, "seed \(seed)")
        _ = other.health
      } else {
        #expect(!kept.isSane, "seed \(seed), word \(place)")
        refused += 1
      }
    }
    #expect(refused > 5, "seed \(seed)")
  }
}

/// An estimator that begins anew in place is one that was just made.
@Suite struct BeginTests {
  @Test func aBegunEstimatorIsANewOne() {
    var used = StateEstimator(profile: .sample(), stateOfCharge: .partsPerMillion(300_000))
    var random = SeededRandom(seed: 92)
    func row(_ second: Int, _ random: inout SeededRandom) -> (MonotonicTime, Measurement) {
      (
        .microseconds(Int64(second) * 1_000_000),
        Measurement(
          current: random.chance(0.1)
            ? nil : .microamperes(Int32(random.uniform(-2e6, 1.5e6))),
          voltage: .microvolts(3_100_000 + Int32(random.uniform(-3e4, 3e4))),
          temperature: random.chance(0.5) ? .millidegreesCelsius(31_000) : nil)
      )
    }
    for second in 0..<500 {
      let (time, measurement) = row(second, &random)
      used.step(at: time, measurement)
    }
    used.step(at: .microseconds(0), Measurement())
    used.begin(at: .partsPerMillion(700_000), deviation: 200_000)
    var new = StateEstimator(
      profile: .sample(), stateOfCharge: .partsPerMillion(700_000), deviation: 200_000)
    #expect(used.estimate == new.estimate)
    for second in 1_000..<1_500 {
      let (time, measurement) = row(second, &random)
      used.step(at: time, measurement)
      new.step(at: time, measurement)
      #expect(used.estimate == new.estimate)
    }
  }
}
