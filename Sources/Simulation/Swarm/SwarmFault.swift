// SPDX-License-Identifier: Apache-2.0

import ChipEmulators

/// What goes wrong in the runs of a swarm.
public enum SwarmFault: String, CaseIterable, Sendable {
  /// An address is not acknowledged.
  case noAcknowledge
  /// A transfer ends early.
  case shortTransfer
  /// One bit of an answer is flipped, silently.
  case flippedBit
  /// The first bit of an answer is cleared, silently.
  case clearedBit7
  /// A line is held low.
  case stuckBus
  /// A clock is stretched too long.
  case timeOut
  /// An old answer is repeated, silently.
  case staleAnswer
  /// The first byte is of an old answer and the others are not, silently.
  case tornWord
  /// A chip's supply drops out for a moment.
  case brownOut
  /// Another chip sits at the monitor's address.
  case wrongChip
  /// The monitor stops converting.
  case frozenChip
  /// What the monitor sees stands still.
  case stuckValue
  /// The monitor's clock is off by up to 1 %.
  case chipClockOff
  /// The board's offsets jump.
  case offsetStep
  /// The power goes at a byte of a transfer.
  case powerCut
  /// The firmware is stopped in order.
  case stop
  /// Another cell takes the place of the one that was there.
  case cellSwap
  /// The calendar steps.
  case calendarStep
  /// The monotonic clock steps.
  case clockStep
  /// A tick comes late.
  case lateTick
  /// The surroundings get hot or cold.
  case weather
  /// Somebody clears every latched protection.
  case clearedProtection
  /// A charger or a load that takes too much is connected.
  case abuse
}

/// How often each kind struck.
public struct SwarmFaultCounts: Equatable, Sendable {
  private var counts = [Int64](repeating: 0, count: SwarmFault.allCases.count)

  /// Makes counts of zero.
  public init() {}

  /// How often a kind struck.
  public subscript(fault: SwarmFault) -> Int64 { counts[Self.place(fault)] }

  /// Adds what others have seen.
  public mutating func add(_ other: SwarmFaultCounts) {
    for i in counts.indices { counts[i] += other.counts[i] }
  }

  mutating func note(_ fault: SwarmFault, times: Int64 = 1) { counts[Self.place(fault)] += times }

  private static func place(_ fault: SwarmFault) -> Int {
    guard let place = SwarmFault.allCases.firstIndex(of: fault) else {
      preconditionFailure("every case is one of all")
    }
    return place
  }

  /// Adds what struck transfers.
  mutating func note(_ transfers: FaultCounts) {
    note(.noAcknowledge, times: transfers.noAcknowledge)
    note(.shortTransfer, times: transfers.shortTransfer)
    note(.flippedBit, times: transfers.corrupt)
    note(.stuckBus, times: transfers.busStuck)
    note(.timeOut, times: transfers.timedOut)
    note(.staleAnswer, times: transfers.stale)
  }
}

extension SwarmPlan.Event {
  /// Its kind.
  var fault: SwarmFault {
    switch self {
    case .brownOut: .brownOut
    case .wrongChip: .wrongChip
    case .frozen: .frozenChip
    case .stuck: .stuckValue
    case .offset: .offsetStep
    case .powerCut: .powerCut
    case .stop: .stop
    case .swap: .cellSwap
    case .wallClock: .calendarStep
    case .monotonicClock: .clockStep
    case .late: .lateTick
    case .ambient: .weather
    case .clear: .clearedProtection
    case .abuse: .abuse
    }
  }
}
