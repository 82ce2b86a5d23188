// SPDX-License-Identifier: Apache-2.0

public import Quantities

extension ADS1115 {
  /// Which pins are measured; the second is the negative one.
  public enum Multiplexer: UInt16, Equatable, Sendable {
    /// AIN0 against AIN1.
    case input0Against1
    /// AIN0 against AIN3.
    case input0Against3
    /// AIN1 against AIN3.
    case input1Against3
    /// AIN2 against AIN3.
    case input2Against3
    /// AIN0 against ground.
    case input0
    /// AIN1 against ground.
    case input1
    /// AIN2 against ground.
    case input2
    /// AIN3 against ground.
    case input3
  }

  /// The full scale of the programmable amplifier. The pin itself may never exceed VDD + 0.3 V.
  public enum Range: UInt16, Equatable, Sendable {
    /// ±6.144 V, 187.5 µV per step.
    case millivolts6144
    /// ±4.096 V, 125 µV per step.
    case millivolts4096
    /// ±2.048 V, 62.5 µV per step; the reset value.
    case millivolts2048
    /// ±1.024 V, 31.25 µV per step.
    case millivolts1024
    /// ±0.512 V, 15.625 µV per step.
    case millivolts512
    /// ±0.256 V, 7.8125 µV per step.
    case millivolts256

    /// The full scale.
    public var fullScale: Voltage {
      switch self {
      case .millivolts6144: .millivolts(6_144)
      case .millivolts4096: .millivolts(4_096)
      case .millivolts2048: .millivolts(2_048)
      case .millivolts1024: .millivolts(1_024)
      case .millivolts512: .millivolts(512)
      case .millivolts256: .millivolts(256)
      }
    }
  }

  /// Conversions per second, ±10 %.
  public enum DataRate: UInt16, Equatable, Sendable {
    /// 8 per second: 125 ms.
    case perSecond8
    /// 16 per second: 62.5 ms.
    case perSecond16
    /// 32 per second: 31.3 ms.
    case perSecond32
    /// 64 per second: 15.6 ms.
    case perSecond64
    /// 128 per second: 7.8 ms; the reset value.
    case perSecond128
    /// 250 per second: 4 ms.
    case perSecond250
    /// 475 per second: 2.1 ms.
    case perSecond475
    /// 860 per second: 1.2 ms.
    case perSecond860

    /// The longest conversion: the rate may be 10 % below nominal, which makes the conversion and the
    /// 25 µs to wake 1/0.9 of theirs; rounded up. Unit: µs.
    public var longestMicroseconds: Int64 {
      switch self {
      case .perSecond8: 138_917
      case .perSecond16: 69_473
      case .perSecond32: 34_750
      case .perSecond64: 17_389
      case .perSecond128: 8_709
      case .perSecond250: 4_473
      case .perSecond475: 2_367
      case .perSecond860: 1_320
      }
    }
  }

  /// Whether the chip measures once or again and again.
  public enum Mode: Equatable, Sendable {
    /// One conversion, then power-down.
    case singleShot
    /// One conversion after another.
    case continuous
  }

  /// How much larger the measured voltage is than the one at the pin, as a ratio.
  public struct Divider: Equatable, Sendable {
    let numerator: Int64
    let denominator: Int64

    /// No divider.
    public static var none: Divider { Divider(uncheckedNumerator: 1, denominator: 1) }

    private init(uncheckedNumerator numerator: Int64, denominator: Int64) {
      self.numerator = numerator
      self.denominator = denominator
    }

    /// The input over two resistors: scale = (upper + lower) / lower.
    ///
    /// - Parameters:
    ///   - upper: from the measured voltage to the pin, 0…100,000,000 Ω.
    ///   - lower: from the pin to ground, 1…100,000,000 Ω; the scale is at most 100.
    /// - Returns: nil if a value is outside its range.
    public init?(upperOhms upper: Int32, lowerOhms lower: Int32) {
      let allowed: ClosedRange<Int32> = 1...100_000_000
      guard allowed.contains(lower), upper == 0 || allowed.contains(upper) else { return nil }
      guard Int64(upper) <= 99 * Int64(lower) else { return nil }
      self.init(
        uncheckedNumerator: Int64(upper) + Int64(lower), denominator: Int64(lower))
    }
  }

  /// One input and how to measure it.
  public struct Input: Equatable, Sendable {
    /// The pins.
    public var multiplexer: Multiplexer
    /// The amplifier's full scale.
    public var range: Range
    /// Conversions per second.
    public var dataRate: DataRate
    /// What lies between the measured voltage and the pin.
    public var divider: Divider

    /// Describes an input.
    public init(
      multiplexer: Multiplexer, range: Range, dataRate: DataRate = .perSecond128,
      divider: Divider = .none
    ) {
      self.multiplexer = multiplexer
      self.range = range
      self.dataRate = dataRate
      self.divider = divider
    }

    func word(mode: Mode) -> UInt16 {
      let modeBits = mode == .singleShot ? ConfigurationBits.singleShot : 0
      return multiplexer.rawValue << 12 | range.rawValue << 9 | modeBits | dataRate.rawValue << 5
        | ConfigurationBits.marker | ConfigurationBits.comparatorOff
    }
  }

  /// The voltage of a conversion word: full scale / 32768 per step, times the divider's scale;
  /// exact, rounded once, to nearest, ties away from zero.
  ///
  /// - Throws: `.overflow` at either full scale.
  public static func voltage(word: UInt16, input: Input) throws(ChipError) -> Voltage {
    let code = Int16(bitPattern: word)
    guard code > Int16.min, code < Int16.max else {
      throw .overflow(register: Register.conversion, positive: code > 0)
    }
    // Every full scale is a multiple of 4 mV; taking that out keeps the product below 2^61.
    let step = Int64(input.range.fullScale.microvolts / 4_000)
    let numerator = Int64(code) * step * input.divider.numerator
    // 4000 / 32768 = 125 / 1024.
    return .microvolts(
      Int32(roundedQuotient(numerator * 125, 1_024 * input.divider.denominator)))
  }
}
