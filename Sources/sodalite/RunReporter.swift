// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import CellSimulation
import Firmware
import LinuxBus
import Quantities
import Simulation
import Telemetry

/// Tells how a run goes: to a terminal, to a program, to a log.
struct RunReporter: ~Copyable {
  /// Where the log goes, and how much of it.
  struct Logging {
    var path: String
    var mostBytes: Int64
    var oldFiles: Int
    /// Whether the truth is known, as of an emulated cell.
    var hasTruth: Bool
  }

  /// How many ticks there were.
  private(set) var ticks: Int64 = 0
  private let greeting: [String]
  private let format: OutputFormat
  private let isTerminal: Bool
  private var log: RotatingLog?
  private let logHasTruth: Bool
  private var lastLine: Int64 = .min
  private var firstUse: Int64?
  private var lastFaults = BusFaultCounts()
  private var restoration = Restoration.none
  /// Where the state is kept; nil where it is not.
  var state: String?
  private var prognosis: Prognosis?
  private var advice: HealthReport.Advice?

  /// Between two lines that nobody looks at while they come. Unit: µs.
  private static let pauseBetweenLines: Int64 = 10_000_000

  init(
    format: OutputFormat, choice: BoardChoice, isEmulated: Bool, seed: UInt64, rate: Double,
    log logging: Logging?
  ) throws {
    var log: RotatingLog? = nil
    do throws(DataProblem) {
      if let logging {
        log = try RotatingLog(
          path: logging.path,
          columns: [.temperature, .estimate, .interval] + Self.healthColumns
            + (logging.hasTruth ? [.truth] : []),
          mostBytes: logging.mostBytes, oldFiles: logging.oldFiles, blockSeconds: 10)
      }
    } catch {
      throw UserMistake.exit(error)
    }
    self.format = format
    isTerminal = format == .table && StandardOutput.isTerminal
    self.log = log
    logHasTruth = logging?.hasTruth ?? false
    greeting = Self.greeting(choice, isEmulated: isEmulated, seed: seed, rate: rate)
  }

  /// Says what runs, once all of it is there.
  func greet() {
    for line in greeting + [state].compactMap({ $0 }) {
      StandardError.write("sodalite: \(line)\n")
    }
  }

  private static func greeting(
    _ choice: BoardChoice, isEmulated: Bool, seed: UInt64, rate: Double
  ) -> [String] {
    let board = choice.board
    let place = isEmulated ? "emulated, seed \(seed)" : "on \(board.bus.device ?? "")"
    var lines = ["\(board.name), \(place), cell \(choice.cell.name), \(number(rate, 1)) Hz"]
    let lacking = [
      board.stopsCharge ? nil : "charging", board.stopsDischarge ? nil : "discharging",
    ].compactMap { $0 }
    if !lacking.isEmpty {
      lines.append("this board cannot stop \(lacking.joined(separator: " or ")): it only watches")
    }
    if board.chip(.monitor)?.kind.lacksCurrent ?? false {
      lines.append("the current is assumed, not measured: no limit on it is kept")
    }
    return lines
  }

  /// Of what fades; empty where the estimator does not follow it.
  private static let healthColumns = [
    BDFWriter.Column("Estimated Capacity / Ah", decimals: 6),
    BDFWriter.Column("Coupling Plateau over Rated Capacity / 1", decimals: 6),
    BDFWriter.Column("Accessible Iron over Rated Capacity / 1", decimals: 6),
  ]

  // MARK: - Ticks

  /// Takes what is expected of the cell; a charge that has taught something is told at once.
  mutating func note(_ prognosis: Prognosis, at time: MonotonicTime) {
    defer { self.prognosis = prognosis }
    guard let electrodes = prognosis.electrodes else { return }
    let begin = isTerminal ? "\r\u{1B}[K" : ""
    let moment = number(Double(time.microseconds) / 1e6, 1)
    if let before = self.prognosis?.electrodes, before.charges < electrodes.charges,
      let fading = prognosis.fading
    {
      StandardError.write(
        "\(begin)sodalite: \(moment) s: a charge taught: of a new cell's, \(fading)\n")
    }
    let advice = electrodes.learningChargeAdvice
    if advice != self.advice, let advice {
      StandardError.write(
        "\(begin)sodalite: \(moment) s: a slow charge from empty to full is advised: "
          + "\(advice.reason)\n")
    }
    self.advice = advice
  }

