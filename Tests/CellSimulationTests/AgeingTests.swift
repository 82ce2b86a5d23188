// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Testing

@Suite struct AgeingTests {
  private static let full = Specimen(.hu2024NFMPB1HardCarbonCoin, cathodeGrams: 1)

  private static func freshCell(
    _ description: CellDescription = full.description, volts: Double = 3, celsius: Double = 25
  ) throws -> Cell {
    try Cell(
      description, age: .fresh(description), restingAtVolts: volts, temperatureCelsius: celsius)
  }

  private static func age(of cell: Cell) throws -> AgeingState { try #require(cell.age) }

  /// All doses of a state in one list.
  private static func doses(_ state: AgeingState) -> [Double] {
    state.siteCycles.flatMap { $0 } + [state.calendarHours, state.interphaseShare]
  }

  /// What a history adds must not depend on how it is cut into steps: within 0.1 %.
  private static func expectEqual(_ one: AgeingState, _ other: AgeingState) {
    for (left, right) in zip(doses(one), doses(other)) {
      #expect((left - right).magnitude <= 1e-3 * max(left, 1e-6), "\(left) and \(right)")
    }
  }

  @Test(arguments: [25.0, 45]) func aRestCanBeSplit(celsius: Double) throws {
    var whole = try Self.freshCell(volts: 3.4, celsius: celsius)
    var split = whole
    whole.step(.current(amperes: 0), seconds: 200 * 3600, ambientCelsius: celsius)
    for _ in 0..<200 { split.step(.current(amperes: 0), seconds: 3600, ambientCelsius: celsius) }
    let (one, other) = (try Self.age(of: whole), try Self.age(of: split))
    #expect(one.calendarHours > 100 && one.interphaseShare > 0.01)
    Self.expectEqual(one, other)
  }

  @Test func halvingTheStepChangesNoLoss() throws {
    func run(_ seconds: Double) throws -> AgeingState {
      var cell = try Self.freshCell(volts: 2.6)
      for amperes in [0.1, -0.1, 0.1] {
        for _ in 0..<Int(2400 / seconds) {
          cell.step(.current(amperes: amperes), seconds: seconds)
        }
      }
      return try Self.age(of: cell)
    }
    let (one, other) = (try run(2), try run(1))
    #expect(one.siteCycles[0][0] > 0.1)
    Self.expectEqual(one, other)
  }

  /// Long steps with their own error control and short ones lose the same.
  @Test func longStepsLoseAsMuchAsShortOnes() throws {
    var long = try Self.freshCell(volts: 2.6)
    var short = long
    for amperes in [0.1, -0.1] {
      long.step(.current(amperes: amperes), seconds: 2400)
      for _ in 0..<1200 { short.step(.current(amperes: amperes), seconds: 2) }
    }
    Self.expectEqual(try Self.age(of: long), try Self.age(of: short))
  }

  @Test func warmthHastensEveryLoss() throws {
    var states: [AgeingState] = []
    for celsius in [10.0, 25, 45] {
      var cell = try Self.freshCell(celsius: celsius)
      cell.step(.current(amperes: 0.1), seconds: 1800, ambientCelsius: celsius)
      cell.step(.current(amperes: 0), seconds: 360_000, ambientCelsius: celsius)
      states.append(try Self.age(of: cell))
    }
    for (cold, warm) in zip(states, states.dropFirst()) {
      for (less, more) in zip(Self.doses(cold), Self.doses(warm)) { #expect(less < more) }
    }
  }

  @Test func aFullCellAgesFasterAtRest() throws {
    func stored(_ volts: Double) throws -> AgeingState {
      var cell = try Self.freshCell(volts: volts)
      cell.step(.current(amperes: 0), seconds: 1_000_000)
      return try Self.age(of: cell)
    }
    let (empty, full) = (try stored(2.2), try stored(4))
    #expect(full.calendarHours > 1.5 * empty.calendarHours)
    #expect(full.interphaseShare > 1.5 * empty.interphaseShare)
  }

  /// The same charge through a narrow window strains less than through a wide one.
  @Test func aNarrowWindowStrainsLess() throws {
    func strained(_ seconds: Double, _ count: Int) throws -> Double {
      var cell = try Self.freshCell(volts: 3.4)
      for _ in 0..<count {
        cell.step(.current(amperes: 0.05), seconds: seconds)
        cell.step(.current(amperes: -0.05), seconds: seconds)
      }
      return try Self.age(of: cell).siteCycles[0][0]
    }
    #expect(try strained(300, 8) < 0.5 * strained(2400, 1))
  }

  /// Sodium that leaves the electrodes is in the interphase or went through no terminal.
  @Test func boundSodiumIsBooked() throws {
    guard case .electrodes(let pair) = Self.full.description.model else { return }
    var cell = try Self.freshCell(volts: 3.4)
    func sodium() -> Double {
      let contents = cell.siteContents
      let cathode = zip(contents.cathode, pair.cathode.sites)
        .reduce(0) { $0 + $1.0 * $1.1.capacityAmpereHours }
      let anode = zip(contents.anode, pair.anode.sites)
        .reduce(0) { $0 + $1.0 * $1.1.capacityAmpereHours }
      return cathode + anode
    }
    let before = sodium()
    // One control: capacities stay as they are, so only the interphase takes sodium.
    cell.step(.current(amperes: 0), seconds: 3_000_000)
    let bound = try Self.age(of: cell).interphaseShare * pair.anode.capacityAmpereHours
    #expect(bound > 1e-3)
    #expect((before - sodium() - bound).magnitude < 1e-9 * before)
  }

  /// Every mode is readable, and a cell started with a history is as old as the one that lived it.
  @Test func aHistoryCanBeGivenToAnotherCell() throws {
    var lived = try Self.freshCell(volts: 2.4)
    let capacities = Self.full.cycle(100, cycles: 40, on: &lived)
    let state = try Self.age(of: lived)
    let health = try Self.full.description.health(after: state)
    #expect(health.cathodeSites.count == 3)
    #expect(health.cathodeSites[2] < health.cathodeSites[0], "Fe_HS first")
    #expect(health.lossOfSodiumInventory > 0 && health.resistance == 1 && health.capacity < 1)
    var given = try Cell(Self.full.description, age: state, restingAtVolts: 2.4)
    let next = Self.full.cycle(100, cycles: 3, on: &given)
    let last = try #require(capacities.last)
    #expect((next[2] / last - 1).magnitude < 0.01, "\(next) after \(last)")
    #expect(next[2] < 0.99 * capacities[1])
  }

  @Test func storageCostsMoreWhenWarmAndFull() throws {
    func lost(_ volts: Double, _ celsius: Double) throws -> Double {
      let result = try Self.full.storage(days: 30, atVolts: volts, celsius: celsius)
      #expect(result.health.lossOfSodiumInventory > 0)
      return result.capacityBefore - result.capacityAfter
    }
    let mild = try lost(3.3, 25)
    #expect(mild > 0)
    #expect(try lost(4.1, 25) > mild)
    #expect(try lost(3.3, 45) > 1.5 * mild)
  }

  @Test func theCoupledGalleryGrowsInMPB() throws {
    let specimen = Specimen(.hu2024MPB, cathodeGrams: 1)
    var cell = try Self.freshCell(specimen.description, volts: 2.4)
    var peaks: [Int: Peak] = [:]
    specimen.cycle(100, cycles: 25, on: &cell) { number, branch in
      if [1, 15, 25].contains(number) {
        peaks[number] = branch.incrementalCapacity.highestPeak(in: 3.1...3.4)
      }
    }
    let first = try #require(peaks[1])
    let later = try #require(peaks[25])
    #expect(later.place > first.place, "the manganese peak moves towards the coupled one")
    let health = try specimen.description.health(after: try Self.age(of: cell))
    #expect(health.coupling > 0.05 && health.cathodeSites[2] > 0.02)
  }

  @Test func whatDoesNotAgeSaysSo() throws {
    #expect(throws: CellError.unknownAgeing) {
      try Cell(TestCells.circuit, age: .fresh(TestCells.circuit), restingAtVolts: 3)
    }
    #expect(throws: CellError.unknownAgeing) {
      let description = CellDescription.hu2024MPB
      return try Cell(
        description, age: .fresh(CellDescription.hu2024FeMnPB), restingAtVolts: 3)
    }
    #expect(try Cell(.hu2024MPB, restingAtVolts: 3).age == nil)
    let fresh = AgeingState.fresh(.hu2024MPB)
    #expect(CellDescription.hu2024MPB.aged(by: fresh) == .hu2024MPB)
    let old = AgeingState.after(cycles: 300, hours: 600, .hu2024NFMPB1)
    #expect(try CellDescription.hu2024NFMPB1.health(after: old).capacity < 0.95)
  }
}
