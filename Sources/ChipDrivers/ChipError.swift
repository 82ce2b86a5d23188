// SPDX-License-Identifier: Apache-2.0

public import BusProtocols

/// Why a driver could not give a value.
///
/// A failed read never becomes a number: every case means that nothing was measured. Unless a case
/// says otherwise, the driver's state is what it was before the call, so the call may be repeated.
public enum ChipError: Error, Equatable, Sendable {
  /// The transfer failed.
  case bus(I2CError)
  /// Another chip, or none of ours, answers at this address.
  case unexpectedIdentity(expected: UInt16, found: UInt16)
  /// A register is not at its reset value; reset again, or wait longer before configuring.
  case resetIncomplete(register: UInt8, found: UInt16)
  /// A register read back differently from what was written.
  case configurationNotHeld(register: UInt8, wrote: UInt16, read: UInt16)
  /// The chip lost its configuration behind our back, most likely by a brown-out: reset and
  /// configure it again.
  case configurationLost(register: UInt8, expected: UInt16, found: UInt16)
  /// The driver was asked to measure before it was configured or a conversion was started.
  case notConfigured
  /// No new conversion has finished since the last reading.
  case conversionNotReady
  /// The chip is still at work on what it was last told, such as a write to its memory.
  case busy
  /// The chip reports that its time or its count is not to be trusted, such as after its supply was
  /// away.
  case dataNotValid
  /// The checksum of an answer is wrong: the bytes were corrupted on the wire.
  case checksum(expected: UInt8, found: UInt8)
  /// The chip reports that its trimming memory is corrupt; nothing it measures can be trusted.
  case memoryFault
  /// The input is at or beyond the end of the converter's range. `positive` tells which end, in the
  /// sign of the quantity (for a current: true charges the cell).
  case overflow(register: UInt8, positive: Bool)
  /// A register holds bits that the chip cannot produce: the bytes were corrupted on the wire.
  case rawValueOutOfRange(register: UInt8, found: UInt32)
  /// The thermistor's voltage is at the reference: broken wire, or colder than the stated range.
  case thermistorOpen
  /// The thermistor's voltage is at ground: short circuit, or hotter than the stated range.
  case thermistorShorted
}
