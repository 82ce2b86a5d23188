// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Foundation
import VirtioBackends

/// A guest whose board is another process, `sodalite serve-chips`, as a user would have it; in the
/// guest runs the same `sodalite`.
final class ServedMachine {
  /// The board's folder of the project, as both processes see it.
  static let board = "Boards/virtual-machine/board.yaml"
  /// How the guest's shell calls the program; what follows is its arguments.
  static let program = "chroot /host /bin/sodalite"

  let guest: Guest
  /// Where the guest's `/out` is, and the transcripts are.
  let folder: URL
  private let share: String
  private var server: Process
  private var starts = 0

  private let board: String

  nonisolated(unsafe) private static var made: ServedMachine?

  /// A machine for the tests that bear what others did to its cell, which begins at 60 % and lives a
  /// hundred times as fast as the wall clock.
  ///
  /// Only tests use it, one at a time.
  static func shared() throws -> ServedMachine {
    if let machine = unsafe made { return machine }
    let machine = try ServedMachine(charge: 0.6, speed: 100)
    unsafe made = machine
    // Its server would outlive the tests.
    atexit { unsafe ServedMachine.made = nil }
    return machine
  }

  /// Starts the server, then the machine.
  init(board: String = ServedMachine.board, charge: Double = 0.6, speed: Double = 1) throws {
    guard let share = Guest.share else {
      throw Guest.Trouble(description: "SODALITE_SHARE is not set")
    }
    self.share = share
    self.board = board
    let folder = try Guest.directory()
    self.folder = folder
    try FileManager.default.createDirectory(
      at: folder.appending(path: "out"), withIntermediateDirectories: true)
    server = Process()
    server = try Self.serve(board, share, folder, charge: charge, speed: speed, number: 0)
    let path = folder.path
    guest = try Guest(
      directory: folder,
      options: [
        "-virtfs",
        "local,path=\(share),mount_tag=host,security_model=none,readonly=on,multidevs=remap",
        "-virtfs", "local,path=\(path)/out,mount_tag=out,security_model=none",
        // The devices come over the monitor: only so may their sockets be connected anew.
        "-S", "-qmp", "unix:\(path)/monitor,server=on,wait=off", "-device",
        "pcie-root-port,id=port0,chassis=1", "-device", "pcie-root-port,id=port1,chassis=2",
      ], serving: []
    ) { try Monitor(path: path + "/monitor").plugIn(["i2c", "gpio"], folder: path) }
  }

  deinit {
    server.end(SIGTERM)
    do { try FileManager.default.removeItem(at: folder) } catch {}
  }

  private static func serve(
    _ board: String, _ share: String, _ folder: URL, charge: Double, speed: Double, number: Int
  ) throws -> Process {
    let server = Process()
    server.executableURL = URL(filePath: share + "/bin/sodalite")
    server.currentDirectoryURL = URL(filePath: share)
    server.arguments = [
      "serve-chips", "--board", board, "--i2c", "i2c", "--gpio", "gpio", "--control", "control",
    ].map { ["i2c", "gpio", "control"].contains($0) ? "\(folder.path)/\($0)" : $0 }
    server.arguments? += [
      "--speed", "\(speed)", "--charge", "\(charge * 100)%", "--record",
      "\(folder.path)/transcript\(number)", "--cell-state", "\(folder.path)/cell",
    ]
    server.standardError = FileHandle.nullDevice
    try server.run()
    // Whoever takes commands has the other sockets, too.
    let deadline = Date().addingTimeInterval(30)
    while true {
      let descriptor = unsafe cvirtio_connect(folder.path + "/control")
      if descriptor >= 0 {
        _ = OwnedDescriptor(descriptor)
        return server
      }
      guard Date() < deadline, server.isRunning else {
        throw Guest.Trouble(description: "serve-chips does not listen")
      }
      usleep(10_000)
    }
  }

  // MARK: - The board

  /// The truth, as the control socket tells it.
  struct Truth {
    var seconds: Double
    var amperes: Double
    var stateOfCharge: Double
    var allowsCharge: Bool
    var allowsDischarge: Bool
  }

