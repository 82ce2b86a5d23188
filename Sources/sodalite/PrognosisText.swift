// SPDX-License-Identifier: Apache-2.0

import CellEstimation
import Firmware
import Quantities
import Telemetry

/// What the firmware expects of the cell, for people and for programs.
extension Prognosis {
  /// The parts that fade, in words.
  var fading: String? {
    guard let electrodes, let new = newElectrodes else { return nil }
    return "coupling plateau \(Self.share(electrodes.coupling, of: new.coupling)), accessible iron "
      + Self.share(electrodes.accessibleIron, of: new.accessibleIron)
  }

  /// A part over a new cell's, with its 95 % interval.
  private static func share(_ part: Measured, of new: Int32) -> String {
    let whole = Double(max(new, 1))
    return "\(number(Double(part.value) / whole * 100, 1)) "
      + "± \(number(1.96 * Double(part.deviation) / whole * 100, 1)) %"
  }

  /// Rows for a table.
  func rows(at now: MonotonicTime) -> [[String]] {
    var rows: [[String]] = []
    if let timeToEmpty { rows.append(["empty in", Self.text(timeToEmpty)]) }
    if let timeToFull { rows.append(["full in", Self.text(timeToFull)]) }
    rows.append([
      "most for 10 s",
      "\(Self.text(charge)) in, \(Self.text(discharge)) out",
    ])
    rows.append([
      "health",
      "\(Self.text(stateOfHealth.capacity)) of the rated capacity, "
        + "\(Self.text(stateOfHealth.resistance)) of a new cell's resistance",
    ])
    guard let electrodes, let fading else { return rows }
    rows.append(["fading, of a new cell's", fading])
    rows.append(["seen", seen(electrodes, at: now)])
    if let advice = electrodes.learningChargeAdvice {
      rows.append(["learning charge advised", advice.reason])
    }
    return rows
  }

  private func seen(_ electrodes: HealthReport, at now: MonotonicTime) -> String {
    func ago(_ moment: MonotonicTime?) -> String {
      moment.map { "\(Self.hours(Double(now.microseconds(since: $0)) * 1e-6)) ago" } ?? "never"
    }
    return "iron \(ago(electrodes.ironSeen)), plateau \(ago(electrodes.couplingSeen)); "
      + "\(electrodes.charges) charges taught"
  }

  /// The shortest word about the end of the present load, for a status line.
  var end: String? {
    if let timeToEmpty { return "empty in \(Self.hours(Double(timeToEmpty.likely)))" }
    if let timeToFull { return "full in \(Self.hours(Double(timeToFull.likely)))" }
    return nil
  }

  private static func hours(_ seconds: Double) -> String {
    seconds < 5_400 ? "\(number(seconds / 60, 0)) min" : "\(number(seconds / 3_600, 1)) h"
  }

  private static func text(_ range: TimeRange) -> String {
    "\(hours(Double(range.likely))), 90 % between \(hours(Double(range.soonest))) and "
      + hours(Double(range.latest))
  }

  private static func text(_ limit: LoadLimit) -> String {
    "\(number(abs(Double(limit.current.microamperes)) * 1e-6, 2)) A "
      + "(\(number(abs(Double(limit.microwatts)) * 1e-6, 1)) W, by \(limit.reason.name))"
  }

  private static func text(_ share: StateOfHealth.Share) -> String {
    "\(number(Double(share.likely) * 1e-4, 1)) % (\(number(Double(share.lowest) * 1e-4, 1)) to "
      + "\(number(Double(share.highest) * 1e-4, 1)))"
  }

  // MARK: JSON

  /// All of it as one object.
  func json(at now: MonotonicTime?) -> JSONText {
    var members: [JSONText.Member] = [
      .init("meanAmperes", JSONText(meanCurrent.map { Double($0.microamperes) / 1e6 })),
      .init("secondsToEmpty", timeToEmpty.map(Self.json) ?? .null),
      .init("secondsToFull", timeToFull.map(Self.json) ?? .null),
      .init("charge10s", Self.json(charge)), .init("discharge10s", Self.json(discharge)),
      .init(
        "stateOfHealth",
        .object([
          .init("capacity", Self.json(stateOfHealth.capacity)),
          .init("resistance", Self.json(stateOfHealth.resistance)),
        ])),
    ]
    if let electrodes, let new = newElectrodes {
      members.append(.init("electrodes", json(electrodes, new, now)))
    }
    return .object(members)
  }

  private static func json(_ range: TimeRange) -> JSONText {
    .object([
      .init("soonest", .integer(Int64(range.soonest))),
      .init("likely", .integer(Int64(range.likely))),
      .init("latest", .integer(Int64(range.latest))),
    ])
  }

  private static func json(_ limit: LoadLimit) -> JSONText {
    .object([
      .init("amperes", .number(Double(limit.current.microamperes) / 1e6)),
      .init("watts", .number(Double(limit.microwatts) / 1e6)),
      .init("by", .string(limit.reason.name)),
    ])
  }

  private static func json(_ share: StateOfHealth.Share) -> JSONText {
    .object([
      .init("lowest", .number(Double(share.lowest) / 1e6)),
      .init("likely", .number(Double(share.likely) / 1e6)),
      .init("highest", .number(Double(share.highest) / 1e6)),
    ])
  }

  /// Shares of the rated capacity, with their standard deviations.
  private static func json(_ part: Measured, new: Int32? = nil) -> JSONText {
    .object(
      [
        .init("value", .number(Double(part.value) / 1e6)),
        .init("deviation", .number(Double(part.deviation) / 1e6)),
      ] + (new.map { [.init("new", .number(Double($0) / 1e6))] } ?? []))
  }

  private func json(
    _ electrodes: HealthReport, _ new: NewElectrodes, _ now: MonotonicTime?
  ) -> JSONText {
    func since(_ moment: MonotonicTime?) -> JSONText {
      guard let moment, let now else { return .null }
      return .number(Double(now.microseconds(since: moment)) / 1e6)
    }
    return .object([
      .init("coupling", Self.json(electrodes.coupling, new: new.coupling)),
      .init("accessibleIron", Self.json(electrodes.accessibleIron, new: new.accessibleIron)),
      .init("anode", Self.json(electrodes.anode, new: new.anode)),
      .init("capacity", Self.json(electrodes.capacity)),
      .init(
        "joint",
        .object([
          .init("iron", Self.json(electrodes.iron)),
          .init("slippage", Self.json(electrodes.slippage)),
          .init("correlation", .number(Double(electrodes.correlation) / 1e3)),
        ])),
      .init("secondsSinceIron", since(electrodes.ironSeen)),
      .init("secondsSinceCoupling", since(electrodes.couplingSeen)),
      .init("chargesThatTaught", .integer(Int64(electrodes.charges))),
      .init("isLearning", .boolean(isLearning)),
      .init(
        "learningChargeAdvised",
        electrodes.learningChargeAdvice.map { .string($0.reason) } ?? .null),
    ])
  }
}

extension LoadLimit.Reason {
  fileprivate var name: String {
    switch self {
    case .voltage: "voltage"
    case .current: "current"
    case .temperature: "temperature"
    }
  }
}

extension HealthReport.Advice {
  /// Why, in words.
  var reason: String {
    switch self {
    case .nothingLearned: "no charge has taught anything yet"
    case .ironNeverSeen: "no charge has gone through the iron"
    case .ironUncertain: "the accessible iron is known to 4 % of the rated capacity at best"
    case .capacityUncertain: "the capacity is known to 2 % of the rated capacity at best"
    }
  }
}
