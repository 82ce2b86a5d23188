// SPDX-License-Identifier: Apache-2.0

/// Every pair of an index below `a` and one below `b`.
func pairs(_ a: Int, _ b: Int) -> [(Int, Int)] {
  (0..<a).flatMap { first in (0..<b).map { (first, $0) } }
}

/// The host's time after which a clock that is fast by `partsPerMillion` has passed `microseconds`;
/// whole, rounded up.
func hostTime(of microseconds: Int64, _ partsPerMillion: Int64) -> Int64 {
  let rate = 1_000_000 + partsPerMillion
  return (microseconds * 1_000_000 + rate - 1) / rate
}
