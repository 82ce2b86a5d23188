// SPDX-License-Identifier: Apache-2.0

internal import Quantities

/// Learns how much the chip's oscillator differs from the host's clock.
///
/// The accumulator multiplies current by the chip's own time (±0.5 % at 25 °C, ±1 % over
/// temperature). While the current is steady and large, its integral over host time is known well,
/// and the ratio to what the chip counted is the clock's error: offset and gain of the converter are
/// in both and cancel. One window of at least 60 s gives one figure; the correction moves a quarter
/// of the way towards it, and a figure beyond ±15,000 ppm is rejected, so a wrong window moves the
/// correction by at most 7,500 ppm, and no number of them past the limit.
///
/// Error of one figure: a conversion's granularity, at most 12.4 ms of 60 s = 206 ppm; CURRENT's
/// own rounding, at most one step of 2^13 = 122 ppm at the smallest current.
public struct ClockCorrection: Equatable, Sendable {
  /// The largest correction, either sign. Unit: ppm.
  ///
  /// Assumed, because the oscillator's stated ±1 % over temperature needs a margin for ageing, and
  /// more means that something else is wrong.
  public static let limit: Int32 = 15_000

  /// What to add to each million of counted charge.
  public private(set) var partsPerMillion: Int32
  /// Windows that moved the correction.
  public private(set) var acceptedWindows: UInt32 = 0
  /// Windows beyond the limit; a growing count means a fault, not a clock.
  public private(set) var rejectedWindows: UInt32 = 0

  private var window = Window()
  /// 0…999,999. Unit: 1e-6 nC.
  private var remainder: Int64 = 0

  /// Starts from a known correction, such as one kept across a restart.
  ///
  /// - Parameter partsPerMillion: brought within ±`limit`.
  public init(partsPerMillion: Int32 = 0) {
    self.partsPerMillion = min(max(partsPerMillion, -ClockCorrection.limit), ClockCorrection.limit)
  }

  /// The charge by the host's clock; the remainder below 1 nC is carried to the next call.
  mutating func corrected(_ counted: Charge) -> Charge {
    let parts = flooredQuotient(counted.nanocoulombs, 1_000_000)
    let correction = Int64(partsPerMillion)
    let rest = flooredQuotient(parts.remainder * correction + remainder, 1_000_000)
    remainder = rest.remainder
    return .nanocoulombs(counted.nanocoulombs + parts.quotient * correction + rest.quotient)
  }

  /// Takes one interval into the window: what the chip counted, and the current at its end.
  ///
  /// - Parameters:
  ///   - counted: by the chip's clock.
  ///   - current: at the end of the interval.
  ///   - elapsed: the interval, in µs of the host.
  ///   - largest: the largest current; below 1/64 of it nothing is learned.
  mutating func observe(counted: Charge, current: Current, elapsed: Int64, largest: Current) {
    let step = Window.Step(counted: counted, current: current, elapsed: elapsed)
    guard window.extend(by: step, largest: largest) else {
      window = Window(startingWith: current)
      return
    }
    guard window.isComplete else { return }
    learn(from: window.partsPerMillion)
    window = Window(startingWith: current)
  }

  /// Drops the window: its interval was not counted.
  mutating func discardWindow() {
    window = Window()
  }

  private mutating func learn(from found: Int64?) {
    guard let found, found.magnitude <= UInt64(ClockCorrection.limit) else {
      rejectedWindows &+= 1
      return
    }
    partsPerMillion += Int32(roundedQuotient(found - Int64(partsPerMillion), 4))
    acceptedWindows &+= 1
  }
}

extension ClockCorrection {
  /// A stretch of steady current.
  struct Window: Equatable, Sendable {
    struct Step {
      var counted: Charge
      var current: Current
      var elapsed: Int64
    }

    private var reference: Current?
    private var last = Current.microamperes(0)
    private var elapsed: Int64 = 0
    private var countedNanocoulombs: Int64 = 0
    private var hostHalfPicocoulombs: Int64 = 0

    init() {}

    init(startingWith current: Current) {
      reference = current
      last = current
    }

    /// 60 s; the step that completes it is at most 5 s long.
    var isComplete: Bool { elapsed >= 60_000_000 }

    /// (host − counted) / counted, or nil if the chip counted next to nothing.
    var partsPerMillion: Int64? {
      guard countedNanocoulombs.magnitude >= 1_000_000 else { return nil }
      let difference = hostHalfPicocoulombs / 2_000 - countedNanocoulombs
      // At most 2 · 2147 A · 65 s = 2.8e14 nC: divide the counted side first to stay in 64 bits.
      let perMillion = countedNanocoulombs / 1_000_000
      guard perMillion != 0 else { return nil }
      return perMillion < 0
        ? roundedQuotient(-difference, -perMillion) : roundedQuotient(difference, perMillion)
    }

    /// Takes a step, or returns false if it does not continue a steady, large current.
    mutating func extend(by step: Step, largest: Current) -> Bool {
      guard let reference, step.elapsed > 0, step.elapsed <= 5_000_000 else { return false }
      let magnitude = Int64(reference.microamperes).magnitude
      let deviation =
        (Int64(step.current.microamperes) - Int64(reference.microamperes)).magnitude
      guard magnitude * 64 >= Int64(largest.microamperes).magnitude, deviation * 128 <= magnitude
      else { return false }
      let doubledCurrent = Int64(last.microamperes) + Int64(step.current.microamperes)
      hostHalfPicocoulombs += doubledCurrent * step.elapsed
      countedNanocoulombs += step.counted.nanocoulombs
      elapsed += step.elapsed
      last = step.current
      return true
    }
  }
}
