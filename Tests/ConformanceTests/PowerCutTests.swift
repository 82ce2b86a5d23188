// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import ChipDrivers
import ChipEmulators
import Quantities
import TestSupport
import Testing

@testable import Firmware

/// A bus whose supply fails after so many content bytes have reached the memory.
final class CuttingBus: I2CBus {
  let bus = EmulatedI2CBus()
  let memory: I2CAddress
  /// How many more bytes are stored; nil for no end.
  var bytesLeft: Int?
  private(set) var isCut = false

  init(_ chip: any I2CTarget) throws {
    memory = chip.address
    try bus.attach(chip)
  }

  func restorePower() {
    isCut = false
    bytesLeft = nil
  }

  func transfer(
    with address: I2CAddress, writing bytes: Span<UInt8>, reading buffer: inout MutableSpan<UInt8>
  ) throws(I2CError) {
    if isCut { throw .noAcknowledge }
    let content = max(bytes.count - 2, 0)
    if address == memory, content > 0, let left = bytesLeft {
      if left < content, let target = bus.target(at: address) {
        // The first bytes go over the wire, and then there is no wire.
        isCut = true
        _ = target.start(.write)
        for i in 0..<(2 + left) { _ = target.receive(bytes[i]) }
        throw .noAcknowledge
      }
      bytesLeft = left - content
    }
    try bus.transfer(with: address, writing: bytes, reading: &buffer)
  }
}

private typealias PlainKeeper<Memory: NonvolatileMemory> = StateKeeper<Memory, EstimatorSnapshot>

/// What an estimator keeps, with words that differ in every byte from those of another sequence.
private protocol SampleKept: KeptEstimator {
  static func sample(_ sequence: UInt32) -> Self
}

extension EstimatorSnapshot: SampleKept {
  fileprivate static func sample(_ sequence: UInt32) -> EstimatorSnapshot {
    var words = InlineArray<54, Int64>(repeating: 0)
    for i in 8..<44 { words[i] = 0x0101_0101_0101 &* Int64(sequence) &+ Int64(i) }
    words[5] = 1 << 40
    words[6] = 1 << 40
    words[51] = 25_000
    return EstimatorSnapshot(words: words)
  }
}

private let newCell = LifelongEstimator(
  profile: .sample(), composition: .sample(), stateOfCharge: .partsPerMillion(500_000),
  isFresh: true
).kept

extension LifelongSnapshot: SampleKept {
  fileprivate static func sample(_ sequence: UInt32) -> LifelongSnapshot {
    var kept = newCell
    kept.filter = .sample(sequence)
    // The triangle of the covariance takes any number.
    for i in 77..<287 {
      kept.modes[i] = 0x0101_0101_0101 &* Int64(sequence) &+ Int64(i)
    }
    return kept
  }
}

/// States told apart by their sequence.
private func state<Kept: SampleKept>(
  _ sequence: UInt32, isClean: Bool = false
) -> KeptState<Kept> {
  KeptState(
    sequence: sequence, configuration: 7, isCleanStop: isClean,
    wallClock: CalendarTime(secondsSince2000: Int64(sequence)), estimator: .sample(sequence),
    history: FaultHistory())
}

/// A power cut at every byte of every write leaves the newest whole state.
@Suite struct PowerCutTests {
  /// Searches the memory as a start does.
  private func find<Memory: NonvolatileMemory, Kept: SampleKept>(
    _ keeper: inout StateKeeper<Memory, Kept>, on bus: inout CuttingBus, _ pass: () -> Int64
  ) -> StateKeeper<Memory, Kept>.Finding {
    for _ in 0..<100 {
      if let finding = keeper.search(on: &bus, at: .microseconds(pass())) { return finding }
    }
    Issue.record("the search does not end")
    return .init(state: nil, unreadable: 0, isOtherVersion: false)
  }

  /// Works until the keeper is idle or the power is gone.
  private func work<Memory: NonvolatileMemory, Kept: SampleKept>(
    _ keeper: inout StateKeeper<Memory, Kept>, on bus: inout CuttingBus, _ pass: () -> Int64,
    until stop: () -> Bool = { false }
  ) {
    for _ in 0..<500 {
      if keeper.isIdle || bus.isCut || stop() { return }
      _ = keeper.advance(on: &bus, at: .microseconds(pass()))
    }
    Issue.record("the save does not end")
  }

