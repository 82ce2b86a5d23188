// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a person can do about a failure, in one line.
public enum BusHint {
  /// A short name of an error, for reports.
  public static func name(of error: I2CError) -> String {
    switch error {
    case .noAcknowledge: "no acknowledge"
    case .arbitrationLost: "arbitration lost"
    case .timedOut: "timed out"
    case .busStuck: "bus stuck"
    case .shortTransfer: "short transfer"
    case .unsupported: "not supported by the adapter"
    case .system(EBADMSG): "answers differ"
    case .system(EBUSY): "owned by the kernel"
    case .system(let code): "system error \(code), \(text(of: code))"
    }
  }

  /// Why a device cannot be opened, and what to do.
  public static func text(for problem: DeviceProblem) -> String {
    let device = problem.device
    switch problem.code {
    case ENOENT where device.hasPrefix("/dev/i2c-"):
      return "\(device) is not there: on a Raspberry Pi, is dtparam=i2c_arm=on in "
        + "/boot/firmware/config.txt? Elsewhere: modprobe i2c-dev"
    case ENOENT:
      return "\(device) is not there: gpioinfo lists the chips' labels and lines"
    case EACCES where device.hasPrefix("/dev/i2c-"):
      return "\(device) may not be opened: sudo adduser $USER i2c, and log in again"
    case EACCES:
      return "\(device) may not be taken: sudo adduser $USER gpio, and log in again"
    case EBUSY:
      return "\(device) is taken by another program or driver: gpioinfo says by which"
    case ENXIO, ENODEV:
      return "\(device) has no adapter behind it: is its driver loaded?"
    case ENOTTY:
      return "\(device) is not an I2C device"
    case ENOSYS:
      return "\(device) cannot be taken: this program was built without libgpiod"
    default:
      return "\(device) cannot be opened: \(text(of: problem.code))"
    }
  }

  /// What to do about a failed transfer with a chip.
  ///
  /// - Parameters:
  ///   - error: the failure.
  ///   - address: whom the transfer was with.
  ///   - device: the bus, such as `/dev/i2c-1`.
  ///   - owner: the kernel's driver of the chip, if one is known.
  public static func text(
    for error: I2CError, at address: I2CAddress, on device: String, owner: String? = nil
  ) -> String {
    let number = number(of: device)
    let digits = String(address.rawValue, radix: 16)
    let short = String(repeating: "0", count: 2 - digits.count) + digits
    switch error {
    case .noAcknowledge:
      return "nothing answers at 0x\(short): check supply, wiring and the address pins"
    case .arbitrationLost:
      return "another controller uses the bus: is a second one wired to it?"
    case .timedOut:
      return "the clock is held too long: try dtparam=i2c_arm_baudrate=50000, or "
        + "dtoverlay=i2c-gpio,bus=1 on a Raspberry Pi 0 to 4"
    case .busStuck:
      return "a line of the bus is held low: switch the chips' supply off and on"
    case .shortTransfer: return "fewer bytes moved than asked for: check the wiring"
    case .unsupported:
      return
        "the adapter of \(device) cannot do this transfer: i2cdetect -F \(number) lists what it can"
    case .system(EBUSY):
      let name = owner ?? "of the kernel"
      return "the driver \(name) owns 0x\(short): echo \(number)-00\(short) | sudo tee "
        + "/sys/bus/i2c/drivers/\(owner ?? "NAME")/unbind"
    case .system(EIO):
      return "the transfer broke off: a clock stretched too long, or noise; try "
        + "dtparam=i2c_arm_baudrate=50000"
    case .system(EBADMSG):
      return "no two of three answers are equal: the clock is stretched, or the wires are noisy"
    case .system(let code): return "the transfer failed: \(text(of: code))"
    }
  }

  /// The kernel's driver that owns an address; nil if none does, or it cannot be told.
  public static func owner(of address: I2CAddress, on device: String) -> String? {
    let number = number(of: device)
    let digits = String(address.rawValue, radix: 16)
    let name = String(repeating: "0", count: 4 - digits.count) + digits
    return FileLink.target(of: "/sys/bus/i2c/devices/\(number)-\(name)/driver")
      .flatMap { $0.split(separator: "/").last.map(String.init) }
  }

  /// Whether a driver of the kernel owns the address that was asked.
  public static func isOwned(_ error: I2CError) -> Bool { error == .system(EBUSY) }

  /// The number of a bus: 1 of `/dev/i2c-1`.
  private static func number(of device: String) -> Substring {
    device.split(separator: "-").last ?? ""
  }

  /// The system's text of an errno.
  static func text(of code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
  }
}
