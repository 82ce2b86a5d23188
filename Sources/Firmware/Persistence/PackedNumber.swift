// SPDX-License-Identifier: Apache-2.0

/// A number of 64 bits in fewer, where its size matters and its last bits do not: a signed mantissa, and
/// below it six bits that say how far it is shifted.
enum PackedNumber {
  private static let exponentBits: UInt64 = 6

  /// The nearest number that fits, ties away from zero; exact while the mantissa has room for all of it.
  ///
  /// The error is at most 2^−(bits − 7) of the value. −2^63 counts as −(2^63 − 1).
  ///
  /// - Parameter bits: of the packed number, 16 to 63.
  static func pack(_ value: Int64, bits: UInt64) -> Int64 {
    let room = bits &- exponentBits &- 1
    var mantissa = min(value.magnitude, UInt64(Int64.max))
    let used = UInt64(64 &- mantissa.leadingZeroBitCount)
    var exponent: UInt64 = 0
    if used > room {
      exponent = used &- room
      let last = (mantissa &>> (exponent &- 1)) & 1
      mantissa = (mantissa &>> exponent) &+ last
      if mantissa &>> room != 0 {
        mantissa &>>= 1
        exponent &+= 1
      }
    }
    let signed = value < 0 ? 0 &- Int64(bitPattern: mantissa) : Int64(bitPattern: mantissa)
    return (signed &<< Int64(exponentBits)) | Int64(bitPattern: exponent)
  }

  /// The number that a packed one stands for; one beyond 64 bits becomes ±(2^63 − 1).
  static func unpack(_ packed: Int64) -> Int64 {
    let exponent = packed & 0x3F
    let mantissa = packed &>> Int64(exponentBits)
    guard mantissa != 0 else { return 0 }
    let bound = mantissa < 0 ? -Int64.max : Int64.max
    // The sign's bit stays free.
    guard exponent < Int64(mantissa.magnitude.leadingZeroBitCount) else { return bound }
    let magnitude = Int64(bitPattern: mantissa.magnitude &<< UInt64(bitPattern: exponent))
    return mantissa < 0 ? 0 &- magnitude : magnitude
  }
}
