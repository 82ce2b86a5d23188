// SPDX-License-Identifier: Apache-2.0

/// A date and time of day in 2000…2199, to the second; no leap seconds and no zone.
///
/// 2100 is no leap year, but the DS3231 takes it for one: in 2100 the chip shows a 29 February, which
/// is refused here, and is a day late from then on. The years above 2099 are kept so that the century
/// bit of the chip is not lost.
public struct CalendarTime: Equatable, Sendable {
  /// Seconds since the beginning of 2000.
  public let secondsSince2000: Int64

  /// The first second that has no calendar time here: the beginning of 2200.
  private static var end: Int64 { days(before: 2_200) * 86_400 }

  /// Makes a time; nil outside 2000…2199.
  public init?(secondsSince2000: Int64) {
    guard secondsSince2000 >= 0, secondsSince2000 < CalendarTime.end else { return nil }
    self.secondsSince2000 = secondsSince2000
  }

  /// Makes a time; nil if a part is outside its range, or the day is not in the calendar.
  public init?(
    year: Int32, month: Int32, day: Int32, hour: Int32 = 0, minute: Int32 = 0, second: Int32 = 0
  ) {
    guard 2_000...2_199 ~= year, 1...12 ~= month, day >= 1,
      day <= CalendarTime.days(inMonth: month, of: year), 0...23 ~= hour, 0...59 ~= minute,
      0...59 ~= second
    else { return nil }
    var days = CalendarTime.days(before: year) + Int64(day) - 1
    for earlier in 1..<month { days += Int64(CalendarTime.days(inMonth: earlier, of: year)) }
    let minutes = (days * 24 + Int64(hour)) * 60 + Int64(minute)
    secondsSince2000 = minutes * 60 + Int64(second)
  }

  /// Year, month and day of the month.
  public var date: (year: Int32, month: Int32, day: Int32) {
    var year: Int32 = 2_000
    var days = Int32(truncatingIfNeeded: secondsSince2000 / 86_400)
    while days >= CalendarTime.days(in: year) {
      days -= CalendarTime.days(in: year)
      year += 1
    }
    var month: Int32 = 1
    while days >= CalendarTime.days(inMonth: month, of: year) {
      days -= CalendarTime.days(inMonth: month, of: year)
      month += 1
    }
    return (year, month, days + 1)
  }

  private static func isLeap(_ year: Int32) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func days(in year: Int32) -> Int32 { isLeap(year) ? 366 : 365 }

  private static func days(before year: Int32) -> Int64 {
    var days: Int64 = 0
    for earlier in 2_000..<year { days += Int64(CalendarTime.days(in: earlier)) }
    return days
  }

  private static func days(inMonth month: Int32, of year: Int32) -> Int32 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// The clock's registers 00h…06h: seconds, minutes, hours, day of the week, day, month and century,
/// year; binary-coded decimals.
extension CalendarTime {
  init(registers: InlineArray<7, UInt8>) throws(ChipError) {
    let second = try CalendarTime.decimal(registers[0], of: 0, in: 0...59)
    let minute = try CalendarTime.decimal(registers[1], of: 1, in: 0...59)
    // Bit 6 is the 12-hour format, which the driver never sets.
    let hour = try CalendarTime.decimal(registers[2], of: 2, in: 0...23)
    _ = try CalendarTime.decimal(registers[3], of: 3, in: 1...7)
    let day = try CalendarTime.decimal(registers[4], of: 4, in: 1...31)
    let month = try CalendarTime.decimal(registers[5], of: 5, in: 1...12, ignoring: 0x80)
    let century: Int32 = registers[5] & 0x80 == 0 ? 2_000 : 2_100
    let year = century + (try CalendarTime.decimal(registers[6], of: 6, in: 0...99))
    guard
      let time = CalendarTime(
        year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    else { throw .rawValueOutOfRange(register: 4, found: UInt32(registers[4])) }
    self = time
  }

  var registers: InlineArray<7, UInt8> {
    let (year, month, day) = date
    let second = Int32(truncatingIfNeeded: secondsSince2000 % 86_400)
    // 1 January 2000 was a Saturday; the chip counts the days 1…7, and Sunday is 1 here.
    let weekday = Int32(truncatingIfNeeded: (secondsSince2000 / 86_400 + 6) % 7) + 1
    let century: UInt8 = year < 2_100 ? 0 : 0x80
    return [
      CalendarTime.code(second % 60), CalendarTime.code(second / 60 % 60),
      CalendarTime.code(second / 3_600), CalendarTime.code(weekday), CalendarTime.code(day),
      CalendarTime.code(month) | century, CalendarTime.code(year % 100),
    ]
  }

  private static func code(_ value: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: (value / 10) << 4 | value % 10)
  }

  private static func decimal(
    _ byte: UInt8, of register: UInt8, in range: ClosedRange<Int32>, ignoring bits: UInt8 = 0
  ) throws(ChipError) -> Int32 {
    let digits = byte & ~bits
    let value = Int32(digits >> 4) * 10 + Int32(digits & 0xF)
    guard digits & 0xF <= 9, range.contains(value) else {
      throw .rawValueOutOfRange(register: register, found: UInt32(byte))
    }
    return value
  }
}