  /// Tells of a tick.
  mutating func note(
    _ report: Report, faults: BusFaultCounts, world: some RunWorld, missed: Int64
  ) throws {
    ticks += 1
    if firstUse == nil { firstUse = ProcessUse.microseconds }
    lastFaults = faults
    tell(report)
    do throws(DataProblem) {
      try write(report, world.truth)
    } catch {
      throw UserMistake.exit(error)
    }
    if format == .json {
      try sodalite.report(json(report, world, missed).text + "\n")
    } else if isTerminal {
      try sodalite.report("\r\u{1B}[K\(line(report, world))")
    } else if lastLine == .min
      || report.time.microseconds - lastLine >= Self.pauseBetweenLines
    {
      lastLine = report.time.microseconds
      try sodalite.report("\(number(seconds(report), 1)) s  \(line(report, world))\n")
    }
    if ticks % 60 == 1 { ServiceManager.notify("STATUS=\(line(report, world))") }
  }

  private func seconds(_ report: Report) -> Double { Double(report.time.microseconds) / 1e6 }

  /// Protections that begin and end are told at once.
  private mutating func tell(_ report: Report) {
    let begin = isTerminal ? "\r\u{1B}[K" : ""
    for (set, verb) in [(report.tripped, "tripped"), (report.released, "ended")] {
      for name in RunSummary.names(of: set) {
        StandardError.write(
          "\(begin)sodalite: \(number(seconds(report), 1)) s: \(name) \(verb)\n")
      }
    }
    if report.restoration != restoration {
      restoration = report.restoration
      StandardError.write("\(begin)sodalite: \(restoration.text)\n")
    }
  }

  private func line(_ report: Report, _ world: some RunWorld) -> String {
    let measured = report.measurement
    let volts = measured.voltage.map { "\(number(Double($0.microvolts) * 1e-6, 3)) V" } ?? "- V"
    let amperes =
      measured.current.map { "\(number(Double($0.microamperes) * 1e-6, 3)) A" } ?? "- A"
    let celsius =
      measured.temperature.map { "\(number(Double($0.millidegreesCelsius) * 1e-3, 1)) °C" }
      ?? "- °C"
    let estimate = report.estimate
    let half =
      Double(
        estimate.highestStateOfCharge.partsPerMillion - estimate.lowestStateOfCharge.partsPerMillion
      )
      / 2e4
    let gauge =
      report.gaugeStateOfCharge.map {
        "gauge \(number(Double($0.partsPerMillion) * 1e-4, 1)) %  "
      } ?? ""
    var text =
      "\(volts)  \(amperes)  \(celsius)  "
      + "\(number(Double(estimate.stateOfCharge.partsPerMillion) * 1e-4, 1)) ± \(number(half, 1)) %  "
      + gauge + "charge \(report.allowsCharge ? "on" : "off")  "
      + "discharge \(report.allowsDischarge ? "on" : report.isPrecharging ? "filling" : "off")"
    if let end = prognosis?.end { text += "  \(end)" }
    let active = RunSummary.names(of: report.protections)
    if !active.isEmpty { text += "  \(active.joined(separator: ", "))" }
    if world.hasSupply == false { text += "  no supply" }
    return text
  }

  private func json(_ report: Report, _ world: some RunWorld, _ missed: Int64) -> JSONText {
    let measured = report.measurement
    let estimate = report.estimate
    func share(_ value: StateOfCharge) -> JSONText {
      .number(Double(value.partsPerMillion) / 1e6)
    }
    func ampereHours(_ charge: Charge) -> JSONText {
      .number(Double(charge.nanocoulombs) / 3.6e12)
    }
    var members: [JSONText.Member] = [
      .init("seconds", .number(seconds(report))),
      .init("volts", JSONText(measured.voltage.map { Double($0.microvolts) / 1e6 })),
      .init("amperes", JSONText(measured.current.map { Double($0.microamperes) / 1e6 })),
      .init("celsius", JSONText(measured.temperature.map { Double($0.millidegreesCelsius) / 1e3 })),
      .init(
        "stateOfCharge",
        .object([
          .init("estimate", share(estimate.stateOfCharge)),
          .init("lowest", share(estimate.lowestStateOfCharge)),
          .init("highest", share(estimate.highestStateOfCharge)),
        ])),
      .init(
        "capacityAmpereHours",
        .object([
          .init("estimate", ampereHours(estimate.fullChargeCapacity)),
          .init("lowest", ampereHours(estimate.lowestCapacity)),
          .init("highest", ampereHours(estimate.highestCapacity)),
        ])),
      .init("allowsCharge", .boolean(report.allowsCharge)),
      .init("allowsDischarge", .boolean(report.allowsDischarge)),
      .init("isPrecharging", .boolean(report.isPrecharging)),
      .init(
        "protections", .array(RunSummary.names(of: report.protections).map { .string($0) })),
      .init("implausible", .boolean(!report.implausibility.isEmpty)),
      .init("missedTicks", .integer(missed)),
      .init("failedReads", .integer(Int64(clamping: RunSummary.total(lastFaults)))),
    ]
    if let gauge = report.gaugeStateOfCharge {
      members.append(.init("gaugeStateOfCharge", share(gauge)))
    }
    if let prognosis { members.append(.init("prognosis", prognosis.json(at: report.time))) }
    if let hasSupply = world.hasSupply { members.append(.init("supply", .boolean(hasSupply))) }
    let counts = world.busCounts
    if !counts.isEmpty {
      members.append(
        .init(
          "bus", .object(counts.map { .init($0.name, .integer(Int64(clamping: $0.count))) })))
    }
    if let truth = world.truth {
      members.append(
        .init(
          "truth",
          .object([
            .init("volts", .number(truth.volts)), .init("amperes", .number(truth.amperes)),
            .init("celsius", .number(truth.celsius)),
            .init("stateOfCharge", .number(truth.stateOfCharge)),
          ])))
    }
    return .object(members)
  }

