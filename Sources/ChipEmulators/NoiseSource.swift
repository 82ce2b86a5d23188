// SPDX-License-Identifier: Apache-2.0

internal import DeterministicMath

/// A chip's own source of noise: Marsaglia's polar method, using both numbers of each pair.
struct NoiseSource: Sendable {
  private var random: SeededRandom
  private var spare = 0.0
  private var hasSpare = false

  init(seed: UInt64, stream: UInt64) { random = SeededRandom(seed: seed, stream: stream) }

  /// A standard normal number.
  mutating func gaussian() -> Double {
    if hasSpare {
      hasSpare = false
      return spare
    }
    while true {
      let u = 2 * random.uniform() - 1
      let v = 2 * random.uniform() - 1
      let s = u * u + v * v
      if s > 0, s < 1 {
        let scale = (-2 * DeterministicMath.log(s) / s).squareRoot()
        spare = v * scale
        hasSpare = true
        return u * scale
      }
    }
  }

  /// A number drawn evenly from [0, 1).
  mutating func uniform() -> Double { random.uniform() }
}
