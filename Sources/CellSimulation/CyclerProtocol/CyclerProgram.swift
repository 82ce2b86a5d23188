// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a protocol, entry by entry.
public struct CyclerProblems: Error, Equatable, CustomStringConvertible {
  /// One problem.
  public struct Problem: Equatable, Sendable {
    /// The entry, counted from 0 as they are written.
    public var entry: Int
    /// What is wrong with it.
    public var message: String

    /// Makes a problem.
    public init(entry: Int, message: String) {
      self.entry = entry
      self.message = message
    }
  }

  /// At least one, in the order of the entries.
  public var problems: [Problem]

  /// Makes a list.
  public init(problems: [Problem]) { self.problems = problems }

  /// The problems, one a line.
  public var description: String {
    problems.map { "step \($0.entry + 1): \($0.message)" }.joined(separator: "\n")
  }
}

/// A protocol as a flat list of instructions.
struct CyclerProgram: Sendable, Equatable {
  enum Instruction: Sendable, Equatable {
    case step(Int)
    case begin(loop: Int)
    case end(loop: Int)
    case jump(to: Int, conditions: [CyclerCondition])
    case leave(loop: Int)
  }

  struct Loop: Sendable, Equatable {
    var times: Int
    var isCycle: Bool
    var begin: Int
    var end = 0
  }

  private(set) var instructions: [Instruction] = []
  private(set) var loops: [Loop] = []
  private(set) var steps: [CyclerStep] = []
  /// The entry of each step.
  private(set) var entries: [Int] = []
  /// How many cycles there are without jumps; 0 where no block counts them.
  private(set) var cycles = 0
  private(set) var problems: [CyclerProblems.Problem] = []

  private var labels: [String: Place] = [:]
  private var jumps: [(instruction: Int, name: String, entry: Int, loops: [Int])] = []

  /// Where a label stands.
  private struct Place: Sendable, Equatable {
    var instruction: Int
    var loops: [Int]
  }

  static func == (a: CyclerProgram, b: CyclerProgram) -> Bool {
    a.instructions == b.instructions && a.loops == b.loops && a.steps == b.steps
  }

  init(_ elements: [CyclerElement]) {
    add(elements, in: [], passes: 1)
    for jump in jumps { resolve(jump) }
    if steps.isEmpty { problems.append(.init(entry: 0, message: "the protocol has no steps")) }
    jumps = []
  }

  private mutating func add(_ elements: [CyclerElement], in outer: [Int], passes: Int) {
    for element in elements {
      switch element.content {
      case .step(let step):
        instructions.append(.step(steps.count))
        steps.append(step)
        entries.append(element.entry)
      case .loop(let times, let isCycle, let body):
        addLoop(times, isCycle, body, element.entry, in: outer, passes: passes)
      case .label(let name):
        if labels[name] != nil {
          problems.append(.init(entry: element.entry, message: "a second label \"\(name)\""))
        }
        labels[name] = Place(instruction: instructions.count, loops: outer)
      case .goTo(let name, let conditions):
        jumps.append((instructions.count, name, element.entry, outer))
        instructions.append(.jump(to: 0, conditions: conditions))
      case .leave:
        instructions.append(.leave(loop: outer.last ?? 0))
      }
    }
  }

  private mutating func addLoop(
    _ times: Int, _ isCycle: Bool, _ body: [CyclerElement], _ entry: Int, in outer: [Int],
    passes: Int
  ) {
    if isCycle, outer.contains(where: { loops[$0].isCycle }) {
      problems.append(.init(entry: entry, message: "cycles stand inside cycles"))
    }
    if times < 1 { problems.append(.init(entry: entry, message: "a block runs at least once")) }
    let loop = loops.count
    let (all, isTooMany) = passes.multipliedReportingOverflow(by: max(times, 1))
    if isCycle { cycles += isTooMany ? 0 : all }
    loops.append(Loop(times: times, isCycle: isCycle, begin: instructions.count))
    instructions.append(.begin(loop: loop))
    add(body, in: outer + [loop], passes: isTooMany ? 0 : all)
    loops[loop].end = instructions.count
    instructions.append(.end(loop: loop))
  }

  private mutating func resolve(
    _ jump: (instruction: Int, name: String, entry: Int, loops: [Int])
  ) {
    guard let place = labels[jump.name] else {
      let names = labels.keys.sorted().joined(separator: ", ")
      let known = names.isEmpty ? "there is none" : "there is \(names)"
      return problems.append(
        .init(entry: jump.entry, message: "no label \"\(jump.name)\"; \(known)"))
    }
    guard case .jump(_, let conditions) = instructions[jump.instruction] else { return }
    if !jump.loops.starts(with: place.loops) {
      problems.append(
        .init(
          entry: jump.entry,
          message: "the label \"\(jump.name)\" is inside a block that this is not")
      )
    }
    if conditions.isEmpty, place.instruction <= jump.instruction {
      problems.append(
        .init(entry: jump.entry, message: "the way back has no \"if\": it would never end"))
    }
    instructions[jump.instruction] = .jump(to: place.instruction, conditions: conditions)
  }
}
