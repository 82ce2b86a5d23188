// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// A bus that passes every transfer on to another one and keeps a record.
public struct RecordingBus<Wrapped: I2CBus & ~Copyable>: I2CBus, ~Copyable {
  /// The bus that carries the transfers.
  public var wrapped: Wrapped
  /// Every transfer so far, with its outcome.
  public private(set) var transactions: [Transaction] = []

  /// Wraps a bus.
  public init(wrapping wrapped: consuming Wrapped) {
    self.wrapped = wrapped
  }

  /// Passes the transfer on and records it.
  public mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    let written = array(bytes)
    do {
      try wrapped.transfer(with: address, writing: bytes, reading: &buffer)
    } catch {
      transactions.append(Transaction(address, writing: written, failing: error))
      throw error
    }
    transactions.append(Transaction(address, writing: written, reading: array(buffer.span)))
  }

  /// Forgets what was recorded.
  public mutating func forget() {
    transactions.removeAll()
  }
}

extension RecordingBus: Copyable where Wrapped: Copyable {}
