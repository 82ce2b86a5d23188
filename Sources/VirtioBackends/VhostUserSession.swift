// SPDX-License-Identifier: Apache-2.0

import CVirtio

/// What a peer did that it must not do; counted, and never the end of this process.
public struct PeerFaults: Equatable, Sendable {
  /// Messages that were refused.
  public internal(set) var messages = 0
  /// Rings that were given up.
  public internal(set) var rings = 0
  /// Why the last ring was given up.
  public internal(set) var lastRing: RingFault?
}

/// One connection of a machine to a device: the back end's side of the vhost-user protocol.
///
/// Rings start when they have a kick descriptor and are enabled, and stop when their base is asked
/// for. A ring with a fault is left alone until it is set up anew. Only split rings, and no log of
/// changed pages: a machine with this device cannot migrate.
final class VhostUserSession: VirtioQueues {
  private static let versionOne: UInt64 = 1 << 32
  private static let protocolFeatures: UInt64 = 1 << 30
  private static let indirectDescriptors: UInt64 = 1 << 28
  /// QEMU lets the guest choose it for some devices even where it is not offered.
  private static let eventIndex: UInt64 = 1 << 29
  private static let acknowledgements: UInt64 = 1 << 3
  private static let hasConfiguration: UInt64 = 1 << 9

  private struct Queue {
    var ring = SplitRing()
    var kick: OwnedDescriptor?
    var call: OwnedDescriptor?
    var error: OwnedDescriptor?
    var isEnabled = false
    var isBroken = false
    var owesInterrupt = false
    /// Where the ring ended when it was stopped.
    var stoppedAt: UInt16?

    var isRunning: Bool { isEnabled && !isBroken && kick != nil && ring.isLocated }
  }

  /// What the peer did wrong.
  private(set) var faults = PeerFaults()
  /// Requests served when a ring started.
  private(set) var served = 0
  private let device: any VirtioDevice
  private var features: UInt64 = 0
  private var memory = GuestMemory()
  private var queues: [Queue]
  private var chain = DescriptorChain()

  init(_ device: any VirtioDevice) {
    self.device = device
    queues = Array(repeating: Queue(), count: device.queueCount)
    for queue in queues.indices { device.forget(queue: queue) }
  }

  /// MQ and REPLY_ACK, and CONFIG where there is anything to read.
  private var offeredProtocol: UInt64 {
    1 | Self.acknowledgements | (device.configuration.isEmpty ? 0 : Self.hasConfiguration)
  }

  private var offered: UInt64 {
    Self.versionOne | Self.protocolFeatures | Self.indirectDescriptors | Self.eventIndex
      | device.features
  }

  // MARK: - Queues

  /// The descriptor that tells of new requests; nil for a queue at rest.
  func kick(of queue: Int) -> Int32? {
    queues[queue].isRunning ? queues[queue].kick?.number : nil
  }

  /// Serves all requests that wait in a queue.
  ///
  /// - Returns: how many there were.
  @discardableResult
  func serve(queue: Int) -> Int {
    guard queues[queue].isRunning else { return 0 }
    var count = 0
    do throws(RingFault) {
      // A peer that offers faster than it is served does not keep others waiting for ever.
      repeat {
        while count < 4_096, try queues[queue].ring.next(&chain, memory) {
          count += 1
          device.serve(chain, queue: queue, self)
        }
      } while count < 4_096 && queues[queue].ring.askForNotice()
      device.drained(queue: queue, self)
    } catch {
      giveUp(queue, error)
    }
    interrupt(queue)
    return count
  }

  private func giveUp(_ queue: Int, _ fault: RingFault) {
    queues[queue].isBroken = true
    faults.rings += 1
    faults.lastRing = fault
    device.forget(queue: queue)
    if let error = queues[queue].error { cvirtio_signal(error.number) }
  }

  func finish(queue: Int, head: UInt16, written: Int) {
    guard queues.indices.contains(queue), queues[queue].ring.isLocated, !queues[queue].isBroken
    else { return }
    queues[queue].ring.finish(head: head, written: UInt32(written))
    queues[queue].owesInterrupt = true
  }

