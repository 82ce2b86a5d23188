// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// An emulated AT24C32: 4 KiB of EEPROM in pages of 32 bytes.
///
/// The bytes of a write collect in a page buffer; the stop condition starts the write cycle, during
/// which the chip acknowledges nothing. What the datasheet leaves open is marked "unverified".
public final class AT24C32Emulator: I2CTarget {
  /// The address the chip answers to, 0x50…0x57.
  public let address: I2CAddress
  /// Whether the chip is wired and powered; the memory keeps its content without supply.
  public var isPresent = true
  /// The pin WP: bytes are acknowledged and dropped, and no write cycle follows (unverified).
  public var isWriteProtected = false
  /// The memory, 4096 bytes; a new part holds 0xFF.
  public var memory = [UInt8](repeating: 0xFF, count: 4_096)
  /// How often each of the 128 pages was written: 10^6 times are allowed.
  public private(set) var pageWrites = [Int64](repeating: 0, count: 128)
  /// How long a write cycle lasts: 5 ms, up to 20 ms in old parts. Unit: µs.
  public var writeMicroseconds: Int64

  private var random: NoiseSource
  private var now: Int64 = 0
  private var busyUntil: Int64 = 0
  private var position = 0
  private var received = 0
  /// The page as it will be after the write, and whether it was changed.
  private var buffer = [UInt8](repeating: 0, count: 32)
  private var isLoaded = false

  /// Makes a chip at time 0.
  ///
  /// - Parameters:
  ///   - address: 0x50…0x57.
  ///   - writeMicroseconds: how long a write cycle lasts.
  ///   - seed: the seed of the run, for what a broken write leaves.
  ///   - stream: its stream of random numbers.
  public init(
    address: I2CAddress, writeMicroseconds: Int64 = 5_000, seed: UInt64 = 0, stream: UInt64 = 0
  ) {
    self.address = address
    self.writeMicroseconds = writeMicroseconds
    random = NoiseSource(seed: seed, stream: stream)
  }

  /// Whether a write cycle runs.
  public var isBusy: Bool { now < busyUntil }

  /// Lets time pass up to a host time, not before the last one.
  public func advance(toMicroseconds microseconds: Int64) {
    precondition(microseconds >= now, "time does not run backwards")
    now = microseconds
    if !isBusy { commit() }
  }

  /// Takes the supply away and gives it back.
  ///
  /// A write cycle that this breaks off leaves each byte of its page old, new or erased, by chance
  /// (unverified: the datasheet says nothing; whole pages are erased before they are programmed).
  public func powerCycle() {
    if isBusy {
      for index in 0..<32 {
        let chance = random.uniform()
        let old = memory[position & 0xFE0 | index]
        buffer[index] = chance < 1.0 / 3 ? old : chance < 2.0 / 3 ? buffer[index] : 0xFF
      }
      busyUntil = now
      commit()
    }
    isLoaded = false
    position = 0
  }

  // MARK: - Bus side

  /// Acknowledges unless a write cycle runs. A repeated start drops a write that was not ended with a
  /// stop condition (unverified).
  public func start(_ direction: I2CDirection) -> Bool {
    guard !isBusy else { return false }
    isLoaded = false
    if direction == .write { received = 0 }
    return true
  }

  /// Takes the two bytes of the position, of which the upper four bits are ignored, then content,
  /// which goes on at the beginning of the page when it reaches the end.
  public func receive(_ byte: UInt8) -> Bool {
    switch received {
    case 0: position = Int(byte & 0x0F) << 8 | position & 0xFF
    case 1: position = position & 0xF00 | Int(byte)
    default: load(byte)
    }
    received = min(received + 1, 2)
    return true
  }

  /// The byte at the position, which then moves on, from the last byte to the first.
  public func transmit() -> UInt8 {
    let byte = memory[position]
    position = (position + 1) & 0xFFF
    return byte
  }

  /// Starts the write cycle if there is something to write.
  public func stop() {
    guard isLoaded, !isBusy, !isWriteProtected else { return }
    busyUntil = now + writeMicroseconds
    if !isBusy { commit() }
  }

  private func load(_ byte: UInt8) {
    if !isLoaded {
      for index in 0..<32 { buffer[index] = memory[position & 0xFE0 | index] }
      isLoaded = true
    }
    buffer[position & 0x1F] = byte
    position = position & 0xFE0 | (position + 1) & 0x1F
  }

  private func commit() {
    guard isLoaded, !isWriteProtected else { return }
    for index in 0..<32 { memory[position & 0xFE0 | index] = buffer[index] }
    pageWrites[position >> 5] += 1
    isLoaded = false
  }
}
