// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import Foundation
import Telemetry

/// What went over the served bus and lines, as text.
///
/// One line for each event, in order: the seconds of the wall clock since the start, then
/// `0x40 w 0b r 2001` for a transfer (bytes in hexadecimal), `0x40 w 0b !noAcknowledge` for one that
/// failed, or `ALERT low` for a line that changed. From it the same bytes can be given to the firmware
/// again, elsewhere.
final class Transcript {
  /// Whether all of it could be written.
  private(set) var isComplete = true

  private let file: FileHandle
  private var text = ""
  private let start = wallSeconds()

  /// More than this is written at once.
  private static let mostPending = 1 << 16

  /// Begins a file; an earlier one of the same name is lost. Nil if it cannot be written.
  init?(path: String) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { return nil }
    self.file = file
  }

  func transfer(
    _ address: I2CAddress, _ written: Span<UInt8>, _ outcome: Result<[UInt8], I2CError>
  ) {
    begin()
    text += " 0x\(Self.hexadecimal(address.rawValue)) w "
    for index in written.indices { text += Self.hexadecimal(written[index]) }
    switch outcome {
    case .success(let bytes): text += " r \(bytes.map(Self.hexadecimal).joined())\n"
    case .failure(let error): text += " !\(error)\n"
    }
    if text.utf8.count > Self.mostPending { flush() }
  }

  func line(_ name: String, high: Bool) {
    begin()
    text += " \(name) \(high ? "high" : "low")\n"
  }

  private func begin() { text += "\(number(wallSeconds() - start, 6))" }

  /// Writes what waits.
  func flush() {
    guard !text.isEmpty else { return }
    do {
      try file.write(contentsOf: Data(text.utf8))
    } catch {
      isComplete = false
    }
    text.removeAll(keepingCapacity: true)
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
  }
}

/// A bus that passes transfers on and, where there is a transcript, notes them.
struct NotedBus<Wrapped: I2CBus>: I2CBus {
  var wrapped: Wrapped
  let transcript: Transcript?

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    do throws(I2CError) {
      try wrapped.transfer(with: address, writing: bytes, reading: &buffer)
    } catch {
      transcript?.transfer(address, bytes, .failure(error))
      throw error
    }
    guard let transcript else { return }
    let read = buffer.span
    transcript.transfer(address, bytes, .success(read.indices.map { read[$0] }))
  }
}
