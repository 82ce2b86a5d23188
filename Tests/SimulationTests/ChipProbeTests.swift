// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipEmulators
import Simulation
import Testing

@Suite struct ChipProbeTests {
  private static func board(_ gauge: ChipKind, _ charge: ChipKind) throws -> EmulatedBoard {
    var board = try EmulatedBoard(
      EmulatedBoardTests.full(gauge: gauge, charge: charge),
      EmulationSetup(cell: TestCells.circuit, seed: 1))
    board.advance(to: 1_000_000)
    return board
  }

  /// Every emulated chip is who its description says.
  @Test(arguments: [(ChipKind.max17048, ChipKind.bq27441), (.max17055, .bq27427)])
  func everyChipIsRecognized(_ gauge: ChipKind, _ charge: ChipKind) throws {
    let board = try Self.board(gauge, charge)
    var bus = board.bus
    for chip in board.description.chips {
      guard case .present = ChipProbe.ask(chip.kind, at: chip.address, on: &bus) else {
        Issue.record("\(chip.kind)")
        continue
      }
    }
  }

  /// Whichever of two chips with an identity is taken for the other, it shows.
  @Test func anotherChipShows() throws {
    let board = try Self.board(.max17048, .bq27441)
    var bus = board.bus
    let wrong: [(ChipKind, UInt8, UInt16)] = [
      (.max17055, 0x36, 0x4010), (.bq27427, 0x55, 0x0427),
    ]
    for (kind, address, expected) in wrong {
      guard case .wrong(expected, _) = ChipProbe.ask(kind, at: address, on: &bus) else {
        Issue.record("\(kind)")
        continue
      }
    }
    let others: [(ChipKind, UInt8)] = [(.ina228, 0x41), (.ina226, 0x40), (.tmp117, 0x49)]
    for (kind, address) in others {
      guard case .wrong = ChipProbe.ask(kind, at: address, on: &bus) else {
        Issue.record("\(kind)")
        continue
      }
    }
  }

  /// A front end has no identity, but a checksum that no other chip has behind its bytes.
  @Test func aFrontEndIsKnownByItsChecksum() throws {
    let frontEnd = BoardChip(
      kind: .bq76920, address: 0x08, roles: .monitor, shuntOhms: 0.005, rangeAmperes: 20)
    let description = BoardDescription(
      name: "pack", source: "assumed", cell: "circuit", seriesCells: 4, bus: BoardBus(device: nil),
      chips: [frontEnd], limits: BoardLimits(chargeAmperes: 1, dischargeAmperes: 3))
    var board = try EmulatedBoard(description, EmulationSetup(cell: TestCells.circuit, seed: 1))
    board.advance(to: 1_000_000)
    var bus = board.bus
    #expect(ChipProbe.ask(.bq76920, at: 0x08, on: &bus) == .present(identity: nil))
    let other = try Self.board(.max17048, .bq27441)
    bus = other.bus
    #expect(ChipProbe.ask(.bq76920, at: 0x48, on: &bus) == .unchecked)
  }

  @Test func aChipThatIsAwayFails() throws {
    let board = try Self.board(.max17048, .bq27441)
    var bus = board.bus
    for chip in board.description.chips {
      let isOff = board.setPresent(false, chipAt: chip.address)
      #expect(isOff)
      #expect(
        ChipProbe.ask(chip.kind, at: chip.address, on: &bus) == .failed(.noAcknowledge),
        "\(chip.kind)")
      #expect(ChipProbe.call(chip.address, on: &bus) == .noAcknowledge)
    }
    bus.isHeldLow = true
    #expect(ChipProbe.ask(.ina228, at: 0x40, on: &bus) == .failed(.busStuck))
  }

  /// Looking who is there leaves no trace in a memory.
  @Test func aScanWritesNothing() throws {
    let board = try Self.board(.max17048, .bq27441)
    var bus = board.bus
    let found = (UInt8(0x08)...0x77).filter { ChipProbe.call($0, on: &bus) == nil }
    #expect(found == board.description.chips.map(\.address).sorted())
    for address: UInt8 in [0x50, 0x57] {
      guard let target = bus.target(at: I2CAddress(address)) else {
        Issue.record("no memory")
        continue
      }
      if let fram = target as? MB85RC256VEmulator {
        #expect(fram.memory.allSatisfy { $0 == 0 })
      } else if let memory = target as? AT24C32Emulator {
        #expect(memory.memory.allSatisfy { $0 == 0xFF })
        #expect(memory.pageWrites.allSatisfy { $0 == 0 })
      }
    }
  }
}
