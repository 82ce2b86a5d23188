// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellSimulation
import ChipEmulators
import Simulation
import Testing

/// Holds a board that cannot be copied, for the expectations' sake.
private final class Bench {
  var board: EmulatedBoard

  init(_ description: BoardDescription, _ setup: EmulationSetup) throws(EmulationProblem) {
    board = try EmulatedBoard(description, setup)
  }

  var description: BoardDescription { board.description }
  var bus: EmulatedI2CBus { board.bus }
  var chargeSwitch: EmulatedLine { board.chargeSwitch }
  var dischargeSwitch: EmulatedLine { board.dischargeSwitch }
  var now: Int64 { board.now }
  var truth: CellTruth { board.truth }
  var uses: [LineUse] { board.lines.map(\.use) }
  var memoryContent: [UInt8]? { board.memoryContent }
  func setMemoryContent(_ bytes: [UInt8]) -> Bool { board.setMemoryContent(bytes) }
  func advance(to microseconds: Int64) { board.advance(to: microseconds) }
  func ask(for control: CellControl) { board.ask(for: control) }
  func level(of use: LineUse) -> Bool { board.level(of: use) }
  func drive(_ use: LineUse, high: Bool) { board.drive(use, high: high) }
  func perform(_ command: EmulationCommand) throws(EmulationCommand.Mistake) {
    try board.perform(command)
  }
}

@Suite struct EmulatedBoardTests {
  /// The memory's bytes can be carried from one board to the next, as a chip is.
  @Test func aMemoryOutlivesItsBoard() throws {
    let setup = EmulationSetup(cell: .hu2024NFMPB1HardCarbon, seed: 5)
    for (kind, size, blank) in [(ChipKind.mb85rc256v, 32_768, UInt8(0)), (.at24c32, 4_096, 0xFF)] {
      var description = Self.full()
      description.chips.removeAll { $0.roles.contains(.memory) || $0.address == 0x57 }
      let bare = try Bench(description, setup)
      #expect(bare.memoryContent == nil)
      #expect(!bare.setMemoryContent([1]))
      description.chips.append(BoardChip(kind: kind, address: 0x57, roles: .memory))
      let bench = try Bench(description, setup)
      #expect(bench.memoryContent == [UInt8](repeating: blank, count: size))
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
      #expect(bench.setMemoryContent(bytes))
      #expect(!bench.setMemoryContent([1, 2, 3]))
      #expect(bench.memoryContent == bytes)
    }
  }

