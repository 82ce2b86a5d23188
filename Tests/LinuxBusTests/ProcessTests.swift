// SPDX-License-Identifier: Apache-2.0

import Glibc
import LinuxBus
import Testing

/// What a program that runs for months needs of its process; one test at a time, as the environment
/// and the signals are the process's.
@Suite(.serialized) struct ProcessTests {
  /// Without a service manager nothing happens; with one it is told, word by word.
  @Test func theServiceManagerIsTold() throws {
    ServiceManager.notify("READY=1")
    let path = "/tmp/sodalite-notify-\(getpid())"
    unsafe unlink(path)
    let file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer {
      close(file)
      unsafe unlink(path)
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      for (index, byte) in path.utf8.enumerated() { unsafe bytes[index] = byte }
    }
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    unsafe setenv("NOTIFY_SOCKET", path, 1)
    defer { unsafe unsetenv("NOTIFY_SOCKET") }
    ServiceManager.notify("READY=1")
    ServiceManager.notify("STATUS=3.1 V")
    var told: [String] = []
    for _ in 0..<2 {
      var bytes = [UInt8](repeating: 0, count: 100)
      let count = unsafe recv(file, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      told.append(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
    }
    #expect(told == ["READY=1", "STATUS=3.1 V"])
    // A manager that is gone is no reason to stop.
    unsafe unlink(path)
    ServiceManager.notify("WATCHDOG=1")
  }

  /// What is there already is an event even when the moment is past; then the moment is.
  @Test func filesAndTimeAreEvents() throws {
    let events = try ProcessEvents()
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    defer {
      close(ends[0])
      close(ends[1])
    }
    let nothing = events.wait(for: [ends[0]], until: LinuxClock.microseconds)
    #expect(nothing == .time)
    var byte: UInt8 = 1
    let written = unsafe write(ends[1], &byte, 1)
    #expect(written == 1)
    let file = events.wait(for: [ends[0]], until: LinuxClock.microseconds - 1)
    #expect(file == .file(0))
  }

  /// A signal is an event and does not end the process.
  @Test func aSignalIsAnEvent() throws {
    let events = try ProcessEvents()
    // To this thread, which holds it back; another of the tests' threads might not.
    pthread_kill(pthread_self(), SIGTERM)
    let event = events.wait(for: [], until: LinuxClock.microseconds)
    #expect(event == .stop(signal: SIGTERM))
  }

  @Test func theUseIsKnown() {
    #expect(ProcessUse.microseconds > 0)
    #expect((ProcessUse.residentKibibytes ?? 0) > 1_000)
    #expect(FileLink.executable?.hasPrefix("/") == true)
    #expect(FileLink.target(of: "/no/such/link") == nil)
  }
}
