// SPDX-License-Identifier: Apache-2.0

/// A curve with as few places as keep straight lines between them within a tolerance.
struct ThinnedCurve {
  private(set) var places: [Double] = []
  private(set) var values: [Double] = []

  /// Thins a curve by halving where it is farthest from a line (Ramer, Douglas and Peucker).
  init(_ fine: [Double], _ curve: (Double) -> Double, tolerance: Double) {
    let all = fine.map(curve)
    var kept = [0, fine.count - 1]
    var open = [(0, fine.count - 1)]
    while let (low, high) = open.popLast() {
      guard high - low > 1 else { continue }
      let slope = (all[high] - all[low]) / (fine[high] - fine[low])
      var worst = (place: low, miss: tolerance)
      for place in low + 1..<high {
        let miss = (all[place] - all[low] - slope * (fine[place] - fine[low])).magnitude
        if miss > worst.miss { worst = (place, miss) }
      }
      guard worst.place > low else { continue }
      kept.append(worst.place)
      open += [(low, worst.place), (worst.place, high)]
    }
    for place in kept.sorted() {
      places.append(fine[place])
      values.append(all[place])
    }
  }
}
