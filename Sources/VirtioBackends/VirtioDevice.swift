// SPDX-License-Identifier: Apache-2.0

/// A device behind virtqueues, without how the queues came here.
public protocol VirtioDevice: AnyObject {
  /// The feature bits of this kind of device.
  var features: UInt64 { get }
  /// How many queues it has.
  var queueCount: Int { get }
  /// The configuration that the guest reads.
  var configuration: [UInt8] { get }
  /// Takes a request; answers it with `queues.finish`, now or later.
  func serve(_ request: borrowing DescriptorChain, queue: Int, _ queues: any VirtioQueues)
  /// No request waits in a queue any more.
  func drained(queue: Int, _ queues: any VirtioQueues)
  /// A machine sets up a queue.
  ///
  /// - Parameter goesOn: whether the machine used it before with another process, whose memory of the
  ///   device is lost.
  func begin(queue: Int, goesOn: Bool)
  /// Requests that are not answered yet are gone.
  func forget(queue: Int)
}

/// The way back for answers.
public protocol VirtioQueues: AnyObject {
  /// Gives a request back that was kept, after its answer was written to it.
  ///
  /// - Parameters:
  ///   - queue: the queue it came from.
  ///   - head: its number.
  ///   - written: how many bytes were written.
  func finish(queue: Int, head: UInt16, written: Int)
}