  /// Gives the board a command; what is true of it then.
  @discardableResult func control(_ line: String) throws -> Truth {
    let connection = OwnedDescriptor(unsafe cvirtio_connect(folder.path + "/control"))
    let bytes = Array((line + "\n").utf8)
    guard connection.number >= 0,
      unsafe cvirtio_send(connection.number, bytes, bytes.count) == 0
    else { throw Guest.Trouble(description: "serve-chips takes no commands") }
    var answer = [UInt8](repeating: 0, count: 4_096)
    var none = 0
    let count = unsafe cvirtio_receive(connection.number, &answer, answer.count, nil, &none)
    let text = Data(answer.prefix(max(count, 0)))
    guard let object = try JSONSerialization.jsonObject(with: text) as? [String: Any],
      let seconds = object["seconds"] as? Double, let amperes = object["current"] as? Double,
      let charge = object["state_of_charge"] as? Double,
      let chargeSwitch = object["charge_switch"] as? Bool,
      let dischargeSwitch = object["discharge_switch"] as? Bool
    else { throw Guest.Trouble(description: "\(line): \(String(decoding: text, as: UTF8.self))") }
    return Truth(
      seconds: seconds, amperes: amperes, stateOfCharge: charge, allowsCharge: chargeSwitch,
      allowsDischarge: dischargeSwitch)
  }

  /// Kills the server without a warning, and starts another one with the same cell, which rests meanwhile:
  /// a cell that began anew at the same charge would have forgotten its load, and no real one does.
  ///
  /// - Parameter pause: how long nobody serves. Unit: s.
  func replaceServer(speed: Double, pause: Double) throws {
    try control(#"{"keep": null}"#)
    server.end(SIGKILL)
    Thread.sleep(forTimeInterval: pause)
    starts += 1
    server = try Self.serve(
      board, share, folder, charge: 0.5, speed: speed, number: starts)
  }

  /// What went over the bus and the lines since the server was started last.
  func transcript() throws -> [TranscriptLine] {
    try text("transcript\(starts)").split(separator: "\n").compactMap(TranscriptLine.init)
  }

  /// A file of the guest's `/out`.
  func output(_ name: String) throws -> String { try text("out/" + name) }

  /// Where such a file is.
  func outputFile(_ name: String) -> URL { folder.appending(path: "out/" + name) }

  private func text(_ name: String) throws -> String {
    let path = folder.appending(path: name).path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Guest.Trouble(description: "no file \(path)")
    }
    return String(decoding: data, as: UTF8.self)
  }
}

/// QEMU's monitor: JSON lines, each command answered after any events.
private struct Monitor {
  private let connection: OwnedDescriptor

  init(path: String) throws {
    var descriptor = unsafe cvirtio_connect(path)
    let deadline = Date().addingTimeInterval(20)
    while descriptor < 0, Date() < deadline {
      usleep(20_000)
      descriptor = unsafe cvirtio_connect(path)
    }
    guard descriptor >= 0 else { throw Guest.Trouble(description: "QEMU has no monitor") }
    connection = OwnedDescriptor(descriptor)
    try ask(#"{"execute": "qmp_capabilities"}"#)
  }

  /// Adds vhost-user devices whose sockets are connected anew when their server is gone, then lets the
  /// machine run.
  func plugIn(_ names: [String], folder: String) throws {
    for name in names {
      let address = #"{"type": "unix", "data": {"path": "\#(folder)/\#(name)"}}"#
      let backend =
        #"{"type": "socket", "data": {"addr": \#(address), "server": false, "reconnect": 1}}"#
      try ask(
        #"{"execute": "chardev-add", "arguments": {"id": "\#(name)", "backend": \#(backend)}}"#)
    }
    // A device is refused until its socket is connected, which happens between two commands.
    for (number, name) in names.enumerated() {
      let arguments =
        #"{"driver": "vhost-user-\#(name)-pci", "chardev": "\#(name)", "bus": "port\#(number)"}"#
      let deadline = Date().addingTimeInterval(20)
      while true {
        do {
          try ask(#"{"execute": "device_add", "arguments": \#(arguments)}"#)
          break
        } catch {
          guard Date() < deadline else { throw error }
          usleep(50_000)
        }
      }
    }
    try ask(#"{"execute": "cont"}"#)
  }

  private func ask(_ command: String) throws {
    let bytes = Array((command + "\n").utf8)
    guard unsafe cvirtio_send(connection.number, bytes, bytes.count) == 0 else {
      throw Guest.Trouble(description: "QEMU's monitor takes no commands")
    }
    var received = ""
    while true {
      var buffer = [UInt8](repeating: 0, count: 16_384)
      var none = 0
      let count = unsafe cvirtio_receive(connection.number, &buffer, buffer.count, nil, &none)
      guard count > 0 else { throw Guest.Trouble(description: "QEMU's monitor is gone") }
      received += String(decoding: buffer.prefix(count), as: UTF8.self)
      if received.contains("\"return\":") { return }
      if received.contains("\"error\":") {
        throw Guest.Trouble(description: "QEMU: \(command): \(received)")
      }
    }
  }
}
