// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Foundation
import Testing

/// The functions against the C library, which is right to about one unit in the last place.
@Suite struct ElementaryFunctionTests {
  @Test(arguments: [UInt64(1), 2]) func exponentialIsRight(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      let x = random.uniform(-690, 690)
      let right = Foundation.exp(x)
      #expect((DeterministicMath.exp(x) / right - 1).magnitude < 5e-16, "x = \(x)")
      let four = DeterministicMath.exp(SIMD4(x, -x, x / 100, 0))
      #expect((four[0] / right - 1).magnitude < 5e-16, "x = \(x)")
      #expect((four[1] * right - 1).magnitude < 1e-15, "x = \(x)")
      #expect((four[2] / Foundation.exp(x / 100) - 1).magnitude < 5e-16, "x = \(x)")
      #expect(four[3] == 1)
    }
  }

  @Test(arguments: [UInt64(1), 2]) func logarithmIsRight(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      let x = Foundation.exp(random.uniform(-600, 600))
      let near = 1 + random.uniform(-0.3, 0.3)
      for value in [x, near] {
        let right = Foundation.log(value)
        let bound = 4e-16 * (1 + right.magnitude)
        #expect((DeterministicMath.log(value) - right).magnitude < bound, "x = \(value)")
        let four = DeterministicMath.log(SIMD4(value, 1, 2, 0.5))
        #expect((four[0] - right).magnitude < bound, "x = \(value)")
        #expect(four[1] == 0)
        #expect((four[2] + four[3]).magnitude < 1e-16)
      }
    }
  }

  @Test func edgesOfTheScalarFunctions() {
    #expect(DeterministicMath.exp(-1000) == 0)
    #expect(DeterministicMath.exp(1000) == .infinity)
    #expect(DeterministicMath.exp(0) == 1)
    #expect(DeterministicMath.log(0) == -.infinity)
    #expect(DeterministicMath.log(-1).isNaN)
    #expect(DeterministicMath.log(.infinity) == .infinity)
  }

  @Test(arguments: [1e-12, 1e-5, 1e-3, 0.1, 1, 30, 1e6, 1e100])
  func inverseSineAndTangentAreRight(x: Double) {
    #expect((DeterministicMath.asinh(x) / Foundation.asinh(x) - 1).magnitude < 2e-15)
    #expect(DeterministicMath.asinh(-x) == -DeterministicMath.asinh(x))
    #expect((DeterministicMath.tanh(x) - Foundation.tanh(x)).magnitude < 1e-15)
  }
}
