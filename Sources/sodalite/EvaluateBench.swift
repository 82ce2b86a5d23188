// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Foundation
import Simulation
import Synchronization
import Telemetry

/// Works through trials on several threads and keeps finished ones in a file.
struct EvaluateBench {
  private let trials: [EvaluationTrial]
  /// The tables of the make, and of the make with a lower cut-off where a test asks for one.
  let tables: EvaluationTables
  private let deep: EvaluationTables?

  init(_ trials: [EvaluationTrial]) throws {
    self.trials = trials
    let make = CellDescription.hu2024NFMPB1HardCarbon
    do throws(CellError) {
      tables = try EvaluationTables(make)
      var low: EvaluationTables?
      if let volts = trials.lazy.flatMap(\.tests).compactMap(\.lowerCutoffVolts).first {
        var lowered = make
        lowered.lowerCutoffVolts = volts
        low = try EvaluationTables(lowered)
      }
      deep = low
    } catch {
      throw UserMistake.exit("\(make.name): \(error)", code: 78)
    }
  }

  private func run(_ trial: EvaluationTrial) -> Result<[EvaluationOutcome], CellError> {
    let tables = trial.tests[0].lowerCutoffVolts == nil ? tables : deep ?? tables
    do throws(CellError) {
      return .success(try trial.run(tables))
    } catch {
      return .failure(error)
    }
  }

  /// What the threads share.
  private struct Shared {
    var outcomes: [[EvaluationOutcome]?]
    var next = 0
    var done = 0
    var failure: String?
    var file: FileHandle?
    var bar = ProgressBar.standardError()
  }

  /// Runs what the file does not have yet.
  ///
  /// - Returns: the outcomes in the trials' order, whichever thread made them.
  func run(
    threads: Int, results: String?, settings: String
  ) throws -> [[EvaluationOutcome]] {
    var found = [[EvaluationOutcome]?](repeating: nil, count: trials.count)
    var file: FileHandle?
    if let results {
      let kept = try EvaluateResults(path: results, settings: settings)
      for (index, trial) in trials.enumerated() { found[index] = kept.outcomes(of: trial) }
      file = kept.file
    }
    let missing = found.indices.filter { found[$0] == nil }
    let begin = wallSeconds()
    let shared = Mutex(Shared(outcomes: found, file: file))
    DispatchQueue.concurrentPerform(iterations: min(threads, max(missing.count, 1))) { _ in
      while let index = shared.withLock({ shared -> Int? in
        guard shared.next < missing.count, shared.failure == nil else { return nil }
        defer { shared.next += 1 }
        return missing[shared.next]
      }) {
        let result = run(trials[index])
        shared.withLock { shared in
          finish(index, result, &shared, of: missing.count, since: begin)
        }
      }
    }
    return try shared.withLock { shared in
      shared.bar.finish()
      if let failure = shared.failure { throw UserMistake.exit(failure, code: 74) }
      return shared.outcomes.compactMap { $0 }
    }
  }

  private func finish(
    _ index: Int, _ result: Result<[EvaluationOutcome], CellError>, _ shared: inout Shared,
    of count: Int, since begin: Double
  ) {
    let trial = trials[index]
    switch result {
    case .failure(let error):
      shared.failure = "seed \(trial.seed): \(error)"
    case .success(let outcomes):
      shared.outcomes[index] = outcomes
      shared.done += 1
      do {
        for (test, outcome) in zip(trial.tests, outcomes) {
          try shared.file?.write(
            contentsOf: Data(EvaluateResults.line(test, trial.seed, outcome).utf8))
        }
      } catch {
        shared.failure = "the results cannot be written: \(error.localizedDescription)"
      }
    }
    shared.bar.update(
      fraction: Double(shared.done) / Double(count), simulatedSeconds: .nan,
      elapsedSeconds: wallSeconds() - begin, note: "\(shared.done) of \(count)")
  }
}

/// The file of finished parts: a line of settings, then a line for each test on each cell.
struct EvaluateResults {
  let file: FileHandle
  private var found: [String: EvaluationOutcome] = [:]

  /// Opens or makes a file; a torn last line, left by a run that was killed, is cut off.
  init(path: String, settings: String) throws {
    do {
      if !FileManager.default.fileExists(atPath: path) {
        try Data("\(settings)\n".utf8).write(to: URL(fileURLWithPath: path))
      }
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
      file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      let whole = text.lastIndex(of: "\n").map { text[...$0] } ?? ""
      let lines = whole.split(separator: "\n")
      guard let first = lines.first, first == settings else {
        throw UserMistake.exit(
          "\(path): made with other settings, or by something else; it begins"
            + " '\(lines.first.map { $0.prefix(80) } ?? "")', not '\(settings)'", code: 65)
      }
      for (place, line) in lines.enumerated().dropFirst() {
        let words = line.split(separator: "|", maxSplits: 1)
        guard words.count == 2, let outcome = EvaluationOutcome(line: words[1]) else {
          throw UserMistake.exit("\(path):\(place + 1): not a result", code: 65)
        }
        found[String(words[0])] = outcome
      }
      try file.truncate(atOffset: UInt64(whole.utf8.count))
      try file.seekToEnd()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      throw UserMistake.exit("\(path): \(error.localizedDescription)", code: 74)
    }
  }

  /// The outcomes of a trial's tests; nil unless all are there.
  func outcomes(of trial: EvaluationTrial) -> [EvaluationOutcome]? {
    let kept = trial.tests.compactMap { found[Self.key($0, trial.seed)] }
    return kept.count == trial.tests.count ? kept : nil
  }

  private static func key(_ test: EvaluationTest, _ seed: UInt64) -> String {
    "\(test.rawValue) \(seed)"
  }

  static func line(_ test: EvaluationTest, _ seed: UInt64, _ outcome: EvaluationOutcome) -> String {
    "\(key(test, seed))|\(outcome.line)\n"
  }
}
