// SPDX-License-Identifier: Apache-2.0

/// An electric potential difference.
///
/// Stored as whole microvolts, ±2147 V.
public struct Voltage: Equatable, Comparable, Sendable {
  /// The value in µV.
  public var microvolts: Int32

  /// Makes a voltage from microvolts.
  @inlinable public static func microvolts(_ value: Int32) -> Voltage { Voltage(microvolts: value) }

  /// Makes a voltage from millivolts; the range is ±2,147,483 mV, outside it traps.
  @inlinable public static func millivolts(_ value: Int32) -> Voltage {
    Voltage(microvolts: value * 1_000)
  }

  /// The nearest voltage within ±2146 V: thresholds up to 1 V beside it can be stored.
  @inlinable public var withinReach: Voltage {
    Voltage(microvolts: min(max(microvolts, -2_146_000_000), 2_146_000_000))
  }

  @usableFromInline init(microvolts: Int32) { self.microvolts = microvolts }

  /// Orders by value.
  @inlinable public static func < (a: Voltage, b: Voltage) -> Bool { a.microvolts < b.microvolts }
}

/// An electric current; positive charges the cell.
///
/// Stored as whole microamperes, ±2147 A.
public struct Current: Equatable, Comparable, Sendable {
  /// The value in µA, positive into the cell.
  public var microamperes: Int32

  /// Makes a current from microamperes.
  @inlinable public static func microamperes(_ value: Int32) -> Current {
    Current(microamperes: value)
  }

  /// Makes a current from milliamperes; the range is ±2,147,483 mA, outside it traps.
  @inlinable public static func milliamperes(_ value: Int32) -> Current {
    Current(microamperes: value * 1_000)
  }

  @usableFromInline init(microamperes: Int32) { self.microamperes = microamperes }

  /// Orders by value.
  @inlinable public static func < (a: Current, b: Current) -> Bool {
    a.microamperes < b.microamperes
  }
}

/// An amount of charge; positive is charge put into the cell.
///
/// Stored as whole nanocoulombs (1 nC = 1 µA · 1 ms), ±2.5 million Ah: an exact ledger needs no
/// rounding for whole microamperes over whole milliseconds.
public struct Charge: Equatable, Comparable, Sendable {
  /// The value in nC.
  public var nanocoulombs: Int64

  /// Makes a charge from nanocoulombs.
  @inlinable public static func nanocoulombs(_ value: Int64) -> Charge {
    Charge(nanocoulombs: value)
  }

  /// Makes a charge from milliampere-hours (1 mAh = 3.6 C).
  @inlinable public static func milliampereHours(_ value: Int64) -> Charge {
    Charge(nanocoulombs: value * 3_600_000_000)
  }

  @usableFromInline init(nanocoulombs: Int64) { self.nanocoulombs = nanocoulombs }

  /// Zero charge.
  @inlinable public static var zero: Charge { Charge(nanocoulombs: 0) }

  /// The sum; traps past ±2.5 million Ah, which no cell of this firmware's range reaches.
  @inlinable public static func + (a: Charge, b: Charge) -> Charge {
    Charge(nanocoulombs: a.nanocoulombs + b.nanocoulombs)
  }

  /// The difference; traps past ±2.5 million Ah.
  @inlinable public static func - (a: Charge, b: Charge) -> Charge {
    Charge(nanocoulombs: a.nanocoulombs - b.nanocoulombs)
  }

  /// Adds in place.
  @inlinable public static func += (a: inout Charge, b: Charge) { a = a + b }

  /// Orders by value.
  @inlinable public static func < (a: Charge, b: Charge) -> Bool {
    a.nanocoulombs < b.nanocoulombs
  }
}

/// A temperature on the Celsius scale.
///
/// Stored as whole millidegrees, as Linux hwmon does.
public struct Temperature: Equatable, Comparable, Sendable {
  /// The value in m°C.
  public var millidegreesCelsius: Int32

  /// Makes a temperature from thousandths of a degree Celsius.
  @inlinable public static func millidegreesCelsius(_ value: Int32) -> Temperature {
    Temperature(millidegreesCelsius: value)
  }

  /// Makes a temperature from whole degrees Celsius.
  @inlinable public static func degreesCelsius(_ value: Int32) -> Temperature {
    Temperature(millidegreesCelsius: value * 1_000)
  }

  @usableFromInline init(millidegreesCelsius: Int32) {
    self.millidegreesCelsius = millidegreesCelsius
  }

  /// Orders by value.
  @inlinable public static func < (a: Temperature, b: Temperature) -> Bool {
    a.millidegreesCelsius < b.millidegreesCelsius
  }
}

/// An electric resistance.
///
/// Stored as whole micro-ohms, up to 2147 Ω.
public struct Resistance: Equatable, Comparable, Sendable {
  /// The value in µΩ.
  public var microohms: Int32

  /// Makes a resistance from micro-ohms.
  @inlinable public static func microohms(_ value: Int32) -> Resistance {
    Resistance(microohms: value)
  }

  @usableFromInline init(microohms: Int32) { self.microohms = microohms }

  /// Orders by value.
  @inlinable public static func < (a: Resistance, b: Resistance) -> Bool {
    a.microohms < b.microohms
  }
}

/// The fraction of the full charge that a cell holds.
///
/// Stored as parts per million: 0 is empty, 1,000,000 is full.
public struct StateOfCharge: Equatable, Comparable, Sendable {
  /// The value in millionths of the full-charge capacity.
  public var partsPerMillion: Int32

  /// Makes a state of charge from parts per million.
  @inlinable public static func partsPerMillion(_ value: Int32) -> StateOfCharge {
    StateOfCharge(partsPerMillion: value)
  }

  @usableFromInline init(partsPerMillion: Int32) { self.partsPerMillion = partsPerMillion }

  /// Orders by value.
  @inlinable public static func < (a: StateOfCharge, b: StateOfCharge) -> Bool {
    a.partsPerMillion < b.partsPerMillion
  }
}

/// A moment on a clock that never runs backwards; its zero is arbitrary.
public struct MonotonicTime: Equatable, Comparable, Sendable {
  /// Microseconds since the clock's zero.
  public var microseconds: Int64

  /// Makes a moment from microseconds since the clock's zero.
  @inlinable public static func microseconds(_ value: Int64) -> MonotonicTime {
    MonotonicTime(microseconds: value)
  }

  @usableFromInline init(microseconds: Int64) { self.microseconds = microseconds }

  /// The microseconds from `earlier` to this moment; what does not fit 64 bits becomes the nearest that
  /// does.
  @inlinable public func microseconds(since earlier: MonotonicTime) -> Int64 {
    let (difference, overflow) = microseconds.subtractingReportingOverflow(earlier.microseconds)
    return overflow ? (microseconds < 0 ? .min : .max) : difference
  }

  /// The nearest moment within ±2^61 µs (73,000 years) of the clock's zero: between two such, every
  /// difference, and every delay of less than that added to one, fits 64 bits.
  @inlinable public var withinReach: MonotonicTime {
    let bound: Int64 = 2_305_843_009_213_693_952
    return MonotonicTime(microseconds: min(max(microseconds, -bound), bound))
  }

  /// Orders by time.
  @inlinable public static func < (a: MonotonicTime, b: MonotonicTime) -> Bool {
    a.microseconds < b.microseconds
  }
}
