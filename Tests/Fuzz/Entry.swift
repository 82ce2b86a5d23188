// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzSubjects

/// The subject that `SODALITE_FUZZ` names; nil for "planted", a trap that a working fuzzer finds.
private let subject: FuzzSubject? = {
  let name = ProcessInfo.processInfo.environment["SODALITE_FUZZ"] ?? ""
  if name == "planted" { return nil }
  guard let subject = FuzzSubject(rawValue: name) else {
    let known = FuzzSubject.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("SODALITE_FUZZ is \"\(name)\"; there are: \(known)")
  }
  return subject
}()

/// Called by libFuzzer with one input after another.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // libFuzzer's contract: `count` readable bytes at `start`, until this returns.
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  if let subject {
    subject.read(bytes)
  } else {
    readPlanted(bytes)
  }
  return 0
}
