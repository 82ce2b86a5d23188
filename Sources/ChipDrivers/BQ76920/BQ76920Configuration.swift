// SPDX-License-Identifier: Apache-2.0

public import Quantities

extension BQ76920 {
  /// How long the overcurrent of a discharge must last. The value is the code.
  public enum OvercurrentDelay: UInt8, Sendable {
    case milliseconds8, milliseconds20, milliseconds40, milliseconds80
    case milliseconds160, milliseconds320, milliseconds640, milliseconds1280
  }

  /// How long a short circuit must last. The value is the code.
  public enum ShortCircuitDelay: UInt8, Sendable {
    case microseconds70, microseconds100, microseconds200, microseconds400
  }

  /// How long an overvoltage must last. The value is the code.
  public enum OvervoltageDelay: UInt8, Sendable {
    case seconds1, seconds2, seconds4, seconds8
  }

  /// How long an undervoltage must last. The value is the code.
  public enum UndervoltageDelay: UInt8, Sendable {
    case seconds1, seconds4, seconds8, seconds16
  }

  /// How the chip is wired and what its own protection does; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// Cells in series, 3…5; three are on the inputs 1, 2 and 5, four on 1, 2, 3 and 5.
    public let cellCount: Int
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// Above this a cell must not be charged.
    public let overvoltage: Voltage
    /// Below this a cell must not be discharged.
    public let undervoltage: Voltage
    let protection1: UInt8
    let protection2: UInt8
    let protection3: UInt8

    /// Checks the chip's limits.
    ///
    /// The voltage limits are those that every part can be set to, whatever its trimming.
    ///
    /// - Parameters:
    ///   - cellCount: 3…5.
    ///   - shunt: charge positive, as the chip's protection takes it; at most 200 mV.
    ///   - overvoltage: 3372…4357 mV; the part trips within 4 mV of it.
    ///   - undervoltage: 1750…2862 mV; the part trips there or up to 7 mV below.
    ///   - overcurrent: of a discharge, as a magnitude; rounded down to the chip's next threshold, of
    ///     which the lowest is 8 mV and the highest 100 mV over the shunt.
    ///   - shortCircuit: likewise, 22…200 mV.
    /// - Throws: `ShuntProblem`.
    /// - Returns: nil if another value is outside its range.
    public init?(
      cellCount: Int, shunt: Shunt, overvoltage: Voltage, undervoltage: Voltage,
      overcurrent: Current, shortCircuit: Current,
      overcurrentDelay: OvercurrentDelay = .milliseconds320,
      shortCircuitDelay: ShortCircuitDelay = .microseconds100,
      overvoltageDelay: OvervoltageDelay = .seconds1,
      undervoltageDelay: UndervoltageDelay = .seconds1
    ) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: BQ76920.fullScalePicovolts)
      guard 3...5 ~= cellCount, shunt.polarity == .chargePositive,
        3_372_000...4_357_000 ~= overvoltage.microvolts,
        1_750_000...2_862_000 ~= undervoltage.microvolts,
        let codes = ThresholdCodes(
          overcurrent: Configuration.millivolts(overcurrent, over: shunt),
          shortCircuit: Configuration.millivolts(shortCircuit, over: shunt))
      else { return nil }
      self.cellCount = cellCount
      self.shunt = shunt
      self.overvoltage = overvoltage
      self.undervoltage = undervoltage
      protection1 =
        (codes.isUpperRange ? 0x80 : 0) | shortCircuitDelay.rawValue << 3 | codes.shortCircuit
      protection2 = overcurrentDelay.rawValue << 4 | codes.overcurrent
      protection3 = undervoltageDelay.rawValue << 6 | overvoltageDelay.rawValue << 4
    }

    /// Rounded down: 1 µA · 1 µΩ = 1 pV.
    private static func millivolts(_ current: Current, over shunt: Shunt) -> Int64 {
      Int64(current.microamperes) * Int64(shunt.resistance.microohms) / 1_000_000_000
    }
  }

  /// The codes of the two thresholds for a discharge, which share one range.
  struct ThresholdCodes {
    let isUpperRange: Bool
    let overcurrent: UInt8
    let shortCircuit: UInt8

    /// Takes for each the highest threshold that is not above it, in mV; the lower range, which is
    /// finer, where it reaches.
    init?(overcurrent: Int64, shortCircuit: Int64) {
      isUpperRange = overcurrent > 50 || shortCircuit > 100
      let thresholds = Thresholds(isUpperRange: isUpperRange)
      var overcurrentCode: UInt8?
      for code in 0..<16 where Int64(thresholds.overcurrent[code]) <= overcurrent {
        overcurrentCode = UInt8(code)
      }
      var shortCircuitCode: UInt8?
      for code in 0..<8 where Int64(thresholds.shortCircuit[code]) <= shortCircuit {
        shortCircuitCode = UInt8(code)
      }
      guard let overcurrentCode, let shortCircuitCode else { return nil }
      self.overcurrent = overcurrentCode
      self.shortCircuit = shortCircuitCode
    }
  }

  /// PROTECT2 (07h), OCD_THRESH, and PROTECT1 (06h), SCD_THRESH, in each range. Unit: mV.
  struct Thresholds {
    let overcurrent: InlineArray<16, UInt8>
    let shortCircuit: InlineArray<8, UInt8>

    init(isUpperRange: Bool) {
      if isUpperRange {
        overcurrent = [17, 22, 28, 33, 39, 44, 50, 56, 61, 67, 72, 78, 83, 89, 94, 100]
        shortCircuit = [44, 67, 89, 111, 133, 155, 178, 200]
      } else {
        overcurrent = [8, 11, 14, 17, 19, 22, 25, 28, 31, 33, 36, 39, 42, 44, 47, 50]
        shortCircuit = [22, 33, 44, 56, 67, 78, 89, 100]
      }
    }
  }
}
