// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import BusTesting
import ChipDrivers
import Quantities
import TestSupport
import Testing

/// A transfer fails, each in turn, before or after the chip took it.
@Suite struct LostTransferTests {
  typealias Moment = FailingBus<RegisterFile>.Moment
  typealias Step<Driver> = (inout Driver, inout FailingBus<RegisterFile>) throws(ChipError) -> Void

  /// How a transfer is lost.
  struct Loss: Sendable {
    let error: I2CError
    let moment: Moment
  }

  static let losses: [Loss] = [
    Loss(error: .noAcknowledge, moment: .beforeDelivery),
    Loss(error: .shortTransfer, moment: .beforeDelivery),
    Loss(error: .shortTransfer, moment: .afterDelivery),
    Loss(error: .timedOut, moment: .beforeDelivery),
    Loss(error: .timedOut, moment: .afterDelivery),
    Loss(error: .arbitrationLost, moment: .beforeDelivery),
  ]

  /// Runs steps on a chip, with the n-th transfer failing, for n = 1, 2, … until none fails. The step
  /// that meets the failure must surface it and succeed when it is repeated.
  ///
  /// - Returns: how many transfers the run takes.
  func sweep<Driver>(
    _ loss: Loss, chip: RegisterFile, driver: Driver, steps: [Step<Driver>]
  ) -> Int {
    for nth in 1...100 {
      var bus = FailingBus(wrapping: chip, failing: nth, with: loss.error, loss.moment)
      var subject = driver
      var failures = 0
      for step in steps {
        let error = thrown { () throws(ChipError) in try step(&subject, &bus) }
        guard let error else { continue }
        failures += 1
        #expect(error == .bus(loss.error), "transfer \(nth)")
        let again = thrown { () throws(ChipError) in try step(&subject, &bus) }
        #expect(again == nil, "transfer \(nth)")
      }
      if bus.transferCount < nth {
        #expect(failures == 0)
        return nth - 1
      }
      #expect(failures == 1, "transfer \(nth)")
    }
    Issue.record("the run never ends")
    return 0
  }

