// SPDX-License-Identifier: Apache-2.0

import Quantities

/// One charge as the identification sees it: where it crossed the edges of open-circuit voltage.
///
/// The samples are streamed through `ChargeSession`; only the crossings are kept, 800 bytes.
struct ChargeRecord: Sendable {
  /// Which edges were crossed, one bit each.
  var seen: UInt32 = 0
  /// The charge counted since the session began, as measured. Unit: rated capacities, 2^-40.
  var charge = InlineArray<24, Int64>(repeating: 0)
  /// How far the slow lag put the electrodes' state ahead. Unit: rated capacities, 2^-40.
  var lag = InlineArray<24, Int64>(repeating: 0)
  /// The overpotential that was taken off the reading. Unit: V, 2^-40.
  var drop = InlineArray<24, Int64>(repeating: 0)
  /// The time since the session began. Unit: h, 2^-40.
  var hours = InlineArray<24, Int64>(repeating: 0)

  /// The current that flowed when it began. Unit: C, 2^-40.
  var current: Int64 = 0

  /// How many edges were crossed.
  var count: Int32 { Int32(seen.nonzeroBitCount) }

  /// Whether an edge was crossed.
  func has(_ edge: Int) -> Bool { seen & (1 &<< UInt32(edge)) != 0 }
}

/// Collects the crossings of one charge, sample by sample, in bounded memory.
///
/// A session opens after two minutes of a steady charge between C/25 and 0.75 C and ends with it.
/// Voltage, less overpotential and hysteresis, is averaged over a quarter percent of charge, and
/// where two averages lie on either side of an edge the crossing is interpolated.
struct ChargeSession: Sendable {
  /// One sample of a charge; 40 fractional bits.
  struct Sample {
    /// The time since the last sample. Unit: h.
    var hours: Int64
    /// The charge since the last sample, as measured. Unit: rated capacities.
    var charge: Int64
    /// The current. Unit: C.
    var current: Int64
    /// The voltage without overpotential and hysteresis. Unit: V.
    var open: Int64
    /// The overpotential. Unit: V.
    var drop: Int64
    /// How far the slow lag is ahead. Unit: rated capacities.
    var lag: Int64
    /// Whether the voltage is at the upper cut-off, where a charger holds it.
    var atTop: Bool
  }

  /// What a sample did to the session.
  enum Event: Equatable {
    case none
    /// The charge ended; `record` holds it.
    case ended
  }

  /// A mean of some samples.
  private struct Mean {
    var charge: Int64 = 0
    var hours: Int64 = 0
    var open: Int64 = 0
    var drop: Int64 = 0
    var lag: Int64 = 0
  }

  /// The crossings so far.
  private(set) var record = ChargeRecord()
  /// The charge counted since the session began. Unit: rated capacities, 2^-40.
  private(set) var charge: Int64 = 0
  /// The time since the session began. Unit: h, 2^-40.
  private(set) var hours: Int64 = 0
  private(set) var isOpen = false
  private var steadyHours: Int64 = 0
  private var startCurrent: Int64 = 0
  private var sum = Mean()
  private var samples: Int64 = 0
  private var sumStart: Int64 = 0
  private var last: Mean?
  /// The edge that is crossed next.
  private var next = 0

  private static let least: Int64 = 43_980_465_111  // C/25
  private static let most: Int64 = 824_633_720_832  // 0.75 C
  private static let settling: Int64 = 36_650_387_593  // 2 min
  private static let stride: Int64 = 2_748_779_069  // 0.25 %

  /// Takes in a sample.
  mutating func note(
    _ sample: Sample, _ edges: borrowing @_addressable InlineArray<24, Int32>,
    _ arithmetic: inout SaturatingArithmetic
  ) -> Event {
    let flows = sample.current >= Self.least && sample.current <= Self.most && !sample.atTop
    guard isOpen else {
      steadyHours = flows ? min(steadyHours + sample.hours, Format.one) : 0
      if steadyHours >= Self.settling { open(sample) }
      return .none
    }
    let tenth = startCurrent / 10
    if !flows || sample.current < startCurrent - tenth || sample.current > startCurrent + tenth {
      isOpen = false
      steadyHours = 0
      return .ended
    }
    charge = arithmetic.add(charge, sample.charge)
    hours = arithmetic.add(hours, sample.hours)
    gather(sample, edges, &arithmetic)
    return .none
  }

  private mutating func open(_ sample: Sample) {
    isOpen = true
    record = ChargeRecord()
    record.current = sample.current
    charge = 0
    hours = 0
    startCurrent = sample.current
    sum = Mean()
    samples = 0
    sumStart = 0
    last = nil
    next = 0
  }

  private mutating func gather(
    _ sample: Sample, _ edges: borrowing @_addressable InlineArray<24, Int32>,
    _ arithmetic: inout SaturatingArithmetic
  ) {
    // Sums of at most 60 000 samples of magnitude below 8 stay below 2^60.
    samples += 1
    sum.charge = arithmetic.add(sum.charge, charge)
    sum.hours = arithmetic.add(sum.hours, hours)
    sum.open = arithmetic.add(sum.open, sample.open)
    sum.drop = arithmetic.add(sum.drop, sample.drop)
    sum.lag = arithmetic.add(sum.lag, sample.lag)
    guard charge - sumStart >= Self.stride || samples >= 60_000 else { return }
    let mean = Mean(
      charge: sum.charge / samples, hours: sum.hours / samples, open: sum.open / samples,
      drop: sum.drop / samples, lag: sum.lag / samples)
    cross(mean, edges, &arithmetic)
    last = mean
    sum = Mean()
    samples = 0
    sumStart = charge
  }

  /// Notes every edge between the last mean and this one.
  private mutating func cross(
    _ mean: Mean, _ edges: borrowing @_addressable InlineArray<24, Int32>,
    _ arithmetic: inout SaturatingArithmetic
  ) {
    while next < 24 {
      let edge = Format.millionths(edges[next], &arithmetic)
      guard mean.open >= edge else { return }
      if let last, last.open < edge {
        let share = arithmetic.ratio(edge - last.open, mean.open - last.open)
        func between(_ a: Int64, _ b: Int64) -> Int64 { a + arithmetic.times(share, b - a) }
        record.seen |= 1 &<< UInt32(next)
        record.charge[next] = between(last.charge, mean.charge)
        record.hours[next] = between(last.hours, mean.hours)
        record.drop[next] = between(last.drop, mean.drop)
        record.lag[next] = between(last.lag, mean.lag)
      }
      next += 1
    }
  }
}