  private func expect<Kept: SampleKept>(
    _ found: KeptState<Kept>?, is sequence: UInt32, isCompact: Bool = false, _ comment: Comment
  ) {
    guard sequence > 0 else {
      #expect(found == nil, comment)
      return
    }
    #expect(found?.sequence == sequence, comment)
    guard let found else { return }
    let whole = Kept.sample(sequence)
    let modes = isCompact ? EstimatorSection.compactModes : EstimatorSection.modes
    for tag in [EstimatorSection.filter, modes] {
      let count = Kept.count(ofSection: tag)
      let isEqual = (0..<count).allSatisfy {
        found.estimator.word($0, ofSection: tag) == whole.word($0, ofSection: tag)
      }
      #expect(isEqual, comment)
    }
  }

  /// How many bytes a state of this test has.
  private func length<Kept: SampleKept>(_ kept: Kept.Type, isCompact: Bool = false) -> Int {
    var bytes = Kept.Record()
    let state: KeptState<Kept> = state(1)
    return StateRecord.encode(state, into: &bytes, isCompact: isCompact)
  }

  @Test(arguments: [0, 1, 4] as [UInt32]) func everyByteOfFRAM(generations: UInt32) throws {
    try everyByteOfFRAM(generations, EstimatorSnapshot.self, from: 0, by: 1)
  }

  @Test(arguments: [0, 1, 4] as [UInt32])
  func everyByteOfFRAMWithModes(generations: UInt32) throws {
    // Five times as long: each number of generations has its own places within the slices.
    try everyByteOfFRAM(generations, LifelongSnapshot.self, from: Int(generations), by: 13)
  }

