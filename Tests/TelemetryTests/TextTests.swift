// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

@Suite struct TextTests {
  @Test func alignsColumns() {
    var table = TableText([("cell", .left), ("error", .right)])
    table.add(["nfm-pb", "1.5 %"])
    table.add(["電池", "12.5 %"])
    #expect(
      table.text == """
        cell     error
        ------  ------
        nfm-pb   1.5 %
        電池    12.5 %

        """)
  }

  @Test func aTableWithoutTitlesHasOnlyRows() {
    var table = TableText([("", .left), ("", .right)])
    table.add(["seed", "1"])
    table.add(["ticks", "12"])
    #expect(table.text == "seed    1\nticks  12\n")
  }

  @Test func noLineEndsWithASpace() {
    var table = TableText([("a", .left), ("long title", .left)])
    table.add(["x", ""])
    #expect(table.text == "a  long title\n-  ----------\nx\n")
  }

  @Test func writesJSONInTheOrderGiven() {
    let list: JSONText = .array([.number(0.1), .boolean(true), .null])
    let json: JSONText = .object([
      .init("z", .integer(1)), .init("a", list), .init("q\"\n\u{1}", .number(.nan)),
      .init("s", .string("é\\")),
    ])
    #expect(json.text == #"{"z":1,"a":[0.1,true,null],"q\"\n\u0001":null,"s":"é\\"}"#)
  }

  private func lines(shown: Bool, _ body: (inout ProgressBar) -> Void) -> [String] {
    let written = Written()
    var bar = ProgressBar(isShown: shown) { written.texts.append($0) }
    body(&bar)
    return written.texts
  }

  private final class Written { var texts: [String] = [] }

  @Test func showsProgressSpeedAndTimeLeft() {
    let texts = lines(shown: true) {
      $0.update(fraction: 0.5, simulatedSeconds: 100_000, elapsedSeconds: 2)
    }
    #expect(
      texts == ["\r[###############...............]  50 %  50k x real time  00:02 left"])
  }

  @Test func isSilentWhenNobodyWatches() {
    let texts = lines(shown: false) {
      $0.update(fraction: 0.5, simulatedSeconds: 1, elapsedSeconds: 1)
      $0.finish()
    }
    #expect(texts.isEmpty)
  }

  @Test func writesAtMostTenTimesASecondAndClearsItsLine() {
    let texts = lines(shown: true) { bar in
      for step in 0..<1000 {
        bar.update(
          fraction: Double(step) / 1000, simulatedSeconds: .nan, elapsedSeconds: Double(step) / 1000
        )
      }
      bar.finish()
    }
    #expect((10...12).contains(texts.count))
    #expect(texts.last == "\r")
  }

  @Test(arguments: [Double.nan, -1, 2, .infinity])
  func oddFractionsDoNotTrap(fraction: Double) {
    let texts = lines(shown: true) {
      $0.update(fraction: fraction, simulatedSeconds: 1e300, elapsedSeconds: 1e-9)
    }
    #expect(texts.count == 1)
  }
}
