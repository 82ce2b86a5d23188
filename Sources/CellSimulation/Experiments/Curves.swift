// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// A maximum of a curve.
public struct Peak: Sendable, Equatable {
  /// Where it lies, between the points by a parabola through three of them.
  public var place: Double
  /// The value there.
  public var height: Double
  /// By how much it rises above the higher of the two valleys that part it from higher ground.
  public var prominence: Double
}

/// A curve on increasing places, as a differential analysis gives it.
public struct SampledCurve: Sendable, Equatable {
  /// The places, increasing.
  public var x: [Double]
  /// The values.
  public var y: [Double]

  /// Makes a curve.
  public init(x: [Double], y: [Double]) {
    precondition(x.count == y.count, "a curve has one value per place")
    self.x = x
    self.y = y
  }

  /// The maxima between two places, by place; those lower than a share of the highest are left out.
  ///
  /// - Parameters:
  ///   - range: where to look; nil is everywhere.
  ///   - minimumProminence: as a share of the highest value in the range.
  public func peaks(
    in range: ClosedRange<Double>? = nil, minimumProminence: Double = 0.02
  ) -> [Peak] {
    let indices = x.indices.filter { range?.contains(x[$0]) ?? true }
    guard let first = indices.first, let last = indices.last, last - first >= 2 else { return [] }
    let highest = indices.map { y[$0] }.max() ?? 0
    var peaks: [Peak] = []
    for index in first + 1..<last where y[index] > y[index - 1] && y[index] >= y[index + 1] {
      let prominence =
        y[index] - max(valley(from: index, to: first), valley(from: index, to: last))
      guard prominence >= minimumProminence * highest else { continue }
      peaks.append(refined(index, prominence: prominence))
    }
    return peaks
  }

  /// The highest maximum between two places; nil if the curve only rises or falls there.
  public func highestPeak(in range: ClosedRange<Double>? = nil) -> Peak? {
    peaks(in: range, minimumProminence: 0).max { $0.height < $1.height }
  }

  /// The width of the curve at half the height of a peak, as far as it stays above. Unit: of x.
  public func widthAtHalfHeight(of peak: Peak) -> Double {
    guard
      var low = x.indices.min(by: {
        (x[$0] - peak.place).magnitude < (x[$1] - peak.place).magnitude
      })
    else { return .nan }
    var high = low
    while low > 0, y[low] > peak.height / 2 { low -= 1 }
    while high < x.count - 1, y[high] > peak.height / 2 { high += 1 }
    return x[high] - x[low]
  }

  /// The place weighted with a power of the value: the middle of a wave with several nearly equal
  /// maxima, where the place of the highest would depend on their last percent.
  public func weightedPlace(power: Double) -> Double {
    let highest = y.max() ?? 0
    var sum = 0.0
    var weights = 0.0
    for index in x.indices where y[index] > 0 {
      let weight = DeterministicMath.exp(power * DeterministicMath.log(y[index] / highest))
      sum += weight * x[index]
      weights += weight
    }
    return weights > 0 ? sum / weights : .nan
  }

  /// The lowest value on the way to higher ground, or to the end.
  private func valley(from index: Int, to end: Int) -> Double {
    var lowest = y[index]
    for place in stride(from: index, through: end, by: end < index ? -1 : 1) {
      if y[place] > y[index] { return lowest }
      lowest = min(lowest, y[place])
    }
    return lowest
  }

  private func refined(_ index: Int, prominence: Double) -> Peak {
    let left = y[index] - y[index - 1]
    let right = y[index] - y[index + 1]
    guard left + right > 0 else {
      return Peak(place: x[index], height: y[index], prominence: prominence)
    }
    let shift = 0.5 * (left - right) / (left + right)
    let spacing = 0.5 * (x[index + 1] - x[index - 1])
    return Peak(
      place: x[index] + shift * spacing, height: y[index] + 0.25 * shift * (left - right),
      prominence: prominence)
  }
}

