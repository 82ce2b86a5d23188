// SPDX-License-Identifier: Apache-2.0

import ChipDrivers
import Quantities
import Testing

@Suite struct HostIntegratorTests {
  /// However the time is cut, what was handed out is the exact integral, floored.
  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], [HostIntegrator.Rule.trapezoid, .zeroOrderHold])
  func sumIsExactOverLongRuns(seed: UInt64, rule: HostIntegrator.Rule) {
    var random = Sequence64(state: seed)
    var integrator = HostIntegrator(rule: rule)
    var time: Int64 = -5_000_000
    var current = Int32(random.next(in: -2_000_000...2_000_000))
    #expect(integrator.add(.microamperes(current), at: .microseconds(time)) == .first)
    var halfPicocoulombs: Int128 = 0
    var total: Int64 = 0
    for _ in 0..<200_000 {
      let elapsed = random.next(in: 0...1_500_000)
      let next = Int32(random.next(in: -2_000_000_000...2_000_000_000))
      time += elapsed
      let reading = integrator.add(.microamperes(next), at: .microseconds(time))
      guard case .counted(let charge) = reading else {
        Issue.record("seed \(seed): \(reading)")
        return
      }
      total += charge.nanocoulombs
      let doubled =
        rule == .trapezoid ? Int128(current) + Int128(next) : 2 * Int128(current)
      halfPicocoulombs += doubled * Int128(elapsed)
      current = next
      let floor =
        (halfPicocoulombs - ((halfPicocoulombs % 2_000) + 2_000) % 2_000) / 2_000
      guard Int128(total) == floor else {
        Issue.record("seed \(seed): \(total), exact \(floor)")
        return
      }
    }
  }

  @Test func gapsAndBackwardTimeAreNotCharge() {
    var integrator = HostIntegrator(maximumGap: 1_000)
    _ = integrator.add(.milliamperes(1), at: .microseconds(0))
    #expect(
      integrator.add(.milliamperes(1), at: .microseconds(1_000))
        == .counted(.nanocoulombs(1_000)))
    #expect(
      integrator.add(.milliamperes(1), at: .microseconds(2_001)) == .gap(microseconds: 1_001))
    #expect(
      integrator.add(.milliamperes(1), at: .microseconds(2_000)) == .gap(microseconds: -1))
    #expect(
      integrator.add(.milliamperes(3), at: .microseconds(3_000)) == .counted(.nanocoulombs(2_000)))
    integrator.restart()
    #expect(integrator.add(.milliamperes(3), at: .microseconds(3_500)) == .first)
  }

  @Test func theLargestIntervalDoesNotOverflow() {
    var integrator = HostIntegrator(maximumGap: .max)
    _ = integrator.add(.microamperes(.min), at: .microseconds(0))
    #expect(
      integrator.add(.microamperes(.min), at: .microseconds(1_000_000_000))
        == .counted(.nanocoulombs(-2_147_483_648_000_000)))
  }
}

/// SplitMix64: the same numbers for the same seed.
struct Sequence64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func next(in range: ClosedRange<Int64>) -> Int64 {
    range.lowerBound + Int64(next() % UInt64(range.upperBound - range.lowerBound + 1))
  }
}
