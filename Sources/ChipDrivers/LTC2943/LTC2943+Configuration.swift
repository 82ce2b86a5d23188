// SPDX-License-Identifier: Apache-2.0

public import Quantities

extension LTC2943 {
  /// What the chip measures over; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// The prescaler divides by 4 to the power of this; 0…6.
    public let prescalerCode: UInt8

    /// Checks that the largest current stays within ±50 mV over the shunt, the counter's range, and
    /// takes the finest count whose half range holds a charge.
    ///
    /// - Parameter capacity: what may flow one way between two readings, such as the pack's capacity.
    /// - Throws: `ShuntProblem`.
    /// - Returns: nil if it is not positive, or more than 32767 of the coarsest counts.
    public init?(shunt: Shunt, capacity: Charge) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: 50_000_000_000)
      guard capacity.nanocoulombs > 0 else { return nil }
      let microohms = Int64(shunt.resistance.microohms)
      for code in UInt8(0)...6 {
        let count = LTC2943.unitNanocoulombMicroohms << Int64(2 * code)
        // 32767 of the coarsest counts are below 2^61.
        guard 32_767 * count / microohms >= capacity.nanocoulombs else { continue }
        self.shunt = shunt
        prescalerCode = code
        return
      }
      return nil
    }

    /// Converter always on; the pin unused, so that no alert and no charger can act on the count.
    var control: UInt8 { Control.automatic | prescalerCode << 3 }
  }
}
