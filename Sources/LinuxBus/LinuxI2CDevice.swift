// SPDX-License-Identifier: Apache-2.0

internal import BusProtocols
import CLinuxI2C
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a device of Linux could not be opened or taken, by its errno.
public struct DeviceProblem: Error, Equatable, Sendable {
  /// What was to be opened, such as `/dev/i2c-1`, or a line.
  public var device: String
  /// The errno.
  public var code: Int32

  /// Names a device and why it was not to be had.
  public init(device: String, code: Int32) {
    self.device = device
    self.code = code
  }
}

/// An open `/dev/i2c-N` with its thread; one attempt a transfer, no policy.
///
/// The bytes of the wire and the errors are those of `I2CBus`. A call that does not come back in time
/// is `.timedOut`; until it does, all further ones are `.busStuck` at once.
@safe struct LinuxI2CDevice: ~Copyable {
  // Safe: the pointer is made and freed here and nowhere else.
  private let bus: OpaquePointer

  /// Opens a device.
  init(
    path: String, calls: UnsafePointer<i2c_calls>, context: UnsafeMutableRawPointer?
  ) throws(DeviceProblem) {
    var opened: OpaquePointer?
    let status = unsafe i2c_bus_open(calls, context, path, &opened)
    guard status == 0, let opened = unsafe opened else {
      throw DeviceProblem(device: path, code: -status)
    }
    unsafe bus = opened
  }

  deinit { unsafe i2c_bus_close(bus) }

  /// Whether a call hangs in the kernel.
  var isStuck: Bool { unsafe i2c_bus_is_stuck(bus) != 0 }

  /// One transaction, see `I2CBus`; waits `microseconds` at most.
  func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>,
    within microseconds: Int64
  ) throws(I2CError) {
    let count = bytes.count
    let status = unsafe bytes.withUnsafeBufferPointer { source in
      unsafe buffer.withUnsafeMutableBufferPointer { target in
        unsafe i2c_bus_transfer(
          bus, address.rawValue, source.baseAddress, count, target.baseAddress, target.count,
          microseconds)
      }
    }
    if let error = I2CError(status: status) { throw error }
  }
}

extension I2CError {
  /// What the answer of `i2c_bus_transfer` means; nil for success.
  ///
  /// The controller of a Raspberry Pi says EREMOTEIO for a target that does not acknowledge, others
  /// say ENXIO; EBUSY is a driver of the kernel that owns the address, and stays what it is.
  init?(status: Int32) {
    switch status {
    case 0: return nil
    case Int32(I2C_RESULT_SHORT.rawValue): self = .shortTransfer
    case Int32(I2C_RESULT_LATE.rawValue): self = .timedOut
    case Int32(I2C_RESULT_STUCK.rawValue): self = .busStuck
    case -EREMOTEIO, -ENXIO: self = .noAcknowledge
    case -ETIMEDOUT: self = .timedOut
    case -EAGAIN: self = .arbitrationLost
    case -EOPNOTSUPP, -EINVAL: self = .unsupported
    default: self = .system(-status)
    }
  }
}
