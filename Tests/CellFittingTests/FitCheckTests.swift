// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellFitting

/// Records that must be refused, each with its reason.
@Suite struct FitCheckTests {
  /// A discharge at 1 A for 50 min of a cell of 3.2 V ± 0.8 V and 50 mΩ, then a rest of 10 min.
  static func discharge() -> [FitRecord.Sample] {
    (0..<360).map { place in
      let seconds = Double(place) * 10
      let left = max(1 - seconds / 3_000, 0)
      let amperes = place < 300 ? -1.0 : 0
      return FitRecord.Sample(
        seconds: seconds, amperes: amperes, volts: 2.4 + 1.6 * left + 0.05 * amperes,
        line: place + 2)
    }
  }

  static let wrong:
    [(name: String, reason: String, change: @Sendable (inout [FitRecord.Sample]) -> Void)] =
      [
        ("few", "30 samples; expected at least 50", { $0 = Array($0.prefix(30)) }),
        (
          "short", "s long; expected at least 600 s",
          { samples in for k in samples.indices { samples[k].seconds /= 60 } }
        ),
        ("back", "time runs backwards", { $0[100].seconds = 0 }),
        (
          "millivolts", "is it in mV",
          { samples in for k in samples.indices { samples[k].volts *= 1000 } }
        ),
        ("still", "the current is 0 throughout", { s in for k in s.indices { s[k].amperes = 0 } }),
        (
          "sign", "positive current discharges here",
          { s in for k in s.indices { s[k].amperes = -s[k].amperes } }
        ),
        ("gap", "without a sample while current flowed", { $0.removeSubrange(100..<200) }),
        ("flat", "nothing to fit", { s in for k in s.indices { s[k].volts = 3 } }),
      ]

  @Test(arguments: wrong.indices) func aWrongRecordIsRefused(place: Int) {
    let (name, reason, change) = Self.wrong[place]
    var samples = Self.discharge()
    change(&samples)
    do throws(FitRefusal) {
      try FitCheck(record: FitRecord(name: name, samples: samples)).run()
      Issue.record("\(name) was not refused")
    } catch {
      #expect(error.message.contains(reason), "\(error.message)")
      #expect(error.record == name)
    }
  }

  @Test func theRightRecordIsNot() throws {
    try FitCheck(record: FitRecord(name: "right", samples: Self.discharge())).run()
  }

  /// A gap in a rest loses no charge.
  @Test func aGapInARestIsFine() throws {
    var samples = Self.discharge()
    samples.removeSubrange(310..<350)
    try FitCheck(record: FitRecord(name: "rest", samples: samples)).run()
  }

  @Test(
    arguments: [
      ("one current only", 300, nil, nil, nil), ("expected at least 60 %", 360, 1.0, 6.0, nil),
      ("is not below the upper", 360, 4.0, 2.0, nil),
      ("--capacity is 0.7 Ah, but 0.831 Ah passed", 360, nil, nil, 0.7),
    ] as [(String, Int, Double?, Double?, Double?)])
  func recordsThatSayTooLittleTogetherAreRefused(
    reason: String, count: Int, lower: Double?, upper: Double?, capacity: Double?
  ) {
    let record = FitRecord(name: "a", samples: Array(Self.discharge().prefix(count)))
    let request = CellFit.Request(
      name: "a", source: "a", lowerCutoffVolts: lower, upperCutoffVolts: upper,
      capacityAmpereHours: capacity)
    do throws(FitRefusal) {
      _ = try CellFit.run([record], request)
      Issue.record("not refused")
    } catch {
      #expect(error.message.contains(reason), "\(error.message)")
    }
  }

  @Test func aCurveThatRisesWithSodiumIsNoHalfCell() {
    let points = (0..<10).map { (content: Double($0) / 10, volts: 2 + Double($0) / 10) }
    do throws(FitRefusal) {
      _ = try HalfCellCurve(points, name: "c")
      Issue.record("not refused")
    } catch {
      #expect(error.message.contains("rises with the content"))
    }
  }
}
