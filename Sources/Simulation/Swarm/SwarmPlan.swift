// SPDX-License-Identifier: Apache-2.0

import ChipEmulators
import DeterministicMath

/// What goes wrong in one run of the swarm, and when; a function of the seed.
///
/// Every run draws its own mix: each kind of fault is in it or not, and those that are in it have their
/// own rates. A fault that hides others, such as a bus that hardly works, is then absent from most runs.
struct SwarmPlan: Sendable {
  /// What happens at the beginning of a tick.
  enum Event: Equatable, Sendable {
    /// The monitor's supply drops out for a moment.
    case brownOut
    /// Another chip sits at the monitor's address for some ticks.
    case wrongChip(ticks: Int)
    /// The monitor stops converting for some ticks.
    case frozen(ticks: Int)
    /// What the monitor sees stands still for some ticks, and it converts it.
    case stuck(ticks: Int)
    /// The board's offsets jump, for good. Unit: V, A.
    case offset(volts: Double, amperes: Double)
    /// The power is cut at a transfer of this tick, at a byte of it, and comes back after a time.
    case powerCut(transfer: Int, byte: Int, seconds: Double)
    /// The firmware is stopped in an orderly way, and starts again after a time.
    case stop(seconds: Double)
    /// At the next power-off the cell is replaced by one at this state of charge.
    case swap(stateOfCharge: Double)
    /// The calendar steps. Unit: s.
    case wallClock(seconds: Int64)
    /// The monotonic clock steps, which it must not. Unit: µs.
    case monotonicClock(microseconds: Int64)
    /// This tick comes late. Unit: s.
    case late(seconds: Double)
    /// The surroundings change. Unit: °C.
    case ambient(celsius: Double)
    /// Somebody clears every latched protection.
    case clear
    /// A charger without a limit, or a load that takes too much, for some ticks. Unit: C.
    case abuse(c: Double, ticks: Int)
  }

  enum Memory: Sendable { case fram, eeprom }

  let seed: UInt64
  let cell: Int
  let period: Double
  let ticks: Int
  let memory: Memory
  let hasClock: Bool
  let clockFault: Int64
  let startStateOfCharge: Double
  let initialError: Double
  let transfer: FaultProbabilities?
  let bit7: Double
  let torn: Double
  /// By tick; each tick has at most one.
  let events: [(tick: Int, event: Event)]

  /// How many different cells there are; a run takes one of them.
  static let cells = 32

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 101)
    self.seed = seed
    cell = Int(random.next() % UInt64(Self.cells))
    let share = random.uniform()
    period = share < 0.05 ? 0.1 : share < 0.15 ? 1 : 10
    ticks = 300 + Int(random.next() % 1_400)
    memory = random.chance(0.5) ? .fram : .eeprom
    hasClock = random.chance(0.7)
    clockFault = random.chance(0.3) ? Int64(random.uniform(-10_000, 10_000)) : 0
    startStateOfCharge = random.uniform(0.1, 0.9)
    initialError = random.uniform(-0.3, 0.3)
    func rate(_ random: inout SeededRandom, upTo most: Double) -> Double {
      let isThere = random.chance(0.4)
      let value = most * DeterministicMath.exp(-6 * random.uniform())
      return isThere ? value : 0
    }
    let probabilities = FaultProbabilities(
      noAcknowledge: rate(&random, upTo: 0.05), corrupt: rate(&random, upTo: 0.002),
      timedOut: rate(&random, upTo: 0.02), shortTransfer: rate(&random, upTo: 0.02),
      busStuck: rate(&random, upTo: 0.003), stuckTransfers: UInt32(1 + random.next() % 200),
      stale: rate(&random, upTo: 0.01))
    transfer = random.chance(0.8) ? probabilities : nil
    bit7 = rate(&random, upTo: 0.002)
    torn = rate(&random, upTo: 0.002)
    events = Self.events(ticks, period, &random)
  }

  private static func events(
    _ ticks: Int, _ period: Double, _ random: inout SeededRandom
  ) -> [(tick: Int, event: Event)] {
    var kinds: [Int] = []
    for kind in 0..<14 where random.chance(0.35) { kinds.append(kind) }
    var events: [(tick: Int, event: Event)] = []
    var tick = 20
    while tick < ticks, !kinds.isEmpty {
      let kind = kinds[Int(random.next() % UInt64(kinds.count))]
      events.append((tick, event(kind, period, &random)))
      tick += 1 + Int(random.next() % 300)
    }
    return events
  }

  private static func event(
    _ kind: Int, _ period: Double, _ random: inout SeededRandom
  ) -> Event {
    let span = 1 + Int(random.next() % 60)
    let off = DeterministicMath.exp(random.uniform(0, 12.9))  // 1 s to 4.6 days
    switch kind {
    case 0: return .brownOut
    case 1: return .wrongChip(ticks: span)
    case 2: return .frozen(ticks: span)
    case 3: return .stuck(ticks: span)
    case 4:
      return .offset(volts: random.uniform(-0.01, 0.01), amperes: random.uniform(-0.02, 0.02))
    case 5:
      return .powerCut(
        transfer: Int(random.next() % 14), byte: Int(random.next() % 32), seconds: off)
    case 6: return .stop(seconds: off)
    case 7: return .swap(stateOfCharge: random.uniform(0.02, 0.98))
    case 8: return .wallClock(seconds: Int64(random.uniform(-1e6, 1e8)))
    case 9: return .monotonicClock(microseconds: Int64(random.uniform(-5e6, 5e6)))
    case 10: return .late(seconds: random.uniform(1, 120))
    case 11: return .ambient(celsius: random.uniform(-40, 75))
    case 12: return .clear
    default:
      return .abuse(
        c: random.chance(0.5) ? random.uniform(1, 3.5) : random.uniform(-6, -2), ticks: span)
    }
  }
}
