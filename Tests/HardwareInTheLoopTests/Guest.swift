// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Foundation
import VirtioBackends

/// A machine with a real Linux kernel, whose I2C bus and lines are devices of this process.
///
/// Everything happens on one thread, in `ask`: while the guest works on a line, its transfers are
/// served. So the emulated world only moves when a test lets it.
final class Guest {
  struct Trouble: Error, CustomStringConvertible {
    var description: String
  }

  /// The folder that Tools/guest/build made; nil where these tests cannot run.
  static let folder = ProcessInfo.processInfo.environment["SODALITE_GUEST"]

  /// From the start of the machine to the first line of its agent.
  private(set) var bootSeconds = 0.0
  let i2c: VhostUserServer
  let gpio: VhostUserServer
  /// Called after everything that was served, since levels may have changed.
  var afterServing: () -> Void = {}

  private let process = Process()
  private let directory: URL
  private let agentListener: OwnedDescriptor
  private var agent: OwnedDescriptor?
  private var received: [UInt8] = []

  init(i2c i2cDevice: any VirtioDevice, gpio gpioDevice: any VirtioDevice) throws {
    guard let folder = Guest.folder else { throw Trouble(description: "SODALITE_GUEST is not set") }
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("sodalite-guest-\(UUID().uuidString.prefix(8))")
    self.directory = directory
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
    i2c = try VhostUserServer(path: path("i2c"), device: i2cDevice)
    gpio = try VhostUserServer(path: path("gpio"), device: gpioDevice)
    agentListener = OwnedDescriptor(unsafe cvirtio_listen(path("agent")))
    process.executableURL = URL(fileURLWithPath: "/usr/bin/qemu-system-x86_64")
    process.arguments = Guest.arguments(folder: folder, directory: directory.path)
    process.standardInput = FileHandle.nullDevice
    let log = path("console")
    guard FileManager.default.createFile(atPath: log, contents: nil) else {
      throw Trouble(description: "cannot write \(log)")
    }
    process.standardOutput = FileHandle(forWritingAtPath: log)
    process.standardError = process.standardOutput
    let begin = Date()
    try process.run()
    _ = try line(seconds: 120)
    bootSeconds = Date().timeIntervalSince(begin)
  }

  deinit {
    process.terminate()
    process.waitUntilExit()
    // What is left behind is a few empty sockets in the temporary folder.
    do { try FileManager.default.removeItem(at: directory) } catch {}
  }

  private static func arguments(folder: String, directory: String) -> [String] {
    var list = [
      "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "256", "-smp", "1",
      "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio", "-kernel",
      "\(folder)/vmlinux", "-initrd", "\(folder)/initramfs.gz", "-append",
      "console=ttyS0 quiet panic=-1 mitigations=off", "-object",
      "memory-backend-memfd,id=mem,size=256M,share=on", "-machine", "memory-backend=mem",
    ]
    for (name, device) in [("i2c", "vhost-user-i2c-pci"), ("gpio", "vhost-user-gpio-pci")] {
      list += [
        "-chardev", "socket,id=\(name),path=\(directory)/\(name)", "-device",
        "\(device),chardev=\(name)",
      ]
    }
    return list + [
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
    var lines: [String] = []
    while true {
      let next = try line(seconds: seconds)
      if next.hasPrefix("~"), let status = Int(next.dropFirst()) {
        return (lines.joined(separator: "\n"), status)
      }
      lines.append(next)
    }
  }

  /// What a command prints; it must succeed.
  func ask(_ command: String, seconds: Double = 10) throws -> String {
    let (text, status) = try run(command, seconds: seconds)
    guard status == 0 else { throw Trouble(description: "\(command): status \(status): \(text)") }
    return text
  }

  func send(_ command: String) throws {
    let bytes = Array((command + "\n").utf8)
    guard let agent, unsafe cvirtio_send(agent.number, bytes, bytes.count) == 0 else {
      throw Trouble(description: "the guest does not listen")
    }
  }

  private func line(seconds: Double) throws -> String {
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
    }
  }

  /// The end of what the guest's kernel printed.
  var console: String {
    guard let data = FileManager.default.contents(atPath: directory.path + "/console") else {
      return ""
    }
    return String(decoding: data.suffix(1_000), as: UTF8.self)
  }

  private var set = PollSet()

  /// Waits for something to serve, and serves it.
  func serve(milliseconds: Int32) {
    set.removeAll()
    i2c.watch(&set)
    gpio.watch(&set)
    set.add(agent?.number ?? agentListener.number)
    guard set.wait(milliseconds: milliseconds) else { return }
    i2c.serve(set)
    gpio.serve(set)
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
