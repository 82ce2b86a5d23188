// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// A bus that passes every transfer on to another one, but for the n-th, which fails.
public struct FailingBus<Wrapped: I2CBus & ~Copyable>: I2CBus, ~Copyable {
  /// What the target sees of the failing transfer.
  public enum Moment: Equatable, Sendable {
    /// Nothing: its address was not acknowledged.
    case beforeDelivery
    /// Everything: it took the bytes and gave the answer, which was then lost.
    case afterDelivery
  }

  /// The bus that carries the other transfers.
  public var wrapped: Wrapped
  /// How many transfers were tried so far, the failed one included.
  public private(set) var transferCount = 0

  private let nth: Int
  private let error: I2CError
  private let moment: Moment

  /// Wraps a bus.
  ///
  /// - Parameters:
  ///   - wrapped: carries the other transfers.
  ///   - nth: which transfer fails, from 1; 0 for none.
  ///   - error: what it fails with.
  ///   - moment: what the target sees of it.
  public init(
    wrapping wrapped: consuming Wrapped, failing nth: Int, with error: I2CError = .noAcknowledge,
    _ moment: Moment = .beforeDelivery
  ) {
    self.wrapped = wrapped
    self.nth = nth
    self.error = error
    self.moment = moment
  }

  /// Passes the transfer on, or fails if it is the n-th.
  public mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    transferCount += 1
    let fails = transferCount == nth
    if fails, moment == .beforeDelivery { throw error }
    try wrapped.transfer(with: address, writing: bytes, reading: &buffer)
    guard fails else { return }
    // The contract leaves the buffer meaningless after an error: make misuse show.
    for index in buffer.indices { buffer[index] = 0xA5 }
    throw error
  }
}

extension FailingBus: Copyable where Wrapped: Copyable {}
