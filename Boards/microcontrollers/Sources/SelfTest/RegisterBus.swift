// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// A bus with one target: registers of 16 bits, big-endian, chosen by the first written byte.
///
/// The least that a driver can talk to where no emulator fits. Every `failurePeriod`-th transfer
/// finds no acknowledge, so that error paths run on the processor too.
public struct RegisterBus: I2CBus {
  /// The registers' content, by register number modulo 64.
  public var registers: InlineArray<64, UInt16>
  let address: I2CAddress
  let failurePeriod: UInt32
  var transfers: UInt32 = 0

  /// Makes a bus whose target has only zeros.
  public init(address: I2CAddress, failurePeriod: UInt32) {
    precondition(failurePeriod > 0, "a period has a length")
    registers = InlineArray(repeating: 0)
    self.address = address
    self.failurePeriod = failurePeriod
  }

  /// Writes or reads whole registers; anything else is refused as `.unsupported`.
  public mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    transfers &+= 1
    if address != self.address || transfers % failurePeriod == 0 { throw .noAcknowledge }
    guard bytes.count > 0 else { throw .unsupported }
    let register = Int(bytes[0] & 63)
    switch (bytes.count, buffer.count) {
    case (3, 0):
      registers[register] = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
    case (1, 2):
      buffer[0] = UInt8(registers[register] >> 8)
      buffer[1] = UInt8(registers[register] & 0xFF)
    default:
      throw .unsupported
    }
  }
}
