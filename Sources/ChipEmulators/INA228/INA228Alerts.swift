// SPDX-License-Identifier: Apache-2.0

/// Limits and the ALERT pin. All six limits are watched at once.
extension INA228State {
  /// Compares the measured codes with their limits.
  ///
  /// Transparent: a flag follows its comparison. Latched: it stays until DIAG_ALRT is read.
  mutating func compare(shunt: Int64, bus: Int64, die: Int64) {
    var found: UInt16 = 0
    // A limit's step is 16 codes (5 µV or 1.25 µV; 3.125 mV), for the die one.
    if shunt > Int64(Int16(bitPattern: shuntOverLimit)) * 16 { found |= INA228Flag.shuntOver }
    if shunt < Int64(Int16(bitPattern: shuntUnderLimit)) * 16 { found |= INA228Flag.shuntUnder }
    if bus > Int64(busOverLimit) * 16 { found |= INA228Flag.busOver }
    if bus < Int64(busUnderLimit) * 16 { found |= INA228Flag.busUnder }
    if die > Int64(Int16(bitPattern: temperatureLimit)) { found |= INA228Flag.temperatureOver }
    raise(found, of: INA228Flag.limits & ~INA228Flag.powerOver)
  }

  /// Compares POWER, which exists only as an average, with its limit.
  mutating func comparePower() {
    let isOver = powerCode > Int64(powerLimit) * 256
    raise(isOver ? INA228Flag.powerOver : 0, of: INA228Flag.powerOver)
  }

  private mutating func raise(_ found: UInt16, of compared: UInt16) {
    let before = flags
    flags = (alertLatches ? flags : flags & ~compared) | found
    if flags != before { updateAlert() }
  }

  /// Marks `windows` finished averages; a transparent pin shows each as a short pulse.
  mutating func markReady(windows: Int64) {
    let wasReady = flags & INA228Flag.conversionReady != 0
    flags |= INA228Flag.conversionReady
    if alertShowsReady, !alertLatches, !alertIsAsserted { alertActivations += windows }
    if !wasReady { updateAlert() }
  }

  /// Drives the pin from the flags.
  mutating func updateAlert() {
    let holdsReady = alertLatches && alertShowsReady
    let sources = INA228Flag.limits | (holdsReady ? INA228Flag.conversionReady : 0)
    let asserts = flags & sources != 0
    if asserts, !alertIsAsserted { alertActivations += 1 }
    alertIsAsserted = asserts
  }
}
