// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Descriptions
import Telemetry

/// The protocol of a run, from words on the command line or from a file.
struct CycleProtocol {
  var elements: [CyclerElement]
  var cathodeGrams: Double?
  /// Where relative names of profiles begin.
  private var folder = ""
  private var origin: Origin

  private enum Origin {
    case words([String])
    case file(String, [ProtocolFile.Place])
  }

  /// Reads steps, each one argument; each that is wrong is shown with a mark under the wrong word.
  init(words: [String]) throws {
    elements = []
    origin = .words(words)
    var problems: [String] = []
    for (index, text) in words.enumerated() {
      do throws(CyclerSyntaxError) {
        elements += try CyclerElement.parse(text, entry: index)
      } catch {
        let shown = text.map { $0.isWhitespace ? " " : String($0) }.joined()
        problems.append(
          "step \(index + 1), column \(error.column): \(error.message); expected \(error.expected)\n"
            + "  \(shown)\n  \(String(repeating: " ", count: error.column - 1))^")
      }
    }
    if !problems.isEmpty {
      throw UserMistake.exit(problems.joined(separator: "\nsodalite: "), code: 64)
    }
  }

  /// Reads a YAML file.
  init(file: String) throws {
    let text: String
    do {
      text = try WholeFile.text(of: file, atMost: 1 << 20)
    } catch {
      throw UserMistake.exit(error.description, code: error.category == .noInput ? 66 : 78)
    }
    switch ProtocolFile.parse(text: text, file: file) {
    case .success(let read):
      elements = read.elements
      cathodeGrams = read.cathodeGrams
      origin = .file(file, read.places)
      folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    case .failure(let problems):
      let lines = problems.problems.map(\.description).joined(separator: "\nsodalite: ")
      throw UserMistake.exit(lines, code: problems.exitCode)
    }
  }

  /// Runs all of it several times, each time a cycle.
  mutating func repeatAll(_ times: Int) {
    elements = [CyclerElement(entry: 0, .loop(times: times, isCycle: true, elements))]
  }

  /// Checks it for a cell.
  func run(for cell: CellDescription, cathodeGrams: Double?) throws -> CyclerRun {
    do throws(CyclerProblems) {
      return try CyclerRun(
        elements, for: cell, cathodeGrams: cathodeGrams ?? self.cathodeGrams,
        profiles: profiles())
    } catch {
      let lines = error.problems.map(told).joined(separator: "\nsodalite: ")
      let isFile = if case .file = origin { true } else { false }
      throw UserMistake.exit(lines, code: isFile ? 78 : 64)
    }
  }

  private func told(_ problem: CyclerProblems.Problem) -> String {
    switch origin {
    case .words(let words):
      let text = problem.entry < words.count ? " '\(words[problem.entry])'" : ""
      return "step \(problem.entry + 1)\(text): \(problem.message)"
    case .file(let file, let places):
      let place = places[problem.entry]
      return "\(file):\(place.line):\(place.column): \(problem.message)"
    }
  }

  /// Reads the profiles the steps name; what is wrong with one is the step's problem.
  private func profiles() throws(CyclerProblems) -> [String: CyclerProfile] {
    var profiles: [String: CyclerProfile] = [:]
    var problems: [CyclerProblems.Problem] = []
    Self.visit(elements) { entry, kind, file in
      guard profiles[file] == nil else { return }
      do throws(DataProblem) {
        profiles[file] = try Self.profile(file.hasPrefix("/") ? file : folder + file, kind)
      } catch {
        problems.append(.init(entry: entry, message: error.description))
      }
    }
    if !problems.isEmpty { throw CyclerProblems(problems: problems) }
    return profiles
  }

  private static func visit(
    _ elements: [CyclerElement], _ body: (Int, CyclerProfile.Kind, String) -> Void
  ) {
    for element in elements {
      switch element.content {
      case .step(let step):
        if case .follow(let kind, let file, _) = step.action { body(element.entry, kind, file) }
      case .loop(_, _, let elements): visit(elements, body)
      case .label, .goTo, .leave: continue
      }
    }
  }

  /// Reads the columns whose names begin with "time" (or "test time") and the kind's name.
  private static func profile(
    _ path: String, _ kind: CyclerProfile.Kind
  ) throws(DataProblem) -> CyclerProfile {
    var rows = try CSVReader.open(path)
    let names = rows.header.map { $0.lowercased() }
    guard let time = names.firstIndex(where: { $0.hasPrefix("time") || $0.hasPrefix("test time") }),
      let value = names.firstIndex(where: { $0.hasPrefix(kind.rawValue) })
    else {
      throw DataProblem(
        .badData, file: path, line: rows.headerLine,
        message:
          "expected a column whose name begins with time, in s, and one with \(kind.rawValue)"
      )
    }
    var seconds: [Double] = []
    var values: [Double] = []
    while try rows.next() {
      seconds.append(try rows.number(time))
      values.append(try rows.number(value))
    }
    guard let profile = CyclerProfile(seconds: seconds, values: values) else {
      throw DataProblem(
        .badData, file: path, message: "expected two rows or more, with times that increase")
    }
    return profile
  }
}