  private mutating func write(_ report: Report, _ truth: CellTruth?) throws(DataProblem) {
    let measured = report.measurement
    let estimate = report.estimate
    let half =
      Double(
        estimate.highestStateOfCharge.partsPerMillion - estimate.lowestStateOfCharge.partsPerMillion
      )
      * 0.5e-6
    var values: [Double?] = [
      measured.temperature.map { Double($0.millidegreesCelsius) * 1e-3 },
      Double(estimate.stateOfCharge.partsPerMillion) * 1e-6, half,
      Double(estimate.fullChargeCapacity.nanocoulombs) / 3.6e12,
      prognosis?.electrodes.map { Double($0.coupling.value) * 1e-6 },
      prognosis?.electrodes.map { Double($0.accessibleIron.value) * 1e-6 },
    ]
    if logHasTruth { values.append(truth?.stateOfCharge) }
    // What was not measured is no row: it would be read as a value by whoever takes the log in.
    guard let current = measured.current, let voltage = measured.voltage else { return }
    let moment = seconds(report)
    try log?.append(
      seconds: moment, amperes: Double(current.microamperes) * 1e-6,
      volts: Double(voltage.microvolts) * 1e-6, values: values)
  }

  // MARK: - The end

  /// Tells how the run went, and writes what waits for the log.
  mutating func finish(
    at now: Int64, signal: Int32?, world: some RunWorld, missed: Int64
  ) throws {
    do throws(DataProblem) {
      try log?.flush()
    } catch {
      throw UserMistake.exit(error)
    }
    if isTerminal { StandardError.write("\n") }
    let reason = signal.map { "stopped by signal \($0)" } ?? "the time is up"
    let used = Double(ProcessUse.microseconds - (firstUse ?? 0))
    var text =
      "sodalite: \(reason) after \(number(Double(now) * 1e-6, 1)) s: \(grouped(Double(ticks))) ticks, "
      + "\(grouped(Double(missed))) missed, \(grouped(Double(RunSummary.total(lastFaults)))) failed "
      + "reads"
    // Before a second tick the use is that of making the tables.
    if ticks > 1, now > 0 {
      text += "; \(number(used / Double(ticks - 1), 0)) µs of processor time a tick"
      text += ", \(number(used / Double(now) * 100, 2)) % of a core"
    }
    if let memory = ProcessUse.residentKibibytes {
      text += ", \(number(Double(memory) / 1_024, 1)) MiB"
    }
    StandardError.write(text + "; both switches are off\n")
    let counts = world.busCounts.filter { $0.count > 0 }
    if !counts.isEmpty {
      StandardError.write(
        "sodalite: bus: \(counts.map { "\($0.name) \($0.count)" }.joined(separator: ", "))\n")
    }
  }
}

extension Restoration {
  /// What a person is told when it comes about.
  fileprivate var text: String {
    switch self {
    case .none: "nothing is kept"
    case .noRoom: "nothing is kept: the memory has no room for two states"
    case .searching: "looking for the kept state; both switches are off"
    case .checking: "a kept state was found; waiting for a voltage at rest, with both switches off"
    case .restored: "the kept state fits the cell and goes on"
    case .restoredOlder: "the newest state was damaged; an older one goes on, less certain"
    case .nothingKept: "nothing was kept: the state of charge is taken from the voltage"
    case .otherConfiguration:
      "what was kept is of another cell or board: the state of charge is taken from the voltage"
    case .otherVersion:
      "what was kept is of an unknown version: the state of charge is taken from the voltage"
    case .refuted:
      "the voltage speaks against what was kept (another cell?): the state of charge is taken from it"
    }
  }
}
