// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// A digital output that holds its state for the simulated cell to obey; inactive at first.
public final class EmulatedLine: DigitalOutput {
  /// Whether the line is active, whatever its electrical level.
  public private(set) var isActive = false
  /// How often the state changed.
  public private(set) var changes: Int64 = 0

  /// Makes an inactive line.
  public init() {}

  /// Drives the line.
  public func set(_ active: Bool) {
    if active != isActive { changes += 1 }
    isActive = active
  }
}