extension GalvanostaticBranch {
  /// The spacing of the voltages of `incrementalCapacity`. Unit: V.
  public static let gridVolts = 0.002
  /// The standard deviation of the bell curve that smooths it. Unit: V.
  public static let smoothingVolts = 0.005

  /// dQ/dV over voltage, positive for charge and discharge. Unit: mAh/(g·V) over V.
  ///
  /// The charge is read every 2 mV where the voltage first passes, differenced, and smoothed with a
  /// bell curve of 5 mV standard deviation.
  public var incrementalCapacity: SampledCurve {
    let isCharge = milliamperesPerGram > 0
    guard let low = volts.min(), let high = volts.max(), high - low > 4 * Self.gridVolts else {
      return SampledCurve(x: [], y: [])
    }
    let first = Int((low / Self.gridVolts).rounded(.up))
    let last = Int((high / Self.gridVolts).rounded(.down))
    let places = (first...last).map { Double($0) * Self.gridVolts }
    let charges = charges(atVolts: places, isCharge: isCharge)
    var middles: [Double] = []
    var slopes: [Double] = []
    for index in places.indices.dropFirst() {
      middles.append(0.5 * (places[index] + places[index - 1]))
      slopes.append((charges[index] - charges[index - 1]).magnitude / Self.gridVolts)
    }
    return SampledCurve(x: middles, y: Self.smoothed(slopes))
  }

  /// dV/dQ over charge, negative on discharge. Unit: V·g/mAh over mAh/g.
  ///
  /// The voltage is read at 400 equal charges and differenced over 5 of them.
  public var differentialVoltage: SampledCurve {
    let count = 400
    let places = (0...count).map { capacity * Double($0) / Double(count) }
    let voltages = Self.interpolated(volts, over: milliampereHoursPerGram, at: places)
    var middles: [Double] = []
    var slopes: [Double] = []
    for index in 2..<count - 2 {
      middles.append(places[index])
      slopes.append(
        (voltages[index + 2] - voltages[index - 2]) / (places[index + 2] - places[index - 2]))
    }
    return SampledCurve(x: middles, y: slopes)
  }

  /// The charge at which each voltage is first passed; `places` increase.
  private func charges(atVolts places: [Double], isCharge: Bool) -> [Double] {
    var charges = Array(repeating: 0.0, count: places.count)
    var index = 1
    for place in isCharge ? Array(places.indices) : places.indices.reversed() {
      let wanted = places[place]
      while index < volts.count - 1, isCharge ? volts[index] < wanted : volts[index] > wanted {
        index += 1
      }
      let rise = volts[index] - volts[index - 1]
      let share = rise == 0 ? 0 : min(max((wanted - volts[index - 1]) / rise, 0), 1)
      let before = milliampereHoursPerGram[index - 1]
      charges[place] = before + share * (milliampereHoursPerGram[index] - before)
    }
    return charges
  }

  /// Values over increasing places, read linearly at other increasing places.
  static func interpolated(
    _ values: [Double], over places: [Double], at wanted: [Double]
  ) -> [Double] {
    var index = 1
    return wanted.map { place in
      while index < places.count - 1, places[index] < place { index += 1 }
      let width = places[index] - places[index - 1]
      let share = width == 0 ? 0 : min(max((place - places[index - 1]) / width, 0), 1)
      return values[index - 1] + share * (values[index] - values[index - 1])
    }
  }

  private static func smoothed(_ values: [Double]) -> [Double] {
    let deviation = smoothingVolts / gridVolts
    let reach = Int((4 * deviation).rounded(.up))
    let weights = (-reach...reach).map { offset in
      DeterministicMath.exp(-0.5 * Double(offset * offset) / (deviation * deviation))
    }
    return values.indices.map { index in
      var sum = 0.0
      var total = 0.0
      for offset in -reach...reach where values.indices.contains(index + offset) {
        sum += weights[offset + reach] * values[index + offset]
        total += weights[offset + reach]
      }
      return sum / total
    }
  }
}
