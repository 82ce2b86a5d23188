// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import Testing

@Suite struct BusTestingTests {
  let address = I2CAddress(0x40)

  /// One transfer by hand: what was read, or the error.
  func send(
    _ bytes: [UInt8], reading count: Int, on bus: inout some I2CBus & ~Copyable,
    to address: I2CAddress? = nil
  ) -> Result<[UInt8], I2CError> {
    var buffer = [UInt8](repeating: 0, count: count)
    do throws(I2CError) {
      var span = buffer.mutableSpan
      try bus.transfer(with: address ?? self.address, writing: bytes.span, reading: &span)
    } catch {
      return .failure(error)
    }
    return .success(buffer)
  }

  @Test func aScriptThatIsFollowed() {
    var bus = ScriptedI2CBus([
      Transaction(address, writing: [1], reading: [2, 3]),
      Transaction(address, writing: [4, 5]),
      Transaction(address, writing: [6], failing: .arbitrationLost),
    ])
    #expect(send([1], reading: 2, on: &bus) == .success([2, 3]))
    #expect(send([4, 5], reading: 0, on: &bus) == .success([]))
    #expect(send([6], reading: 9, on: &bus) == .failure(.arbitrationLost))
    #expect(bus.finish() == [])
  }

  @Test func everyDifferenceIsReported() {
    let expected = Transaction(address, writing: [1], reading: [2])
    let other = I2CAddress(0x41)
    var bus = ScriptedI2CBus([expected, expected, expected])
    #expect(send([1], reading: 1, on: &bus, to: other) == .failure(.noAcknowledge))
    #expect(send([2], reading: 1, on: &bus) == .failure(.noAcknowledge))
    #expect(
      bus.finish() == [
        .unexpected(index: 0, expected: expected, address: other, writing: [1], readCount: 1),
        .unexpected(index: 1, expected: expected, address: address, writing: [2], readCount: 1),
        .missing(index: 2, expected: expected),
      ])
    #expect(send([1], reading: 2, on: &bus) == .failure(.noAcknowledge))
    #expect(send([1], reading: 1, on: &bus) == .failure(.noAcknowledge))
    #expect(
      Array(bus.finish().suffix(2)) == [
        .unexpected(index: 2, expected: expected, address: address, writing: [1], readCount: 2),
        .beyondScript(address: address, writing: [1], readCount: 1),
      ])
  }

  @Test func theNthTransferFails() {
    let one = Transaction(address, writing: [1], reading: [2])
    var before = FailingBus(wrapping: ScriptedI2CBus([one, one]), failing: 2, with: .busStuck)
    #expect(send([1], reading: 1, on: &before) == .success([2]))
    #expect(send([1], reading: 1, on: &before) == .failure(.busStuck))
    #expect(send([1], reading: 1, on: &before) == .success([2]))
    #expect(before.wrapped.finish() == [])
    #expect(before.transferCount == 3)
    var after = FailingBus(wrapping: ScriptedI2CBus([one]), failing: 1, .afterDelivery)
    #expect(send([1], reading: 1, on: &after) == .failure(.noAcknowledge))
    #expect(after.wrapped.finish() == [])
  }

  @Test func theRecordIsComplete() {
    let script = [
      Transaction(address, writing: [1], reading: [2]),
      Transaction(address, writing: [3], failing: .timedOut),
    ]
    var bus = RecordingBus(wrapping: ScriptedI2CBus(script))
    _ = send([1], reading: 1, on: &bus)
    _ = send([3], reading: 1, on: &bus)
    #expect(bus.transactions == script)
    bus.forget()
    #expect(bus.transactions == [])
  }
}
