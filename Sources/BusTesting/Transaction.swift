// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// One transfer on a bus: what the controller wrote, and what came of it.
public struct Transaction: Equatable, Sendable {
  /// The target.
  public var address: I2CAddress
  /// What the controller writes first.
  public var writing: [UInt8]
  /// What it then reads, or why the transfer fails.
  public var outcome: Result<[UInt8], I2CError>

  /// Describes a transfer that succeeds.
  public init(_ address: I2CAddress, writing: [UInt8], reading: [UInt8] = []) {
    self.address = address
    self.writing = writing
    outcome = .success(reading)
  }

  /// Describes a transfer that fails.
  public init(_ address: I2CAddress, writing: [UInt8], failing error: I2CError) {
    self.address = address
    self.writing = writing
    outcome = .failure(error)
  }
}

/// The bytes of a span, in order.
func array(_ span: Span<UInt8>) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(span.count)
  for index in span.indices { bytes.append(span[index]) }
  return bytes
}