  /// A board with every chip that is emulated, as far as their addresses allow.
  static func full(gauge: ChipKind = .max17048, charge: ChipKind = .bq27441) -> BoardDescription {
    BoardDescription(
      name: "test", source: "assumed", cell: "nfm-pb-1-hc", bus: BoardBus(device: nil),
      chips: [
        BoardChip(
          kind: .ina228, address: 0x40, roles: .monitor, shuntOhms: 0.015, rangeAmperes: 10,
          alert: BoardLine(name: "ALERT", isActiveLow: true)),
        BoardChip(
          kind: .ina226, address: 0x41, roles: [], shuntOhms: 0.01, rangeAmperes: 8,
          isDischargePositive: true),
        BoardChip(kind: .ina219, address: 0x42, roles: [], shuntOhms: 0.1, rangeAmperes: 3),
        BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
        BoardChip(
          kind: .ads1115, address: 0x49, roles: [],
          divider: BoardDivider(upperOhms: 10_000, lowerOhms: 20_000),
          thermistor: BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000)),
        BoardChip(kind: .tmp102, address: 0x4A, roles: []),
        BoardChip(
          kind: gauge, address: 0x36, roles: .gauge,
          shuntOhms: gauge == .max17055 ? 0.01 : nil, rangeAmperes: gauge == .max17055 ? 5 : nil),
        BoardChip(kind: charge, address: 0x55, roles: .gauge),
        BoardChip(kind: .mb85rc256v, address: 0x50, roles: .memory),
        BoardChip(kind: .at24c32, address: 0x57, roles: []),
        BoardChip(kind: .ds3231, address: 0x68, roles: .clock),
      ],
      chargeSwitch: BoardLine(name: "CHARGE", isActiveLow: true),
      dischargeSwitch: BoardLine(name: "DISCHARGE"), supply: BoardLine(name: "SUPPLY"),
      limits: BoardLimits(chargeAmperes: 3, dischargeAmperes: 6))
  }

  private func board(_ description: BoardDescription = full(), seed: UInt64 = 1)
    throws -> Bench
  {
    try Bench(description, EmulationSetup(cell: TestCells.circuit, seed: seed))
  }

  private func word(_ register: UInt8, at address: UInt8, on bus: EmulatedI2CBus) throws(I2CError)
    -> UInt16
  {
    let pointer: InlineArray<1, UInt8> = [register]
    var answer: InlineArray<2, UInt8> = [0, 0]
    var span = answer.mutableSpan
    try bus.transfer(with: I2CAddress(address), writing: pointer.span, reading: &span)
    return UInt16(answer[0]) << 8 | UInt16(answer[1])
  }

  /// Who acknowledges its address when nothing else is asked.
  private func answering(_ bus: EmulatedI2CBus) -> [UInt8] {
    (0x08...0x77).filter { address in
      var nothing = MutableSpan<UInt8>()
      do throws(I2CError) {
        try bus.transfer(with: I2CAddress(address), writing: Span(), reading: &nothing)
        return true
      } catch { return false }
    }
  }

  @Test func everyChipAnswers() throws {
    for (gauge, charge) in [(ChipKind.max17048, ChipKind.bq27441), (.max17055, .bq27427)] {
      let board = try board(Self.full(gauge: gauge, charge: charge))
      board.advance(to: 1_000_000)
      #expect(answering(board.bus) == board.description.chips.map(\.address).sorted())
    }
  }

  /// Two chips at one address are refused.
  @Test func anAddressThatIsTakenIsRefused() {
    var description = Self.full()
    description.chips[1].address = 0x40
    do throws(EmulationProblem) {
      _ = try EmulatedBoard(
        description, EmulationSetup(cell: TestCells.circuit, seed: 1))
      Issue.record("it was built")
    } catch { #expect(error == .addressConflict(0x40)) }
  }

  /// The pins see the cell: the INA228's bus voltage follows a discharge.
  @Test func theChipsFollowTheCell() throws {
    let board = try board()
    board.dischargeSwitch.set(true)
    board.advance(to: 1_000_000)
    let rested = Double(try word(0x05, at: 0x40, on: board.bus)) * 256 / 16 * 195.3125e-6
    #expect(abs(rested - board.truth.volts) < 0.02)
    board.ask(for: .current(amperes: -1.5))
    board.advance(to: 1_801_000_000)
    let truth = board.truth
    #expect(truth.amperes == -1.5)
    #expect(truth.stateOfCharge < 0.2)
    let volts = Double(try word(0x05, at: 0x40, on: board.bus)) * 256 / 16 * 195.3125e-6
    #expect(abs(volts - truth.volts) < 0.02)
    // Shunts that are wired the other way round see the other sign.
    #expect(Int16(bitPattern: try word(0x04, at: 0x40, on: board.bus)) < 0)
    #expect(Int16(bitPattern: try word(0x01, at: 0x41, on: board.bus)) > 0)
  }

  /// Without its switch no charge moves, whatever is asked for.
  @Test(arguments: [(1.0, true), (-1.0, false)])
  func theSwitchesCutTheCellOff(_ amperes: Double, _ charges: Bool) throws {
    let board = try board()
    board.ask(for: .current(amperes: amperes))
    board.advance(to: 2_000_000)
    #expect(board.truth.amperes == 0)
    board.drive(charges ? .dischargeSwitch : .chargeSwitch, high: charges)
    board.advance(to: 4_000_000)
    #expect(board.truth.amperes == 0)
    // The charge switch of this board is active low.
    board.drive(charges ? .chargeSwitch : .dischargeSwitch, high: !charges)
    board.advance(to: 6_000_000)
    #expect(board.truth.amperes == amperes)
  }

  /// A board without switches cannot stop anything.
  @Test func aBoardWithoutSwitchesLetsAllPass() throws {
    var description = Self.full()
    description.chargeSwitch = nil
    description.dischargeSwitch = nil
    let board = try board(description)
    board.ask(for: .current(amperes: -1))
    board.advance(to: 1_000_000)
    #expect(board.truth.amperes == -1)
  }

  /// How finely time is cut changes little, and the same cuts give the same bits.
  @Test(arguments: [1, 2, 3]) func timeIsDeterministic(seed: UInt64) throws {
    func end(every step: Int64) throws -> CellTruth {
      let board = try board(seed: seed)
      board.dischargeSwitch.set(true)
      board.ask(for: .current(amperes: -0.7))
      var now: Int64 = 0
      while now < 600_000_000 {
        now += step
        board.advance(to: now)
      }
      return board.truth
    }
    let once = try end(every: 1_000_000)
    #expect(try end(every: 1_000_000) == once)
    #expect(abs(try end(every: 100_000).volts - once.volts) < 1e-3)
    #expect(abs(try end(every: 600_000_000).volts - once.volts) < 1e-3)
  }

  @Test func linesHaveTheBoardsLevels() throws {
    let board = try board()
    #expect(board.uses == [.chargeSwitch, .dischargeSwitch, .supply, .alert(chip: 0)])
    #expect(board.level(of: .chargeSwitch))  // off, and active low
    #expect(!board.level(of: .dischargeSwitch))
    #expect(board.level(of: .supply))
    #expect(board.level(of: .alert(chip: 0)))
    board.chargeSwitch.set(true)
    board.board.hasSupply = false
    #expect(!board.level(of: .chargeSwitch))
    #expect(!board.level(of: .supply))
  }

  /// What a command does can be seen on the bus or in the cell.
  @Test func commandsAct() throws {
    let board = try board()
    func perform(_ line: String) throws {
      try board.perform(EmulationCommand(line))
      board.advance(to: board.now + 1_000_000)
    }
    board.dischargeSwitch.set(true)
    try perform("current -0.5")
    #expect(board.truth.amperes == -0.5)
    try perform("power -2")
    #expect(abs(board.truth.amperes * board.truth.volts + 2) < 1e-6)
    try perform("rest")
    #expect(board.truth.amperes == 0)
    try perform("cycles")
    #expect(board.truth.amperes != 0)
    try perform("ambient 45")
    let ambient = board.board.ambientCelsius
    #expect(ambient == 45)
    try perform("supply off")
    #expect(!board.level(of: .supply))
    try perform("unplug 0x40")
    #expect(!answering(board.bus).contains(0x40))
    try perform("plug 0x40")
    #expect(answering(board.bus).contains(0x40))
    try perform("stuck on")
    #expect(answering(board.bus) == [])
    try perform("stuck off")
    #expect(answering(board.bus).count == 11)
    try perform("faults 0.1")
    for _ in 0..<20 { _ = answering(board.bus) }
    #expect(board.bus.faults.counts.total > 100)
    try perform("faults 0")
    #expect(answering(board.bus).count == 11)
    let written: InlineArray<3, UInt8> = [0x02, 0x12, 0x34]
    var nothing = MutableSpan<UInt8>()
    try board.bus.transfer(with: I2CAddress(0x40), writing: written.span, reading: &nothing)
    try perform("truth")
    #expect(try word(0x02, at: 0x40, on: board.bus) == 0x1234)
    try perform("brownout 0x40")
    #expect(try word(0x02, at: 0x40, on: board.bus) == 0x1000)
  }

  private static let mistakes = [
    ("", "unknown command ''; there are current, "), ("fly", "unknown command 'fly'; there are "),
    ("current", "current takes a number from -1000.0 to 1000.0"),
    ("current x", "current takes a number"), ("current nan", "current takes a number"),
    ("current 1 2", "current takes a number"), ("voltage 11", "voltage takes a number"),
    ("supply maybe", "supply takes on or off"), ("unplug 40", "unplug takes a chip's address"),
    ("plug 0x1FF", "plug takes a chip's address"), ("rest now", "rest takes nothing after it"),
  ]

  @Test(arguments: mistakes) func aMistakeIsExplained(_ line: String, _ message: String) {
    do throws(EmulationCommand.Mistake) {
      _ = try EmulationCommand(line)
      Issue.record("it was understood")
    } catch { #expect(error.description.hasPrefix(message)) }
  }

  @Test func noChipIsAMistake() throws {
    let board = try board()
    do throws(EmulationCommand.Mistake) {
      try board.perform(.brownout(address: 0x20))
      Issue.record("there is a chip")
    } catch { #expect(error.description == "no chip of the board is at 0x20") }
  }
}
