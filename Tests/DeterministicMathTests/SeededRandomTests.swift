// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@Suite struct SeededRandomTests {
  @Test func seedsAndStreamsAreIndependentAndRepeatable() {
    func draw(_ seed: UInt64, _ stream: UInt64) -> [UInt64] {
      var random = SeededRandom(seed: seed, stream: stream)
      return (0..<8).map { _ in random.next() }
    }
    #expect(draw(7, 0) == draw(7, 0))
    #expect(draw(7, 0) != draw(8, 0))
    #expect(draw(7, 0) != draw(7, 1))
  }

  @Test(arguments: [UInt64(3), 4]) func gaussianHasMeanZeroAndDeviationOne(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let count = 4000
    var sum = 0.0
    var squares = 0.0
    for _ in 0..<count {
      let x = random.gaussian()
      sum += x
      squares += x * x
    }
    // Five standard errors: 5/√4000 and 5·√(2/4000).
    #expect((sum / Double(count)).magnitude < 0.08)
    #expect((squares / Double(count) - 1).magnitude < 0.12)
  }

  @Test func uniformStaysInItsRange() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<1000 {
      let x = random.uniform(-2, 3)
      #expect(x >= -2 && x < 3)
    }
  }
}
