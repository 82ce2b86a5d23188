// SPDX-License-Identifier: Apache-2.0

/// A message of the vhost-user protocol: request, flags, size, then the payload, little-endian.
struct VhostUserMessage {
  /// The requests of a front end that this side knows.
  enum Request: UInt32 {
    case getFeatures = 1
    case setFeatures = 2
    case setOwner = 3
    case resetOwner = 4
    case setMemoryTable = 5
    case setRingSize = 8
    case setRingAddress = 9
    case setRingBase = 10
    case getRingBase = 11
    case setRingKick = 12
    case setRingCall = 13
    case setRingError = 14
    case getProtocolFeatures = 15
    case setProtocolFeatures = 16
    case getQueueCount = 17
    case setRingEnable = 18
    case getConfiguration = 24
    case setConfiguration = 25
  }

  static let headerBytes = 12
  /// More than any request above carries.
  static let mostPayload = 1_024
  static let version: UInt32 = 1
  static let isReply: UInt32 = 4
  static let wantsReply: UInt32 = 8

  var request: UInt32
  var flags: UInt32
  var payload: [UInt8]
  var descriptors: [OwnedDescriptor]

  /// A number of 32 bits of the payload; nil beyond its end.
  func word(_ offset: Int) -> UInt32? { number(offset, 4).map { UInt32($0) } }

  /// A number of 64 bits of the payload; nil beyond its end.
  func longWord(_ offset: Int) -> UInt64? { number(offset, 8) }

  private func number(_ offset: Int, _ count: Int) -> UInt64? {
    guard offset >= 0, offset <= payload.count - count else { return nil }
    return payload[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The text of a message.
  static func bytes(request: UInt32, flags: UInt32, payload: [UInt8]) -> [UInt8] {
    little(request) + little(flags) + little(UInt32(payload.count)) + payload
  }

  static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
  }
}

/// Puts messages together from what a socket gives, however it is cut.
struct VhostUserReader {
  /// Why a peer is not listened to any longer.
  enum Ending: Error, Equatable {
    /// It closed the connection.
    case closed
    /// It sent a payload longer than any request has.
    case tooLong
  }

  private var bytes: [UInt8] = []
  private var descriptors: [OwnedDescriptor] = []

  /// How many bytes are wanted next: never more than the message has, so that descriptors stay with
  /// the message they came with.
  func wanted() throws(Ending) -> Int {
    guard bytes.count >= VhostUserMessage.headerBytes else {
      return VhostUserMessage.headerBytes - bytes.count
    }
    let payload = Int(word(8))
    guard payload <= VhostUserMessage.mostPayload else { throw .tooLong }
    return VhostUserMessage.headerBytes + payload - bytes.count
  }

  mutating func append(_ new: some Sequence<UInt8>, _ with: [OwnedDescriptor]) {
    bytes += new
    descriptors += with
  }

  /// The message, once it is complete.
  mutating func take() throws(Ending) -> VhostUserMessage? {
    guard bytes.count >= VhostUserMessage.headerBytes, try wanted() == 0 else { return nil }
    defer {
      bytes.removeAll(keepingCapacity: true)
      descriptors = []
    }
    return VhostUserMessage(
      request: word(0), flags: word(4),
      payload: Array(bytes[VhostUserMessage.headerBytes...]), descriptors: descriptors)
  }

  private func word(_ offset: Int) -> UInt32 {
    bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