  private func everyByteOfFRAM<Kept: SampleKept>(
    _ generations: UInt32, _ kept: Kept.Type, from first: Int, by step: Int
  ) throws {
    let length = length(kept)
    let chip = MB85RC256VEmulator(address: I2CAddress(0x50))
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 100_000
      return now
    }
    var writer = StateKeeper<MB85RC256V, Kept>(MB85RC256V(address: chip.address))
    _ = find(&writer, on: &bus, pass)
    for _ in 0..<generations {
      writer.save(state(writer.nextSequence))
      work(&writer, on: &bus, pass)
    }
    #expect(writer.counts.saves == generations)
    let before = chip.memory
    for cut in Array(stride(from: first, to: length, by: step)) + [length] {
      chip.memory = before
      bus.restorePower()
      var keeper = StateKeeper<MB85RC256V, Kept>(MB85RC256V(address: chip.address))
      let known = find(&keeper, on: &bus, pass)
      expect(known.state, is: generations, "before the cut")
      keeper.save(state(keeper.nextSequence))
      bus.bytesLeft = cut
      work(&keeper, on: &bus, pass)
      bus.restorePower()
      chip.powerCycle()
      var next = StateKeeper<MB85RC256V, Kept>(MB85RC256V(address: chip.address))
      let found = find(&next, on: &bus, pass)
      expect(found.state, is: cut < length ? generations : generations + 1, "cut at byte \(cut)")
      // What comes after goes on as if nothing had been.
      next.save(state(next.nextSequence))
      work(&next, on: &bus, pass)
      #expect(next.counts.saves == 1)
    }
  }

  /// In an EEPROM a cut on the wire loses the page, and a cut in its write cycle leaves anything in it.
  @Test(arguments: [0, 1, 4] as [UInt32], [UInt64(81), 82, 83])
  func everyPageOfEEPROM(generations: UInt32, seed: UInt64) throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57), seed: seed)
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 20_000
      chip.advance(toMicroseconds: now)
      return now
    }
    var first = PlainKeeper(AT24C32(address: chip.address))
    _ = find(&first, on: &bus, pass)
    for _ in 0..<generations {
      first.save(state(first.nextSequence))
      work(&first, on: &bus, pass)
    }
    #expect(first.counts.saves == generations)
    let before = chip.memory
    let length = length(EstimatorSnapshot.self)
    let pages = (length + 31) / 32
    for page in 1...pages {
      for inCycle in [false, true] {
        chip.memory = before
        var keeper = PlainKeeper(AT24C32(address: chip.address))
        expect(find(&keeper, on: &bus, pass).state, is: generations, "before the cut")
        keeper.save(state(keeper.nextSequence))
        if inCycle {
          // The page is sent whole; the power fails while the chip stores it.
          let written = chip.pageWrites.reduce(0, +)
          work(&keeper, on: &bus, pass) {
            chip.pageWrites.reduce(0, +) - written == page - 1 && chip.isBusy
          }
        } else {
          bus.bytesLeft = min((page - 1) * 32 + Int(seed) * 7 % 32, length - 1)
          work(&keeper, on: &bus, pass)
        }
        chip.powerCycle()
        bus.restorePower()
        var next = PlainKeeper(AT24C32(address: chip.address))
        let found = find(&next, on: &bus, pass).state
        let comment: Comment = "page \(page), in cycle \(inCycle), seed \(seed)"
        // The last page may have been finished by chance.
        if inCycle, page == pages, found?.sequence == generations + 1 {
          expect(found, is: generations + 1, comment)
        } else {
          expect(found, is: generations, comment)
        }
      }
    }
  }

  /// A state with modes in an EEPROM, which has no room for two of them in full: the wire is cut at every
  /// byte, and the power at every page's write cycle; the places of the three take turns.
  @Test(arguments: [0, 1, 3] as [UInt32], [UInt64(84)])
  func everyByteOfEEPROMWithModes(generations: UInt32, seed: UInt64) throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57), seed: seed)
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 20_000
      chip.advance(toMicroseconds: now)
      return now
    }
    typealias Keeper = StateKeeper<AT24C32, LifelongSnapshot>
    var first = Keeper(AT24C32(address: chip.address))
    _ = find(&first, on: &bus, pass)
    for _ in 0..<generations {
      first.save(state(first.nextSequence))
      work(&first, on: &bus, pass)
    }
    #expect(first.counts.saves == generations)
    let before = chip.memory
    let length = length(LifelongSnapshot.self, isCompact: true)
    let offset = Int(generations) % 3
    let cuts = Array(stride(from: generations == 3 ? 2 : offset, to: length, by: 3))
    let pages = (length + 31) / 32
    func check(_ comment: Comment, mayBeWhole: Bool = false, _ cut: (inout Keeper) -> Void) {
      chip.memory = before
      var keeper = Keeper(AT24C32(address: chip.address))
      expect(
        find(&keeper, on: &bus, pass).state, is: generations, isCompact: true, "before the cut")
      keeper.save(state(keeper.nextSequence))
      cut(&keeper)
      chip.powerCycle()
      bus.restorePower()
      var next = Keeper(AT24C32(address: chip.address))
      let found = find(&next, on: &bus, pass).state
      let isWhole = mayBeWhole && found?.sequence == generations + 1
      expect(found, is: isWhole ? generations + 1 : generations, isCompact: true, comment)
    }
    for cut in cuts {
      check("cut at byte \(cut), seed \(seed)") { keeper in
        bus.bytesLeft = cut
        work(&keeper, on: &bus, pass)
      }
    }
    for page in stride(from: 1 + offset, through: pages, by: 3) {
      // The last page may have been finished by chance.
      check("in the cycle of page \(page), seed \(seed)", mayBeWhole: page == pages) { keeper in
        let written = chip.pageWrites.reduce(0, +)
        work(&keeper, on: &bus, pass) {
          chip.pageWrites.reduce(0, +) - written == page - 1 && chip.isBusy
        }
      }
    }
  }

  /// What a firmware with other slots left in the same memory is no state of this one.
  @Test func anotherLayoutIsNoOlderState() throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57))
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 20_000
      chip.advance(toMicroseconds: now)
      return now
    }
    var long = StateKeeper<AT24C32, LifelongSnapshot>(AT24C32(address: chip.address))
    _ = find(&long, on: &bus, pass)
    long.save(state(7))
    work(&long, on: &bus, pass)
    var short = PlainKeeper(AT24C32(address: chip.address))
    let found = find(&short, on: &bus, pass)
    #expect(found.state == nil && found.isOtherVersion)
  }

  /// The mark that a clean stop was opened, cut at each of its bytes: the state stays, and is either
  /// still a clean one or not.
  @Test func everyByteOfTheMark() throws {
    let chip = MB85RC256VEmulator(address: I2CAddress(0x50))
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 100_000
      return now
    }
    var first = PlainKeeper(MB85RC256V(address: chip.address))
    _ = find(&first, on: &bus, pass)
    for _ in 0..<300 {
      first.save(state(first.nextSequence))
      work(&first, on: &bus, pass)
    }
    first.save(state(301, isClean: true))
    work(&first, on: &bus, pass)
    let before = chip.memory
    for cut in 0...4 {
      chip.memory = before
      bus.restorePower()
      var keeper = PlainKeeper(MB85RC256V(address: chip.address))
      #expect(find(&keeper, on: &bus, pass).state?.isCleanStop == true)
      keeper.markOpened()
      bus.bytesLeft = cut
      work(&keeper, on: &bus, pass)
      bus.restorePower()
      var next = PlainKeeper(MB85RC256V(address: chip.address))
      let found = find(&next, on: &bus, pass)
      #expect(found.state?.sequence == 301)
      // 301 has two bytes that are not zero, as new memory is.
      #expect(found.state?.isCleanStop == (cut < 2), "cut at byte \(cut)")
      #expect(found.unreadable == 0)
    }
  }

  /// A memory that cannot be reached at the start holds what it held: what is stored later is newer.
  @Test func aMemoryThatComesLate() throws {
    let chip = MB85RC256VEmulator(address: I2CAddress(0x50))
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 100_000
      return now
    }
    var first = PlainKeeper(MB85RC256V(address: chip.address))
    _ = find(&first, on: &bus, pass)
    for _ in 0..<6 {
      first.save(state(first.nextSequence))
      work(&first, on: &bus, pass)
    }
    chip.isPresent = false
    var second = PlainKeeper(MB85RC256V(address: chip.address))
    #expect(find(&second, on: &bus, pass).state == nil)
    let isUnsure = second.needsSurvey
    #expect(isUnsure)
    second.survey()
    work(&second, on: &bus, pass)
    let isStillUnsure = second.needsSurvey
    #expect(isStillUnsure, "it is not there yet")
    chip.isPresent = true
    second.survey()
    work(&second, on: &bus, pass)
    let (isUnsureNow, sequence) = (second.needsSurvey, second.nextSequence)
    #expect(!isUnsureNow && sequence == 7)
    second.save(state(second.nextSequence))
    work(&second, on: &bus, pass)
    var third = PlainKeeper(MB85RC256V(address: chip.address))
    expect(find(&third, on: &bus, pass).state, is: 7, "the newer one")
  }

  /// Each page of an EEPROM outlives ten years of the fastest saving that its rule allows.
  @Test func wear() throws {
    try wear(EstimatorSnapshot.self, saves: 400, generations: 4)
    try wear(LifelongSnapshot.self, saves: 40, generations: 2)
  }

  private func wear<Kept: SampleKept>(
    _ kept: Kept.Type, saves: Int64, generations: Int64
  ) throws {
    let chip = AT24C32Emulator(address: I2CAddress(0x57))
    var bus = try CuttingBus(chip)
    var now: Int64 = 0
    func pass() -> Int64 {
      now += 20_000
      chip.advance(toMicroseconds: now)
      return now
    }
    var keeper = StateKeeper<AT24C32, Kept>(AT24C32(address: chip.address))
    _ = find(&keeper, on: &bus, pass)
    for _ in 0..<saves {
      keeper.save(state(keeper.nextSequence))
      work(&keeper, on: &bus, pass)
    }
    let most = try #require(chip.pageWrites.max())
    #expect(most == saves / generations, "all slots share the wear")
    let layout = StateLayout(in: AT24C32.self, of: kept)
    #expect(Int64(layout.generations) == generations)
    let rule = SaveRule.lasting(
      years: 10, writeCycles: AT24C32.writeCycles, generations: layout.generations)
    let writesPerYear = rule.mostSavesPerYear * most / saves
    #expect(AT24C32.writeCycles / writesPerYear >= 10)
  }
}

