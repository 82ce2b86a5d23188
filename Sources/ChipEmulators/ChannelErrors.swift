// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// The errors of one analog input, in the input's own unit (V or °C).
public struct ChannelErrors: Equatable, Sendable {
  /// No error.
  public static let none = ChannelErrors()

  /// The offset at 25 °C.
  public var offset: Double
  /// The change of the offset per °C.
  public var offsetDrift: Double
  /// The relative gain error at 25 °C.
  public var gain: Double
  /// The change of the gain error per °C.
  public var gainDrift: Double

  /// Makes a set of errors.
  public init(
    offset: Double = 0, offsetDrift: Double = 0, gain: Double = 0, gainDrift: Double = 0
  ) {
    self.offset = offset
    self.offsetDrift = offsetDrift
    self.gain = gain
    self.gainDrift = gainDrift
  }

  /// What the converter sees of `value` at a die temperature.
  func apply(to value: Double, celsius: Double) -> Double {
    let warmer = celsius - 25
    return value * (1 + (gain + gainDrift * warmer)) + (offset + offsetDrift * warmer)
  }
}

extension SeededRandom {
  /// Draws one sample's error: normal with deviation `typical`, never beyond `limit`.
  ///
  /// Datasheets give a typical value (about one deviation) and a limit that every shipped part
  /// keeps.
  mutating func error(typical: Double, limit: Double) -> Double {
    min(max(gaussian() * typical, -limit), limit)
  }
}
