// SPDX-License-Identifier: Apache-2.0

import BusProtocols

/// One line of what `serve-chips --record` wrote.
struct TranscriptLine {
  enum Event {
    /// A transfer; nothing read if it failed.
    case transfer(address: UInt8, written: [UInt8], read: [UInt8]?)
    case line(name: String, high: Bool)
  }

  /// Unit: s of the wall clock.
  var seconds: Double
  var event: Event

  init?(_ text: Substring) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count >= 3, let seconds = Double(words[0]) else { return nil }
    self.seconds = seconds
    guard words[1].hasPrefix("0x"), let address = UInt8(words[1].dropFirst(2), radix: 16) else {
      event = .line(name: String(words[1]), high: words[2] == "high")
      return
    }
    guard words.count >= 5, let written = Self.bytes(words[3]) else { return nil }
    event = .transfer(
      address: address, written: written, read: words.count == 6 ? Self.bytes(words[5]) : nil)
  }

  private static func bytes(_ digits: Substring) -> [UInt8]? {
    let characters = Array(digits.utf8)
    guard characters.count % 2 == 0 else { return nil }
    let bytes = stride(from: 0, to: characters.count, by: 2).compactMap {
      UInt8(String(decoding: characters[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
    return bytes.count == characters.count / 2 ? bytes : nil
  }
}

/// A bus that answers as it once did: each transfer must be the next one of a transcript.
struct TranscriptBus: I2CBus {
  /// How far it is, and whether what was asked was ever another thing.
  final class Progress {
    var position = 0
    var difference: String?
  }

  let transfers: [(address: UInt8, written: [UInt8], read: [UInt8]?)]
  let progress = Progress()

  init(_ lines: [TranscriptLine]) {
    transfers = lines.compactMap {
      guard case .transfer(let address, let written, let read) = $0.event else { return nil }
      return (address, written, read)
    }
  }

  mutating func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    let position = progress.position
    guard progress.difference == nil, position < transfers.count else { throw .noAcknowledge }
    let asked = bytes.indices.map { bytes[$0] }
    let known = transfers[position]
    guard known.address == address.rawValue, known.written == asked, let read = known.read,
      read.count == buffer.count
    else {
      progress.difference =
        "transfer \(position): asked for \(address.rawValue) \(asked), recorded \(known)"
      throw .noAcknowledge
    }
    progress.position += 1
    for (place, byte) in read.enumerated() { buffer[place] = byte }
  }
}