  /// Tells the peer of answers that it was not told of yet.
  func interrupt(_ queue: Int) {
    guard queues[queue].owesInterrupt else { return }
    queues[queue].owesInterrupt = false
    guard let call = queues[queue].call, queues[queue].ring.wantsInterrupt() else { return }
    cvirtio_signal(call.number)
  }

  // MARK: - Messages

  /// Acts on a message.
  ///
  /// - Returns: the answer to send, if there is to be one.
  func answer(_ message: VhostUserMessage) -> [UInt8]? {
    guard message.flags & 3 == VhostUserMessage.version,
      let request = VhostUserMessage.Request(rawValue: message.request)
    else { return acknowledge(message, false) }
    switch request {
    case .getFeatures: return reply(message, VhostUserMessage.little(offered))
    case .getProtocolFeatures: return reply(message, VhostUserMessage.little(offeredProtocol))
    case .getQueueCount: return reply(message, VhostUserMessage.little(UInt64(queues.count)))
    case .getRingBase: return ringBase(message)
    case .getConfiguration: return configuration(message)
    default:
      let isGood = take(request, message)
      // A ring may start with requests in it, of which nobody tells.
      if isGood, request == .setRingKick || request == .setRingEnable {
        for queue in queues.indices { served += serve(queue: queue) }
      }
      return acknowledge(message, isGood)
    }
  }

  private func reply(_ message: VhostUserMessage, _ payload: [UInt8]) -> [UInt8] {
    VhostUserMessage.bytes(
      request: message.request, flags: VhostUserMessage.version | VhostUserMessage.isReply,
      payload: payload)
  }

  private func acknowledge(_ message: VhostUserMessage, _ isGood: Bool) -> [UInt8]? {
    if !isGood { faults.messages += 1 }
    guard message.flags & VhostUserMessage.wantsReply != 0 else { return nil }
    return reply(message, VhostUserMessage.little(UInt64(isGood ? 0 : 1)))
  }

  /// Whether a message that sets something was as it should be.
  private func take(_ request: VhostUserMessage.Request, _ message: VhostUserMessage) -> Bool {
    switch request {
    case .setFeatures: setFeatures(message)
    case .setProtocolFeatures:
      message.longWord(0).map { $0 & ~offeredProtocol == 0 } ?? false
    case .setOwner, .resetOwner: true
    case .setMemoryTable: setMemoryTable(message)
    case .setRingSize: setRingSize(message)
    case .setRingAddress: setRingAddress(message)
    case .setRingBase: setRingBase(message)
    case .setRingKick: setDescriptor(message, \.kick)
    case .setRingCall: setDescriptor(message, \.call)
    case .setRingError: setDescriptor(message, \.error)
    case .setRingEnable: setRingEnable(message)
    case .setConfiguration: false  // neither device has anything that the guest may set
    default: false
    }
  }

  private func setFeatures(_ message: VhostUserMessage) -> Bool {
    guard let asked = message.longWord(0), asked & ~offered == 0 else { return false }
    features = asked
    for queue in queues.indices {
      queues[queue].ring.usesEventIndex = asked & Self.eventIndex != 0
    }
    // A peer that knows nothing of enabling expects its rings to run.
    if asked & Self.protocolFeatures == 0 {
      for queue in queues.indices { queues[queue].isEnabled = true }
    }
    return true
  }

  private func setMemoryTable(_ message: VhostUserMessage) -> Bool {
    guard let count = message.word(0), count <= GuestMemory.mostRegions,
      message.descriptors.count == count, message.payload.count >= 8 + 32 * Int(count)
    else { return false }
    // Pointers into what was shared until now end here.
    for queue in queues.indices {
      queues[queue].ring.forget()
      device.forget(queue: queue)
    }
    chain.begin(head: 0)
    memory = GuestMemory()
    var regions: [(MemoryRegion, OwnedDescriptor)] = []
    for (index, file) in message.descriptors.enumerated() {
      let fields = (0..<4).compactMap { message.longWord(8 + 32 * index + 8 * $0) }
      guard fields.count == 4 else { return false }
      regions.append(
        (
          MemoryRegion(
            guestAddress: fields[0], size: fields[1], userAddress: fields[2], offset: fields[3]),
          file
        ))
    }
    do throws(SystemProblem) {
      memory = try GuestMemory(regions)
      return true
    } catch {
      return false
    }
  }

