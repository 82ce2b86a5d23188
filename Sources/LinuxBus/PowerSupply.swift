// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A battery that a driver of the kernel looks after, read through its files; nothing is written.
///
/// The files and their units are those of Documentation/ABI/testing/sysfs-class-power.
public struct PowerSupply: Sendable {
  /// What the kernel says of a battery; nil for what its driver does not.
  public struct Reading: Equatable, Sendable {
    /// Unit: µV, of the whole battery.
    public var microvolts: Int64?
    /// Positive charges. Unit: µA.
    public var microamperes: Int64?
    /// Unit: m°C.
    public var millidegrees: Int64?
    /// The driver's own state of charge. Unit: %.
    public var percent: Int64?
    /// Such as "Discharging".
    public var status: String?
  }

  /// Where the kernel has its power supplies.
  public static let folder = "/sys/class/power_supply"
  /// The name below the folder.
  public let name: String
  private let path: String

  /// Finds a battery by its name.
  ///
  /// - Throws: ENOENT if nothing of that name is there, EINVAL if it is no battery.
  public init(name: String, in folder: String = PowerSupply.folder) throws(DeviceProblem) {
    self.name = name
    path = "\(folder)/\(name)"
    let isName = !name.isEmpty && !name.contains("/") && !name.hasPrefix(".")
    guard isName, let kind = Self.text(of: path + "/type") else {
      throw DeviceProblem(device: path, code: ENOENT)
    }
    guard kind == "Battery" else { throw DeviceProblem(device: path, code: EINVAL) }
  }

  /// Reads all there is.
  ///
  /// Drivers disagree on the current's sign; where the status says that the battery is discharged, it
  /// is below 0.
  public func read() -> Reading {
    let status = Self.text(of: path + "/status")
    var current = number("current_now")
    if let value = current, value > 0, status == "Discharging" { current = -value }
    return Reading(
      microvolts: number("voltage_now"), microamperes: current,
      // A tenth of a degree.
      millidegrees: number("temp").map { $0 * 100 }, percent: number("capacity"), status: status)
  }

  /// A file with a number; nil without one, or if it is too large to be true.
  private func number(_ file: String) -> Int64? {
    Self.text(of: "\(path)/\(file)").flatMap(Int64.init).flatMap {
      $0.magnitude < 1 << 53 ? $0 : nil
    }
  }

  /// The first line of a short file; nil if it cannot be read.
  private static func text(of path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { _ = close(file) }
    var bytes = [UInt8](repeating: 0, count: 128)
    #if canImport(Glibc)
      let count = unsafe Glibc.read(file, &bytes, bytes.count)
    #else
      let count = unsafe Musl.read(file, &bytes, bytes.count)
    #endif
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self)
  }
}
