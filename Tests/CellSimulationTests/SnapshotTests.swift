// SPDX-License-Identifier: Apache-2.0

import DeterministicMath
import Testing

@testable import CellSimulation

@Suite struct SnapshotTests {
  /// A cell, made the same way each time.
  enum Make: String, CaseIterable, CustomTestStringConvertible {
    case electrodes, wearing, coupled, circuit

    var testDescription: String { rawValue }

    func cell() throws -> Cell {
      switch self {
      case .electrodes: return try Cell(TestCells.electrodes, stateOfCharge: 0.5)
      case .circuit: return try Cell(TestCells.circuit, stateOfCharge: 0.5)
      case .wearing:
        let description = CellDescription.hu2024NFMPB1HardCarbon
        return try Cell(
          description, age: .after(cycles: 40, hours: 300, description), restingAtVolts: 3.1)
      case .coupled:
        let description = CellDescription.hu2024MPBHardCarbonCoin
        return try Cell(description, age: .fresh(description), restingAtVolts: 3.1)
      }
    }
  }

  /// What a cell does under a load of chance: every number that shows.
  private static func run(_ cell: inout Cell, seed: UInt64, count: Int) -> [UInt64] {
    var random = SeededRandom(seed: seed)
    let oneC = cell.description.ratedCapacityAmpereHours
    var seen: [UInt64] = []
    for _ in 0..<count {
      let amperes = random.uniform(-1, 1) * oneC
      let control: CellControl =
        switch random.next() % 4 {
        case 0: .voltage(volts: random.uniform(3.0, 3.3))
        case 1: .power(watts: 3 * amperes)
        default: .current(amperes: amperes)
        }
      cell.step(
        control, seconds: [0.1, 1, 2, 40][Int(random.next() % 4)], ambientCelsius: 31,
        until: CellLimits(lowerVolts: 2, upperVolts: 4.2))
      seen += [cell.terminalVolts, cell.currentAmperes, cell.temperatureCelsius].map(\.bitPattern)
    }
    var words = StateWords()
    cell.exchange(&words)
    return seen + words.words
  }

  @Test(arguments: Make.allCases, [UInt64(1), 2, 3])
  func aRestoredCellGoesOnToTheSameBits(make: Make, seed: UInt64) throws {
    var cell = try make.cell()
    _ = Self.run(&cell, seed: seed, count: 15)
    var kept = StateWords()
    cell.exchange(&kept)
    var restored = try make.cell()
    var words = StateWords(reading: kept.words)
    restored.exchange(&words)
    #expect(words.isComplete)
    #expect(
      Self.run(&restored, seed: seed + 100, count: 25)
        == Self.run(&cell, seed: seed + 100, count: 25))
  }

  @Test func wordsOfAnotherCellAreRejected() throws {
    var cell = try Make.electrodes.cell()
    var kept = StateWords()
    cell.exchange(&kept)
    for make in [Make.wearing, .coupled, .circuit] {
      var other = try make.cell()
      var words = StateWords(reading: kept.words)
      other.exchange(&words)
      #expect(!words.isComplete, "\(make)")
    }
    for count in [0, 1, kept.words.count - 1] {
      var words = StateWords(reading: Array(kept.words.prefix(count)))
      cell.exchange(&words)
      #expect(!words.isComplete, "\(count) words")
    }
    var words = StateWords(reading: kept.words + [0])
    cell.exchange(&words)
    #expect(!words.isComplete)
  }

  /// A field that is new in one of these belongs into its `exchange`, and then here.
  @Test func noFieldIsForgotten() throws {
    func names(_ value: Any) -> [String] { Mirror(reflecting: value).children.compactMap(\.label) }
    let pair = CellDescription.hu2024NFMPB1HardCarbon
    guard case .electrodes(let electrodes) = pair.model else { return }
    let equilibrium = PairEquilibrium(electrodes, lowerVolts: 2, upperVolts: 4.2, kelvin: 298.15)
    let cell = try ElectrodeCell(
      electrodes, equilibrium: equilibrium, thermal: pair.thermal, stateOfCharge: 0.5,
      kelvin: 298.15)
    #expect(
      names(cell.state) == [
        "lanes", "cathodeVolts", "anodeVolts", "cathodeRate", "anodeRate", "amperes",
        "terminalVolts", "slopeOhms", "kelvin", "heatJoules", "chargeAmpereSeconds",
        "throughputAmpereSeconds", "control", "doses",
      ])
    #expect(names(cell.state.doses) == ["calendarHours", "interphaseShare", "boundAmperes"])
    var lane = StateWords()
    var lanes = LaneState()
    lanes.exchange(&lane)
    #expect(8 * lane.words.count == MemoryLayout<LaneState>.size)
    var factor = StateWords()
    var factors = cell.factors
    factors.exchange(&factor)
    #expect(8 * factor.words.count == MemoryLayout<ElectrodeCell.TemperatureFactors>.size)
  }

  @Test(arguments: ["", "a", "1234567", "12345678", "größer als ein Wort \u{1F50B}"])
  func textsAndMissingNumbersComeBack(text: String) {
    var (text, number, nothing) = (text, Double?.some(-0.0), Double?.none)
    var kept = StateWords()
    kept.field(&text)
    kept.field(&number)
    kept.field(&nothing)
    var (otherText, other, otherNothing) = ("", Double?.none, Double?.some(1))
    var words = StateWords(reading: kept.words)
    words.field(&otherText)
    words.field(&other)
    words.field(&otherNothing)
    #expect(words.isComplete)
    #expect(otherText == text)
    #expect(other?.sign == .minus)
    #expect(otherNothing == nil)
  }

  /// A run that is put down after any step and taken up again ends in the same cell.
  @Test(arguments: [1, 2, 3, 7, 12]) func aRunGoesOnWhereItStood(steps: Int) throws {
    let entries = [
      "Rest for 1 min", "Discharge at 2C for 9 min", "Charge at 1C to 3.4 V until C/5",
    ]
    let body = try entries.enumerated().flatMap {
      try CyclerElement.parse($0.element, entry: $0.offset)
    }
    let elements = [CyclerElement(entry: 0, .loop(times: 5, isCycle: true, body))]
    let description = CellDescription.hu2024NFMPB1HardCarbon
    let run = try CyclerRun(elements, for: description)
    var cell = try Make.wearing.cell()
    var progress = run.start
    var last = 0.0
    for _ in 0..<steps {
      #expect(run.next(&progress, on: &cell) { _ in } != nil)
      let share = run.share(of: progress)
      #expect(share > last)
      last = share
    }
    #expect((last - Double(steps) / 20).magnitude < 1e-12)
    var kept = StateWords()
    progress.exchange(&kept)
    cell.exchange(&kept)
    var (otherProgress, other) = (run.start, try Make.wearing.cell())
    var words = StateWords(reading: kept.words)
    otherProgress.exchange(&words)
    other.exchange(&words)
    #expect(words.isComplete)
    #expect(otherProgress == progress)
    while run.next(&progress, on: &cell, record: { _ in }) != nil {}
    while run.next(&otherProgress, on: &other, record: { _ in }) != nil {}
    #expect(run.share(of: progress) == 1)
    #expect(otherProgress == progress)
    #expect(Self.run(&other, seed: 101, count: 3) == Self.run(&cell, seed: 101, count: 3))
  }
}
