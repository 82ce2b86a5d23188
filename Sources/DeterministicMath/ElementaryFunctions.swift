// SPDX-License-Identifier: Apache-2.0

/// Elementary functions made only of IEEE-754 additions, multiplications, divisions and roots.
///
/// The C library picks its `exp` and `log` by processor (with or without fused multiply-add) and so
/// gives other last bits on other machines. These give the same bits everywhere, which is what
/// "same seed, same bytes" needs.
public enum DeterministicMath {
  /// The exponential function.
  ///
  /// - Parameter x: any finite number; below −708 the result is 0, above 709 it is infinity.
  /// - Returns: e to the power `x`, relative error below 4e-16.
  @inlinable public static func exp(_ x: Double) -> Double {
    if x < -708 { return 0 }
    if x > 709 { return .infinity }
    let k = (x * 1.4426950408889634).rounded()
    // ln 2 in two parts, so that k · ln 2 is exact in the first (fdlibm's split).
    let r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    // Taylor's series of exp on |r| ≤ 0.347, to r^13.
    var p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let exponent = UInt64(bitPattern: Int64(k) + 1023) << 52
    return p * Double(bitPattern: exponent)
  }

  /// The natural logarithm.
  ///
  /// - Parameter x: a positive normal number; others give NaN (negative), −infinity (zero or
  ///   subnormal) or the argument itself (infinity, NaN).
  /// - Returns: ln `x`, absolute error below 4e-16 · (1 + |ln x|).
  @inlinable public static func log(_ x: Double) -> Double {
    if !(x >= 0x1p-1022) { return x < 0 ? .nan : (x.isNaN ? x : -.infinity) }
    if x == .infinity { return x }
    // x = 2^k · m with m in [√½, √2).
    let bits = x.bitPattern
    let adjusted = bits &- 0x3FE6_A09E_667F_3BCD
    let k = Int64(bitPattern: adjusted) >> 52
    let m = Double(bitPattern: bits &- (UInt64(bitPattern: k) << 52))
    // ln m = 2 artanh s, |s| ≤ 0.1716.
    let s = (m - 1) / (m + 1)
    let z = s * s
    var p = 1.0 / 23
    p = p * z + 1.0 / 21
    p = p * z + 1.0 / 19
    p = p * z + 1.0 / 17
    p = p * z + 1.0 / 15
    p = p * z + 1.0 / 13
    p = p * z + 1.0 / 11
    p = p * z + 1.0 / 9
    p = p * z + 1.0 / 7
    p = p * z + 1.0 / 5
    p = p * z + 1.0 / 3
    p = p * z
    let twoS = s + s
    let kd = Double(k)
    return kd * 6.93147180369123816490e-01 + (twoS + (twoS * p + kd * 1.90821492927058770002e-10))
  }

  /// The inverse hyperbolic sine.
  ///
  /// - Parameter x: any finite number of magnitude below 1e150.
  /// - Returns: asinh `x`, relative error below 2e-15.
  @inlinable public static func asinh(_ x: Double) -> Double {
    let a = x.magnitude
    if a < 1e-4 { return x * (1 - x * x * (1.0 / 6)) }
    // log1p by Kahan's correction keeps the relative precision for small arguments.
    let root = (a * a + 1).squareRoot()
    let u = a + a * a / (root + 1)
    let w = 1 + u
    let result = w == 1 ? u : log(w) * (u / (w - 1))
    return x < 0 ? -result : result
  }

  /// The hyperbolic tangent.
  ///
  /// - Parameter x: any number.
  /// - Returns: tanh `x`, absolute error below 1e-15.
  @inlinable public static func tanh(_ x: Double) -> Double {
    if x > 20 { return 1 }
    if x < -20 { return -1 }
    let e = exp(2 * x)
    return (e - 1) / (e + 1)
  }
}
