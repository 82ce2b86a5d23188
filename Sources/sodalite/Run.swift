// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BusProtocols
import CellEstimation
import CellSimulation
import ChipDrivers
import Firmware
import Foundation
import LinuxBus
import Quantities
import Simulation
import Telemetry

/// `sodalite run`: the firmware on a board.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the firmware on a board, or on an emulated one, until it is told to stop.",
    discussion: """
      One status line on a terminal; elsewhere a line every ten seconds, or with --format json one \
      object a tick. SIGINT, SIGTERM and SIGHUP turn the switches off and end the run. A protection \
      that trips or ends is told on standard error.

      With --steer an emulated board takes commands from standard input: current -1.5, power -3, \
      voltage 4.2, rest, cycles, ambient 40, supply off, faults 0.01, stuck on, unplug 0x40, \
      plug 0x40, brownout 0x40, truth.
      """)

  @Option(help: "The board: a name, such as pi-ina228-tmp117, or the path of a board.yaml.")
  var board: String
  @Flag(help: "Run on emulated chips and a simulated cell, in real time.") var emulated = false
  @Flag(help: "Take commands for the emulated board from standard input.") var steer = false
  @Flag(help: "Only turn the switches of the board off, as after a program that died.")
  var off = false
  @Option(help: "Ticks per second, 0.1 to 10.") var rate = 1.0
  @Option(
    help: "End after this time, such as 10min. (default: when told to stop)",
    transform: DurationArgument.init(argument:))
  var duration: DurationArgument?
  @Option(
    parsing: .unconditional,
    help: """
      What is believed of the state of charge at the start, where nothing keeps it. (default: 50%)
      """,
    transform: ShareArgument.init(argument:))
  var start = ShareArgument(fraction: 0.5)
  @Option(
    name: .customLong("start-deviation"), help: "How uncertain that is. (default: 30%)",
    transform: ShareArgument.init(argument:))
  var startDeviation = ShareArgument(fraction: 0.3)
  @Option(help: EstimatorArgument.help) var estimator: EstimatorArgument?
  @Flag(
    name: .customLong("age-unknown"),
    help: "The cell may be of any age; without this it is believed to be new.")
  var ageUnknown = false
  @Option(
    help: """
      Keep what is known of the cell in this file over power cuts and stops; none: keep nothing, and begin \
      with --start. (default: in the board's memory chip, none without one)
      """)
  var state: String?
  @Option(
    name: .customLong("chip-memory"),
    help:
      "A file for the bytes of an emulated board's memory chip; without it the chip is a new one.")
  var chipMemory: String?
  @Option(
    help: """
      End the latch of a protection, such as deepDischarge or switchDisagrees, once it is known what an \
      earlier run had latched; can be given again.
      """)
  var clear: [ProtectionArgument] = []
  @Option(help: "Write a BDF log; full files get the endings .1, .2 and so on.") var log: String?
  @Option(name: .customLong("log-megabytes"), help: "How large a log file grows, 1 to 1000.")
  var logMegabytes = 10
  @Option(name: .customLong("log-files"), help: "How many full log files are kept, 1 to 100.")
  var logFiles = 9
  @Option(parsing: .unconditional, help: "The seed of the emulated board.") var seed: UInt64 = 1
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (0.1...10).contains(rate) else {
      throw ValidationError("--rate \(rate): 0.1 to 10 ticks per second would be right")
    }
    guard start.fraction >= 0, startDeviation.fraction > 0 else {
      throw ValidationError("--start is 0 to 100%, and --start-deviation above 0")
    }
    guard (1...1_000).contains(logMegabytes), (1...100).contains(logFiles) else {
      throw ValidationError("--log-megabytes is 1 to 1000, and --log-files 1 to 100")
    }
    guard seed <= Int64.max else {
      throw ValidationError("--seed \(seed): 0 to \(Int64.max) would be right")
    }
  }

  func run() throws {
    // Before anything has a thread of its own: a thread takes over which signals are held.
    let events: ProcessEvents
    do throws(DeviceProblem) {
      events = try ProcessEvents()
    } catch {
      throw UserMistake.exit(error)
    }
    let choice = try BoardChoice.find(board)
    if off { return try turnOff(choice.board) }
    let configuration = try configuration(choice)
    let tables = try EstimatorTables(
      choice.cell, named: choice.board.cell, estimator ?? .usual(for: choice.cell))
    let isEmulated = emulated || choice.board.bus.device == nil
    guard !steer || isEmulated else {
      throw UserMistake.exit("--steer is for emulated boards; add --emulated", code: 64)
    }
    guard chipMemory == nil || isEmulated else {
      throw UserMistake.exit("--chip-memory is for emulated boards; add --emulated", code: 64)
    }
    let reporter = try RunReporter(
      format: format, choice: choice, isEmulated: isEmulated, seed: seed, rate: rate,
      log: logging(hasTruth: isEmulated))
    let schedule = RunSchedule(period: Int64((1e6 / rate).rounded()), seconds: duration?.seconds)
    let first = StateOfCharge.partsPerMillion(Int32((start.fraction * 1e6).rounded()))
    let deviation = Int32((startDeviation.fraction * 1e6).rounded())
    if let lifelong = tables.lifelong(first, deviation: deviation, isNew: !ageUnknown) {
      try run(choice, configuration, lifelong, isEmulated, events, schedule, reporter)
    } else {
      let plain = tables.plain(first, deviation: deviation)
      try run(choice, configuration, plain, isEmulated, events, schedule, reporter)
    }
  }

  private func run<Estimator: FirmwareEstimator>(
    _ choice: BoardChoice, _ configuration: FirmwareConfiguration, _ estimator: Estimator,
    _ isEmulated: Bool, _ events: borrowing ProcessEvents, _ schedule: RunSchedule,
    _ reporter: consuming RunReporter
  ) throws {
    if isEmulated {
      try runEmulated(choice, configuration, estimator, events, schedule, reporter)
    } else {
      try runOnLinux(choice, configuration, estimator, events, schedule, reporter)
    }
  }

  /// A line that is taken as a switch is off; so it stays when it is given back.
  private func turnOff(_ board: BoardDescription) throws {
    guard !emulated, board.bus.device != nil else { return }
    for line in [board.chargeSwitch, board.dischargeSwitch, board.precharge?.line] {
      _ = try orExit { () throws(DeviceProblem) in try Self.output(line) }
    }
    if let chip = board.chip(.monitor), chip.kind == .bq76920 { try turnOff(chip, of: board) }
  }

  /// The switches that a chip carries.
  private func turnOff(_ chip: BoardChip, of board: BoardDescription) throws {
    var bus = try orExit { () throws(DeviceProblem) in
      try LinuxI2CBus(path: board.bus.device ?? "")
    }
    do throws(ChipError) {
      try BQ76920.turnOff(on: &bus)
    } catch {
      throw UserMistake.exit(
        "the \(chip.kind.rawValue) did not turn its switches off: \(error)", code: 69)
    }
  }

  private func configuration(_ choice: BoardChoice) throws -> FirmwareConfiguration {
    do throws(BoardUnsupported) {
      return try choice.board.firmwareConfiguration(cell: choice.cell)
    } catch {
      throw UserMistake.exit("\(choice.path): \(error)", code: 69)
    }
  }

  private func logging(hasTruth: Bool) -> RunReporter.Logging? {
    log.map {
      RunReporter.Logging(
        path: $0, mostBytes: Int64(logMegabytes) << 20, oldFiles: logFiles, hasTruth: hasTruth)
    }
  }

  private func runEmulated<Estimator: FirmwareEstimator>(
    _ choice: BoardChoice, _ configuration: FirmwareConfiguration, _ estimator: Estimator,
    _ events: borrowing ProcessEvents,
    _ schedule: RunSchedule, _ reporter: consuming RunReporter
  ) throws {
    let emulation = try choice.emulate(seed: seed, stateOfCharge: 0.6)
    let bus = emulation.bus
    let chargeSwitch = emulation.chargeSwitch
    let dischargeSwitch = emulation.dischargeOutput
    if let chipMemory { try UserMistake.requireFolder(of: chipMemory, for: "--chip-memory") }
    let memory: ChipMemoryFile?
    do throws(DataProblem) {
      memory = try chipMemory.map { (path) throws(DataProblem) in
        try ChipMemoryFile(path: path, on: emulation)
      }
    } catch {
      throw UserMistake.exit(error)
    }
    let world = EmulatedWorld(emulation, steers: steer, memory: memory)
    try loop(
      choice.board, configuration, estimator, bus, chargeSwitch, dischargeSwitch, world, events,
      schedule,
      reporter)
  }

  private func runOnLinux<Estimator: FirmwareEstimator>(
    _ choice: BoardChoice, _ configuration: FirmwareConfiguration, _ estimator: Estimator,
    _ events: borrowing ProcessEvents,
    _ schedule: RunSchedule, _ reporter: consuming RunReporter
  ) throws {
    let board = choice.board
    var policy = choice.policy
    policy.budget = min(policy.budget, schedule.period / 3)
    let bus = try orExit { () throws(DeviceProblem) in
      try LinuxI2CBus(path: board.bus.device ?? "", policy: policy) {
        StandardError.write(
          "sodalite: nothing works on the bus, and opening it anew did not help: "
            + "switch the chips' supply off and on\n")
      }
    }
    let health = bus.health
    let chargeSwitch = try orExit { () throws(DeviceProblem) in
      try Self.output(board.chargeSwitch)
    }
    let dischargeSwitch = try orExit { () throws(DeviceProblem) in
      PrechargedSwitch(
        main: try Self.output(board.dischargeSwitch),
        path: try Self.output(board.precharge?.line))
    }
    let world = try orExit { () throws(DeviceProblem) in try LinuxWorld(board, health) }
    try loop(
      board, configuration, estimator, bus, chargeSwitch, dischargeSwitch, world, events, schedule,
      reporter)
  }

  /// Runs the firmware, with its memory where it has one.
  private func loop<
    Bus: I2CBus & ~Copyable, ChargeSwitch: DigitalOutput & ~Copyable,
    DischargeSwitch: DigitalOutput & ~Copyable, World: RunWorld, Estimator: FirmwareEstimator
  >(
    _ board: BoardDescription, _ configuration: FirmwareConfiguration, _ estimator: Estimator,
    _ bus: consuming Bus, _ chargeSwitch: consuming ChargeSwitch,
    _ dischargeSwitch: consuming DischargeSwitch, _ world: World, _ events: borrowing ProcessEvents,
    _ schedule: RunSchedule, _ reporter: consuming RunReporter
  ) throws {
    let keeping = StateKeeping(state, board)
    let configuration = keeping.configuration(configuration, for: Estimator.Kept.self)
    reporter.state = keeping.text(for: Estimator.Kept.self)
    switch keeping {
    case .nowhere:
      try loop(
        Firmware(
          configuration, estimator: estimator, bus: bus, chargeSwitch: chargeSwitch,
          dischargeSwitch: dischargeSwitch),
        world, events, schedule, reporter)
    case .fram(let chip):
      try loop(
        Firmware(
          configuration, estimator: estimator, bus: bus, chargeSwitch: chargeSwitch,
          dischargeSwitch: dischargeSwitch, memory: chip),
        world, events, schedule, reporter)
    case .eeprom(let chip):
      try loop(
        Firmware(
          configuration, estimator: estimator, bus: bus, chargeSwitch: chargeSwitch,
          dischargeSwitch: dischargeSwitch, memory: chip),
        world, events, schedule, reporter)
    case .file(let path):
      try loop(
        Firmware(
          configuration, estimator: estimator, bus: bus, chargeSwitch: chargeSwitch,
          dischargeSwitch: dischargeSwitch, memory: try Self.file(path)),
        world, events, schedule, reporter)
    }
  }

  private func loop<
    Bus: I2CBus & ~Copyable, ChargeSwitch: DigitalOutput & ~Copyable,
    DischargeSwitch: DigitalOutput & ~Copyable, Memory: NonvolatileMemory & ~Copyable,
    Estimator: FirmwareEstimator, World: RunWorld
  >(
    _ firmware: consuming Firmware<Bus, ChargeSwitch, DischargeSwitch, Memory, Estimator>,
    _ world: World, _ events: borrowing ProcessEvents, _ schedule: RunSchedule,
    _ reporter: consuming RunReporter
  ) throws {
    var loop = RunLoop(
      firmware: firmware, world: world, schedule: schedule, reporter: reporter,
      clears: clear.map(\.protection))
    try loop.run(events)
  }

  /// The file that keeps the state.
  private static func file(_ path: String) throws -> StateFile {
    try UserMistake.requireFolder(of: path, for: "--state")
    do throws(DataProblem) {
      return try StateFile(path: path)
    } catch {
      throw UserMistake.exit(error)
    }
  }

  /// A switch of the board, off; or one that does nothing where the board has none.
  private static func output(_ line: BoardLine?) throws(DeviceProblem) -> LinuxOutput {
    guard let line else { return LinuxOutput() }
    return try LinuxOutput(line.request)
  }

  private func orExit<Value: ~Copyable>(
    _ body: () throws(DeviceProblem) -> Value
  ) throws -> Value {
    do throws(DeviceProblem) {
      return try body()
    } catch {
      throw UserMistake.exit(error)
    }
  }
}
