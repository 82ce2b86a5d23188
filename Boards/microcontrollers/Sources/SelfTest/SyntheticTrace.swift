// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// A cell's current and voltage at one moment.
public struct TraceSample {
  /// When, on the trace's own clock.
  public var time: MonotonicTime
  /// The current; positive charges.
  public var current: Current
  /// The terminal voltage.
  public var voltage: Voltage
}

/// A made-up but plausible record: rest, charge, rest and discharge, each step with noise.
///
/// It stands for no real cell. It exists to drive every processor through the same states, so it
/// uses integers only and needs no table.
public struct SyntheticTrace {
  var step: Int32 = 0
  var storedMicroampereSeconds: Int64 = 0
  var noise: UInt32

  /// Makes the trace of `seed`; any seed but zero, the generator's fixed point.
  public init(seed: UInt32) {
    precondition(seed != 0, "xorshift cannot leave zero")
    noise = seed
  }

  /// The next sample, one second after the one before.
  public mutating func next() -> TraceSample {
    let current = phaseCurrent() + noise(spread: 2_000)
    storedMicroampereSeconds += Int64(current)
    // 3.0 V at rest, 1 mV per 10 A·s stored, and 40 mΩ.
    let open = 3_000_000 + Int32(truncatingIfNeeded: storedMicroampereSeconds / 10_000)
    let voltage = open + Int32(truncatingIfNeeded: Int64(current) * 40 / 1_000)
    step += 1
    return TraceSample(
      time: .microseconds(Int64(step) * 1_000_000), current: .microamperes(current),
      voltage: .microvolts(voltage + noise(spread: 500)))
  }

  /// The phase's nominal current: 10 min each of rest, 1.5 A in, rest, 1.5 A out. Unit: µA.
  func phaseCurrent() -> Int32 {
    switch (step / 600) % 4 {
    case 1: 1_500_000
    case 3: -1_500_000
    default: 0
    }
  }

  /// A number from `-spread` up to `spread`, by Marsaglia's xorshift32 (doi:10.18637/jss.v008.i14).
  mutating func noise(spread: Int32) -> Int32 {
    noise ^= noise << 13
    noise ^= noise >> 17
    noise ^= noise << 5
    return Int32(truncatingIfNeeded: noise % UInt32(2 * spread + 1)) - spread
  }
}
