// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// The capacitors of a load behind the discharge switch and the path beside it.
///
/// What flows into them is too short, or too little, to move the cells; it is what a switch's contacts
/// see. While both are off they empty through the load.
public struct LoadCapacitor: Equatable, Sendable {
  /// Their capacitance. Unit: F.
  public let farads: Double
  /// The resistor of the path; nil where there is no path. Unit: Ω.
  public let pathOhms: Double?
  /// Of the closed switch with its wires. Unit: Ω.
  public let switchOhms: Double
  /// What empties them. Unit: Ω.
  public let leakOhms: Double
  /// The load's voltage. Unit: V.
  public private(set) var volts = 0.0
  /// The largest current into them since they were empty. Unit: A.
  public private(set) var largestAmperes = 0.0

  /// Makes empty capacitors; a switch with its wires has about 20 mΩ, and a load that is off leaks through
  /// about 10 kΩ (assumed).
  public init(
    farads: Double, pathOhms: Double?, switchOhms: Double = 0.02, leakOhms: Double = 10_000
  ) {
    self.farads = farads
    self.pathOhms = pathOhms
    self.switchOhms = switchOhms
    self.leakOhms = leakOhms
  }

  /// Lets time pass with the cells at a voltage.
  mutating func advance(seconds: Double, supply: Double, isOn: Bool, isFilling: Bool) {
    guard seconds > 0 else { return }
    let path = isFilling ? pathOhms : nil
    guard let ohms = isOn ? switchOhms : path else {
      volts *= DeterministicMath.exp(-seconds / (leakOhms * farads))
      return
    }
    let missing = supply - volts
    largestAmperes = max(largestAmperes, missing / ohms)
    volts += missing * (1 - DeterministicMath.exp(-seconds / (ohms * farads)))
  }
}
