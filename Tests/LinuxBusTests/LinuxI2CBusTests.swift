// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CLinuxI2C
import Glibc
import LinuxBus
import Synchronization
import Testing

@Suite struct LinuxI2CBusTests {
  private static let chip = I2CAddress(0x40)

  /// A bus over a fake adapter; without pauses, since no test waits for a clock.
  private final class Bench {
    let adapter: FakeAdapter
    var bus: LinuxI2CBus

    init(
      functions: UInt = UInt(I2C_FUNC_I2C), _ policy: BusPolicy = Bench.policy(),
      recover: @escaping () -> Void = {}
    ) throws(DeviceProblem) {
      adapter = FakeAdapter()
      adapter.state.withLock { $0.functions = functions }
      unsafe bus = try LinuxI2CBus(
        path: "fake", policy: policy, calls: UnsafePointer(adapter.calls),
        context: adapter.context, recover: recover)
    }

    static func policy() -> BusPolicy {
      var policy = BusPolicy()
      policy.pauses = []
      // Longer than any test takes, unless a call hangs for good.
      policy.patience = 60_000_000
      return policy
    }

    var counts: BusCounts { bus.health.counts }

    func read(_ written: [UInt8], _ count: Int, at address: I2CAddress = chip) throws(I2CError)
      -> [UInt8]
    {
      var buffer = [UInt8](repeating: 0xEE, count: count)
      var span = buffer.mutableSpan
      try bus.transfer(with: address, writing: written.span, reading: &span)
      return buffer
    }

    func write(_ written: [UInt8], at address: I2CAddress = chip) throws(I2CError) {
      var nothing = MutableSpan<UInt8>()
      try bus.transfer(with: address, writing: written.span, reading: &nothing)
    }

    func failure(_ written: [UInt8] = [5], _ count: Int = 2) -> I2CError? {
      do throws(I2CError) {
        _ = try read(written, count)
        return nil
      } catch { return error }
    }
  }

  // MARK: - What goes to the kernel

