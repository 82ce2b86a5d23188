// SPDX-License-Identifier: Apache-2.0

internal import Quantities

extension INA228 {
  /// How long the converter looks at one input (datasheet table 7-6); the oscillator is ±1 %.
  public enum ConversionTime: UInt16, Equatable, Sendable {
    /// 50 µs.
    case microseconds50
    /// 84 µs.
    case microseconds84
    /// 150 µs.
    case microseconds150
    /// 280 µs.
    case microseconds280
    /// 540 µs.
    case microseconds540
    /// 1.052 ms, the reset value.
    case microseconds1052
    /// 2.074 ms.
    case microseconds2074
    /// 4.12 ms.
    case microseconds4120

    /// The nominal time. Unit: µs.
    public var microseconds: Int32 {
      switch self {
      case .microseconds50: 50
      case .microseconds84: 84
      case .microseconds150: 150
      case .microseconds280: 280
      case .microseconds540: 540
      case .microseconds1052: 1_052
      case .microseconds2074: 2_074
      case .microseconds4120: 4_120
      }
    }
  }

  /// How many conversions are averaged into one result (datasheet table 7-6).
  ///
  /// The charge accumulator takes every conversion, whatever this says.
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

  /// The shunt voltage's range.
  public enum ShuntRange: Equatable, Sendable {
    /// ±163.84 mV, 312.5 nV per step.
    case wide
    /// ±40.96 mV, 78.125 nV per step.
    case narrow

    /// The step, as a fraction of the wide range's: 1 / `divisor`.
    var divisor: Int64 { self == .wide ? 1 : 4 }
    /// The end of the range. Unit: pV.
    var fullScalePicovolts: Int64 { self == .wide ? 163_840_000_000 : 40_960_000_000 }
  }

  /// What to measure and how; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// The smallest range that holds the largest current.
    public let shuntRange: ShuntRange
    /// SHUNT_CAL, 1…4096. The chip computes CURRENT = VSHUNT · 4096 / SHUNT_CAL.
    ///
    /// Datasheet §8.1.2: SHUNT_CAL = 13107.2e6 · CURRENT_LSB · R (· 4 in the narrow range) with
    /// CURRENT_LSB ≥ maximum current / 2^19, which is I[µA] · R[µΩ] / 40,000,000 (10,000,000).
    /// Rounded up, so that every current below the largest fits CURRENT; the largest itself may be
    /// 2^19, one code beyond the end, as by the datasheet's own formula, and then the charge of that
    /// interval is `.overflow`. The rounding leaves no gain error, because the charge is scaled by
    /// the step that the rounded value really gives.
    public let shuntCalibration: UInt16
    /// For the bus voltage.
    public let busConversionTime: ConversionTime
    /// For the shunt voltage.
    public let shuntConversionTime: ConversionTime
    /// For the die temperature.
    public let temperatureConversionTime: ConversionTime
    /// Conversions per result.
    public let averaging: Averaging

    /// Chooses range and calibration for a shunt.
    ///
    /// - Throws: `ShuntProblem` if the chip cannot measure the largest current over this shunt.
    public init(
      shunt: Shunt,
      busConversionTime: ConversionTime = .microseconds1052,
      shuntConversionTime: ConversionTime = .microseconds1052,
      temperatureConversionTime: ConversionTime = .microseconds280,
      averaging: Averaging = .of16
    ) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: ShuntRange.wide.fullScalePicovolts)
      self.shunt = shunt
      shuntRange =
        shunt.fullScalePicovolts <= ShuntRange.narrow.fullScalePicovolts ? .narrow : .wide
      let step: Int64 = shuntRange == .wide ? 40_000_000 : 10_000_000
      shuntCalibration = UInt16((shunt.fullScalePicovolts + step - 1) / step)
      self.busConversionTime = busConversionTime
      self.shuntConversionTime = shuntConversionTime
      self.temperatureConversionTime = temperatureConversionTime
      self.averaging = averaging
    }

    /// The time of one conversion of all three inputs: the accumulator's step. Unit: µs.
    public var conversionMicroseconds: Int32 {
      busConversionTime.microseconds + shuntConversionTime.microseconds
        + temperatureConversionTime.microseconds
    }

    /// The nominal time between two results. Unit: µs.
    public var resultMicroseconds: Int32 { conversionMicroseconds * averaging.count }

    var configurationWord: UInt16 {
      shuntRange == .narrow ? ConfigurationBits.narrowRange : 0
    }

    var converterWord: UInt16 {
      ConverterBits.continuousAll | busConversionTime.rawValue << 9
        | shuntConversionTime.rawValue << 6 | temperatureConversionTime.rawValue << 3
        | averaging.rawValue
    }
  }
}
