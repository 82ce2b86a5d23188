// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
internal import DeterministicMath

/// What the wire does to one transfer.
public enum TransferFault: Equatable, Sendable {
  /// The address is not acknowledged; the target sees nothing.
  case noAcknowledge
  /// One bit of the read data is flipped: bit 0 is the first on the wire, counted modulo the length.
  case corrupt(bit: UInt32)
  /// The transfer stalls after the first written byte; a register write is not completed.
  case timedOut
  /// The written bytes arrive, but the last one of the whole transfer does not move.
  case shortTransfer
  /// This transfer and those after it, so many in all, find a line held low.
  case busStuck(transfers: UInt32)
  /// The last answer to the same question is repeated; the target sees nothing.
  case stale
}

/// How often each fault strikes a transfer, by probability.
public struct FaultProbabilities: Equatable, Sendable {
  /// The probability of `TransferFault.noAcknowledge`.
  public var noAcknowledge: Double
  /// The probability of `TransferFault.corrupt`; the bit is drawn.
  public var corrupt: Double
  /// The probability of `TransferFault.timedOut`.
  public var timedOut: Double
  /// The probability of `TransferFault.shortTransfer`.
  public var shortTransfer: Double
  /// The probability that `TransferFault.busStuck` begins.
  public var busStuck: Double
  /// How many transfers a stuck bus lasts.
  public var stuckTransfers: UInt32
  /// The probability of `TransferFault.stale`.
  public var stale: Double

  /// Makes a set of probabilities; their sum is at most 1.
  public init(
    noAcknowledge: Double = 0, corrupt: Double = 0, timedOut: Double = 0,
    shortTransfer: Double = 0, busStuck: Double = 0, stuckTransfers: UInt32 = 1, stale: Double = 0
  ) {
    self.noAcknowledge = noAcknowledge
    self.corrupt = corrupt
    self.timedOut = timedOut
    self.shortTransfer = shortTransfer
    self.busStuck = busStuck
    self.stuckTransfers = stuckTransfers
    self.stale = stale
    let sum = noAcknowledge + corrupt + timedOut + shortTransfer + busStuck + stale
    precondition(sum >= 0 && sum <= 1, "the probabilities of all faults sum to at most 1")
  }
}

/// How many faults of each kind were injected.
public struct FaultCounts: Equatable, Sendable {
  /// Injected `TransferFault.noAcknowledge`.
  public internal(set) var noAcknowledge: Int64 = 0
  /// Injected `TransferFault.corrupt`.
  public internal(set) var corrupt: Int64 = 0
  /// Injected `TransferFault.timedOut`.
  public internal(set) var timedOut: Int64 = 0
  /// Injected `TransferFault.shortTransfer`.
  public internal(set) var shortTransfer: Int64 = 0
  /// Transfers that found the bus stuck.
  public internal(set) var busStuck: Int64 = 0
  /// Injected `TransferFault.stale`.
  public internal(set) var stale: Int64 = 0
  /// All injected faults.
  public var total: Int64 { noAcknowledge + corrupt + timedOut + shortTransfer + busStuck + stale }
}

/// The faults of a bus: a list of "the n-th transfer", probabilities with a seed, or both.
///
/// A value laid over chips that stay pristine. Where both speak, the list wins. A fault that does
/// not apply (flipping read data of a write, repeating an answer never given) is not injected and
/// not counted.
public struct TransferFaults: Sendable {
  /// A fault of the list.
  public struct Scheduled: Equatable, Sendable {
    /// The transfer it strikes; the first one is 0.
    public let transfer: Int64
    /// What happens to it.
    public let fault: TransferFault

    /// Makes an entry of the list.
    public init(transfer: Int64, fault: TransferFault) {
      self.transfer = transfer
      self.fault = fault
    }
  }

  /// No faults at all.
  public static let none = TransferFaults()

  /// The only target the faults strike, and whose transfers are counted; nil for all.
  public let target: I2CAddress?
  /// How many transfers were judged; those that find the bus still stuck are not.
  public private(set) var transfers: Int64 = 0
  /// How many faults were injected.
  public private(set) var counts = FaultCounts()

