// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Firmware
import Quantities
import Simulation
import Testing

/// Each protection opens its switch within what is stated, and a late one is seen.
@Suite struct ReactionStudyTests {
  private static let made: Result<ReactionStudy, CellError> = {
    do throws(CellError) {
      return .success(try ReactionStudy(TestCells.circuit))
    } catch {
      return .failure(error)
    }
  }()

  @Test(arguments: ReactionStudy.protections) func isInTime(protection: Protection) throws {
    let study = try Self.made.get()
    for (period, seeds) in [(0.1, UInt64(1)...2), (1, UInt64(1)...4)] {
      let stated = study.stated(protection, period: period)
      for seed in seeds {
        let seconds = try #require(study.reaction(protection, seed: seed, period: period))
        #expect(seconds <= stated, "\(protection), seed \(seed)")
        // Not by a delay that is not kept: a cause that is gone in time must be let pass.
        #expect(seconds >= study.rule(protection) - period, "\(protection), seed \(seed)")
      }
    }
  }

  /// Those that open a switch, but for the one that a board's load has to provoke.
  @Test func noneIsLeftOut() throws {
    let table = try Self.made.get().protection
    let opening = (UInt8(0)..<UInt8(Protection.count)).compactMap(Protection.init(rawValue:))
      .filter { table[$0].stops != [] && $0 != .prechargeFailed }
    #expect(Set(opening.map(\.rawValue)) == Set(ReactionStudy.protections.map(\.rawValue)))
  }

  /// A rule that waits three seconds longer than is stated is late.
  @Test func aLateProtectionIsSeen() throws {
    var rules = try Self.made.get().protection
    for protection in ReactionStudy.protections { rules[protection].delay += 3_000_000 }
    let slow = try ReactionStudy(TestCells.circuit, rules: rules)
    for protection in ReactionStudy.protections {
      let seconds = slow.reaction(protection, seed: 1, period: 1)
      let stated = slow.stated(protection, period: 1)
      #expect(seconds.map { $0 > stated } ?? true, "\(protection)")
    }
  }
}
