// SPDX-License-Identifier: Apache-2.0

/// A line that shows how far a run is; it knows no clock, the caller tells the time.
public struct ProgressBar {
  /// The shortest time between two lines. Unit: s.
  public static let shortestSeconds = 0.1
  private static let width = 30

  private let isShown: Bool
  private let write: (String) -> Void
  private var last: Double?
  private var lastWidth = 0

  /// Makes a bar.
  ///
  /// - Parameters:
  ///   - isShown: false for a bar that writes nothing, as when nobody watches.
  ///   - write: where its text goes.
  public init(isShown: Bool, write: @escaping (String) -> Void) {
    self.isShown = isShown
    self.write = write
  }

  /// A bar on standard error when that is a terminal, a silent one otherwise.
  public static func standardError() -> ProgressBar {
    ProgressBar(isShown: SystemFile.standardErrorIsTerminal) { SystemFile.writeStandardError($0) }
  }

  /// Shows the progress, unless the last line is younger than `shortestSeconds`.
  ///
  /// - Parameters:
  ///   - fraction: how much is done, 0 to 1.
  ///   - simulatedSeconds: the time that has passed for the cell.
  ///   - elapsedSeconds: the time that has passed for the user.
  ///   - note: what else is told, at the end of the line.
  public mutating func update(
    fraction: Double, simulatedSeconds: Double, elapsedSeconds: Double, note: String = ""
  ) {
    guard isShown else { return }
    if let last, elapsedSeconds < last + Self.shortestSeconds { return }
    last = elapsedSeconds
    let done = fraction.isFinite ? min(max(fraction, 0), 1) : 0
    let filled = Int(done * Double(Self.width))
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    let percent = DecimalNumber.text((done * 100).rounded(.down), decimals: 0)
    var line = "[\(bar)] \(String(repeating: " ", count: 3 - percent.count))\(percent) %"
    if elapsedSeconds > 0, simulatedSeconds.isFinite {
      line += "  \(Self.speed(simulatedSeconds / elapsedSeconds)) x real time"
      if done > 0 { line += "  \(Self.time(elapsedSeconds * (1 - done) / done)) left" }
    }
    show(note.isEmpty ? line : "\(line)  \(note)")
  }

  /// Clears the line, so that the report begins on a clean one.
  public mutating func finish() {
    guard isShown, last != nil else { return }
    show("")
    write("\r")
    last = nil
  }

  private mutating func show(_ line: String) {
    write("\r" + line + String(repeating: " ", count: max(0, lastWidth - line.count)))
    lastWidth = line.count
  }

  private static func speed(_ value: Double) -> String {
    guard value >= 10_000 else { return DecimalNumber.text(value, decimals: value < 10 ? 1 : 0) }
    return value < 1e6
      ? DecimalNumber.text(value / 1e3, decimals: 0) + "k"
      : DecimalNumber.text(value / 1e6, decimals: 1) + "M"
  }

  private static func time(_ seconds: Double) -> String {
    guard seconds < 360_000 else { return "days" }
    let whole = Int(seconds.rounded(.up))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let clock = "\(two(whole / 60 % 60)):\(two(whole % 60))"
    return whole < 3600 ? clock : "\(whole / 3600):\(clock)"
  }
}
