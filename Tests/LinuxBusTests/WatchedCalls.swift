// SPDX-License-Identifier: Apache-2.0

import CLinuxI2C
import Synchronization

/// The system's own calls, counted; and on demand of an adapter that can only do SMBus.
///
/// The kernel plays SMBus on a plain adapter, so what is left out is only what the adapter says of
/// itself: the calls that follow are those that such an adapter would get.
@safe final class WatchedCalls: @unchecked Sendable {
  struct Counts: Sendable {
    var messages = 0
    var smbus = 0
  }

  private let counts = Mutex(Counts())
  var seen: Counts { counts.withLock { $0 } }
  let calls: UnsafeMutablePointer<i2c_calls>
  private let hidesMessages: Bool

  /// - Parameter hidesMessages: whether the adapter shall seem to do SMBus only.
  init(hidesMessages: Bool) {
    self.hidesMessages = hidesMessages
    unsafe calls = .allocate(capacity: 1)
    unsafe calls.initialize(
      to: i2c_calls(
        open: { _, path in unsafe i2c_system_calls().pointee.open(nil, path) },
        close: { _, file in unsafe i2c_system_calls().pointee.close(nil, file) },
        control: { context, file, request, argument in
          guard let context = unsafe context else {
            preconditionFailure("the bus passes its context")
          }
          let own = unsafe Unmanaged<WatchedCalls>.fromOpaque(context).takeUnretainedValue()
          return own.control(file, request, argument)
        }))
  }

  /// Kept for good, as a call may hang for good; and where a leak checker sees them.
  private static let kept = Mutex<[WatchedCalls]>([])

  /// What the bus is given.
  var context: UnsafeMutableRawPointer {
    WatchedCalls.kept.withLock { $0.append(self) }
    return unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  private func control(_ file: Int32, _ request: UInt, _ argument: UInt) -> Int32 {
    counts.withLock { counts in
      if request == UInt(I2C_RDWR) { counts.messages += 1 }
      if request == UInt(I2C_SMBUS) { counts.smbus += 1 }
    }
    let status = unsafe i2c_system_calls().pointee.control(nil, file, request, argument)
    guard hidesMessages, status >= 0, request == UInt(I2C_FUNCS) else { return status }
    if let functions = unsafe UnsafeMutablePointer<UInt>(bitPattern: argument) {
      unsafe functions.pointee &= ~UInt(I2C_FUNC_I2C)
    }
    return status
  }
}
