// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import CellEstimation
import Quantities

/// The seconds of trace that one self-test runs through: two of its 40-minute rounds.
let traceSeconds: Int32 = 4_800

/// Runs ring 0 over a synthetic trace and returns the hash of everything it computed.
///
/// Tools/embedded compares the value between the host and each processor. Add a section for each
/// part of ring 0; the order is part of the value.
public func selfTestHash() -> UInt64 {
  var hash = StableHash()
  hashLedger(into: &hash)
  hashBus(into: &hash)
  hashDrivers(into: &hash)
  hashEstimates(into: &hash)
  hashPersistence(into: &hash)
  return hash.value
}

/// Quantities: the charge ledger over the trace.
func hashLedger(into hash: inout StableHash) {
  var trace = SyntheticTrace(seed: 7)
  var ledger = Charge.zero
  for _ in 0..<traceSeconds {
    let sample = trace.next()
    ledger += .nanocoulombs(Int64(sample.current.microamperes) * 1_000)
    hash.combine(sample.time.microseconds)
    hash.combine(Int64(sample.voltage.microvolts))
    hash.combine(ledger.nanocoulombs)
  }
}

/// BusProtocols: the trace's voltages through a register and back, failures included.
func hashBus(into hash: inout StableHash) {
  var trace = SyntheticTrace(seed: 11)
  var bus = RegisterBus(address: I2CAddress(0x40), failurePeriod: 17)
  for _ in 0..<traceSeconds {
    let millivolts = UInt16(truncatingIfNeeded: trace.next().voltage.microvolts / 1_000)
    do {
      try write(millivolts, to: 5, on: &bus)
      hash.combine(Int64(try read(5, on: &bus)))
    } catch {
      hash.combine(error == .noAcknowledge ? -1 : -2)
    }
  }
}

/// CellEstimation: every estimate over the trace, with values missing now and then.
func hashEstimates(into hash: inout StableHash) {
  var trace = SyntheticTrace(seed: 13)
  var estimator = straightEstimator()
  for second in 0..<traceSeconds {
    let sample = trace.next()
    estimator.step(
      at: sample.time,
      Measurement(
        current: second % 13 == 0 ? nil : sample.current,
        voltage: second % 7 == 0 ? nil : sample.voltage,
        temperature: .millidegreesCelsius(15_000 + 5 * second)))
    estimator.estimate.combine(into: &hash)
  }
  hash.combine(Int64(estimator.saturations))
}

/// Not inlined, so that the copies of the profile on the way leave the stack again.
@inline(never) func straightEstimator() -> StateEstimator {
  StateEstimator(
    profile: .straight(), stateOfCharge: .partsPerMillion(300_000), deviation: 200_000)
}

func write(_ value: UInt16, to register: UInt8, on bus: inout some I2CBus) throws(I2CError) {
  let bytes: InlineArray<3, UInt8> = [register, UInt8(value >> 8), UInt8(value & 0xFF)]
  var empty = MutableSpan<UInt8>()
  try bus.transfer(with: I2CAddress(0x40), writing: bytes.span, reading: &empty)
}

func read(_ register: UInt8, on bus: inout some I2CBus) throws(I2CError) -> UInt16 {
  let bytes: InlineArray<1, UInt8> = [register]
  var word = InlineArray<2, UInt8>(repeating: 0)
  var buffer = word.mutableSpan
  try bus.transfer(with: I2CAddress(0x40), writing: bytes.span, reading: &buffer)
  return UInt16(word[0]) << 8 | UInt16(word[1])
}
