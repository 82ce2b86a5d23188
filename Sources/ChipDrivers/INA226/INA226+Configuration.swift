// SPDX-License-Identifier: Apache-2.0

internal import Quantities

extension INA226 {
  /// How long the converter looks at one input (datasheet tables 7-4, 7-5); typical, at most 10 %
  /// longer.
  public enum ConversionTime: UInt16, Equatable, Sendable {
    /// 140 µs.
    case microseconds140
    /// 204 µs.
    case microseconds204
    /// 332 µs.
    case microseconds332
    /// 588 µs.
    case microseconds588
    /// 1.1 ms, the reset value.
    case microseconds1100
    /// 2.116 ms.
    case microseconds2116
    /// 4.156 ms.
    case microseconds4156
    /// 8.244 ms.
    case microseconds8244

    /// The typical time. Unit: µs.
    public var microseconds: Int32 {
      switch self {
      case .microseconds140: 140
      case .microseconds204: 204
      case .microseconds332: 332
      case .microseconds588: 588
      case .microseconds1100: 1_100
      case .microseconds2116: 2_116
      case .microseconds4156: 4_156
      case .microseconds8244: 8_244
      }
    }
  }

  /// How many conversions are averaged into one result (datasheet table 7-3).
  public enum Averaging: UInt16, Equatable, Sendable {
    /// Every conversion is a result, the reset value.
    case none
    /// 4 conversions.
    case of4
    /// 16 conversions.
    case of16
    /// 64 conversions.
    case of64
    /// 128 conversions.
    case of128
    /// 256 conversions.
    case of256
    /// 512 conversions.
    case of512
    /// 1024 conversions.
    case of1024

    /// The number of conversions in one result.
    public var count: Int32 {
      switch self {
      case .none: 1
      case .of4: 4
      case .of16: 16
      case .of64: 64
      case .of128: 128
      case .of256: 256
      case .of512: 512
      case .of1024: 1_024
      }
    }
  }

  /// What to measure and how; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// For the bus voltage.
    public let busConversionTime: ConversionTime
    /// For the shunt voltage.
    public let shuntConversionTime: ConversionTime
    /// Conversions per result.
    public let averaging: Averaging

    /// Checks that the largest current stays within ±81.92 mV over the shunt.
    ///
    /// - Throws: `ShuntProblem` if it does not.
    public init(
      shunt: Shunt, busConversionTime: ConversionTime = .microseconds1100,
      shuntConversionTime: ConversionTime = .microseconds1100, averaging: Averaging = .of16
    ) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: 81_920_000_000)
      self.shunt = shunt
      self.busConversionTime = busConversionTime
      self.shuntConversionTime = shuntConversionTime
      self.averaging = averaging
    }

    /// The typical time between two results. Unit: µs.
    public var resultMicroseconds: Int32 {
      (busConversionTime.microseconds + shuntConversionTime.microseconds) * averaging.count
    }

    var word: UInt16 {
      ConfigurationBits.reserved | averaging.rawValue << 9 | busConversionTime.rawValue << 6
        | shuntConversionTime.rawValue << 3 | ConfigurationBits.shuntAndBusContinuous
    }
  }
}
