// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Simulation
import Testing

/// Everything goes wrong, and every invariant holds.
///
/// On a cell that is quick in a debug build; `Tools/swarm` runs two thousand seeds on the real one.
@Suite struct SwarmTests {
  private static let made: Result<Swarm, CellError> = {
    do throws(CellError) {
      return .success(try Swarm(TestCells.circuit))
    } catch {
      return .failure(error)
    }
  }()

  private func swarm() throws -> Swarm { try Self.made.get() }

  /// A run is a function of its seed.
  @Test(arguments: [3, 11, 29] as [UInt64]) func runsRepeat(seed: UInt64) throws {
    let swarm = try swarm()
    let first = swarm.run(seed: seed)
    let second = swarm.run(seed: seed)
    #expect(first.hash == second.hash && first.ticks == second.ticks)
    #expect(first.seconds == second.seconds)
    #expect(swarm.run(seed: seed + 1).hash != first.hash)
  }

  /// Seeds that found something once, and a few that did not.
  @Test(arguments: Self.seeds) func nothingIsBroken(seed: UInt64) throws {
    let result = try swarm().run(seed: seed)
    #expect(result.violation == nil, "seed \(seed)")
    #expect(result.ticks > 250)
  }

  private static let seeds: [UInt64] = [1, 2, 3, 4, 6, 12, 15, 21, 30, 31, 34, 45]

  /// A bug planted in what the checker sees is found by its invariant: each of them can fail.
  @Test(arguments: PlantedBug.allCases) func everyInvariantCanFail(bug: PlantedBug) throws {
    let swarm = try swarm()
    var finders: Set<Invariant> = []
    var coverage = SwarmCoverage()
    for seed in UInt64(201)...260 where !finders.contains(bug.finder) {
      let result = swarm.run(seed: seed, bug: bug)
      coverage.add(result)
      if let violation = result.violation ?? coverage.violation {
        finders.insert(violation.invariant)
      }
    }
    #expect(finders.contains(bug.finder), "\(bug): found by \(finders)")
  }

  /// Over many runs the 95 % interval holds the truth as often as it says.
  @Test func theIntervalHoldsAtItsRate() throws {
    let swarm = try swarm()
    var coverage = SwarmCoverage()
    for seed in UInt64(201)...260 { coverage.add(swarm.run(seed: seed)) }
    let rate = try #require(coverage.rate)
    #expect(coverage.standardError != nil)
    #expect(coverage.violation == nil, "\(rate)")
  }

  /// No kind of fault is only a name: over a few runs each of them strikes.
  @Test func everyFaultStrikes() throws {
    let swarm = try swarm()
    var counts = SwarmFaultCounts()
    for seed in UInt64(1)...60 { counts.add(swarm.run(seed: seed).faults) }
    for fault in SwarmFault.allCases { #expect(counts[fault] > 0, "\(fault)") }
  }

  @Test func everyInvariantHasABug() {
    #expect(Set(PlantedBug.allCases.map(\.finder)) == Set(Invariant.allCases))
  }
}
