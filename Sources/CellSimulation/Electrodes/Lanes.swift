// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// Four lanes side by side. A lane is one redox site in one class of particle size.
typealias Lanes = SIMD4<Double>

/// The most blocks of four lanes in a cell: both electrodes together.
let maximumBlocks = 8

/// What is fixed about four lanes.
struct LaneConstants: Sendable {
  /// The charge a lane holds, 0 for a lane that only fills its block. Unit: A·s.
  var capacity = Lanes.zero
  /// The potential at half filling. Unit: V.
  var potential = Lanes.zero
  /// The width ω of the step.
  var width = Lanes.zero
  /// The mean-field interaction g. Unit: V.
  var interaction = Lanes.zero
  /// Half the gap of the hysteresis. Unit: V.
  var hysteresis = Lanes.zero
  /// The rate γ of the hysteresis.
  var hysteresisRate = Lanes.zero
  /// The rate constant at 25 °C. Unit: 1/s.
  var rateConstant = Lanes.zero
  /// 1/α, the inverse effective Tafel factor.
  var inverseTransfer = Lanes.zero
  /// The diffusion time at 25 °C. Unit: s.
  var diffusionSeconds = Lanes.zero
}

/// What changes about four lanes; contents count sodium, 1 is full.
struct LaneState: Sendable {
  /// The mean content.
  var mean = Lanes.zero
  /// The surface content above the mean, by diffusion pole, without the quasi-static part.
  var slow0 = Lanes.zero
  var slow1 = Lanes.zero
  var slow2 = Lanes.zero
  var slow3 = Lanes.zero
  /// The last two of six poles; stay 0 where there are four.
  var slow4 = Lanes.zero
  var slow5 = Lanes.zero
  /// The logit of the surface content.
  var logit = Lanes.zero
  /// How fast the logit moved in the last step; where the next one starts to look. Unit: 1/s.
  var logitRate = Lanes.zero
  /// The hysteresis, from −1 (sodium was taken up) to 1 (sodium was given off).
  var hysteresis = Lanes.zero
  /// The turnover: the rate of the mean content. Unit: 1/s.
  var turnover = Lanes.zero
  /// A content near the mean one, its logit and the slope of the logit there: that of the mean content
  /// follows from these without a logarithm.
  var knownContent = Lanes(repeating: 0.5)
  var knownLogit = Lanes.zero
  var knownSlope = Lanes(repeating: 4)
  /// Full strain cycles of a cell that wears.
  var cycles = Lanes.zero
  /// The content about which the lane is cycled, in a cell that wears.
  var centre = Lanes(repeating: 0.5)
}

/// How four lanes respond to turnover over one step at one temperature.
///
/// The input of the step is the turnover, a straight line from its start to its end ("first-order
/// hold"); each diffusion pole is integrated exactly for it.
struct LaneResponse: Sendable {
  /// The decay of each pole over the step.
  var decay0 = Lanes.zero
  var decay1 = Lanes.zero
  var decay2 = Lanes.zero
  var decay3 = Lanes.zero
  var decay4 = Lanes.zero
  var decay5 = Lanes.zero
  /// The gain of each pole for the turnover at the step's end. Unit: s.
  var end0 = Lanes.zero
  var end1 = Lanes.zero
  var end2 = Lanes.zero
  var end3 = Lanes.zero
  var end4 = Lanes.zero
  var end5 = Lanes.zero
  /// The gain of each pole for the turnover at the step's start. Unit: s.
  var start0 = Lanes.zero
  var start1 = Lanes.zero
  var start2 = Lanes.zero
  var start3 = Lanes.zero
  var start4 = Lanes.zero
  var start5 = Lanes.zero
  /// The gain of the surface content for the turnover at the start and at the end. Unit: s.
  var start = Lanes.zero
  var end = Lanes.zero
  /// The quasi-static part of the gain, felt at once. Unit: s.
  var instant = Lanes.zero
  /// The inverses of the gains that are felt at once and at the end. Unit: 1/s.
  var inverseInstant = Lanes.zero
  var inverseEnd = Lanes.zero
}

/// How all lanes respond over a step of one length at one temperature.
struct StepResponse: Sendable {
  /// The length. Unit: s.
  var seconds: Double
  /// The temperature at which diffusion was taken. Unit: K.
  var kelvin: Double
  /// The decay of the temperature towards that around the cell.
  var thermalDecay: Double
  var lanes: InlineArray<8, LaneResponse>
}

