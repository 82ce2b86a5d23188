// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Glibc

/// A device at a Unix socket, for one machine at a time.
///
/// A machine may come, go and come again; the device stays as it is. Nothing here waits: `watch` says
/// what to wait for, `serve` does what can be done.
public final class VhostUserServer {
  /// Requests served since the beginning.
  public private(set) var requests = 0
  /// What peers did that they must not do.
  public var faults: PeerFaults {
    var sum = pastFaults
    if let session {
      sum.messages += session.faults.messages
      sum.rings += session.faults.rings
      sum.lastRing = session.faults.lastRing ?? sum.lastRing
    }
    return sum
  }
  /// Whether a machine is connected.
  public var isConnected: Bool { connection != nil }

  private let device: any VirtioDevice
  private let listener: OwnedDescriptor
  private var connection: OwnedDescriptor?
  private var session: VhostUserSession?
  private var reader = VhostUserReader()
  private var pastFaults = PeerFaults()

  /// Listens at a path; a socket that is there is replaced.
  public init(path: String, device: any VirtioDevice) throws(SystemProblem) {
    let descriptor = unsafe cvirtio_listen(path)
    guard descriptor >= 0 else {
      throw SystemProblem(action: "listening at \(path)", code: -descriptor)
    }
    listener = OwnedDescriptor(descriptor)
    self.device = device
  }

  /// Serves a connection that is there already; only for one, since nothing listens.
  public init(connection: OwnedDescriptor, device: any VirtioDevice) {
    listener = connection
    self.device = device
    begin(connection)
  }

  private func begin(_ connection: OwnedDescriptor) {
    self.connection = connection
    session = VhostUserSession(device)
    reader = VhostUserReader()
  }

  private func end() {
    pastFaults = faults
    session = nil
    connection = nil
    for queue in 0..<device.queueCount { device.forget(queue: queue) }
  }

  // MARK: - Waiting

  /// Names the descriptors whose readiness matters.
  public func watch(_ set: inout PollSet) {
    guard let connection, let session else {
      set.add(listener.number)
      return
    }
    set.add(connection.number)
    for queue in 0..<device.queueCount {
      if let kick = session.kick(of: queue) { set.add(kick) }
    }
  }

  /// Does what can be done without waiting.
  public func serve(_ set: borrowing PollSet) {
    guard let connection, let session else {
      if set.isReady(listener.number) { accept() }
      return
    }
    for queue in 0..<device.queueCount {
      if let kick = session.kick(of: queue), set.isReady(kick) {
        cvirtio_drain(kick)
        requests += session.serve(queue: queue)
      }
    }
    if set.isReady(connection.number) { receive(connection, session) }
  }

  /// Tells the machine of answers that the device gave by itself.
  public func flush() {
    guard let session else { return }
    for queue in 0..<device.queueCount { session.interrupt(queue) }
  }

  /// The way for answers that the device gives by itself.
  public var queues: (any VirtioQueues)? { session }

  private func accept() {
    let descriptor = cvirtio_accept(listener.number)
    if descriptor >= 0 { begin(OwnedDescriptor(descriptor)) }
  }

  private func receive(_ connection: OwnedDescriptor, _ session: VhostUserSession) {
    do throws(VhostUserReader.Ending) {
      while try takeBytes(connection) {
        guard let message = try reader.take(), let answer = session.answer(message) else {
          continue
        }
        let result = unsafe answer.withUnsafeBytes { bytes in
          unsafe cvirtio_send(connection.number, bytes.baseAddress, bytes.count)
        }
        guard result == 0 else { throw .closed }
      }
    } catch {
      if error == .tooLong { pastFaults.messages += 1 }
      end()
    }
  }

  /// Takes what waits of the next message; false if nothing does.
  private func takeBytes(_ connection: OwnedDescriptor) throws(VhostUserReader.Ending) -> Bool {
    var bytes = [UInt8](repeating: 0, count: try reader.wanted())
    var numbers = [Int32](repeating: -1, count: GuestMemory.mostRegions)
    var taken = numbers.count
    let count = unsafe cvirtio_receive(
      connection.number, &bytes, bytes.count, &numbers, &taken)
    if count == -Int(EAGAIN) { return false }
    guard count > 0 else { throw .closed }
    reader.append(bytes[..<count], numbers[..<taken].map(OwnedDescriptor.init))
    return true
  }
}
