// SPDX-License-Identifier: Apache-2.0

import CProcess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a program waits for between two ticks: the time, a signal to stop, a line, a command.
///
/// From its making on, SIGINT, SIGTERM and SIGHUP no longer end the process but are an event: the
/// switches are turned off by the program, in order.
public struct ProcessEvents: ~Copyable {
  /// What happened.
  public enum Event: Equatable, Sendable {
    /// The moment came.
    case time
    /// The process is to stop.
    case stop(signal: Int32)
    /// A file can be read, by its place in the list.
    case file(Int)
  }

  private let signals: Int32

  /// Holds the signals back; call it before there are other threads.
  public init() throws(DeviceProblem) {
    signals = process_hold_signals()
    guard signals >= 0 else { throw DeviceProblem(device: "signals", code: -signals) }
  }

  deinit { close(signals) }

  /// Waits for the first event.
  ///
  /// - Parameters:
  ///   - files: descriptors to read from, at most 63.
  ///   - moment: of `LinuxClock`; in the past, what is there already still comes first. Unit: µs.
  public func wait(for files: [Int32], until moment: Int64) -> Event {
    let list = [signals] + files
    let place = unsafe list.withUnsafeBufferPointer { list in
      unsafe process_wait(list.baseAddress, list.count, moment - LinuxClock.microseconds)
    }
    if place == 0 {
      let signal = process_take_signal(signals)
      return signal == 0 ? .time : .stop(signal: signal)
    }
    // Without a way to wait the loop must not spin.
    if place < 0 { usleep(100_000) }
    return place > 0 && place < Int32(list.count) ? .file(Int(place) - 1) : .time
  }
}

/// The service manager, where the process was started by one.
public enum ServiceManager {
  /// Tells it something, such as `READY=1` or `WATCHDOG=1`; without one nothing happens.
  public static func notify(_ text: String) { _ = unsafe process_notify(text) }
}

/// What the process uses of the machine.
public enum ProcessUse {
  /// Processor time since the start. Unit: µs.
  public static var microseconds: Int64 { process_used_microseconds() }
  /// Memory now; nil if it cannot be told. Unit: KiB.
  public static var residentKibibytes: Int64? {
    let size = process_resident_kibibytes()
    return size < 0 ? nil : size
  }
}
