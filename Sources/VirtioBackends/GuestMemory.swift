// SPDX-License-Identifier: Apache-2.0

import CVirtio
import Glibc

/// A region of the guest's memory as its peer announces it.
struct MemoryRegion: Equatable, Sendable {
  /// Where the guest sees it.
  var guestAddress: UInt64
  /// How long it is. Unit: bytes.
  var size: UInt64
  /// Where the peer sees it; rings are announced by such addresses.
  var userAddress: UInt64
  /// Where it begins in the shared file.
  var offset: UInt64
}

/// The memory that a peer shares with this process.
///
/// Nothing in it is trusted: an address becomes a pointer only if all bytes asked for lie in a mapped
/// region, and the files are such that the peer cannot make them shorter afterwards.
struct GuestMemory {
  /// More regions than any peer announces in one message.
  static let mostRegions = 8

  @safe private final class Mapping {
    let base: UnsafeMutableRawPointer
    let size: UInt64

    init(base: UnsafeMutableRawPointer, size: UInt64) {
      unsafe self.base = base
      self.size = size
    }

    deinit { _ = unsafe munmap(base, Int(size)) }
  }

  private struct Mapped {
    let region: MemoryRegion
    let mapping: Mapping
  }

  private var mapped: [Mapped] = []

  /// Maps regions, each from its own file.
  ///
  /// - Throws: when a region is empty, does not fit its file or the address space, begins inside a
  ///   page, overlaps another, or is in a file that may shrink.
  init(_ regions: [(MemoryRegion, OwnedDescriptor)]) throws(SystemProblem) {
    for (region, file) in regions {
      let ends = [region.guestAddress, region.userAddress, region.offset].map {
        $0.addingReportingOverflow(region.size)
      }
      guard region.size > 0, !ends.contains(where: \.overflow), ends[2].partialValue < 1 << 62,
        region.offset % 4_096 == 0, !mapped.contains(where: { Self.overlap($0.region, region) })
      else { throw SystemProblem(action: "a memory region", code: EINVAL) }
      mapped.append(Mapped(region: region, mapping: try Self.map(region, file)))
    }
  }

  /// A peer that has shared nothing.
  init() {}

  private static func overlap(_ one: MemoryRegion, _ other: MemoryRegion) -> Bool {
    one.guestAddress < other.guestAddress + other.size
      && other.guestAddress < one.guestAddress + one.size
  }

  private static func map(
    _ region: MemoryRegion, _ file: OwnedDescriptor
  ) throws(SystemProblem) -> Mapping {
    var address: UnsafeMutableRawPointer?
    let result = unsafe cvirtio_map(file.number, region.offset, region.size, &address)
    guard result == 0, let base = unsafe address else {
      throw SystemProblem(action: "sharing memory", code: -result)
    }
    return unsafe Mapping(base: base, size: region.size)
  }

  /// The pointer to what the guest has at an address, and how many bytes from there on, up to
  /// `count`, follow each other in this process; nil if not even one is shared.
  func bytes(
    atGuest address: UInt64, count: UInt64
  ) -> (base: UnsafeMutableRawPointer, count: UInt64)? {
    for item in mapped {
      let region = item.region
      guard address >= region.guestAddress, address - region.guestAddress < region.size else {
        continue
      }
      let offset = address - region.guestAddress
      return unsafe (item.mapping.base + Int(offset), min(count, region.size - offset))
    }
    return nil
  }

  /// The pointer to what the peer has at an address; nil unless all bytes are shared.
  func pointer(atUser address: UInt64, count: UInt64) -> UnsafeMutableRawPointer? {
    for item in mapped {
      let region = item.region
      guard address >= region.userAddress, address - region.userAddress < region.size else {
        continue
      }
      let offset = address - region.userAddress
      guard count <= region.size - offset else { return nil }
      return unsafe item.mapping.base + Int(offset)
    }
    return nil
  }
}