  /// At most one write and one read in one call, with nothing added.
  @Test func transfersAreOneCall() throws {
    let bench = try Bench()
    bench.adapter.answer(.bytes([0x12, 0x34]), .bytes([]), .bytes([0x56]), .bytes([]))
    #expect(try bench.read([5], 2) == [0x12, 0x34])
    try bench.write([5, 1, 2])
    #expect(try bench.read([], 1) == [0x56])
    try bench.write([])
    #expect(
      bench.adapter.seen == [
        .init(address: 0x40, written: [5], reads: 2),
        .init(address: 0x40, written: [5, 1, 2], reads: 0),
        .init(address: 0x40, written: [], reads: 1), .init(address: 0x40, written: [], reads: 0),
      ])
  }

  /// An adapter without plain I2C gets SMBus calls with the same bytes on the wire.
  @Test func transfersBecomeSMBusCalls() throws {
    let words = UInt(I2C_FUNC_SMBUS_READ_WORD_DATA) | UInt(I2C_FUNC_SMBUS_WRITE_WORD_DATA)
    for functions in [words, 0] {
      let bench = try Bench(functions: functions)
      bench.adapter.answer(
        .bytes([0x12]), .bytes([0x12, 0x34]), .bytes([1, 2, 3, 4, 5]), .bytes([9]))
      #expect(try bench.read([5], 1) == [0x12])
      #expect(try bench.read([5], 2) == [0x12, 0x34])
      #expect(try bench.read([5], 5) == [1, 2, 3, 4, 5])
      #expect(try bench.read([], 1) == [9])
      for bytes: [UInt8] in [[], [5], [5, 1], [5, 1, 2], [5, 1, 2, 3]] { try bench.write(bytes) }
      let calls = bench.adapter.seen
      #expect(
        calls.map(\.written) == [[5], [5], [5], [], [], [5], [5, 1], [5, 1, 2], [5, 1, 2, 3]])
      #expect(calls.map(\.reads) == [1, 2, 5, 1, 0, 0, 0, 0, 0])
      #expect(bench.failure([5, 6], 2) == .unsupported)
      #expect(bench.failure([5], 33) == .unsupported)
      #expect(bench.failure([], 2) == .unsupported)
    }
  }

  /// A block that comes back shorter than asked for is no data.
  @Test func aShortBlockIsAFailure() throws {
    let bench = try Bench(functions: 0)
    bench.adapter.answer(.moved(4), .moved(4), .moved(4))
    #expect(bench.failure([5], 5) == .shortTransfer)
  }

  // MARK: - Errors

  private static let errors: [(Int32, I2CError)] = [
    (EREMOTEIO, .noAcknowledge), (ENXIO, .noAcknowledge), (ETIMEDOUT, .timedOut),
    (EAGAIN, .arbitrationLost), (EOPNOTSUPP, .unsupported), (EINVAL, .unsupported),
    (EIO, .system(EIO)), (ENODEV, .system(ENODEV)),
  ]

  @Test(arguments: errors) func errnoBecomesAnError(_ code: Int32, _ expected: I2CError) throws {
    let bench = try Bench()
    bench.adapter.answer(.failure(code), .failure(code), .failure(code))
    #expect(bench.failure() == expected)
    #expect(bench.bus.health.lastFailure?.address == 0x40)
  }

  /// Fewer messages than asked for is a failure, however the kernel calls it.
  @Test(arguments: [Int32(0), 1]) func aShortCountIsAFailure(_ moved: Int32) throws {
    let bench = try Bench()
    bench.adapter.answer(.moved(moved), .moved(moved), .moved(moved))
    #expect(bench.failure() == .shortTransfer)
    #expect(bench.counts.shortTransfer == 3)
  }

  /// A signal interrupts a call; that is no error of the bus.
  @Test func anInterruptedCallIsRepeated() throws {
    let bench = try Bench()
    bench.adapter.answer(.failure(EINTR), .bytes([1, 2]))
    #expect(try bench.read([5], 2) == [1, 2])
    #expect(bench.counts.recovered == 0)
  }

  /// I2C_RDWR would disturb the kernel's driver; nothing is sent.
  @Test func anAddressOfTheKernelIsLeftAlone() throws {
    let bench = try Bench()
    bench.adapter.state.withLock { $0.owned = [0x40] }
    #expect(bench.failure() == .system(EBUSY))
    #expect(bench.failure() == .system(EBUSY))
    #expect(bench.adapter.seen == [])
    #expect(bench.counts.owned == 2)
    _ = try bench.read([5], 1, at: I2CAddress(0x41))
  }

  @Test(arguments: [ENOENT, EACCES]) func openingFailsWithItsReason(_ code: Int32) {
    let adapter = FakeAdapter()
    adapter.state.withLock { $0.openFailure = code }
    do throws(DeviceProblem) {
      _ = unsafe try LinuxI2CBus(
        path: "/dev/i2c-7", policy: BusPolicy(), calls: UnsafePointer(adapter.calls),
        context: adapter.context)
      Issue.record("it was opened")
    } catch { #expect(error == DeviceProblem(device: "/dev/i2c-7", code: code)) }
  }

  // MARK: - Patience

  @Test func aReadIsRepeated() throws {
    let bench = try Bench()
    bench.adapter.answer(.failure(EREMOTEIO), .failure(EIO), .bytes([7]))
    #expect(try bench.read([5], 1) == [7])
    #expect(bench.adapter.seen.count == 3)
    #expect(bench.counts.recovered == 1)
    #expect(bench.counts.noAcknowledge == 1)
    #expect(bench.counts.system == 1)
  }

  /// The chip may have taken a write that failed, so it is for the driver to repeat.
  @Test func aWriteIsNotRepeated() throws {
    let bench = try Bench()
    bench.adapter.answer(.failure(EREMOTEIO))
    do throws(I2CError) {
      try bench.write([5, 1, 2])
      Issue.record("it succeeded")
    } catch { #expect(error == .noAcknowledge) }
    #expect(bench.adapter.seen.count == 1)
  }

  /// Pauses stop where the budget of the window ends.
  @Test func theBudgetEnds() throws {
    var policy = Bench.policy()
    policy.attempts = 5
    policy.pauses = [1_000]
    policy.budget = 2_500
    policy.budgetWindow = 3_600_000_000
    let bench = try Bench(policy)
    bench.adapter.answer(.failure(EIO), .failure(EIO), .failure(EIO), .failure(EIO), .failure(EIO))
    #expect(bench.failure() == .system(EIO))
    #expect((2...3).contains(bench.adapter.seen.count))
    let before = bench.adapter.seen.count
    bench.adapter.state.withLock { $0.answers = [.failure(EIO), .failure(EIO), .failure(EIO)] }
    _ = bench.failure()
    #expect(bench.adapter.seen.count - before <= 2)
  }

  // MARK: - Chips that stretch the clock

  @Test func answersAreConfirmed() throws {
    var policy = Bench.policy()
    policy.confirmed = [0x40]
    let bench = try Bench(policy)
    bench.adapter.answer(.bytes([1, 2]), .bytes([1, 2]))
    #expect(try bench.read([5], 2) == [1, 2])
    #expect(bench.adapter.seen.count == 2)
    bench.adapter.answer(.bytes([0x81, 2]), .bytes([1, 2]), .bytes([1, 2]))
    #expect(try bench.read([5], 2) == [1, 2])
    bench.adapter.answer(.bytes([1, 2]), .bytes([0x81, 2]), .bytes([1, 2]))
    #expect(try bench.read([5], 2) == [1, 2])
    #expect(bench.counts.disagreements == 2)
    bench.adapter.answer(.bytes([1]), .bytes([2]), .bytes([3]))
    #expect(bench.failure([5], 1) == .system(EBADMSG))
    #expect(bench.counts.unresolved == 1)
    // Others are read once.
    let before = bench.adapter.seen.count
    _ = try bench.read([5], 2, at: I2CAddress(0x41))
    #expect(bench.adapter.seen.count == before + 1)
  }

  // MARK: - What hangs

  /// A call that never comes back costs its patience once, and nothing after that.
  @Test func aHangingCallDoesNotHangItsCaller() throws {
    var policy = Bench.policy()
    policy.patience = 20_000
    policy.failuresBeforeReopen = 1_000
    let bench = try Bench(policy)
    bench.adapter.answer(.hang)
    #expect(bench.failure() == .timedOut)
    #expect(bench.failure() == .busStuck)
    #expect(bench.failure() == .busStuck)
    #expect(bench.adapter.seen.count == 1)
    #expect(bench.counts.timedOut == 1)
    #expect(bench.counts.busStuck == 2)
    bench.adapter.letGo()
    // A slow machine may need longer than the patience for the first of them.
    var answer: I2CError? = .busStuck
    for _ in 0..<1_000 where answer != nil { answer = bench.failure() }
    #expect(answer == nil)
  }

  /// A device that hangs is opened anew, but not without end.
  @Test func aHangingDeviceIsOpenedAnew() throws {
    var policy = Bench.policy()
    policy.patience = 20_000
    policy.failuresBeforeReopen = 2
    policy.mostHangingCalls = 2
    let bench = try Bench(policy)
    bench.adapter.answer(.hang, .hang, .hang)
    for _ in 0..<12 { _ = bench.failure() }
    #expect(bench.counts.reopened == 2)
    #expect(bench.adapter.state.withLock { $0.opened } == 3)
    for _ in 0..<3 { bench.adapter.letGo() }
  }

  /// Failures in a row open the device anew; when that helps nothing, the hook is called.
  @Test func failuresEscalate() throws {
    var policy = Bench.policy()
    policy.attempts = 1
    policy.failuresBeforeReopen = 3
    policy.reopensBeforeRecovery = 2
    var recoveries = 0
    let bench = try Bench(policy) { recoveries += 1 }
    func fail(_ times: Int) {
      for _ in 0..<times {
        bench.adapter.answer(.failure(EIO))
        #expect(bench.failure() == .system(EIO))
      }
    }
    fail(2)
    #expect(bench.counts.reopened == 0)
    fail(1)
    #expect(bench.counts.reopened == 1)
    fail(3)
    #expect(bench.counts.reopened == 2)
    #expect(recoveries == 0)
    fail(3)
    #expect(recoveries == 1)
    #expect(bench.counts.recoveries == 1)
    // A transfer that works ends the row.
    fail(2)
    _ = try bench.read([5], 1)
    fail(2)
    #expect(bench.counts.reopened == 3)
  }

  /// An adapter that was pulled out says so at once, and is looked for at once.
  @Test func anAdapterThatWentIsOpenedAnew() throws {
    let bench = try Bench()
    bench.adapter.answer(.failure(ENODEV))
    #expect(bench.failure() == .system(ENODEV))
    #expect(bench.counts.reopened == 1)
    // While it is away the old device goes on saying what is wrong.
    bench.adapter.state.withLock { $0.openFailure = ENOENT }
    bench.adapter.answer(.failure(ENODEV))
    #expect(bench.failure() == .system(ENODEV))
    #expect(bench.counts.reopened == 1)
  }
}
