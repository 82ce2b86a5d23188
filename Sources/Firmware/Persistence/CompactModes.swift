// SPDX-License-Identifier: Apache-2.0

import CellEstimation

/// The modes in 1,358 bytes instead of 2,368, for a memory that has no room for two states in full.
///
/// What is known is kept as it is, in as many bytes as it can need. How well it is known is rounded: the
/// deviations to 33 bits, and what ties one unknown to another to 25, of the 63 that the filter works with.
/// The covariance stays one, because its factors are what is rounded.
enum CompactModes {
  /// How many words there are.
  static let count = LifelongSnapshot.count
  private static let unknowns = 14
  private static let diagonal = 35
  private static let curve = 56
  private static let triangle = 77
  private static let rates = 287

  /// How many bytes a word takes.
  static func width(_ index: Int) -> Int {
    switch index {
    // The longest are times of up to a century: 52 bits and a sign.
    case ..<unknowns: 7
    // ±8 with 40 fractional bits: 43 bits and a sign.
    case ..<diagonal, curve..<triangle: 6
    case ..<curve: 5
    case ..<rates: 4
    // Variances of up to 2^52 and a sign.
    default: 7
    }
  }

  private static func isRounded(_ index: Int) -> Bool {
    diagonal..<curve ~= index || triangle..<rates ~= index
  }

  /// A word of the modes in short.
  static func word(_ index: Int, of modes: borrowing LifelongSnapshot) -> Int64 {
    let word = modes.modes[index]
    guard isRounded(index) else { return word }
    return PackedNumber.pack(word, bits: UInt64(8 &* width(index)))
  }

  /// Puts a word that was read in its place.
  static func put(_ word: Int64, at index: Int, of modes: inout LifelongSnapshot) {
    modes.modes[index] = isRounded(index) ? PackedNumber.unpack(word) : word
    modes.hasModes = true
  }
}
