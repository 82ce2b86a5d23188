// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Glibc

/// Lines of text at a Unix socket, each answered by a line; for several clients at a time.
public final class LineServer {
  private let listener: OwnedDescriptor
  private var clients: [Client] = []

  private final class Client {
    let connection: OwnedDescriptor
    var received: [UInt8] = []
    var isOpen = true

    init(_ connection: OwnedDescriptor) { self.connection = connection }
  }

  /// A line longer than this is nobody's.
  private static let longestLine = 4_096
  private static let mostClients = 16

  /// Listens at a path; a socket that is there is replaced.
  public init(path: String) throws(SystemProblem) {
    let descriptor = unsafe cvirtio_listen(path)
    guard descriptor >= 0 else {
      throw SystemProblem(action: "listening at \(path)", code: -descriptor)
    }
    listener = OwnedDescriptor(descriptor)
  }

  /// Names the descriptors whose readiness matters.
  public func watch(_ set: inout PollSet) {
    if clients.count < Self.mostClients { set.add(listener.number) }
    for client in clients { set.add(client.connection.number) }
  }

  /// Does what can be done without waiting.
  public func serve(_ set: borrowing PollSet, answer: (String) -> String) {
    for client in clients where set.isReady(client.connection.number) { receive(client, answer) }
    clients.removeAll { !$0.isOpen }
    guard set.isReady(listener.number) else { return }
    let descriptor = cvirtio_accept(listener.number)
    if descriptor >= 0 { clients.append(Client(OwnedDescriptor(descriptor))) }
  }

  private func receive(_ client: Client, _ answer: (String) -> String) {
    var bytes = [UInt8](repeating: 0, count: Self.longestLine)
    var none = 0
    let count = unsafe cvirtio_receive(
      client.connection.number, &bytes, bytes.count, nil, &none)
    if count == -Int(EAGAIN) { return }
    guard count > 0 else {
      client.isOpen = false
      return
    }
    client.received += bytes[..<count]
    while client.isOpen, let end = client.received.firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: client.received[..<end], as: UTF8.self)
      client.received.removeFirst(end + 1)
      let text = Array((answer(line) + "\n").utf8)
      let result = unsafe cvirtio_send(client.connection.number, text, text.count)
      if result != 0 { client.isOpen = false }
    }
    if client.received.count > Self.longestLine { client.isOpen = false }
  }
}

/// The wish that the process ends.
public enum Termination {
  /// A descriptor that is readable after SIGINT or SIGTERM, which end nothing by themselves any more.
  public static func descriptor() throws(SystemProblem) -> OwnedDescriptor {
    let descriptor = cvirtio_termination()
    guard descriptor >= 0 else {
      throw SystemProblem(action: "waiting for signals", code: -descriptor)
    }
    return OwnedDescriptor(descriptor)
  }
}
