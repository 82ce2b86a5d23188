// SPDX-License-Identifier: Apache-2.0

/// What is at the other side of a processor's lines.
public protocol GPIOLines: AnyObject {
  /// The names of the lines; empty for one without.
  var names: [String] { get }
  /// The electrical level of a line that the guest reads; true is high.
  func level(of line: Int) -> Bool
  /// The guest drives a line.
  func drive(_ line: Int, high: Bool)
}

/// A controller of lines as a virtio device (virtio 1.2, section 5.17).
///
/// The first queue takes requests, the second keeps one request for each line whose events the guest
/// wants, until there is one. `levelsMayHaveChanged` is to be called whenever they may have; a change
/// there and back between two calls is not seen.
///
/// A guest does not repeat what it told a process that died. With the next one it goes on, and is taken
/// at its word: a line it sets is an output, and a line it waits at has events at both edges, of which
/// one may have been missed.
public final class VirtioGPIO: VirtioDevice {
  /// VIRTIO_GPIO_F_IRQ.
  public let features: UInt64 = 1 << 0
  /// Requests and events.
  public let queueCount = 2
  /// The number of lines and the length of their names.
  public let configuration: [UInt8]
  /// Events that the guest was told of.
  public private(set) var events = 0

  private enum Direction: UInt8 {
    case none = 0
    case output = 1
    case input = 2
  }

  /// Rising 1, falling 2, high 4, low 8.
  private enum Trigger {
    static let rising: UInt32 = 1
    static let falling: UInt32 = 2
    static let high: UInt32 = 4
    static let low: UInt32 = 8
    static let all: [UInt32] = [0, rising, falling, rising | falling, high, low]
  }

  private struct Line {
    var direction = Direction.none
    var output = false
    var trigger: UInt32 = 0
    var lastLevel: Bool
    /// An edge came while the guest was still busy with the one before it.
    var hasMissedEdge = false
    var waiting: (head: UInt16, status: AnswerPlace)?
  }

  private let pins: any GPIOLines
  private let namesText: [UInt8]
  private var lines: [Line]
  /// Whether the guest told a process before this one what its lines are.
  private var hasLostDirections = false

  /// Makes a controller; all lines are without direction.
  public init(_ pins: any GPIOLines) {
    self.pins = pins
    let names = pins.names
    precondition(names.count <= 0xFFFF, "the number of lines has 16 bits")
    let hasNames = names.contains { !$0.isEmpty }
    namesText = hasNames ? names.flatMap { Array($0.utf8) + [0] } : []
    configuration =
      VhostUserMessage.little(UInt16(names.count)) + [0, 0]
      + VhostUserMessage.little(UInt32(namesText.count))
    lines = names.indices.map { Line(lastLevel: pins.level(of: $0)) }
  }

  // MARK: - Requests

  /// Answers a request, or keeps it until its line has an event.
  public func serve(
    _ request: borrowing DescriptorChain, queue: Int, _ queues: any VirtioQueues
  ) {
    if queue == 0 {
      queues.finish(queue: 0, head: request.head, written: answer(request))
    } else {
      keep(request, queues)
    }
  }

  /// Type, line, value; answered by a status and a value.
  private func answer(_ request: borrowing DescriptorChain) -> Int {
    let room = request.writableCount
    guard request.readableCount >= 8, room >= 2 else {
      for place in 0..<min(room, 2) { request.write(byte: place == 0 ? 1 : 0, at: place) }
      return min(room, 2)
    }
    let type = request.word(at: 0)
    let line = Int(request.word(at: 2))
    let value = request.longWord(at: 4)
    if type == 1 { return nameLines(request) }
    let result = lines.indices.contains(line) ? act(type, line, value) : nil
    request.write(byte: result == nil ? 1 : 0, at: 0)
    request.write(byte: result ?? 0, at: 1)
    return 2
  }

  private func nameLines(_ request: borrowing DescriptorChain) -> Int {
    guard !namesText.isEmpty, request.writableCount >= 1 + namesText.count else {
      request.write(byte: 1, at: 0)
      return 1
    }
    request.write(byte: 0, at: 0)
    let text = namesText
    request.write(text.span, at: 1)
    return 1 + namesText.count
  }

