// SPDX-License-Identifier: Apache-2.0

/// Refuses data that would give a description without meaning.
struct FitCheck {
  let record: FitRecord

  /// Checks one record on its own.
  func run() throws(FitRefusal) {
    try size()
    try voltage()
    try current()
    try sign()
    try time()
    try gaps()
  }

  private func refuse(_ message: String, line: Int? = nil) -> FitRefusal {
    FitRefusal(message, record: record.name, line: line)
  }

  private func size() throws(FitRefusal) {
    guard record.samples.count >= 50 else {
      throw refuse("\(record.samples.count) samples; expected at least 50")
    }
    for (before, after) in zip(record.samples, record.samples.dropFirst())
    where after.seconds < before.seconds {
      throw refuse(
        "time runs backwards: \(after.seconds) s after \(before.seconds) s", line: after.line)
    }
    let length = record.samples[record.samples.count - 1].seconds - record.samples[0].seconds
    guard length >= 600 else {
      throw refuse(
        "the record is \(rounded(length)) s long; expected at least 600 s (is the time in another unit?)"
      )
    }
  }

  private func voltage() throws(FitRefusal) {
    var lowest = Double.infinity
    var highest = -Double.infinity
    for sample in record.samples {
      lowest = min(lowest, sample.volts)
      highest = max(highest, sample.volts)
      guard sample.volts.isFinite, sample.volts > 0.2, sample.volts < 6 else {
        throw refuse(
          "the voltage is \(sample.volts) V; expected 0.2 V to 6 V of one cell (is it in mV?)",
          line: sample.line)
      }
    }
    guard highest - lowest > 0.05 else {
      throw refuse(
        "the voltage stays within \(rounded((highest - lowest) * 1e3)) mV; nothing to fit")
    }
  }

  private func current() throws(FitRefusal) {
    guard record.largestAmperes > 0 else {
      throw refuse("the current is 0 throughout; nothing to fit")
    }
  }

  /// A rising current raises the voltage at once, and charge raises it in the end.
  private func sign() throws(FitRefusal) {
    let thinned = ThinnedRecord(record, windowVolts: 2)
    let agreement = thinned.jumps.reduce(0) { $0 + $1.amperes * $1.volts }
    if agreement < 0 {
      throw refuse(
        "the voltage falls where the current rises: positive current discharges here; "
          + "try --discharge-positive (or leave it out)")
    }
    guard agreement == 0 else { return }
    let last = thinned.rows[thinned.rows.count - 1]
    let moved = last.charged + last.discharged
    if moved * (last.volts - thinned.rows[0].volts) < 0 {
      throw refuse(
        "the voltage falls while the cell is charged: positive current discharges here; "
          + "try --discharge-positive (or leave it out)")
    }
  }

  /// The charge that passed, at the largest current, takes minutes to days; anything else is a unit.
  private func time() throws(FitRefusal) {
    let thinned = ThinnedRecord(record, windowVolts: 2)
    let totals = thinned.rows.map { $0.charged + $0.discharged }
    let span = (totals.max() ?? 0) - (totals.min() ?? 0)
    let hours = span / record.largestAmperes
    guard hours < 2000 else {
      throw refuse(
        "at its largest current the cell would take \(rounded(hours)) h; is the time in another unit?"
      )
    }
    guard hours > 0.005 else {
      throw refuse(
        "the charge that passed is \(rounded(hours * 3600)) s of the largest current: "
          + "too short, or the time is in another unit")
    }
  }

  /// A gap is a pause of the recording while current flowed: its charge is not known.
  private func gaps() throws(FitRefusal) {
    let samples = record.samples
    let steps = zip(samples, samples.dropFirst()).map { $1.seconds - $0.seconds }
    let usual = steps.sorted()[steps.count / 2]
    let little = 0.02 * record.largestAmperes
    var passed = 0.0
    for (before, after) in zip(samples, samples.dropFirst()) {
      passed +=
        (0.5 * (before.amperes + after.amperes) * (after.seconds - before.seconds)).magnitude
    }
    for (before, after) in zip(samples, samples.dropFirst()) {
      let step = after.seconds - before.seconds
      let flowed = max(before.amperes.magnitude, after.amperes.magnitude)
      guard flowed > little, step > max(30, 20 * usual), flowed * step > 0.01 * passed else {
        continue
      }
      throw refuse(
        "\(rounded(step)) s without a sample while current flowed: its charge is unknown; "
          + "cut the record there", line: after.line)
    }
  }
}

/// A number for a message: three digits are enough.
func rounded(_ value: Double) -> String {
  guard value.isFinite else { return "\(value)" }
  if value.magnitude >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
  var scale = 1.0
  while value.magnitude * scale < 100, scale < 1e12 { scale *= 10 }
  return "\((value * scale).rounded() / scale)"
}
