// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
public import CLinuxI2C
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An I2C bus of Linux, `/dev/i2c-N`, with the patience that a real bus needs.
///
/// Beyond `I2CBus`, which promises nothing of the kind: a read that failed is repeated after a pause,
/// within a budget of time; the answers of chips that stretch the clock are confirmed; a device on
/// which nothing works any more is opened anew, and then a hook is called that may cut the chips'
/// supply. Whatever hangs, a transfer comes back within the policy's patience: protection goes on.
@safe public struct LinuxI2CBus: I2CBus, ~Copyable {
  // Safe: whoever passes calls and context says `unsafe`, and keeps them alive.
  /// What the bus has met.
  public let health: BusHealth

  private let path: String
  private let policy: BusPolicy
  private let calls: UnsafePointer<i2c_calls>
  private let context: UnsafeMutableRawPointer?
  private let recover: () -> Void
  private var device: LinuxI2CDevice
  private var hangingCalls = 0
  private var failures = 0
  private var reopensWithoutHelp = 0
  private var windowStart: Int64 = 0
  private var spent: Int64 = 0

  /// Opens a bus.
  ///
  /// - Parameters:
  ///   - path: the device.
  ///   - policy: how it tries.
  ///   - recover: called when opening anew did not help; may cut the supply of the chips.
  public init(
    path: String, policy: BusPolicy = BusPolicy(), recover: @escaping () -> Void = {}
  ) throws(DeviceProblem) {
    unsafe try self.init(
      path: path, policy: policy, calls: i2c_system_calls(), context: nil, recover: recover)
  }

  /// Opens a bus over other calls than the system's.
  ///
  /// - Parameters:
  ///   - path: what the calls are asked to open.
  ///   - policy: how it tries.
  ///   - calls: live as long as the bus, and as any call that hangs.
  ///   - context: what the calls are given.
  ///   - recover: called when opening anew did not help.
  public init(
    path: String, policy: BusPolicy, calls: UnsafePointer<i2c_calls>,
    context: UnsafeMutableRawPointer?, recover: @escaping () -> Void = {}
  ) throws(DeviceProblem) {
    unsafe device = try LinuxI2CDevice(path: path, calls: calls, context: context)
    self.path = path
    self.policy = policy
    unsafe self.calls = calls
    unsafe self.context = context
    self.recover = recover
    health = BusHealth()
  }

  /// Performs one transaction; see `I2CBus`, and the policy for what is repeated.
  public mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    health.counts.transfers &+= 1
    do throws(I2CError) {
      if !buffer.isEmpty, policy.confirmed.contains(address.rawValue) {
        try confirm(with: address, writing: bytes, reading: &buffer)
      } else {
        try attempt(with: address, writing: bytes, reading: &buffer)
      }
    } catch {
      health.lastFailure = (address.rawValue, BusHint.name(of: error))
      escalate(error)
      throw error
    }
    failures = 0
    reopensWithoutHelp = 0
  }

  // MARK: - Attempts

  /// A write is tried once, and so is what a second attempt cannot change.
  private mutating func attempt(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    let attempts = buffer.isEmpty ? 1 : policy.attempts
    var number = 0
    while true {
      let begin = LinuxClock.microseconds
      do throws(I2CError) {
        try device.transfer(
          with: address, writing: bytes, reading: &buffer, within: policy.patience)
        if number > 0 {
          spent += LinuxClock.microseconds - begin
          health.counts.recovered &+= 1
        }
        return
      } catch {
        count(error)
        if number > 0 { spent += LinuxClock.microseconds - begin }
        number += 1
        guard number < attempts, helpsToRepeat(error), pause(number - 1) else { throw error }
      }
    }
  }

  private func helpsToRepeat(_ error: I2CError) -> Bool {
    switch error {
    case .unsupported, .busStuck, .system(EBUSY), .system(ENODEV), .system(EBADF): false
    // A call that was left behind hangs still.
    case .timedOut: !device.isStuck
    default: true
    }
  }

  /// Waits before a further attempt; false when the budget of this window is used up.
  private mutating func pause(_ number: Int) -> Bool {
    let now = LinuxClock.microseconds
    if now - windowStart >= policy.budgetWindow {
      windowStart = now
      spent = 0
    }
    guard !policy.pauses.isEmpty else { return true }
    let length = policy.pauses[min(number, policy.pauses.count - 1)]
    guard spent + length <= policy.budget else { return false }
    spent += length
    usleep(UInt32(clamping: length))
    return true
  }

  /// Reads until two answers are equal, three times at most.
  private mutating func confirm(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    var first = [UInt8](repeating: 0, count: buffer.count)
    var second = first
    try attempt(with: address, writing: bytes, into: &first)
    try attempt(with: address, writing: bytes, into: &second)
    guard first != second else { return Self.copy(first, to: &buffer) }
    health.counts.disagreements &+= 1
    var third = first
    try attempt(with: address, writing: bytes, into: &third)
    guard third == first || third == second else {
      health.counts.unresolved &+= 1
      throw .system(EBADMSG)
    }
    Self.copy(third, to: &buffer)
  }

  private mutating func attempt(
    with address: I2CAddress, writing bytes: Span<UInt8>, into answer: inout [UInt8]
  ) throws(I2CError) {
    var span = answer.mutableSpan
    try attempt(with: address, writing: bytes, reading: &span)
  }

  private static func copy(_ bytes: [UInt8], to buffer: inout MutableSpan<UInt8>) {
    for (index, byte) in bytes.enumerated() { buffer[index] = byte }
  }

  // MARK: - Failures

  private func count(_ error: I2CError) {
    switch error {
    case .noAcknowledge: health.counts.noAcknowledge &+= 1
    case .arbitrationLost: health.counts.arbitrationLost &+= 1
    case .timedOut: health.counts.timedOut &+= 1
    case .busStuck: health.counts.busStuck &+= 1
    case .shortTransfer: health.counts.shortTransfer &+= 1
    case .unsupported: health.counts.unsupported &+= 1
    case .system(EBUSY): health.counts.owned &+= 1
    case .system: health.counts.system &+= 1
    }
  }

  /// Opens the device anew when nothing has worked for long, and then calls for help.
  private mutating func escalate(_ error: I2CError) {
    failures += 1
    let isGone = error == .system(ENODEV) || error == .system(EBADF)
    guard isGone || failures >= policy.failuresBeforeReopen else { return }
    failures = 0
    if reopensWithoutHelp >= policy.reopensBeforeRecovery {
      reopensWithoutHelp = 0
      health.counts.recoveries &+= 1
      recover()
    }
    reopen()
  }

  private mutating func reopen() {
    if device.isStuck {
      guard hangingCalls < policy.mostHangingCalls else { return }
      hangingCalls += 1
    }
    reopensWithoutHelp += 1
    do throws(DeviceProblem) {
      unsafe device = try LinuxI2CDevice(path: path, calls: calls, context: context)
      health.counts.reopened &+= 1
    } catch {
      // The old one stays: its errors say what there is to say.
      health.lastFailure = (0, BusHint.name(of: .system(error.code)))
    }
  }
}
