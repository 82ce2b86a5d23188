// SPDX-License-Identifier: Apache-2.0

/// A state as 64-bit words, written and read by one list of fields.
///
/// A type that can be kept has one function that passes its fields, in order, to `field`: the words
/// are then made from the fields or the fields from the words, so that the two cannot differ. A
/// Double is its bit pattern: what is read goes on to the same bits as what was written.
public struct StateWords: Sendable, Equatable {
  /// The words so far, or those that are read.
  public private(set) var words: [UInt64]
  /// Whether fields take their values from the words.
  public let isReading: Bool
  private var place = 0
  private var isDamaged = false

  /// Makes words from fields.
  public init() {
    words = []
    isReading = false
  }

  /// Makes fields from words.
  public init(reading words: [UInt64]) {
    self.words = words
    isReading = true
  }

  /// Whether reading used up all words and found none that cannot be.
  public var isComplete: Bool { !isDamaged && (!isReading || place == words.count) }

  /// Says that what was read cannot be; the values read are then without meaning.
  public mutating func reject() { isDamaged = true }

  /// Passes a word.
  public mutating func field(_ value: inout UInt64) {
    guard isReading else { return words.append(value) }
    guard place < words.count else { return reject() }
    value = words[place]
    place += 1
  }

  /// Passes a number, bit for bit.
  public mutating func field(_ value: inout Double) {
    var bits = value.bitPattern
    field(&bits)
    value = Double(bitPattern: bits)
  }

  /// Passes a whole number.
  public mutating func field(_ value: inout Int) {
    var bits = UInt64(bitPattern: Int64(value))
    field(&bits)
    value = Int(truncatingIfNeeded: Int64(bitPattern: bits))
  }

  /// Passes a text.
  public mutating func field(_ value: inout String) {
    let bytes = Array(value.utf8)
    var count = bytes.count
    self.count(&count, wordsEach: 1.0 / 8)
    var read: [UInt8] = []
    for first in stride(from: 0, to: count, by: 8) {
      let part = first..<min(first + 8, count)
      var word: UInt64 = 0
      if !isReading { for byte in bytes[part].reversed() { word = word << 8 | UInt64(byte) } }
      field(&word)
      if isReading {
        for place in 0..<part.count { read.append(UInt8(word >> (8 * place) & 0xFF)) }
      }
    }
    if isReading { value = String(decoding: read, as: UTF8.self) }
  }

  /// Passes a value that may be missing.
  ///
  /// - Parameters:
  ///   - value: the value or nil.
  ///   - standard: any value, to be read into.
  ///   - pass: passes its fields.
  public mutating func field<Value>(
    _ value: inout Value?, standard: @autoclosure () -> Value,
    _ pass: (inout Value, inout StateWords) -> Void
  ) {
    var isThere = value == nil ? 0 : 1
    field(&isThere)
    guard isThere == 1 else {
      if isThere != 0 { reject() }
      return value = nil
    }
    var inner = value ?? standard()
    pass(&inner, &self)
    value = inner
  }

  /// Passes a number that may be missing.
  public mutating func field(_ value: inout Double?) {
    field(&value, standard: 0) { $1.field(&$0) }
  }

  /// Passes a list.
  ///
  /// - Parameters:
  ///   - values: the list.
  ///   - standard: any value, to be read into.
  ///   - pass: passes the fields of one.
  public mutating func field<Value>(
    _ values: inout [Value], standard: @autoclosure () -> Value,
    _ pass: (inout Value, inout StateWords) -> Void
  ) {
    var count = values.count
    self.count(&count, wordsEach: 1)
    if isReading { values = (0..<count).map { _ in standard() } }
    for place in values.indices { pass(&values[place], &self) }
  }

  /// Passes a number that reading must find as it is.
  public mutating func check(_ value: Int) {
    var found = value
    field(&found)
    if found != value { reject() }
  }

  /// Passes how many things come next; no more than there are words for.
  private mutating func count(_ count: inout Int, wordsEach: Double) {
    field(&count)
    guard isReading else { return }
    guard count >= 0, Double(count) * wordsEach <= Double(words.count - place) else {
      reject()
      return count = 0
    }
  }
}
