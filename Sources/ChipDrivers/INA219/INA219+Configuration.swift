// SPDX-License-Identifier: Apache-2.0

internal import Quantities

extension INA219 {
  /// How many 12-bit conversions are averaged into one result (datasheet table 5); typical times.
  public enum Averaging: UInt16, Equatable, Sendable {
    /// Every conversion is a result: 532 µs, the reset value.
    case none = 0x3
    /// 2 conversions: 1.06 ms.
    case of2 = 0x9
    /// 4 conversions: 2.13 ms.
    case of4 = 0xA
    /// 8 conversions: 4.26 ms.
    case of8 = 0xB
    /// 16 conversions: 8.51 ms.
    case of16 = 0xC
    /// 32 conversions: 17.02 ms.
    case of32 = 0xD
    /// 64 conversions: 34.05 ms.
    case of64 = 0xE
    /// 128 conversions: 68.10 ms.
    case of128 = 0xF

    /// The typical time of one input. Unit: µs.
    var microseconds: Int32 {
      switch self {
      case .none: 532
      case .of2: 1_060
      case .of4: 2_130
      case .of8: 4_260
      case .of16: 8_510
      case .of32: 17_020
      case .of64: 34_050
      case .of128: 68_100
      }
    }
  }

  /// The full scale of the shunt voltage (datasheet table 4).
  public enum ShuntRange: UInt16, Equatable, Sendable {
    /// ±40 mV.
    case millivolts40
    /// ±80 mV.
    case millivolts80
    /// ±160 mV.
    case millivolts160
    /// ±320 mV, the reset value.
    case millivolts320

    /// The code at full scale, at 10 µV per step in every range.
    var fullScale: Int64 { 4_000 << Int64(rawValue) }
  }

  /// What to measure and how; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// Conversions per result, of either input.
    public let averaging: Averaging
    /// The narrowest range that holds the largest current.
    public let shuntRange: ShuntRange

    /// Checks that the largest current stays within ±320 mV over the shunt.
    ///
    /// - Throws: `ShuntProblem` if it does not.
    public init(shunt: Shunt, averaging: Averaging = .of16) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: 320_000_000_000)
      self.shunt = shunt
      self.averaging = averaging
      switch shunt.fullScalePicovolts {
      case ...40_000_000_000: shuntRange = .millivolts40
      case ...80_000_000_000: shuntRange = .millivolts80
      case ...160_000_000_000: shuntRange = .millivolts160
      default: shuntRange = .millivolts320
      }
    }

    /// The typical time between two results. Unit: µs.
    public var resultMicroseconds: Int32 { 2 * averaging.microseconds }

    var word: UInt16 {
      shuntRange.rawValue << ConfigurationBits.gainShift
        | averaging.rawValue << ConfigurationBits.busAveragingShift
        | averaging.rawValue << ConfigurationBits.shuntAveragingShift
        | ConfigurationBits.shuntAndBusContinuous
    }
  }
}
