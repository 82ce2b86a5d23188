// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
import CGPIOD
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Which line of the processor, by names that a new kernel does not change.
public struct LineRequest: Equatable, Sendable {
  /// What holds a line that nobody drives.
  public enum Pull: Sendable {
    /// As it is.
    case none
    /// The processor's resistor to its supply.
    case up
    /// The processor's resistor to ground.
    case down
  }

  /// The labels of the chips that may have it; empty for any.
  public var chips: [String]
  /// Its name; nil if `offset` says which.
  public var name: String?
  /// Its number on the chip.
  public var offset: UInt32
  /// Whether it is active at the low level.
  public var isActiveLow: Bool
  /// What holds it.
  public var pull: Pull

  /// Describes a line.
  public init(
    chips: [String], name: String?, offset: UInt32, isActiveLow: Bool, pull: Pull = .none
  ) {
    self.chips = chips
    self.name = name
    self.offset = offset
    self.isActiveLow = isActiveLow
    self.pull = pull
  }

  /// Such as "GPIO17", for messages.
  public var text: String {
    let line = name ?? "line \(offset)"
    return chips.isEmpty ? line : "\(line) of \(chips.joined(separator: " or "))"
  }

  /// Says why the line cannot be found; nil if it is there. Nothing is taken.
  public func problem() -> DeviceProblem? {
    let status = unsafe withRequest(isOutput: false) { unsafe gpio_line_find(&$0) }
    return status == 0 ? nil : DeviceProblem(device: text, code: -status)
  }

  /// Takes the line of libgpiod.
  fileprivate func take(isOutput: Bool) throws(DeviceProblem) -> OpaquePointer {
    var line: OpaquePointer?
    let status = unsafe withRequest(isOutput: isOutput) { unsafe gpio_line_take(&$0, &line) }
    guard status == 0, let line = unsafe line else {
      throw DeviceProblem(device: text, code: -status)
    }
    return unsafe line
  }

  private func withRequest(
    isOutput: Bool, _ body: (inout gpio_request) -> Int32
  ) -> Int32 {
    // The C strings must live through the call: copies that are freed after it.
    let labels = unsafe chips.map { unsafe strdup($0) }
    let copy = unsafe name.flatMap { unsafe strdup($0) }
    defer {
      unsafe labels.forEach { unsafe free($0) }
      unsafe free(copy)
    }
    return unsafe labels.map { unsafe UnsafePointer($0) }.withUnsafeBufferPointer { list in
      var request = unsafe gpio_request()
      unsafe request.labels = list.baseAddress
      unsafe request.label_count = list.count
      unsafe request.name = UnsafePointer(copy)
      unsafe request.offset = offset
      unsafe request.is_output = isOutput
      unsafe request.is_active_low = isActiveLow
      unsafe request.is_active = false
      switch pull {
      case .none: unsafe request.pull = GPIO_PULL_NONE
      case .up: unsafe request.pull = GPIO_PULL_UP
      case .down: unsafe request.pull = GPIO_PULL_DOWN
      }
      return unsafe body(&request)
    }
  }
}

/// A switch of the board: an output that is off from the moment it is taken until it is told to be
/// on, and off again when it goes away.
///
/// What only hardware can do: when the process dies without going away in order, a line keeps its
/// level on most processors. A resistor at the gate keeps the switch off until a program takes the
/// line; an external watchdog takes it off when the program hangs.
@safe public struct LinuxOutput: DigitalOutput, ~Copyable {
  // Safe: the pointer is made and freed here and nowhere else.
  private let line: OpaquePointer?

  /// Takes a line as an output, off.
  public init(_ request: LineRequest) throws(DeviceProblem) {
    unsafe line = try request.take(isOutput: true)
  }

  /// A board without this switch.
  public init() { unsafe line = nil }

  deinit {
    guard let line = unsafe line else { return }
    _ = unsafe gpio_line_set(line, false)
    unsafe gpio_line_release(line)
  }

  /// Drives the line; a line that cannot be driven any more, as of an adapter that was pulled out,
  /// keeps its level, and nothing here can change that.
  public mutating func set(_ active: Bool) {
    guard let line = unsafe line else { return }
    _ = unsafe gpio_line_set(line, active)
  }
}

/// An input of the board, such as a chip's alert.
@safe public struct LinuxInput: ~Copyable {
  // Safe: the pointer is made and freed here and nowhere else.
  private let line: OpaquePointer
  /// What `poll` waits on.
  public let file: Int32

  /// Takes a line as an input whose both edges can be waited for.
  public init(_ request: LineRequest) throws(DeviceProblem) {
    let taken = unsafe try request.take(isOutput: false)
    unsafe line = taken
    file = unsafe gpio_line_file(taken)
  }

  deinit { unsafe gpio_line_release(line) }

  /// Whether it is active; nil if it cannot be read.
  public var isActive: Bool? {
    let value = unsafe gpio_line_get(line)
    return value < 0 ? nil : value == 1
  }

  /// Takes an edge that was waited for.
  public mutating func takeEdge() { _ = unsafe gpio_line_take_edge(line) }
}
