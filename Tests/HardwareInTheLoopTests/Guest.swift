// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Foundation
import VirtioBackends

/// A machine with a real Linux kernel, whose shell does what a test says.
///
/// Its bus and lines are served by this process or by another one. What this process serves, it serves
/// while it waits for the guest: so the emulated world only moves when a test lets it.
final class Guest {
  struct Trouble: Error, CustomStringConvertible {
    var description: String
  }

  /// The folder that Tools/guest/build made; nil where these tests cannot run.
  static let folder = ProcessInfo.processInfo.environment["SODALITE_GUEST"]
  /// The folder that Tools/guest/share made, with the project's program for the guest.
  static let share = ProcessInfo.processInfo.environment["SODALITE_SHARE"]

  /// How many hours of the cell's life a long run has; nil leaves long runs out.
  static let hours = ProcessInfo.processInfo.environment["SODALITE_HIL_HOURS"].flatMap {
    Double($0)
  }

  /// From the start of the machine until the first line of its agent was read; nil before.
  private(set) var bootSeconds: Double?
  private var begin = Date()
  /// What this process serves meanwhile.
  let devices: [VhostUserServer]
  /// Called after everything that was served, since levels may have changed.
  var afterServing: () -> Void = {}

  private let process = Process()
  private let directory: URL
  private let agentListener: OwnedDescriptor
  private var agent: OwnedDescriptor?
  private var received: [UInt8] = []
  private var set = PollSet()

  /// Starts a machine; `boot`, or the first line for its shell, waits until it is up.
  ///
  /// - Parameters:
  ///   - directory: where its sockets and its console's log are.
  ///   - options: of QEMU, besides those that every machine here has.
  ///   - devices: what this process serves.
  ///   - prepare: called when QEMU runs, before the guest's agent is waited for.
  init(
    directory: URL, options: [String], serving devices: [VhostUserServer],
    prepare: () throws -> Void = {}
  ) throws {
    guard let folder = Guest.folder else { throw Trouble(description: "SODALITE_GUEST is not set") }
    self.directory = directory
    self.devices = devices
    agentListener = OwnedDescriptor(unsafe cvirtio_listen(directory.path + "/agent"))
    process.executableURL = URL(
      fileURLWithPath: "/usr/bin/qemu-system-\(Guest.isArm(folder) ? "aarch64" : "x86_64")")
    process.arguments = Guest.options(folder: folder, directory: directory.path) + options
    process.standardInput = FileHandle.nullDevice
    let log = directory.path + "/console"
    guard FileManager.default.createFile(atPath: log, contents: nil) else {
      throw Trouble(description: "cannot write \(log)")
    }
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = process.standardOutput
    begin = Date()
    try process.run()
    try prepare()
  }

  /// Waits for the guest's agent, if nobody has yet.
  func boot() throws {
    guard bootSeconds == nil else { return }
    _ = try line(seconds: 120)
    bootSeconds = Date().timeIntervalSince(begin)
  }

  // Without a server, QEMU does not end in order.
  deinit { process.end(SIGKILL) }

  /// A folder for the sockets of one machine.
  static func directory() throws -> URL {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("sodalite-guest-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return directory
  }

  /// Whether a guest is one for arm64, by the folder's name.
  private static func isArm(_ folder: String) -> Bool {
    URL(filePath: folder).lastPathComponent.hasPrefix("arm64-")
  }

  // The timer's check at the start fails where the emulated processor has to wait for a real one.
  private static func options(folder: String, directory: String) -> [String] {
    let machine =
      isArm(folder) ? ["-M", "virt", "-cpu", "cortex-a57"] : ["-M", "q35", "-cpu", "max"]
    let console = isArm(folder) ? "ttyAMA0" : "ttyS0"
    return machine + [
      "-accel", "tcg,thread=multi", "-m", "256", "-smp", "1", "-nographic", "-no-reboot",
      "-nodefaults", "-serial", "stdio", "-kernel", "\(folder)/vmlinux", "-initrd",
      "\(folder)/initramfs.gz", "-append",
      "console=\(console) quiet panic=-1 mitigations=off no_timer_check", "-object",
      "memory-backend-memfd,id=mem,size=256M,share=on", "-machine", "memory-backend=mem",
      "-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path=\(directory)/agent",
      "-device", "virtserialport,chardev=agent,name=agent",
    ]
  }

  // MARK: - Talking

  /// Lets the guest's shell do a line.
  ///
  /// - Returns: what it printed, and its exit status.
  func run(_ command: String, seconds: Double = 10) throws -> (text: String, status: Int) {
    try send(command)
    return try result(seconds: seconds)
  }

  /// What a command prints; it must succeed.
  func ask(_ command: String, seconds: Double = 10) throws -> String {
    let (text, status) = try run(command, seconds: seconds)
    guard status == 0 else { throw Trouble(description: "\(command): status \(status): \(text)") }
    return text
  }

  /// Gives the guest's shell a line; `result` waits for its end.
  func send(_ command: String) throws {
    try boot()
    let bytes = Array((command + "\n").utf8)
    guard let agent, unsafe cvirtio_send(agent.number, bytes, bytes.count) == 0 else {
      throw Trouble(description: "the guest does not listen")
    }
  }

  /// What the line that was sent last printed, and its exit status.
  ///
  /// - Parameters:
  ///   - seconds: how long it may take to the next line that it prints.
  ///   - meanwhile: called again and again, ten times a second or more often, until it has ended.
  func result(seconds: Double, meanwhile: () throws -> Void = {}) throws -> (
    text: String, status: Int
  ) {
    var lines: [String] = []
    while true {
      let next = try line(seconds: seconds, meanwhile: meanwhile)
      if next.hasPrefix("~"), let status = Int(next.dropFirst()) {
        return (lines.joined(separator: "\n"), status)
      }
      lines.append(next)
    }
  }

  private func line(seconds: Double, meanwhile: () throws -> Void = {}) throws -> String {
    let deadline = Date().addingTimeInterval(seconds)
    while true {
      if let end = received.firstIndex(of: 10) {
        let text = String(decoding: received[..<end], as: UTF8.self)
        received.removeFirst(end + 1)
        return text.trimmingCharacters(in: CharacterSet(charactersIn: "\r"))
      }
      guard Date() < deadline, process.isRunning else {
        throw Trouble(description: "no answer from the guest: \(console)")
      }
      serve(milliseconds: 100)
      try meanwhile()
    }
  }

  /// The end of what the guest's kernel printed.
  var console: String {
    guard let data = FileManager.default.contents(atPath: directory.path + "/console") else {
      return ""
    }
    return String(decoding: data.suffix(1_000), as: UTF8.self)
  }

  /// Waits for something to serve, and serves it.
  func serve(milliseconds: Int32) {
    set.removeAll()
    for device in devices { device.watch(&set) }
    set.add(agent?.number ?? agentListener.number)
    guard set.wait(milliseconds: milliseconds) else { return }
    for device in devices { device.serve(set) }
    afterServing()
    if let agent {
      if set.isReady(agent.number) { receive(agent) }
    } else if set.isReady(agentListener.number) {
      let number = cvirtio_accept(agentListener.number)
      if number >= 0 { agent = OwnedDescriptor(number) }
    }
  }

  private func receive(_ agent: OwnedDescriptor) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var none = 0
    let count = unsafe cvirtio_receive(agent.number, &bytes, bytes.count, nil, &none)
    if count > 0 { received += bytes[..<count] }
  }
}
