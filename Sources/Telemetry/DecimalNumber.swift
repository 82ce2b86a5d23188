// SPDX-License-Identifier: Apache-2.0

/// Decimal numbers between bytes and Double, without locale and without a String in the usual case.
public enum DecimalNumber {
  /// Reads a decimal number, correctly rounded; spaces around it are allowed.
  ///
  /// - Parameters:
  ///   - bytes: the text that holds it.
  ///   - range: where in the text it is.
  /// - Returns: the nearest Double, infinite when the number is too large; nil when it is none.
  ///   Words such as `nan` and hexadecimal numbers are none.
  public static func parse(_ bytes: [UInt8], in range: Range<Int>) -> Double? {
    var scan = Scan(bytes, trimmed(bytes, range))
    guard scan.read() else { return nil }
    if let value = scan.exactValue { return scan.isNegative ? -value : value }
    // More than 19 digits or a far exponent: the C library's strtod, correctly rounded as well.
    return Double(String(decoding: bytes[scan.start..<scan.end], as: UTF8.self))
  }

  /// Reads the number that is all of `text`.
  public static func parse(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    return parse(bytes, in: 0..<bytes.count)
  }

  static func trimmed(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high, bytes[low] == 0x20 || bytes[low] == 0x09 { low += 1 }
    while low < high, bytes[high - 1] == 0x20 || bytes[high - 1] == 0x09 { high -= 1 }
    return low..<high
  }

  /// Appends `value` rounded to `decimals` places, half away from zero; a minus sign only before a
  /// number that is not 0 as printed. What is not finite appends nothing: a missing field.
  ///
  /// - Parameters:
  ///   - value: the number.
  ///   - decimals: the places, 0 to 18; fewer count as 0 and more as 18, all that fit 64 bits.
  ///   - bytes: what it is appended to.
  public static func append(_ value: Double, decimals: Int, to bytes: inout [UInt8]) {
    guard value.isFinite else { return }
    let decimals = min(max(decimals, 0), 18)
    let scaled = (value.magnitude * Double(powers[decimals])).rounded()
    // Beyond 2^63 the places printed would be made up; the shortest exact text is honest.
    guard scaled < 0x1p63 else { return bytes.append(contentsOf: "\(value)".utf8) }
    let digits = UInt64(scaled)
    if value < 0, digits != 0 { bytes.append(0x2D) }
    let whole = digits / powers[decimals]
    appendDigits(whole, minimum: 1, to: &bytes)
    guard decimals > 0 else { return }
    bytes.append(0x2E)
    appendDigits(digits - whole * powers[decimals], minimum: decimals, to: &bytes)
  }

  /// `value` rounded to `decimals` places, as text.
  public static func text(_ value: Double, decimals: Int) -> String {
    var bytes: [UInt8] = []
    append(value, decimals: decimals, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func appendDigits(_ value: UInt64, minimum: Int, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    var count = 0
    while rest > 0 || count < minimum {
      bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
      count += 1
    }
    bytes[start...].reverse()
  }

  /// 10^0 to 10^19, all that fit 64 bits.
  static let powers: [UInt64] = (0...19).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
  /// 10^0 to 10^22, all that a Double holds exactly.
  static let exactPowers: [Double] = (0...22).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
}

/// The digits of one number: sign, whole mantissa and power of ten.
private struct Scan {
  let bytes: [UInt8]
  let start: Int
  let end: Int
  var isNegative = false
  var mantissa: UInt64 = 0
  var significantDigits = 0
  var powerOfTen = 0

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    start = range.lowerBound
    end = range.upperBound
  }

  /// True when the whole range is a number.
  mutating func read() -> Bool {
    var place = start
    if place < end, bytes[place] == 0x2D || bytes[place] == 0x2B {
      isNegative = bytes[place] == 0x2D
      place += 1
    }
    var digits = readDigits(&place)
    if place < end, bytes[place] == 0x2E {
      place += 1
      let fraction = readDigits(&place)
      powerOfTen -= fraction
      digits += fraction
    }
    guard digits > 0 else { return false }
    guard place < end else { return true }
    guard bytes[place] | 0x20 == 0x65 else { return false }
    place += 1
    return readExponent(&place) && place == end
  }

  private mutating func readDigits(_ place: inout Int) -> Int {
    let first = place
    while place < end {
      let digit = bytes[place] &- 0x30
      guard digit < 10 else { break }
      if significantDigits > 0 || digit != 0 { significantDigits += 1 }
      // Beyond 19 digits the mantissa is wrong and not used.
      mantissa = mantissa &* 10 &+ UInt64(digit)
      place += 1
    }
    return place - first
  }

  private mutating func readExponent(_ place: inout Int) -> Bool {
    var isBelowOne = false
    if place < end, bytes[place] == 0x2D || bytes[place] == 0x2B {
      isBelowOne = bytes[place] == 0x2D
      place += 1
    }
    let first = place
    var exponent = 0
    while place < end {
      let digit = bytes[place] &- 0x30
      guard digit < 10 else { break }
      exponent = min(exponent * 10 + Int(digit), 1_000_000)
      place += 1
    }
    powerOfTen += isBelowOne ? -exponent : exponent
    return place > first
  }

  /// The nearest Double's magnitude when 64-bit and 128-bit integers can find it exactly.
  var exactValue: Double? {
    guard significantDigits <= 19 else { return nil }
    if mantissa == 0 { return 0 }
    if mantissa <= 1 << 53, powerOfTen.magnitude <= 22 {
      // Both are exact as Double, so that one operation rounds once (Clinger, 1990).
      let power = DecimalNumber.exactPowers[Int(powerOfTen.magnitude)]
      return powerOfTen < 0 ? Double(mantissa) / power : Double(mantissa) * power
    }
    guard powerOfTen.magnitude <= 19 else { return nil }
    let power = UInt128(DecimalNumber.powers[Int(powerOfTen.magnitude)])
    if powerOfTen >= 0 { return nearest(UInt128(mantissa) * power, isInexact: false, exponent: 0) }
    let shift = mantissa.leadingZeroBitCount + 64
    let (quotient, rest) = (UInt128(mantissa) << UInt128(shift)).quotientAndRemainder(
      dividingBy: power)
    return nearest(quotient, isInexact: rest != 0, exponent: -shift)
  }

  /// The Double nearest to `value`·2^`exponent`, a little more when `isInexact`.
  private func nearest(_ value: UInt128, isInexact: Bool, exponent: Int) -> Double {
    // 64 leading bits, whose last one also stands for everything below it: enough to round once.
    let excess = max(0, 64 - value.leadingZeroBitCount)
    var leading = UInt64(truncatingIfNeeded: value >> UInt128(excess))
    let isCut = isInexact || (value & ((UInt128(1) << UInt128(excess)) - 1)) != 0
    if isCut { leading |= 1 }
    return Double(sign: .plus, exponent: exponent + excess, significand: Double(leading))
  }
}
