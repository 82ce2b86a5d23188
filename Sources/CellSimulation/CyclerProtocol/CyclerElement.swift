// SPDX-License-Identifier: Apache-2.0

/// A part of a protocol as it is written: a step, a block that is repeated, a label or a way to one.
public struct CyclerElement: Sendable, Equatable {
  /// The entry it comes from: entries are counted from 0 in the order they are written, blocks too.
  public var entry: Int
  /// What it is.
  public var content: Content

  /// What an element is.
  public indirect enum Content: Sendable, Equatable {
    /// A step.
    case step(CyclerStep)
    /// A block that runs several times. With `isCycle` each pass is a cycle of its own.
    case loop(times: Int, isCycle: Bool, [CyclerElement])
    /// A name for what comes next.
    case label(String)
    /// A way to a label that is taken where all conditions hold after the step before.
    case goTo(String, [CyclerCondition])
    /// The way out of the block that is taken where the step before ended by anything but its time.
    case leave
  }

  /// Makes an element.
  public init(entry: Int, _ content: Content) {
    self.entry = entry
    self.content = content
  }

  /// Reads one entry, such as `Discharge at 1C until 2.0 V`, `Charge at C/2 to 4.2 V until C/20`,
  /// `Rest for 1 hour`, `Discharge at C/20 in pulses of 20 min with rests of 2 hours until 2 V`,
  /// `Sweep to 4.2 V at 0.1 mV/s`, `Label cool` or `Go to cool if above 45 degC`; capitals do not
  /// matter but in names.
  ///
  /// - Parameters:
  ///   - text: the entry.
  ///   - entry: its number.
  /// - Returns: one element, or several where the text stands for several steps.
  /// - Throws: `CyclerSyntaxError` pointing at the first word that is wrong.
  public static func parse(
    _ text: String, entry: Int = 0
  ) throws(CyclerSyntaxError) -> [CyclerElement] {
    var reader = CyclerReader(text)
    return try reader.contents().map { CyclerElement(entry: entry, $0) }
  }
}
