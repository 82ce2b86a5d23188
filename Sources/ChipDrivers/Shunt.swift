// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// The current-sensing resistor and how it is wired.
public struct Shunt: Equatable, Sendable {
  /// Which current makes the chip's shunt voltage positive.
  public enum Polarity: Equatable, Sendable {
    /// A current that charges the cell reads positive.
    case chargePositive
    /// A current that discharges the cell reads positive.
    case dischargePositive
  }

  /// The resistance between the sense terminals.
  public var resistance: Resistance
  /// The largest magnitude of current to measure, both directions.
  public var maximumCurrent: Current
  /// How the sense terminals are connected.
  public var polarity: Polarity

  /// Describes a shunt; nothing is checked until a chip's configuration is made from it.
  public init(
    resistance: Resistance, maximumCurrent: Current, polarity: Polarity = .chargePositive
  ) {
    self.resistance = resistance
    self.maximumCurrent = maximumCurrent
    self.polarity = polarity
  }

  /// Turns a value in the chip's sign into one that is positive into the cell.
  func oriented(_ value: Int64) -> Int64 {
    switch polarity {
    case .chargePositive: value
    case .dischargePositive: -value
    }
  }

  /// The shunt voltage at the largest current. Unit: pV, as 1 µA · 1 µΩ = 1 pV.
  var fullScalePicovolts: Int64 {
    Int64(maximumCurrent.microamperes) * Int64(resistance.microohms)
  }

  /// Throws unless a chip with a full scale of `limit` pV can measure over this shunt.
  func validate(fullScalePicovolts limit: Int64) throws(ShuntProblem) {
    guard Shunt.allowedMicroohms.contains(resistance.microohms) else {
      throw .resistanceOutOfRange(
        found: resistance, minimum: .microohms(Shunt.allowedMicroohms.lowerBound),
        maximum: .microohms(Shunt.allowedMicroohms.upperBound))
    }
    // The INA219's 320 mV over less than 150 µΩ are more than `Current` holds.
    let largest = Current.microamperes(Int32(clamping: limit / Int64(resistance.microohms)))
    guard maximumCurrent.microamperes > 0, maximumCurrent <= largest else {
      throw .maximumCurrentOutOfRange(found: maximumCurrent, maximum: largest)
    }
  }

  /// Assumed, because below 100 µΩ the full scale exceeds what `Current` holds, and above 10 Ω the
  /// full scale is below 17 mA: no cell of this firmware's range.
  private static let allowedMicroohms: ClosedRange<Int32> = 100...10_000_000
}

/// Why a chip cannot measure over a shunt.
public enum ShuntProblem: Error, Equatable, Sendable {
  /// The resistance is outside what the drivers support.
  case resistanceOutOfRange(found: Resistance, minimum: Resistance, maximum: Resistance)
  /// The largest current is not positive, or its shunt voltage exceeds the chip's full scale.
  case maximumCurrentOutOfRange(found: Current, maximum: Current)
}
