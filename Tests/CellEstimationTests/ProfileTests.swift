// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Quantities
import TestSupport
import Testing

@Suite struct ProfileTests {
  /// Changes a number by one, and by its highest bit.
  private static let changes: [@Sendable (inout Int32) -> Void] = [
    { $0 = $0 == .max ? $0 - 1 : $0 + 1 }, { $0 ^= .min },
  ]

  /// Expects that a change of a profile is noticed, and that undoing it heals.
  private func expectNoticed(
    _ what: @autoclosure () -> Comment, _ change: (inout CellProfile) -> Void
  ) {
    var profile = CellProfile.sample()
    change(&profile)
    #expect(!profile.isIntact, what())
  }

  @Test func theSampleIsIntact() {
    let profile = CellProfile.sample()
    #expect(profile.isIntact)
    #expect(profile.version == CellProfile.currentVersion)
    #expect(profile.checksum == profile.computedChecksum)
  }

  @Test func anyChangedValueIsNoticed() {
    for change in ProfileTests.changes {
      expectNoticed("lowerCutoff") { change(&$0.lowerCutoff.microvolts) }
      expectNoticed("upperCutoff") { change(&$0.upperCutoff.microvolts) }
      expectNoticed("fastMilliseconds") { change(&$0.fastMilliseconds) }
      expectNoticed("slowMilliseconds") { change(&$0.slowMilliseconds) }
      expectNoticed("hysteresisRateThousandths") { change(&$0.hysteresisRateThousandths) }
    }
    for bit in Int64(0)..<64 {
      expectNoticed("ratedCapacity") { $0.ratedCapacity.nanocoulombs ^= 1 << bit }
    }
    for bit in UInt32(0)..<32 {
      expectNoticed("version") { $0.version ^= 1 << bit }
      expectNoticed("checksum") { $0.checksum ^= 1 << bit }
    }
  }

  /// A later layout with a checksum that fits is refused all the same.
  @Test func anotherVersionIsRefused() {
    var profile = CellProfile.sample()
    profile.version += 1
    profile.checksum = profile.computedChecksum
    #expect(!profile.isIntact)
  }

  @Test func anyChangedTableEntryIsNoticed() {
    for i in 0..<257 {
      // One kind of change or the other: a checksum takes long in a debug build.
      let change = ProfileTests.changes[i % 2]
      expectNoticed("openCircuit \(i)") { change(&$0.openCircuit[i]) }
      guard i < 65 else { continue }
      expectNoticed("per kelvin \(i)") { change(&$0.openCircuitPerKelvin[i]) }
      expectNoticed("displacement \(i)") { change(&$0.displacement[i]) }
      expectNoticed("series \(i)") { change(&$0.series[i]) }
      expectNoticed("fast \(i)") { change(&$0.fast[i]) }
      expectNoticed("slow \(i)") { change(&$0.slow[i]) }
      expectNoticed("hysteresis \(i)") { change(&$0.hysteresis[i]) }
      guard i < 25 else { continue }
      expectNoticed("series factor \(i)") { change(&$0.seriesTemperatureFactor[i]) }
      expectNoticed("relaxation factor \(i)") { change(&$0.relaxationTemperatureFactor[i]) }
      expectNoticed("time factor \(i)") { change(&$0.timeTemperatureFactor[i]) }
      expectNoticed("displacement factor \(i)") {
        change(&$0.displacementTemperatureFactor[i])
      }
      guard i < 17 else { continue }
      expectNoticed("current factor \(i)") { change(&$0.seriesCurrentFactor[i]) }
    }
  }

  /// Every field of the tuning, found by reflection so that a new one cannot be forgotten.
  @Test func anyChangedTuningIsNoticed() {
    let fields: [WritableKeyPath<FilterTuning, Int32>] = [
      \.voltageNoise, \.voltageNoiseFloor, \.voltageNoisePerC, \.slopeVariance,
      \.slopeSeconds, \.modelError, \.modelErrorOfCharge, \.modelErrorLength,
      \.modelErrorSeconds, \.fastNoise, \.slowNoise, \.hysteresisNoise, \.chargeWalk,
      \.resistanceWalk, \.capacityWalk, \.offsetWalk, \.resistancePrior, \.capacityPrior,
      \.offsetPrior, \.fastPrior, \.slowPrior, \.missingCurrent, \.gapCurrent,
      \.capacityInterval, \.chargeInterval,
    ]
    #expect(Mirror(reflecting: FilterTuning()).children.count == fields.count)
    for field in fields {
      for change in ProfileTests.changes {
        expectNoticed("\(field)") { change(&$0.tuning[keyPath: field]) }
      }
    }
  }

  /// Two entries that change places leave every sum alone.
  @Test func exchangedEntriesAreNoticed() {
    for i in stride(from: 0, to: 256, by: 5) {
      expectNoticed("openCircuit \(i)") {
        let kept = $0.openCircuit[i]
        $0.openCircuit[i] = $0.openCircuit[i + 1]
        $0.openCircuit[i + 1] = kept
      }
    }
  }

  /// A rested cell's voltage gives its state of charge back: the curve's least slope is 0.35 V, so
  /// a microvolt is at most 3 ppm, and the bisection ends within 1 ppm.
  @Test func restingVoltageGivesTheStateOfCharge() {
    let profile = CellProfile.sample()
    var last = StateOfCharge.partsPerMillion(-1)
    for parts in stride(from: Int32(0), through: 1_000_000, by: 500) {
      let place = (Double(parts) * 1e-6 + 0.05) / 1.1 * 256
      let index = min(Int(place), 255)
      let low = Double(profile.openCircuit[index])
      let high = Double(profile.openCircuit[index + 1])
      let microvolts = (low + (high - low) * (place - Double(index))).rounded()
      let found = StateEstimator.stateOfCharge(
        atOpenCircuit: .microvolts(Int32(microvolts)), profile)
      #expect(abs(found.partsPerMillion - parts) <= 4, "\(parts): \(found.partsPerMillion)")
      #expect(last < found, "\(parts)")
      last = found
    }
  }

  @Test func voltagesBeyondTheCurveAreItsEnds() {
    let profile = CellProfile.sample()
    let below: [Int32] = [.min, 0, 1_900_000]
    for microvolts in below {
      let found = StateEstimator.stateOfCharge(atOpenCircuit: .microvolts(microvolts), profile)
      #expect(found.partsPerMillion == 0, "\(microvolts) µV")
    }
    let above: [Int32] = [4_900_000, .max]
    for microvolts in above {
      let found = StateEstimator.stateOfCharge(atOpenCircuit: .microvolts(microvolts), profile)
      #expect(found.partsPerMillion == 1_000_000, "\(microvolts) µV")
    }
  }

  /// On a flat stretch any answer on it is right.
  @Test func aFlatCurveGivesAPlaceOnIt() {
    var profile = CellProfile.sample()
    for i in 100...150 { profile.openCircuit[i] = profile.openCircuit[100] }
    let found = StateEstimator.stateOfCharge(
      atOpenCircuit: .microvolts(profile.openCircuit[100]), profile)
    let low = Int32((100.0 / 256 * 1.1 - 0.05) * 1e6) - 5
    let high = Int32((150.0 / 256 * 1.1 - 0.05) * 1e6) + 5
    #expect((low...high).contains(found.partsPerMillion))
  }
}
