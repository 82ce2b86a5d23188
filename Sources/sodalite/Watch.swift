// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellEstimation
import CellSimulation
import LinuxBus
import Simulation
import Telemetry

/// `sodalite watch`: the estimator beside a battery that the kernel looks after.
struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Estimate a battery that a driver of the kernel reads; nothing is switched or set.",
    discussion: """
      Reads voltage, current and temperature from /sys/class/power_supply/NAME and tells the \
      estimate beside the driver's own percentage: such a driver takes sodium cells for lithium ones. \
      Ends with SIGINT, SIGTERM or SIGHUP.
      """)

  @Option(help: "The battery's name in /sys/class/power_supply, such as BAT0.") var supply: String
  @Option(help: "A built-in cell or the path of a .yaml description.") var cell = "nfm-pb-1-hc"
  @Option(help: "How many cells are in series, 1 to 32; each has the same share of the voltage.")
  var series = 1
  @Option(help: "Readings per second, 0.01 to 10.") var rate = 1.0
  @Option(
    help: "End after this time, such as 10min. (default: when told to stop)",
    transform: DurationArgument.init(argument:))
  var duration: DurationArgument?
  @Option(help: "table or json.") var format = OutputFormat.table

  func validate() throws {
    guard (0.01...10).contains(rate) else {
      throw ValidationError("--rate \(rate): 0.01 to 10 readings per second would be right")
    }
    guard (1...32).contains(series) else {
      throw ValidationError("--series \(series): 1 to 32 would be right")
    }
  }

  func run() throws {
    let battery: PowerSupply
    do throws(DeviceProblem) {
      battery = try PowerSupply(name: supply)
    } catch {
      throw UserMistake.exit(
        "\(error.device): no battery of the kernel; ls \(PowerSupply.folder) lists what there is",
        code: 69)
    }
    let events: ProcessEvents
    do throws(DeviceProblem) {
      events = try ProcessEvents()
    } catch {
      throw UserMistake.exit(error)
    }
    var replay = Replay(
      profile: try profile(), stateOfCharge: 0.5, deviation: 0.3, settleSeconds: 0)
    let begin = LinuxClock.microseconds
    let period = Int64((1e6 / rate).rounded())
    let end = duration.map { Int64(($0.seconds * 1e6).rounded()) } ?? .max
    var due: Int64 = 0
    while due <= end {
      if case .stop = events.wait(for: [], until: begin + due) { return }
      let now = LinuxClock.microseconds - begin
      guard now >= due else { continue }
      try look(battery, &replay, at: now)
      due = max(due + period, now)
    }
  }

  private func profile() throws -> CellProfile {
    let description = try Cells.find(cell)
    do throws(CellError) {
      return try ProfileMaker.profile(for: description)
    } catch {
      throw UserMistake.exit("\(cell): \(error)", code: 78)
    }
  }

  private func look(_ battery: PowerSupply, _ replay: inout Replay, at now: Int64) throws {
    let reading = battery.read()
    let seconds = Double(now) * 1e-6
    var estimate: Estimate?
    if let volts = reading.microvolts, let amperes = reading.microamperes {
      do throws(Replay.OutOfRange) {
        estimate = try replay.feed(
          Replay.Sample(
            seconds: seconds, amperes: Double(amperes) * 1e-6,
            volts: Double(volts) * 1e-6 / Double(series),
            celsius: reading.millidegrees.map { Double($0) * 1e-3 }))
      } catch {
        throw UserMistake.exit("\(supply): \(error.message)", code: 65)
      }
    }
    try report(
      format == .json
        ? json(reading, estimate, seconds).text + "\n" : line(reading, estimate, seconds))
  }

  private func json(
    _ reading: PowerSupply.Reading, _ estimate: Estimate?, _ seconds: Double
  ) -> JSONText {
    .object([
      .init("seconds", .number(seconds)),
      .init("volts", JSONText(reading.microvolts.map { Double($0) / 1e6 })),
      .init("amperes", JSONText(reading.microamperes.map { Double($0) / 1e6 })),
      .init("celsius", JSONText(reading.millidegrees.map { Double($0) / 1e3 })),
      .init("driverStateOfCharge", JSONText(reading.percent.map { Double($0) / 100 })),
      .init("stateOfCharge", JSONText(estimate?.middle)),
      .init("halfWidth", JSONText(estimate?.halfWidth)),
    ])
  }

  private func line(
    _ reading: PowerSupply.Reading, _ estimate: Estimate?, _ seconds: Double
  ) -> String {
    func text(_ value: Int64?, _ scale: Double, _ decimals: Int, _ unit: String) -> String {
      value.map { "\(number(Double($0) * scale, decimals)) \(unit)" } ?? "- \(unit)"
    }
    var line =
      "\(number(seconds, 1)) s  \(text(reading.microvolts, 1e-6, 3, "V"))  "
      + "\(text(reading.microamperes, 1e-6, 3, "A"))  \(text(reading.millidegrees, 1e-3, 1, "°C"))  "
    if let estimate {
      line += "\(percent(estimate.middle)) ± \(percent(estimate.halfWidth))  "
    } else {
      line += "voltage or current is missing  "
    }
    return line + "driver \(text(reading.percent, 1, 0, "%"))\n"
  }
}
