// SPDX-License-Identifier: Apache-2.0

import CBoard
import SelfTest

/// The image: one self-test, its hash and the stack it took, reported through semihosting.
@main
struct Image {
  static func main() {
    board_report_hash(selfTestHash())
    board_report_stack()
    board_finish()
  }
}
