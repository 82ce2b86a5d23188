// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct CyclerElementTests {
  private static let ends: [(String, CyclerStep.Action, [CyclerEnd])] = [
    ("Discharge at 1C until 2.0 V", .discharge(.cRate(1)), [end(.volts(2))]),
    ("Rest for 1 hour", .rest, [.seconds(3600)]),
    ("Charge at C/2 until 4.2 V", .charge(.cRate(0.5)), [end(.volts(4.2))]),
    ("Hold at 4.2 V until C/20", .hold(volts: 4.2), [end(.current(.cRate(0.05)))]),
    ("hold at 4200mV until 50 mA", .hold(volts: 4.2), [end(.current(.amperes(0.05)))]),
    (
      "Discharge at 1.5 A for 30 minutes or until 2.5 V", .discharge(.amperes(1.5)),
      [.seconds(1800), end(.volts(2.5))]
    ),
    ("DISCHARGE AT 500mW FOR 10 s", .discharge(.watts(0.5)), [.seconds(10)]),
    ("  Charge   at C until 4V", .charge(.cRate(1)), [end(.volts(4))]),
    (
      "Discharge at 1C until 2.5V or 90s", .discharge(.cRate(1)),
      [end(.volts(2.5)), .seconds(90)]
    ),
    (
      "Discharge at 5 ohm until 300 mAh or above 45 degC", .discharge(.ohms(5)),
      [end(.charge(ampereHours: 0.3)), end(.celsius(45), .above)]
    ),
    (
      "Charge at 10 mA/g until 4 V and 10 minutes or 80 mAh/g",
      .charge(.milliamperesPerGram(10)),
      [
        CyclerEnd([CyclerCondition(.volts(4)), CyclerCondition(.seconds(600))]),
        end(.specificCharge(milliampereHoursPerGram: 80)),
      ]
    ),
    ("Rest until below -5.5 \u{B0}C", .rest, [end(.celsius(-5.5), .below)]),
    (
      "Sweep to 2 V at 0.1 mV/s until above 2C", .sweep(toVolts: 2, voltsPerSecond: 1e-4),
      [end(.current(.cRate(2)), .above)]
    ),
    (
      "Follow reversed current from Data/US06.csv",
      .follow(.current, file: "Data/US06.csv", isReversed: true), []
    ),
  ]

  private static func end(
    _ amount: CyclerCondition.Amount, _ side: CyclerCondition.Side = .reached
  ) -> CyclerEnd { CyclerEnd([CyclerCondition(amount, side)]) }

  @Test(arguments: ends)
  func labLanguageIsRead(text: String, action: CyclerStep.Action, ends: [CyclerEnd]) throws {
    let step = CyclerStep(action: action, ends: ends, text: text)
    let read = try CyclerElement.parse(text, entry: 3)
    #expect(read == [CyclerElement(entry: 3, .step(step))])
  }

  @Test func oneTextCanStandForSeveralSteps() throws {
    let both = try CyclerElement.parse("Charge at C/2 to 4.2 V until C/20")
    #expect(both.count == 2)
    let pulses = try CyclerElement.parse(
      "Discharge at C/20 in pulses of 20 min with rests of 2 hours until 2 V")
    guard case .loop(_, false, let body) = pulses[0].content else {
      Issue.record("no loop: \(pulses)")
      return
    }
    #expect(body.count == 3)
    let jump = try CyclerElement.parse("Go to Cool if above 45 degC and cycle below 3")
    let conditions = [CyclerCondition(.celsius(45), .above), CyclerCondition(.cycle(3), .below)]
    #expect(jump[0].content == .goTo("Cool", conditions))
    #expect(try CyclerElement.parse("Label Cool")[0].content == .label("Cool"))
  }

  @Test(arguments: [
    ("Discharge at 1X until 2 V", 14), ("Discharge at 1 X until 2 V", 14), ("Dischrge at 1C", 1),
    ("Charge 1C until 4 V", 8), ("Charge at 1C", 13), ("Rest", 5), ("Rest until 3 V", 12),
    ("Rest for 5 V", 10), ("Charge at 0 A until 4 V", 11), ("Charge at C/0 until 4 V", 11),
    ("Charge at 1C until 42 V", 20), ("Charge at 1C until C/20", 20), ("Hold at 4 V until 3 V", 19),
    ("Hold at 4 V until 2 W", 19), ("Charge at 1C for 1 hour or", 27), ("", 1),
    ("Charge at 1C until 4 V until 3 V", 24), ("Charge at 1C until 4 V please", 24),
    ("Charge at -1 A until 4 V", 11), ("Charge at 1.2.3 A until 4 V", 11),
    ("Charge at 1", 12), ("Rest for 1 hour until C/20", 23), ("Charge at nan A for 1 s", 11),
    ("Charge at 1C until 4 V or 3 V", 27), ("Charge at 1C for 1 h or 2 h", 25),
    ("Rest for 1 h or 3 V", 17), ("Charge at 1C until 4 V or please", 27),
    ("Charge at C/2/3 until 4 V", 11), ("Hold at 2 A until C/20", 9),
    ("Charge at 5 ohm until 4 V", 11), ("Sweep to 4 V at 1 mV", 17), ("Go to x if 3 V", 12),
    ("Follow tide from a.csv", 8), ("Label a b", 9), ("Charge at 1C in pulses of 1 h", 30),
  ]) func wrongWordsArePointedAt(text: String, column: Int) {
    do throws(CyclerSyntaxError) {
      _ = try CyclerElement.parse(text)
      Issue.record("accepted: \(text)")
    } catch {
      #expect(error.column == column, "\(error)")
      #expect(!error.expected.isEmpty && !error.message.isEmpty)
    }
  }
}