/// The response of a sphere's surface content above its mean, as poles and a quasi-static gain.
///
/// The poles are the least-squares fit of the exact transfer function on 0.1 < ωτ < 3e4 with the
/// gain of slow inputs exact. Source: the project's cell-parameters table, rows "numerics".
struct SpherePoles {
  /// How many of the poles count: 4 or 6.
  let count: Int
  /// The poles in units of 1/τ.
  let poles: InlineArray<6, Double>
  /// The residues.
  let residues: InlineArray<6, Double>
  /// The quasi-static gain in units of τ; the sum of residue/pole and this is 1/15, as for the
  /// sphere, to the digits given.
  let instant: Double

  /// Error at most 1.3 % of the surface's rise.
  static let four = SpherePoles(
    count: 4, poles: [24.1935, 185.847, 1553.61, 13974.1, 1, 1],
    residues: [1.00793, 3.01454, 8.95095, 29.574, 0, 0], instant: 0.000907356)

  /// Error at most 0.17 %.
  static let six = SpherePoles(
    count: 6, poles: [20.9009, 86.8885, 358.594, 1519.06, 6551.85, 33387],
    residues: [0.738143, 1.36221, 2.87603, 5.99309, 12.7488, 38.382], instant: 0.000611741)
}

extension LaneResponse {
  /// Makes the response of a step.
  ///
  /// - Parameters:
  ///   - diffusionSeconds: τ of each lane at the step's temperature.
  ///   - seconds: the length of the step; greater than 0.
  ///   - sphere: the poles.
  init(diffusionSeconds: Lanes, seconds: Double, _ sphere: SpherePoles) {
    let p = sphere.poles
    let r = sphere.residues
    (decay0, start0, end0) = Self.pole(p[0], r[0], diffusionSeconds, seconds)
    (decay1, start1, end1) = Self.pole(p[1], r[1], diffusionSeconds, seconds)
    (decay2, start2, end2) = Self.pole(p[2], r[2], diffusionSeconds, seconds)
    (decay3, start3, end3) = Self.pole(p[3], r[3], diffusionSeconds, seconds)
    instant = diffusionSeconds * sphere.instant
    start = (start0 + start1) + (start2 + start3) + 0.5 * seconds
    end = (end0 + end1) + (end2 + end3) + (instant + 0.5 * seconds)
    if sphere.count == 6 {
      (decay4, start4, end4) = Self.pole(p[4], r[4], diffusionSeconds, seconds)
      (decay5, start5, end5) = Self.pole(p[5], r[5], diffusionSeconds, seconds)
      start += start4 + start5
      end += end4 + end5
    }
    inverseInstant = 1 / instant
    inverseEnd = 1 / end
  }

  /// One pole's decay and its gains for the turnover at the start and at the end.
  private static func pole(
    _ pole: Double, _ residue: Double, _ diffusionSeconds: Lanes, _ seconds: Double
  ) -> (decay: Lanes, start: Lanes, end: Lanes) {
    let gain = residue / pole * diffusionSeconds
    let c = pole * seconds / diffusionSeconds
    let limited = c.replacing(with: 700, where: c .> 700)
    let decay = DeterministicMath.exp(-limited)
    // Below 1e-2 the differences cancel: their series to c⁵ is then exact to 1e-13.
    let isSmall = c .< 1e-2
    var riseSeries = c * (-1.0 / 120) + 1.0 / 24
    riseSeries = 1.0 / 6 - c * riseSeries
    riseSeries = 0.5 - c * riseSeries
    riseSeries = c * (1 - c * riseSeries)
    let rise: Lanes = (1 - decay).replacing(with: riseSeries, where: isSmall)
    var startSeries = c * (-1.0 / 144) + 1.0 / 30
    startSeries = 0.125 - c * startSeries
    startSeries = 1.0 / 3 - c * startSeries
    startSeries = c * (0.5 - c * startSeries)
    let start: Lanes = (rise / c - decay).replacing(with: startSeries, where: isSmall)
    return (decay, gain * start, gain * (rise - start))
  }
}

/// Whether any of four holds; the library's `any` goes through them one by one.
@inline(__always)
func anyLane(_ mask: SIMDMask<SIMD4<Int64>>) -> Bool {
  let bits = SIMD4<Int64>.zero.replacing(with: -1, where: mask)
  let pair = bits.lowHalf | bits.highHalf
  return (pair.x | pair.y) != 0
}
