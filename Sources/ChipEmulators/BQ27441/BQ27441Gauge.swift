// SPDX-License-Identifier: Apache-2.0

/// What stands in for the gauge's own, unpublished, algorithm.
///
/// It starts from the lithium model's charge at the first voltage, counts the current, starts anew
/// from the voltage after 30 min of rest, is empty below Terminate Voltage, and full at the end of a
/// charge. That has the faults of the real one on a sodium cell: a charge of the wrong curve at each
/// start and rest, and an end at 2.5 V.
struct BQ27441Gauge: Sendable {
  /// What the pins see.
  struct Inputs: Sendable {
    var volts: Double
    /// Positive charges the cell.
    var amperes: Double
    var celsius: Double
  }

  /// Of the last second; the current with the sign of the chip's gain. Unit: mA.
  var milliamperes = 0.0
  var volts = 0.0
  var celsius = 25.0
  /// 0…1; nil until the first measurement.
  var charge: Double?
  var isFull = false
  var isLow = false
  var isFinal = false
  var isTooHot = false
  var isTooCold = false
  private var restSeconds: Int64 = 0
  private var taperSeconds: Int64 = 0

  /// The charge as it is shown. Unit: %.
  var percent: Int { Int(((charge ?? 0) * 100).rounded()) }

  mutating func measure(_ inputs: Inputs, memory: BQ27441Memory, seconds: Int64) {
    volts = inputs.volts
    celsius = inputs.celsius
    milliamperes = inputs.amperes * (memory.isGainNegative ? -1_000 : 1_000)
    guard let before = charge else {
      charge = LithiumModel.stateOfCharge(restVolts: volts)
      updateFlags(memory)
      return
    }
    let counted = before + milliamperes * Double(seconds) / 3_600 / memory.designCapacity
    charge = min(max(counted, 0), 1)
    correct(memory, seconds: seconds)
    updateFlags(memory)
  }

  private mutating func correct(_ memory: BQ27441Memory, seconds: Int64) {
    let isAtRest = abs(milliamperes) < memory.quitThreshold
    restSeconds = isAtRest ? restSeconds + seconds : 0
    if restSeconds >= 1_800 { charge = LithiumModel.stateOfCharge(restVolts: volts) }
    let tapers = volts >= memory.taperVolts && 0...memory.taperCurrent ~= milliamperes
    taperSeconds = tapers ? taperSeconds + seconds : 0
    if taperSeconds >= 80 {
      charge = 1
      isFull = true
    }
    if volts < memory.terminateVolts { charge = 0 }
  }

  private mutating func updateFlags(_ memory: BQ27441Memory) {
    let percent = percent
    if percent < 98 { isFull = false }
    let low = memory.lowCharge
    if percent <= low.set { isLow = true }
    if percent >= low.clear { isLow = false }
    if percent <= low.finalSet { isFinal = true }
    if percent >= low.finalClear { isFinal = false }
    let limits = memory.temperatureLimits
    if celsius * 10 >= limits.over { isTooHot = true }
    if celsius * 10 <= limits.over - limits.hysteresis { isTooHot = false }
    if celsius * 10 <= limits.under { isTooCold = true }
    if celsius * 10 >= limits.under + limits.hysteresis { isTooCold = false }
  }
}
