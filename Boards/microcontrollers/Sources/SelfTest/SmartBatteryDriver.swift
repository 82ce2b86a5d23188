// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import ChipDrivers
import Quantities

/// The smart battery's driver. Its answers of three bytes are longer than the bus of registers gives,
/// so it gets no further than its first question, but its code is on the processor.
func hashSmartBattery(on bus: inout RegisterBus, into hash: inout StableHash) {
  for word in UInt16(0)..<64 {
    guard let scale = SmartBattery.Scale(word: 0x0031 | (word & 1) << 8 | (word & 2) << 11) else {
      hash.combine(-5)
      continue
    }
    hash.combine(Int64(SmartBattery.voltage(word: word << 10, scale: scale).microvolts))
    hash.combine(Int64(SmartBattery.current(word: word << 10, scale: scale).microamperes))
    hash.combine(SmartBattery.capacity(word: word << 10, scale: scale).nanocoulombs)
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try SmartBattery.temperature(word: word << 8).millidegreesCelsius)
    }
    outcome(into: &hash) { () throws(ChipError) in
      Int64(try SmartBattery.stateOfCharge(word: word << 2).partsPerMillion)
    }
  }
  var battery = SmartBattery()
  outcome(into: &hash) { () throws(ChipError) in
    try battery.configure(on: &bus)
    return try battery.isConfigured(on: &bus) ? 1 : 0
  }
  outcome(into: &hash) { () throws(ChipError) in
    Int64(try battery.read(on: &bus).stateOfCharge.partsPerMillion)
  }
}