  private var scheduled: [Scheduled]
  private var nextScheduled = 0
  private let probabilities: FaultProbabilities?
  private var random: SeededRandom
  private var stuckTransfersLeft: UInt32 = 0
  private var nextFault: TransferFault?

  /// Makes the faults of a bus.
  ///
  /// - Parameters:
  ///   - scheduled: the list, in any order; of two for one transfer the earlier in the list wins.
  ///   - probabilities: the random faults, if any.
  ///   - seed: the seed of the run.
  ///   - stream: the stream of random numbers of this overlay.
  ///   - target: the only target struck; nil for all.
  public init(
    scheduled: [Scheduled] = [], probabilities: FaultProbabilities? = nil, seed: UInt64 = 0,
    stream: UInt64 = 0, target: I2CAddress? = nil
  ) {
    // A stable order, since the library's sort does not promise one.
    self.scheduled = scheduled.enumerated().sorted {
      ($0.element.transfer, $0.offset) < ($1.element.transfer, $1.offset)
    }.map(\.element)
    self.probabilities = probabilities
    self.random = SeededRandom(seed: seed, stream: stream)
    self.target = target
  }

  /// Lets a fault strike the next transfer, before the list and the probabilities are asked.
  public mutating func strikeNext(_ fault: TransferFault) { nextFault = fault }

  /// Whether no fault can strike.
  var isEmpty: Bool {
    probabilities == nil && scheduled.isEmpty && nextFault == nil && stuckTransfersLeft == 0
  }

  /// The fate of the next transfer; nil if it goes well.
  ///
  /// - Parameters:
  ///   - address: whom the transfer addresses.
  ///   - reads: whether it reads at least one byte from a chip that is there.
  ///   - hasAnswer: whether the same question was answered before.
  mutating func verdict(
    address: I2CAddress, reads: Bool, hasAnswer: Bool
  ) -> TransferFault? {
    if stuckTransfersLeft > 0 {
      stuckTransfersLeft -= 1
      counts.busStuck += 1
      return .busStuck(transfers: stuckTransfersLeft)
    }
    if let target, target != address { return nil }
    let drawn = draw()
    let listed = takeScheduled()
    let next = nextFault
    nextFault = nil
    transfers += 1
    guard let fault = next ?? listed ?? drawn else { return nil }
    return inject(fault, reads: reads, hasAnswer: hasAnswer)
  }

  private mutating func takeScheduled() -> TransferFault? {
    var found: TransferFault?
    while nextScheduled < scheduled.count, scheduled[nextScheduled].transfer <= transfers {
      if found == nil, scheduled[nextScheduled].transfer == transfers {
        found = scheduled[nextScheduled].fault
      }
      nextScheduled += 1
    }
    return found
  }

  private mutating func draw() -> TransferFault? {
    guard let probabilities else { return nil }
    let bits = random.next()
    var level = Double(bits >> 11) * 0x1p-53
    func struck(_ probability: Double) -> Bool {
      level -= probability
      return level < 0
    }
    if struck(probabilities.noAcknowledge) { return .noAcknowledge }
    if struck(probabilities.corrupt) {
      return .corrupt(bit: UInt32(truncatingIfNeeded: random.next() >> 32))
    }
    if struck(probabilities.timedOut) { return .timedOut }
    if struck(probabilities.shortTransfer) { return .shortTransfer }
    if struck(probabilities.busStuck) { return .busStuck(transfers: probabilities.stuckTransfers) }
    return struck(probabilities.stale) ? .stale : nil
  }

  private mutating func inject(
    _ fault: TransferFault, reads: Bool, hasAnswer: Bool
  ) -> TransferFault? {
    switch fault {
    case .noAcknowledge: counts.noAcknowledge += 1
    case .corrupt:
      guard reads else { return nil }
      counts.corrupt += 1
    case .timedOut: counts.timedOut += 1
    case .shortTransfer: counts.shortTransfer += 1
    case .busStuck(let transfers):
      guard transfers > 0 else { return nil }
      stuckTransfersLeft = transfers - 1
      counts.busStuck += 1
    case .stale:
      guard reads, hasAnswer else { return nil }
      counts.stale += 1
    }
    return fault
  }
}