  @Test(arguments: losses.indices) func ina228(index: Int) throws {
    var chip = RegisterFile.ina228()
    chip.set(0x04, to: 0xB41000, bytes: 3)
    chip.set(0x05, to: 245_760 << 4, bytes: 3)
    // One more count each time the accumulator is read, by any attempt.
    chip.onRead = { registers, register in
      if register == 0x0A, let last = registers[0x0A]?[4] { registers[0x0A]?[4] = last + 1 }
    }
    // As the firmware does: whatever fails in bring-up, begin with the reset again.
    let bringUp: Step<INA228> = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus, at: .microseconds(0))
      // The reset took the inputs, the next conversion brings them back.
      bus.wrapped.set(0x04, to: 0xB41000, bytes: 3)
      bus.wrapped.set(0x05, to: 245_760 << 4, bytes: 3)
    }
    let read: Step<INA228> = { (driver, bus) throws(ChipError) in
      let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(1_000_000))
      #expect(measurement.current == .milliamperes(-6_480))
      #expect(measurement.busVoltage == .millivolts(48_000))
    }
    let check: Step<INA228> = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = sweep(
      Self.losses[index], chip: chip, driver: try FaultTests.ina228(),
      steps: [bringUp, read, check, read])
    #expect(count == 18 + 5 + 4 + 5)
  }

  /// Whatever transfer fails, the charge that is handed out adds up to what the chip counted.
  @Test(arguments: losses.indices) func ina228NeverLosesCharge(index: Int) throws {
    let loss = Self.losses[index]
    // The n-th transfer fails; 12 readings are 60 transfers.
    for nth in 1...60 {
      var chip = RegisterFile.ina228()
      var driver = try FaultTests.ina228()
      try driver.configure(on: &chip, at: .microseconds(0))
      var bus = FailingBus(wrapping: chip, failing: nth, with: loss.error, loss.moment)
      var total: Int64 = 0
      var failures = 0
      for second in 1...12 {
        bus.wrapped.set(0x0A, to: UInt64(second * 262_143), bytes: 5)
        let error = thrown { () throws(ChipError) in
          let time = MonotonicTime.microseconds(Int64(second) * 1_000_000)
          let measurement = try driver.readMeasurement(on: &bus, at: time)
          if case .counted(let charge) = measurement.charge { total += charge.nanocoulombs }
        }
        if error != nil { failures += 1 }
      }
      #expect(failures == 1, "transfer \(nth)")
      // The last second may be the one that failed: it is then still to be caught up.
      let measurement = try driver.readMeasurement(on: &bus, at: .microseconds(12_000_001))
      if case .counted(let charge) = measurement.charge { total += charge.nanocoulombs }
      // 12 · 262143 counts of 10/2^19 C.
      #expect(total == 12 * 262_143 * 10_000_000_000 / 524_288, "transfer \(nth)")
    }
  }

  @Test(arguments: losses.indices) func ina226(index: Int) throws {
    let bringUp: Step<INA226> = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
      bus.wrapped.set(0x01, to: 4_000)
      bus.wrapped.set(0x02, to: 2_446)
    }
    let read: Step<INA226> = { (driver, bus) throws(ChipError) in
      let measurement = try driver.readMeasurement(on: &bus)
      #expect(measurement.current == .milliamperes(1_000))
      #expect(measurement.busVoltage == .microvolts(3_057_500))
    }
    let check: Step<INA226> = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = sweep(
      Self.losses[index], chip: .ina226(), driver: try FaultTests.ina226(),
      steps: [bringUp, read, check, read])
    #expect(count == 13 + 3 + 3 + 3)
  }

  @Test(arguments: losses.indices) func tmp117(index: Int) throws {
    let loss = Self.losses[index]
    let bringUp: Step<TMP117> = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
      Self.finishConversion(&bus)
    }
    let read: Step<TMP117> = { (driver, bus) throws(ChipError) in
      // An answer that is lost after the chip gave it takes the ready flag with it: the next try has
      // to wait for a conversion. One that the chip never gave must not cost a conversion.
      if loss.moment == .afterDelivery { Self.finishConversion(&bus) }
      let temperature = try driver.readTemperature(on: &bus)
      #expect(temperature == .degreesCelsius(25))
      Self.finishConversion(&bus)
    }
    let check: Step<TMP117> = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = sweep(
      loss, chip: .tmp117(), driver: TMP117(address: I2CAddress(0x48)),
      steps: [bringUp, read, check, read])
    #expect(count == 6 + 2 + 1 + 2)
  }

  private static func finishConversion(_ bus: inout FailingBus<RegisterFile>) {
    if let high = bus.wrapped.registers[0x01]?[0] { bus.wrapped.registers[0x01]?[0] = high | 0x20 }
  }

  @Test(arguments: losses.indices) func ads1115(index: Int) throws {
    let bringUp: Step<ADS1115> = { (driver, bus) throws(ChipError) in
      try driver.reset(on: &bus)
      try driver.configure(on: &bus)
    }
    let start: Step<ADS1115> = { (driver, bus) throws(ChipError) in
      let input = ADS1115.Input(multiplexer: .input1, range: .millivolts4096)
      try driver.start(input, on: &bus, at: .microseconds(0))
    }
    let read: Step<ADS1115> = { (driver, bus) throws(ChipError) in
      let voltage = try driver.readVoltage(on: &bus, at: .microseconds(9_000))
      #expect(voltage == .microvolts(0))
    }
    let check: Step<ADS1115> = { (driver, bus) throws(ChipError) in
      let isHeld = try driver.isConfigured(on: &bus)
      #expect(isHeld)
    }
    let count = sweep(
      Self.losses[index], chip: .ads1115(), driver: ADS1115(address: I2CAddress(0x48)),
      steps: [bringUp, check, start, read, check, read])
    // Zero is looked at twice: three transfers a reading.
    #expect(count == 7 + 1 + 1 + 3 + 1 + 3)
  }

  /// A configuration that stopped half-way must not be measured with.
  @Test(arguments: losses.indices) func halfConfiguredIsNotConfigured(index: Int) throws {
    let loss = Self.losses[index]
    for nth in 1...15 {
      var bus = FailingBus(
        wrapping: RegisterFile.ina228(), failing: nth, with: loss.error, loss.moment)
      var driver = try FaultTests.ina228()
      try driver.configure(on: &bus.wrapped, at: .microseconds(0))
      bus.wrapped = .ina228()
      let failure = thrown { () throws(ChipError) in
        try driver.configure(on: &bus, at: .microseconds(0))
      }
      #expect(failure == .bus(loss.error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in
        try driver.readMeasurement(on: &bus, at: .microseconds(1))
      }
      #expect(reading == .notConfigured, "transfer \(nth)")
    }
    for nth in 1...10 {
      var bus = FailingBus(
        wrapping: RegisterFile.ina226(), failing: nth, with: loss.error, loss.moment)
      var driver = try FaultTests.ina226()
      let failure = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      #expect(failure == .bus(loss.error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in try driver.readMeasurement(on: &bus) }
      #expect(reading == .notConfigured, "transfer \(nth)")
    }
    for nth in 1...4 {
      var bus = FailingBus(
        wrapping: RegisterFile.tmp117(), failing: nth, with: loss.error, loss.moment)
      var driver = TMP117(address: I2CAddress(0x48))
      let failure = thrown { () throws(ChipError) in try driver.configure(on: &bus) }
      #expect(failure == .bus(loss.error), "transfer \(nth)")
      let reading = thrown { () throws(ChipError) in try driver.readTemperature(on: &bus) }
      #expect(reading == .notConfigured, "transfer \(nth)")
    }
  }
}
