// SPDX-License-Identifier: Apache-2.0

import SelfTest

/// The same self-test on the host, whose hash is what every processor must print.
@main
struct HostSelfTest {
  static func main() {
    let digits = String(selfTestHash(), radix: 16)
    print("hash " + String(repeating: "0", count: 16 - digits.count) + digits)
  }
}
