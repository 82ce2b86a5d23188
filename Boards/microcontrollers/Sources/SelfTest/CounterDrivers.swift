// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// The drivers of the coulomb counters and of the gauge for packs. Their answers are longer than the bus
/// of registers gives, so they get no further than their first questions, but their code is on the
/// processor.
func hashCounters(on bus: inout RegisterBus, into hash: inout StableHash) {
  let shunt = Shunt(resistance: .microohms(7_919), maximumCurrent: .milliamperes(5_000))
  outcome(into: &hash) { () throws(ChipError) in
    do throws(ShuntProblem) {
      guard
        let pack = try LTC2943.Configuration(shunt: shunt, capacity: .milliampereHours(1_500))
      else { return -6 }
      let cell = try LTC2959.Configuration(shunt: shunt)
      return hashCounters(pack, cell, on: &bus)
    } catch {
      return -5
    }
  }
  if let configuration = BQ34Z100.Configuration(
    designCapacity: 1_500, designEnergy: 12_400, seriesCells: 4, terminateVoltage: 2_000,
    voltageDivider: 20_000)
  {
    hashPackGauge(BQ34Z100(configuration: configuration), on: &bus, into: &hash)
  }
}

private func hashCounters(
  _ pack: LTC2943.Configuration, _ cell: LTC2959.Configuration, on bus: inout RegisterBus
) -> Int64 {
  var hash = StableHash()
  for word in UInt16(0)..<64 {
    hash.combine(Int64(LTC2943.voltage(word: word << 10, model: .ltc2943).microvolts))
    hash.combine(Int64(LTC2943.voltage(word: word << 10, model: .ltc2944).microvolts))
    hash.combine(Int64(LTC2943.temperature(word: word << 10).millidegreesCelsius))
    hash.combine(Int64(LTC2959.voltage(word: word << 10).microvolts))
    hash.combine(Int64(LTC2959.temperature(word: word << 10).millidegreesCelsius))
    outcome(into: &hash) { () throws(ChipError) in
      let current = try LTC2943.current(word: word << 10, model: .ltc2944, configuration: pack)
      let other = try LTC2959.current(word: word << 10, configuration: cell)
      return Int64(current.microamperes) + Int64(other.microamperes)
    }
  }
  var first = LTC2943(model: .ltc2943, configuration: pack)
  outcome(into: &hash) { () throws(ChipError) in
    try first.configure(on: &bus, at: .microseconds(0))
    return try first.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try first.readMeasurement(on: &bus, at: .microseconds(1)).voltage.microvolts)
  }
  var second = LTC2959(configuration: cell)
  outcome(into: &hash) { () throws(ChipError) in
    try second.configure(on: &bus, at: .microseconds(0))
    return try second.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try second.readMeasurement(on: &bus, at: .microseconds(1)).voltage.microvolts)
  }
  return Int64(truncatingIfNeeded: hash.value)
}

private func hashPackGauge(
  _ driver: BQ34Z100, on bus: inout RegisterBus, into hash: inout StableHash
) {
  var gauge = driver
  for step in Int64(0)..<4 {
    outcome(into: &hash) { () throws(ChipError) in
      try gauge.configure(on: &bus, at: .microseconds(step * 200_000)) ? 1 : 0
    }
  }
  outcome(into: &hash) { () throws(ChipError) in
    try gauge.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try gauge.read(on: &bus).stateOfCharge.partsPerMillion)
  }
}
