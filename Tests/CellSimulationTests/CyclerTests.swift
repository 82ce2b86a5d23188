// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Testing

@Suite struct CyclerStepTests {
  @Test(
    arguments: [
      ("Discharge at 1C until 2.0 V", CyclerStep.Action.discharge(.cRate(1)), nil, .volts(2)),
      ("Rest for 1 hour", .rest, 3600, nil),
      ("Charge at C/2 until 4.2 V", .charge(.cRate(0.5)), nil, .volts(4.2)),
      ("Hold at 4.2 V until C/20", .hold(volts: 4.2), nil, .rate(.cRate(0.05))),
      ("hold at 4200mV until 50 mA", .hold(volts: 4.2), nil, .rate(.amperes(0.05))),
      (
        "Discharge at 1.5 A for 30 minutes or until 2.5 V", .discharge(.amperes(1.5)), 1800,
        .volts(2.5)
      ),
      ("Charge at 300 mA until 4.1V", .charge(.amperes(0.3)), nil, .volts(4.1)),
      ("Discharge at 2 W for 10 minutes", .discharge(.watts(2)), 600, nil),
      ("DISCHARGE AT 500mW FOR 10 s", .discharge(.watts(0.5)), 10, nil),
      ("charge at 2C until 4 V or for 2 h", .charge(.cRate(2)), 7200, .volts(4)),
      ("  Charge   at C until 4V", .charge(.cRate(1)), nil, .volts(4)),
      ("Hold at 4 V for 2 hours", .hold(volts: 4), 7200, nil),
      ("Discharge at 1C until 2.5 V or 10 minutes", .discharge(.cRate(1)), 600, .volts(2.5)),
      ("Discharge at 1C until 2.5V or 90s", .discharge(.cRate(1)), 90, .volts(2.5)),
      ("Charge at 1.5C for 30 mins or 4.1 V", .charge(.cRate(1.5)), 1800, .volts(4.1)),
      ("Hold at 4.2 V until 50 mA or 1 day", .hold(volts: 4.2), 86_400, .rate(.amperes(0.05))),
    ] as [(String, CyclerStep.Action, Double?, CyclerStep.Until?)])
  func labLanguageIsRead(
    text: String, action: CyclerStep.Action, seconds: Double?, until: CyclerStep.Until?
  ) throws {
    let step = try CyclerStep.parse(text)
    #expect(step == CyclerStep(action: action, seconds: seconds, until: until, text: text))
  }

  @Test(arguments: [
    ("Discharge at 1X until 2 V", 14), ("Discharge at 1 X until 2 V", 14), ("Dischrge at 1C", 1),
    ("Charge 1C until 4 V", 8), ("Charge at 1C", 13), ("Rest", 5), ("Rest until 3 V", 6),
    ("Rest for 5 V", 10), ("Charge at 0 A until 4 V", 11), ("Charge at C/0 until 4 V", 11),
    ("Charge at 1C until 42 V", 20), ("Charge at 1C until C/20", 20), ("Hold at 4 V until 3 V", 19),
    ("Hold at 4 V until 2 W", 19), ("Charge at 1C for 1 hour or", 27), ("", 1),
    ("Charge at 1C until 4 V until 3 V", 24), ("Charge at 1C until 4 V please", 24),
    ("Charge at -1 A until 4 V", 11), ("Charge at 1.2.3 A until 4 V", 11),
    ("Charge at 1", 12), ("Rest for 1 hour until C/20", 17), ("Charge at nan A for 1 s", 11),
    ("Charge at 1C until 4 V or 3 V", 27), ("Charge at 1C for 1 h or 2 h", 25),
    ("Rest for 1 h or 3 V", 17), ("Charge at 1C until 4 V or please", 27),
    ("Charge at C/2/3 until 4 V", 11), ("Hold at 2 A until C/20", 9),
  ]) func wrongWordsArePointedAt(text: String, column: Int) {
    #expect {
      try CyclerStep.parse(text)
    } throws: { error in
      guard let error = error as? CyclerSyntaxError else { return false }
      #expect(error.column == column, "\(error)")
      return !error.expected.isEmpty && !error.message.isEmpty
    }
  }
}

@Suite struct CyclerRunTests {
  private func run(
    _ texts: [String], soc: Double, sampling: Double = 60
  ) throws -> (summaries: [CyclerStepSummary], samples: [CyclerSample], cell: Cell) {
    let steps = try texts.map { text in try CyclerStep.parse(text) }
    var run = try CyclerRun(steps: steps, for: TestCells.electrodes)
    run.samplingSeconds = sampling
    var cell = try Cell(TestCells.electrodes, stateOfCharge: soc)
    var samples: [CyclerSample] = []
    let summaries = run.run(on: &cell) { samples.append($0) }
    return (summaries, samples, cell)
  }

