// SPDX-License-Identifier: Apache-2.0

/// What a throwing call threw, or nil.
public func thrown<Value, Failure: Error>(_ body: () throws(Failure) -> Value) -> Failure? {
  do {
    _ = try body()
    return nil
  } catch {
    return error
  }
}
