// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// A bus that expects exactly the transfers of a script, in order.
///
/// A transfer that differs from the script is recorded, and fails with `.noAcknowledge`, so that the
/// driver under test never gets data that nobody wrote down. Ask `finish()` at the end.
public struct ScriptedI2CBus: I2CBus {
  /// How the transfers differed from the script.
  public enum Violation: Equatable, Sendable {
    /// The transfer at `index` was another one. `readCount` is how many bytes it asked for.
    case unexpected(
      index: Int, expected: Transaction, address: I2CAddress, writing: [UInt8], readCount: Int)
    /// A transfer came after the script's end.
    case beyondScript(address: I2CAddress, writing: [UInt8], readCount: Int)
    /// The script's transfers from `index` on never came.
    case missing(index: Int, expected: Transaction)
  }

  private let script: [Transaction]
  private var position = 0
  private var violations: [Violation] = []

  /// Makes a bus that expects `script`.
  public init(_ script: [Transaction]) {
    self.script = script
  }

  /// Compares the transfer with the script's next one and plays its outcome.
  public mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    let written = array(bytes)
    guard position < script.count else {
      violations.append(
        .beyondScript(address: address, writing: written, readCount: buffer.count))
      throw .noAcknowledge
    }
    let expected = script[position]
    let index = position
    position += 1
    var isAsExpected = expected.address == address && expected.writing == written
    if case .success(let reading) = expected.outcome {
      isAsExpected = isAsExpected && reading.count == buffer.count
    }
    guard isAsExpected else {
      violations.append(
        .unexpected(
          index: index, expected: expected, address: address, writing: written,
          readCount: buffer.count))
      throw .noAcknowledge
    }
    let reading = try expected.outcome.get()
    for index in buffer.indices { buffer[index] = reading[index] }
  }

  /// Everything that differed from the script, including transfers that never came.
  public func finish() -> [Violation] {
    guard position < script.count else { return violations }
    return violations + [.missing(index: position, expected: script[position])]
  }
}