@Suite struct CyclerRunTests {
  private static func read(_ texts: [String]) throws -> [CyclerElement] {
    try texts.enumerated().flatMap { try CyclerElement.parse($0.element, entry: $0.offset) }
  }

  private func run(
    _ texts: [String], soc: Double, sampling: Double = 60
  ) throws -> (summaries: [CyclerStepSummary], samples: [CyclerSample], cell: Cell) {
    var run = try CyclerRun(Self.read(texts), for: TestCells.electrodes)
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
    #expect(result.summaries.map(\.end) == [.limit(0), .limit(0), .time, .limit(0)])
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
    #expect(discharge.highestCelsius == last.temperatureCelsius && last.temperatureCelsius > 26)
  }

  @Test func whatTheRecordThrowsEndsTheRun() throws {
    struct Full: Error {}
    let run = try CyclerRun(Self.read(["Rest for 100 s"]), for: TestCells.electrodes)
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
    #expect(result.summaries.map(\.end) == [.limitAlreadyMet(0), .time])
    #expect(result.summaries[0].seconds == 0)
    #expect(result.cell.netChargeAmpereHours == 0)
  }

  @Test func whicheverComesFirstEnds() throws {
    let result = try run(
      ["Discharge at C/2 for 90 s or until 2.5 V", "Discharge at 1C until 2.5 V or for 20 hours"],
      soc: 0.3)
    #expect(result.summaries.map(\.end) == [.time, .limit(0)])
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
      Self.read(["Hold at 3.4 V until 1 mA"]), for: TestCells.electrodes)
    run.samplingSeconds = 100
    run.maximumStepSeconds = 250
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    let summary = try #require(run.run(on: &cell).first)
    #expect(summary.end == .tooLong)
    #expect(summary.seconds == 250)
  }

  @Test func allThatDoesNotFitIsToldAtOnce() throws {
    let texts = [
      "Rest for 1 s", "Charge at 1C until 4.9 V", "Discharge at 1C until 0.5 V", "Go to nowhere",
      "Hold at 6 V for 1 hour", "Discharge at 10 mA/g until 2 V", "Rest until above 200 degC",
    ]
    let elements = try Self.read(texts)
    do throws(CyclerProblems) {
      _ = try CyclerRun(elements, for: TestCells.electrodes)
      Issue.record("accepted")
    } catch {
      #expect(error.problems.map(\.entry) == [1, 2, 3, 4, 5, 6], "\(error)")
    }
  }

  @Test(arguments: 101...112 as ClosedRange<UInt64>)
  func endsAreMetAndNotPassed(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let rate = random.uniform(0.2, 3)
    let volts = random.uniform(2.4, 2.9)
    let charge = random.uniform(0.05, 1.2)
    let celsius = random.uniform(25.2, 29)
    let ohms = random.uniform(1, 8)
    let texts = [
      "Discharge at \(rate)C until \(volts) V or \(charge) Ah or above \(celsius) degC",
      "Rest until below \(25.05 + 0.1 * (celsius - 25)) degC or for 3 days",
      "Charge at \(rate)C until \(charge / 2) Ah or 4.2 V",
      "Discharge at \(ohms) ohm until \(volts) V or below \(2.2 / ohms) A",
    ]
    let result = try run(texts, soc: 0.95)
    for (number, summary) in result.summaries.enumerated() {
      guard case .limit(let place?) = summary.end else {
        #expect(summary.end == .time || summary.end == .limitAlreadyMet(0), "seed \(seed)")
        continue
      }
      let steps = try CyclerElement.parse(texts[number])
      guard case .step(let step) = steps[0].content else { continue }
      // 1 µV, 1 µA·s or 1 µK, or what 1 ms moves at these rates.
      let (miss, most): (Double, Double) =
        switch step.ends[place].conditions[0].amount {
        case .volts(let limit): ((summary.endVolts - limit).magnitude, 1e-6)
        case .charge(let limit):
          ((summary.chargeAmpereHours.magnitude - limit).magnitude, 1e-6)
        case .celsius(let limit): ((summary.endCelsius - limit).magnitude, 1e-5)
        case .current(.amperes(let limit)):
          ((summary.endAmperes.magnitude - limit).magnitude, 1e-5)
        default: (.infinity, 0)
        }
      #expect(miss <= most, "seed \(seed), step \(number + 1): \(summary)")
    }
    if result.summaries.count == 4 {
      let last = result.summaries[3]
      #expect((last.endVolts + last.endAmperes * ohms).magnitude < 1e-8, "seed \(seed)")
    }
  }

  @Test func conditionsJoinedByAndHoldTogether() throws {
    let late = try run(["Discharge at 1C until 3.2 V and 30 minutes or 2.2 V"], soc: 0.9)
    #expect(late.summaries[0].end == .limit(0))
    #expect(late.summaries[0].seconds >= 1800)
    #expect(late.summaries[0].endVolts < 3.2)
    let both = try run(["Discharge at 1C until 3 V and 0.3 Ah or 2.2 V"], soc: 0.9)
    #expect(both.summaries[0].chargeAmpereHours <= -0.3 + 1e-9)
    #expect(both.summaries[0].endVolts <= 3 + 1e-6)
  }

  @Test func sweepsAndTitrationsRun() throws {
    let result = try run(["Sweep to 3 V at 1 mV/s", "Sweep to 3.4 V at 1 mV/s"], soc: 0.5)
    #expect(result.summaries.map(\.end) == [.limit(nil), .limit(nil)])
    #expect((result.summaries[1].endVolts - 3.4).magnitude < 1e-9)
    #expect((result.summaries[1].seconds - 400).magnitude < 1e-6)
    let titration = try run(
      ["Discharge at C/5 in pulses of 20 min with rests of 1 hour until 2.2 V"], soc: 0.3)
    let pulses = titration.summaries.filter { $0.step == 1 }
    #expect(pulses.count >= 3 && pulses.last?.end == .limit(1))
    #expect(titration.summaries.count == 2 * pulses.count - 1)
  }

  @Test func blocksAndJumpsAreFollowed() throws {
    let pass = [
      CyclerElement(entry: 1, try CyclerElement.parse("Discharge at 1C for 1 min")[0].content),
      CyclerElement(entry: 2, .goTo("out", [CyclerCondition(.cycle(3), .above)])),
    ]
    let elements = [
      CyclerElement(entry: 0, .loop(times: 10, isCycle: true, pass)),
      CyclerElement(entry: 3, .label("out")),
      CyclerElement(entry: 4, try CyclerElement.parse("Rest for 5 s")[0].content),
    ]
    let run = try CyclerRun(elements, for: TestCells.electrodes)
    #expect(run.plannedCycles == 10)
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.9)
    let summaries = run.run(on: &cell)
    #expect(summaries.map(\.cycle) == [1, 2, 3, 3])
    #expect(summaries.map(\.step) == [1, 1, 1, 2])
  }

  @Test func circlesWithoutTimeAreLeft() throws {
    let texts = ["Label again", "Discharge at 1C until 4.1 V", "Go to again if below 4.5 V"]
    let run = try CyclerRun(Self.read(texts), for: TestCells.electrodes)
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    #expect(run.run(on: &cell).last?.end == .circling)
  }

  @Test func profilesAreFollowed() throws {
    let profile = try #require(CyclerProfile(seconds: [5, 6, 8, 20], values: [-1, 2, -0.5, 9]))
    let run = try CyclerRun(
      Self.read(["Follow current from a.csv", "Follow reversed current from a.csv for 18 s"]),
      for: TestCells.electrodes, profiles: ["a.csv": profile])
    var cell = try Cell(TestCells.electrodes, stateOfCharge: 0.5)
    let summaries = run.run(on: &cell)
    #expect(summaries.map(\.seconds) == [15, 18])
    #expect((summaries[0].chargedAmpereHours - 4.0 / 3600).magnitude < 1e-12)
    #expect((summaries[0].dischargedAmpereHours - 7.0 / 3600).magnitude < 1e-12)
    // Once, and 3 s of the second time: 1 s at 1 A, 2 s at -2 A.
    #expect((summaries[1].chargedAmpereHours - 8.0 / 3600).magnitude < 1e-12)
    #expect((summaries[1].dischargedAmpereHours - 8.0 / 3600).magnitude < 1e-12)
  }
}