/// The calendar's time by a DS3231.
@Suite struct CalendarTests {
  @Test func readsTheClockAndReckonsBetween() throws {
    let chip = DS3231Emulator()
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    let start = try #require(CalendarTime(year: 2_026, month: 2, day: 28, hour: 23))
    var driver = DS3231()
    try driver.configure(on: &bus)
    try driver.setTime(start, on: &bus)
    var calendar = Calendar(.ds3231(DS3231()))
    #expect(calendar.isWaiting)
    calendar.service(on: &bus, at: .microseconds(5_000_000))
    #expect(calendar.time(at: .microseconds(5_000_000)) == start)
    #expect(
      calendar.time(at: .microseconds(65_999_999))
        == CalendarTime(secondsSince2000: start.secondsSince2000 + 60))
    #expect(calendar.time(at: .microseconds(4_000_000)) == nil, "the clock stepped back")
  }

  @Test func aClockThatStoppedTellsNothing() throws {
    let chip = DS3231Emulator()
    var bus = EmulatedI2CBus()
    try bus.attach(chip)
    var calendar = Calendar(.ds3231(DS3231()))
    for second in 0..<8 { calendar.service(on: &bus, at: .microseconds(Int64(second) * 1_000_000)) }
    #expect(!calendar.isWaiting, "a start does not wait for it forever")
    #expect(calendar.time(at: .microseconds(9_000_000)) == nil)
  }
}
