// SPDX-License-Identifier: Apache-2.0

import CLinuxI2C
import Glibc
import Synchronization

/// Calls of the system that a test answers: a kernel with one adapter.
///
/// The calls come from the bus's own thread, so everything here is behind a lock.
@safe final class FakeAdapter: @unchecked Sendable {
  /// One call of ioctl(2) after the address was chosen.
  struct Call: Equatable, Sendable {
    var address: UInt8
    var written: [UInt8]
    var reads: Int
  }

  /// What the kernel does with a transfer.
  enum Answer: Sendable {
    /// The bytes, repeated as often as it takes.
    case bytes([UInt8])
    /// Fails with an errno.
    case failure(Int32)
    /// Moves only so many messages.
    case moved(Int32)
    /// Comes back only after `letGo`.
    case hang
  }

  struct State: Sendable {
    var functions: UInt = UInt(I2C_FUNC_I2C)
    var answers: [Answer] = []
    var calls: [Call] = []
    var opened = 0
    var closed = 0
    var openFailure: Int32?
    var owned: Set<UInt8> = []
    var selected: UInt8 = 0
  }

  let state = Mutex(State())
  private let gate: UnsafeMutablePointer<sem_t>
  let calls: UnsafeMutablePointer<i2c_calls>

  init() {
    unsafe gate = .allocate(capacity: 1)
    unsafe sem_init(gate, 0, 0)
    unsafe calls = .allocate(capacity: 1)
    unsafe calls.initialize(
      to: i2c_calls(
        open: { context, _ in unsafe FakeAdapter.of(context).open() },
        close: { context, _ in unsafe FakeAdapter.of(context).close() },
        control: { context, _, request, argument in
          unsafe FakeAdapter.of(context).control(request, argument)
        }))
  }

  /// Kept for good, as a call may hang for good; and where a leak checker sees them.
  private static let kept = Mutex<[FakeAdapter]>([])

  /// What the bus is given.
  var context: UnsafeMutableRawPointer {
    FakeAdapter.kept.withLock { $0.append(self) }
    return unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> FakeAdapter {
    guard let context = unsafe context else { preconditionFailure("the bus passes its context") }
    return unsafe Unmanaged<FakeAdapter>.fromOpaque(context).takeUnretainedValue()
  }

  /// Lets one call that hangs come back.
  func letGo() { unsafe sem_post(gate) }

  func answer(_ answers: Answer...) { state.withLock { $0.answers += answers } }
  var seen: [Call] { state.withLock { $0.calls } }

  private func open() -> Int32 {
    let failure = state.withLock { state in
      state.opened += 1
      return state.openFailure
    }
    guard let failure else { return 3 }
    errno = failure
    return -1
  }

  private func close() -> Int32 {
    state.withLock { $0.closed += 1 }
    return 0
  }

  private func control(_ request: UInt, _ argument: UInt) -> Int32 {
    switch request {
    case UInt(I2C_FUNCS):
      guard let target = unsafe UnsafeMutablePointer<UInt>(bitPattern: argument) else { return -1 }
      unsafe target.pointee = state.withLock { $0.functions }
      return 0
    case UInt(I2C_SLAVE):
      let isOwned = state.withLock { state in
        state.selected = UInt8(truncatingIfNeeded: argument)
        return state.owned.contains(state.selected)
      }
      guard isOwned else { return 0 }
      errno = EBUSY
      return -1
    case UInt(I2C_RDWR): return messages(argument)
    case UInt(I2C_SMBUS): return smbus(argument)
    default:
      errno = ENOTTY
      return -1
    }
  }

  private func next(_ call: Call) -> Answer {
    state.withLock { state in
      state.calls.append(call)
      return state.answers.isEmpty ? .bytes([0]) : state.answers.removeFirst()
    }
  }

  private func messages(_ argument: UInt) -> Int32 {
    guard let data = unsafe UnsafeMutablePointer<i2c_rdwr_ioctl_data>(bitPattern: argument),
      let list = unsafe data.pointee.msgs
    else { return -1 }
    let count = unsafe Int(data.pointee.nmsgs)
    var call = Call(address: 0, written: [], reads: 0)
    var target: UnsafeMutablePointer<UInt8>?
    for index in 0..<count {
      let message = unsafe list[index]
      unsafe call.address = UInt8(truncatingIfNeeded: message.addr)
      if unsafe message.flags & UInt16(I2C_M_RD) != 0 {
        unsafe call.reads = Int(message.len)
        unsafe target = message.buf
      } else {
        unsafe call.written = (0..<Int(message.len)).map { unsafe message.buf[$0] }
      }
    }
    switch next(call) {
    case .bytes(let bytes):
      for index in 0..<call.reads { unsafe target?[index] = bytes[index % bytes.count] }
      return Int32(count)
    case .failure(let code):
      errno = code
      return -1
    case .moved(let moved): return moved
    case .hang:
      unsafe sem_wait(gate)
      return Int32(count)
    }
  }

  private func smbus(_ argument: UInt) -> Int32 {
    guard let data = unsafe UnsafeMutablePointer<i2c_smbus_ioctl_data>(bitPattern: argument) else {
      return -1
    }
    let isRead = unsafe data.pointee.read_write == UInt8(I2C_SMBUS_READ)
    let command = unsafe data.pointee.command
    let union = unsafe data.pointee.data
    let size = unsafe Int32(data.pointee.size)
    var call = Call(address: state.withLock { $0.selected }, written: [command], reads: 0)
    switch size {
    case I2C_SMBUS_QUICK: call.written = []
    case I2C_SMBUS_BYTE:
      if isRead {
        call.written = []
        call.reads = 1
      }
    case I2C_SMBUS_BYTE_DATA:
      if isRead { call.reads = 1 } else { unsafe call.written.append(union?.pointee.byte ?? 0) }
    case I2C_SMBUS_WORD_DATA:
      if isRead {
        call.reads = 2
      } else {
        let word = unsafe union?.pointee.word ?? 0
        call.written += [UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8)]
      }
    default:
      guard let union = unsafe union else { return -1 }
      let block = unsafe UnsafeMutableRawPointer(union).assumingMemoryBound(to: UInt8.self)
      let count = unsafe Int(block[0])
      if isRead {
        call.reads = count
      } else {
        call.written += (0..<count).map { unsafe block[1 + $0] }
      }
    }
    switch next(call) {
    case .bytes(let bytes):
      guard isRead, let union = unsafe union else { return 0 }
      let block = unsafe UnsafeMutableRawPointer(union).assumingMemoryBound(to: UInt8.self)
      let start = size == I2C_SMBUS_I2C_BLOCK_DATA ? 1 : 0
      for index in 0..<call.reads { unsafe block[start + index] = bytes[index % bytes.count] }
      return 0
    case .moved(let count):
      // An answer that says it has fewer bytes.
      guard let union = unsafe union else { return 0 }
      unsafe UnsafeMutableRawPointer(union).storeBytes(of: UInt8(count), as: UInt8.self)
      return 0
    case .failure(let code):
      errno = code
      return -1
    case .hang:
      unsafe sem_wait(gate)
      return 0
    }
  }
}