  /// The value of an answer; nil for what cannot be done.
  private func act(_ type: UInt16, _ line: Int, _ value: UInt32) -> UInt8? {
    switch type {
    case 2: return lines[line].direction.rawValue
    case 3: return setDirection(line, value)
    case 4:
      let isDriven = lines[line].direction == .output
      return (isDriven ? lines[line].output : pins.level(of: line)) ? 1 : 0
    case 5: return setValue(line, value)
    case 6: return setTrigger(line, value)
    default: return nil
    }
  }

  private func setDirection(_ line: Int, _ value: UInt32) -> UInt8? {
    guard value <= 2, let direction = Direction(rawValue: UInt8(value)) else { return nil }
    lines[line].direction = direction
    if direction == .output { pins.drive(line, high: lines[line].output) }
    return 0
  }

  /// The value may come before the direction, so that the line never shows the wrong one.
  private func setValue(_ line: Int, _ value: UInt32) -> UInt8? {
    guard value <= 1 else { return nil }
    lines[line].output = value == 1
    if hasLostDirections, lines[line].direction == .none { lines[line].direction = .output }
    if lines[line].direction == .output { pins.drive(line, high: value == 1) }
    return 0
  }

  private func setTrigger(_ line: Int, _ value: UInt32) -> UInt8? {
    guard Trigger.all.contains(value) else { return nil }
    lines[line].trigger = value
    lines[line].lastLevel = pins.level(of: line)
    lines[line].hasMissedEdge = false
    return 0
  }

  // MARK: - Events

  private func keep(_ request: borrowing DescriptorChain, _ queues: any VirtioQueues) {
    guard request.readableCount >= 2, request.writableCount >= 1,
      lines.indices.contains(Int(request.word(at: 0))),
      lines[Int(request.word(at: 0))].waiting == nil
    else {
      let hasRoom = request.writableCount >= 1
      if hasRoom { request.write(byte: 0, at: 0) }
      queues.finish(queue: 1, head: request.head, written: hasRoom ? 1 : 0)
      return
    }
    let line = Int(request.word(at: 0))
    lines[line].waiting = (request.head, request.place(at: 0))
    if hasLostDirections, lines[line].trigger == 0 {
      lines[line].trigger = Trigger.rising | Trigger.falling
      lines[line].lastLevel = pins.level(of: line)
      lines[line].hasMissedEdge = true
    }
    look(at: line, queues)
  }

  /// Nothing is held back for want of another request.
  public func drained(queue: Int, _ queues: any VirtioQueues) {
    guard queue == 0 else { return }
    // A line whose events are not wanted any more gives its request back unanswered.
    for line in lines.indices where lines[line].trigger == 0 { finish(line, 0, queues) }
  }

  /// Notes whether directions and triggers are known.
  public func begin(queue: Int, goesOn: Bool) {
    if queue == 0 { hasLostDirections = goesOn }
  }

  /// Gives up the requests that were kept.
  public func forget(queue: Int) {
    guard queue == 1 else { return }
    for line in lines.indices { lines[line].waiting = nil }
  }

  /// Tells the guest of what it waits for.
  public func levelsMayHaveChanged(_ queues: (any VirtioQueues)?) {
    guard let queues else { return }
    for line in lines.indices { look(at: line, queues) }
  }

  private func look(at line: Int, _ queues: any VirtioQueues) {
    let trigger = lines[line].trigger
    guard trigger != 0 else { return }
    let level = pins.level(of: line)
    let isRising = level && !lines[line].lastLevel
    let isFalling = !level && lines[line].lastLevel
    lines[line].lastLevel = level
    let isEdge =
      isRising && trigger & Trigger.rising != 0 || isFalling && trigger & Trigger.falling != 0
    if isEdge { lines[line].hasMissedEdge = true }
    let isLevel = level ? trigger & Trigger.high != 0 : trigger & Trigger.low != 0
    guard lines[line].waiting != nil, lines[line].hasMissedEdge || isLevel else { return }
    lines[line].hasMissedEdge = false
    events += 1
    finish(line, 1, queues)
  }

  private func finish(_ line: Int, _ status: UInt8, _ queues: any VirtioQueues) {
    guard let request = lines[line].waiting else { return }
    lines[line].waiting = nil
    request.status.write(status)
    queues.finish(queue: 1, head: request.head, written: 1)
  }
}
