// SPDX-License-Identifier: Apache-2.0

/// A record with as many rows as its changes need: close together after a jump of the current, where
/// relaxation is fast, and wherever the voltage moves; every row's charge is counted.
struct ThinnedRecord {
  /// A row that is kept.
  struct Row {
    var seconds: Double
    var volts: Double
    /// The current that the series resistance sees.
    var amperes: Double
    /// The mean current since the row before.
    var meanAmperes: Double
    /// The charge put in since the start. Unit: Ah.
    var charged: Double
    /// The charge taken out since the start, not positive. Unit: Ah.
    var discharged: Double
    /// (1/T − 1/298.15 K) / R, with which an activation energy slows what it acts on; 0 where the
    /// temperature was not recorded. Unit: mol/J.
    var cold: Double
  }

  var rows: [Row] = []
  /// The current's noise between rows. Unit: A.
  let noise: Double
  /// What counts as a jump of the current. Unit: A.
  let jump: Double

  /// Thins a record.
  ///
  /// - Parameters:
  ///   - record: at least two samples.
  ///   - windowVolts: the cell's whole range.
  init(_ record: FitRecord, windowVolts: Double) {
    let samples = record.samples
    noise = Self.currentNoise(samples)
    jump = max(0.05 * record.largestAmperes, 8 * noise)
    let longest = max((samples[samples.count - 1].seconds - samples[0].seconds) / 700, 1e-3)
    var charged = 0.0
    var discharged = 0.0
    var jumped = samples[0].seconds
    var lastKept = 0
    append(samples[0], mean: samples[0].amperes, charged: 0, discharged: 0)
    for place in 1..<samples.count {
      let sample = samples[place]
      let amperes = record.amperes(into: place, jump: jump)
      let hours = (sample.seconds - samples[place - 1].seconds) / 3600
      let isJump = (sample.amperes - samples[place - 1].amperes).magnitude > jump
      if isJump, place - 1 > lastKept {
        keep(samples[place - 1], charged, discharged)
        lastKept = place - 1
      }
      if amperes > 0 { charged += amperes * hours } else { discharged += amperes * hours }
      if isJump { jumped = sample.seconds }
      let kept = samples[lastKept]
      let isDue = sample.seconds - kept.seconds >= min(longest, 0.15 * (kept.seconds - jumped))
      let isFar = (sample.volts - kept.volts).magnitude > 0.004 * windowVolts
      if isJump || (isDue && sample.seconds > kept.seconds) || isFar || place == samples.count - 1 {
        keep(sample, charged, discharged)
        lastKept = place
      }
    }
  }

  private mutating func keep(_ sample: FitRecord.Sample, _ charged: Double, _ discharged: Double) {
    let last = rows[rows.count - 1]
    let hours = (sample.seconds - last.seconds) / 3600
    let moved = charged + discharged - last.charged - last.discharged
    append(
      sample, mean: hours > 0 ? moved / hours : sample.amperes, charged: charged,
      discharged: discharged)
  }

  private mutating func append(
    _ sample: FitRecord.Sample, mean: Double, charged: Double, discharged: Double
  ) {
    // Without a jump the mean has less of the sensor's noise.
    let isSteady = (sample.amperes - mean).magnitude < jump
    rows.append(
      Row(
        seconds: sample.seconds, volts: sample.volts, amperes: isSteady ? mean : sample.amperes,
        meanAmperes: mean, charged: charged, discharged: discharged,
        cold: sample.celsius.map(Self.cold) ?? 0))
  }

  /// Between −60 and 120 °C; what is outside is no cell's temperature.
  static func cold(celsius: Double) -> Double {
    (1 / (min(max(celsius, -60), 120) + 273.15) - 1 / 298.15) / 8.314462618
  }

  /// The standard deviation between neighbours, from the median step, which jumps do not move.
  private static func currentNoise(_ samples: [FitRecord.Sample]) -> Double {
    let steps = zip(samples, samples.dropFirst()).map { ($1.amperes - $0.amperes).magnitude }
    return steps.sorted()[steps.count / 2] / 0.9539
  }

  /// The steps of current with what the voltage did at once: from a row to the next.
  var jumps: [(amperes: Double, volts: Double)] {
    zip(rows, rows.dropFirst()).compactMap { before, after in
      let change = after.amperes - before.amperes
      guard change.magnitude > jump, after.seconds - before.seconds < 120 else { return nil }
      return (change, after.volts - before.volts)
    }
  }
}