  /// The queue that a message names in its first word.
  private func queue(_ message: VhostUserMessage) -> Int? {
    guard let index = message.word(0), index < queues.count else { return nil }
    return Int(index)
  }

  private func setRingSize(_ message: VhostUserMessage) -> Bool {
    guard let queue = queue(message), let size = message.word(4), size > 0,
      size <= SplitRing.largest, size & (size - 1) == 0
    else { return false }
    queues[queue].ring.forget()
    queues[queue].ring.size = UInt16(size)
    return true
  }

  private func setRingAddress(_ message: VhostUserMessage) -> Bool {
    guard let queue = queue(message), let descriptors = message.longWord(8),
      let used = message.longWord(16), let available = message.longWord(24)
    else { return false }
    let isThere = queues[queue].ring.locate(
      descriptors: descriptors, available: available, used: used, in: memory)
    if isThere {
      queues[queue].isBroken = false
    } else {
      queues[queue].ring.forget()
    }
    return isThere
  }

  private func setRingBase(_ message: VhostUserMessage) -> Bool {
    guard let queue = queue(message), let base = message.word(4), base <= 0xFFFF else {
      return false
    }
    // Requests that were kept are still the peer's if it goes on where it stopped.
    if queues[queue].stoppedAt != UInt16(base) { device.forget(queue: queue) }
    // A new ring begins at 0; one in use that this session never stopped was another process's.
    let isKnown = queues[queue].stoppedAt != nil
    if base == 0 || !isKnown { device.begin(queue: queue, goesOn: base != 0) }
    queues[queue].ring.nextAvailable = UInt16(base)
    return true
  }

  private func ringBase(_ message: VhostUserMessage) -> [UInt8]? {
    guard let queue = queue(message) else { return acknowledge(message, false) }
    let base = queues[queue].ring.nextAvailable
    queues[queue].stoppedAt = base
    queues[queue].kick = nil
    queues[queue].call = nil
    return reply(
      message, VhostUserMessage.little(UInt32(queue)) + VhostUserMessage.little(UInt32(base)))
  }

  private func setRingEnable(_ message: VhostUserMessage) -> Bool {
    guard let queue = queue(message), let isEnabled = message.word(4), isEnabled <= 1 else {
      return false
    }
    queues[queue].isEnabled = isEnabled == 1
    return true
  }

  private func setDescriptor(
    _ message: VhostUserMessage, _ place: WritableKeyPath<Queue, OwnedDescriptor?>
  ) -> Bool {
    guard let word = message.longWord(0), word & 0xFF < queues.count else { return false }
    let queue = Int(word & 0xFF)
    queues[queue][keyPath: place] = nil
    // Bit 8: there is none, and the peer would have the queue polled.
    if word & 0x100 != 0 { return true }
    guard message.descriptors.count == 1, cvirtio_check_event(message.descriptors[0].number) == 0
    else { return false }
    queues[queue][keyPath: place] = message.descriptors[0]
    return true
  }

  private func configuration(_ message: VhostUserMessage) -> [UInt8] {
    let known = device.configuration
    guard let offset = message.word(0), let size = message.word(4),
      Int(offset) + Int(size) <= known.count, message.payload.count >= 12 + Int(size)
    else {
      // An empty answer is how the protocol says no here.
      faults.messages += 1
      return reply(message, [])
    }
    let wanted = known[Int(offset)..<Int(offset) + Int(size)]
    return reply(message, Array(message.payload[..<12]) + wanted)
  }
}