  @Test func aCycleEndsAtItsLimits() throws {
    let result = try run(
      [
        "Charge at 1C until 4.2 V", "Hold at 4.2 V until C/20", "Rest for 10 minutes",
        "Discharge at 1C until 2.0 V",
      ], soc: 0.8)
    #expect(result.summaries.map(\.end) == [.limit, .limit, .time, .limit])
    #expect(result.summaries[2].seconds == 600)
    #expect(result.summaries[2].chargeAmpereHours == 0)
    #expect(result.summaries[3].chargeAmpereHours < -1)
    let discharge = result.summaries[3]
    let meanVolts = discharge.energyWattHours / discharge.chargeAmpereHours
    #expect(meanVolts > 2.5 && meanVolts < 3.5)
    #expect(
      (discharge.chargeAmpereHours + 1.5 * discharge.seconds / 3600).magnitude < 1e-9)
    let last = try #require(result.samples.last)
    #expect((last.volts - 2).magnitude < 1e-6)
    #expect(
      zip(result.samples, result.samples.dropFirst()).allSatisfy {
        $0.testSeconds <= $1.testSeconds
      })
    let total = result.summaries.reduce(0) { $0 + $1.seconds }
    #expect((last.testSeconds - total).magnitude < 1e-9)
    #expect(last.stepSeconds == discharge.seconds)
  }

  @Test func summariesDoNotDependOnTheSampling() throws {
    let texts = ["Discharge at 2C until 2.0 V", "Rest for 95 s"]
    let fine = try run(texts, soc: 0.9, sampling: 10)
    let coarse = try run(texts, soc: 0.9, sampling: 600)
    #expect(fine.summaries == coarse.summaries)
    #expect(coarse.samples.filter { $0.step == 2 }.map(\.stepSeconds) == [0, 95])
    let discharge = fine.summaries[0]
    let last = try #require(fine.samples.last { $0.step == 1 })
    #expect(discharge.endVolts == last.volts && discharge.endAmperes == last.amperes)
    let hottest = try #require(fine.samples.map(\.temperatureCelsius).max())
    #expect(discharge.highestCelsius == hottest && hottest > 26)
  }

  @Test func whatTheRecordThrowsEndsTheRun() throws {
    struct Full: Error {}
    let steps = [try CyclerStep.parse("Rest for 100 s")]
    let run = try CyclerRun(steps: steps, for: TestCells.electrodes)
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    var count = 0
    #expect(throws: Full.self) {
      try run.run(on: &cell) { (_: CyclerSample) throws(Full) in
        count += 1
        if count == 3 { throw Full() }
      }
    }
    #expect(count == 3)
  }

  @Test func aLimitAlreadyMetEndsAtOnce() throws {
    let result = try run(["Discharge at 1C until 4.1 V", "Rest for 1 min"], soc: 0.5)
    #expect(result.summaries.map(\.end) == [.limitAlreadyMet, .time])
    #expect(result.summaries[0].seconds == 0)
    #expect(result.cell.netChargeAmpereHours == 0)
  }

  @Test func whicheverComesFirstEnds() throws {
    let result = try run(
      ["Discharge at C/2 for 90 s or until 2.5 V", "Discharge at 1C until 2.5 V or for 20 hours"],
      soc: 0.3)
    #expect(result.summaries.map(\.end) == [.time, .limit])
    #expect(result.summaries[0].seconds == 90)
    // Start, one after 60 s and the end.
    #expect(result.samples.filter { $0.step == 1 }.map(\.stepSeconds) == [0, 60, 90])
  }

  @Test func overchargeStopsTheRun() throws {
    let result = try run(["Charge at C/5 for 10 hours", "Rest for 1 hour"], soc: 0.9)
    #expect(result.summaries.count == 1)
    #expect([.unreachable, .outOfRange].contains(result.summaries[0].end))
  }

  @Test func aStepTakesNoLongerThanAllowed() throws {
    var run = try CyclerRun(
      steps: [try CyclerStep.parse("Hold at 3.4 V until 1 mA")], for: TestCells.electrodes)
    run.samplingSeconds = 100
    run.maximumStepSeconds = 250
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    let summary = try #require(run.run(on: &cell).first)
    #expect(summary.end == .tooLong)
    #expect(summary.seconds == 250)
  }

  @Test(arguments: [
    "Charge at 1C until 4.9 V", "Discharge at 1C until 0.5 V", "Hold at 6 V for 1 hour",
  ]) func voltagesBeyondTheCellAreRefused(text: String) throws {
    let steps = [try CyclerStep.parse("Rest for 1 s"), try CyclerStep.parse(text)]
    #expect {
      try CyclerRun(steps: steps, for: TestCells.electrodes)
    } throws: { error in
      (error as? CyclerProtocolError)?.step == 2
    }
  }

  @Test(arguments: [
    CyclerStep(action: .charge(.cRate(1)), seconds: nil, until: nil, text: ""),
    CyclerStep(action: .rest, seconds: 10, until: .volts(3), text: ""),
    CyclerStep(action: .charge(.amperes(0)), seconds: 10, until: nil, text: ""),
    CyclerStep(action: .charge(.amperes(1)), seconds: 10, until: .rate(.cRate(1)), text: ""),
    CyclerStep(action: .hold(volts: 4), seconds: -1, until: nil, text: ""),
  ]) func impossibleStepsAreRefused(step: CyclerStep) {
    #expect(throws: CyclerProtocolError.self) {
      try CyclerRun(steps: [step], for: TestCells.electrodes)
    }
  }
}
