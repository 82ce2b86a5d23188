// SPDX-License-Identifier: Apache-2.0

public import BusProtocols
internal import Quantities

extension MAX17055 {
  /// What the chip is told of cell and shunt; checked when made.
  public struct Configuration: Equatable, Sendable {
    /// The current-sensing resistor.
    public let shunt: Shunt
    /// Unit: mAh.
    public let designCapacity: Int32
    /// The current at which a charge ends. Unit: mA.
    public let chargeTermination: Int32
    /// Where the chip takes the cell for empty, and from where for no longer empty. Unit: mV.
    public let emptyVoltage: Int32
    /// Unit: mV.
    public let recoveryVoltage: Int32

    let capacityWord: UInt16
    let terminationWord: UInt16

    /// Checks that the largest current stays within ±51.2 mV over the shunt, and that the rest can be
    /// told to the chip.
    ///
    /// - Parameters:
    ///   - designCapacity: in mAh; 32…32767 steps of 5 µVh over the shunt.
    ///   - chargeTermination: in mA; 1…32767 steps of 1.5625 µV over the shunt.
    ///   - emptyVoltage: 2300…5110 mV; its last digit is dropped.
    ///   - recoveryVoltage: `emptyVoltage`…5080 mV, rounded up to 40 mV.
    /// - Throws: `ShuntProblem`.
    /// - Returns: nil if another value is outside its range.
    public init?(
      shunt: Shunt, designCapacity: Int32, chargeTermination: Int32, emptyVoltage: Int32 = 2_500,
      recoveryVoltage: Int32 = 2_800
    ) throws(ShuntProblem) {
      try shunt.validate(fullScalePicovolts: 51_200_000_000)
      let microohms = Int64(shunt.resistance.microohms)
      // 1 mAh · 1 µΩ = 1 nVh, and 5000 of them a step; 1 mA · 1 µΩ = 1 nV, and 1562.5 a step.
      let capacity = roundedQuotient(Int64(designCapacity) * microohms, 5_000)
      let termination = roundedQuotient(Int64(chargeTermination) * microohms * 2, 3_125)
      guard 32...32_767 ~= capacity, 1...32_767 ~= termination, 2_300...5_110 ~= emptyVoltage,
        recoveryVoltage >= emptyVoltage, recoveryVoltage <= 5_080
      else { return nil }
      self.shunt = shunt
      self.designCapacity = designCapacity
      self.chargeTermination = chargeTermination
      self.emptyVoltage = emptyVoltage
      self.recoveryVoltage = recoveryVoltage
      capacityWord = UInt16(truncatingIfNeeded: capacity)
      terminationWord = UInt16(truncatingIfNeeded: termination)
    }

    /// VEmpty: 10 mV in bits 15…7, 40 mV below.
    var emptyWord: UInt16 {
      UInt16(truncatingIfNeeded: emptyVoltage / 10) << 7
        | UInt16(truncatingIfNeeded: (recoveryVoltage + 39) / 40)
    }

    /// dQAcc, 1/32 of the capacity.
    var capacityChangeWord: UInt16 { capacityWord / 32 }

    /// dPAcc: the same share in the chip's percent.
    var percentChangeWord: UInt16 {
      UInt16(truncatingIfNeeded: UInt32(capacityChangeWord) * 44_138 / UInt32(capacityWord))
    }
  }

  /// Does the next step of the configuration; true once the chip is configured.
  ///
  /// Call it again, at least 10 ms later, while it returns false; give up after some seconds. A
  /// failure begins the configuration anew with the next call.
  ///
  /// - Throws: `.unexpectedIdentity`; `.configurationNotHeld`; `.configurationLost` if the chip was
  ///   reset on the way; `.bus`.
  public mutating func configure<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError)
    -> Bool
  {
    do throws(ChipError) {
      stage = try nextStage(on: &bus)
    } catch {
      stage = .begin
      throw error
    }
    return stage == .done
  }

  /// Begins again with the next `configure(on:)`, as after `.configurationLost`.
  public mutating func restart() { stage = .begin }

  private func nextStage<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    switch stage {
    case .begin:
      try checkIdentity(on: &bus)
      guard try word(Register.modelStatus, on: &bus) & MAX17055.dataNotReady == 0 else {
        return .begin
      }
      return try loadModel(on: &bus)
    case .awaitRefresh:
      guard try word(Register.modelConfiguration, on: &bus) & MAX17055.refresh == 0 else {
        return stage
      }
      return try finish(on: &bus)
    case .done:
      return .done
    }
  }

  private func checkIdentity<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) {
    let found = try word(Register.deviceName, on: &bus)
    guard found == MAX17055.deviceName else {
      throw .unexpectedIdentity(expected: MAX17055.deviceName, found: found)
    }
  }

  /// Awake, tells the chip what the cell is, and has it load its model.
  private func loadModel<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    // The mark of the reset is taken away first: a reset after it brings it back, and one before it
    // can undo nothing that is not written afterwards.
    let status = try word(Register.status, on: &bus)
    try writeAndVerify(status & ~MAX17055.powerOnReset, to: Register.status, on: &bus)
    try write(MAX17055.softWakeUp, to: Register.command, on: &bus)
    try write(0, to: Register.hibernation, on: &bus)
    try write(MAX17055.clearCommand, to: Register.command, on: &bus)
    try writeAndVerify(configuration.capacityWord, to: Register.designCapacity, on: &bus)
    try write(configuration.capacityChangeWord, to: Register.capacityChange, on: &bus)
    try writeAndVerify(configuration.terminationWord, to: Register.chargeTermination, on: &bus)
    try writeAndVerify(configuration.emptyWord, to: Register.emptyVoltage, on: &bus)
    try write(configuration.percentChangeWord, to: Register.percentChange, on: &bus)
    try write(MAX17055.refresh, to: Register.modelConfiguration, on: &bus)
    return .awaitRefresh
  }

  private func finish<Bus: I2CBus & ~Copyable>(on bus: inout Bus) throws(ChipError) -> Stage {
    try writeAndVerify(MAX17055.hibernationAtReset, to: Register.hibernation, on: &bus)
    let status = try word(Register.status, on: &bus)
    guard status & MAX17055.powerOnReset == 0 else {
      throw .configurationLost(
        register: Register.status, expected: 0, found: status & MAX17055.powerOnReset)
    }
    return .done
  }

  /// The chip may refuse a word while it writes there itself, so each is read back.
  private func writeAndVerify<Bus: I2CBus & ~Copyable>(
    _ value: UInt16, to register: UInt8, on bus: inout Bus
  ) throws(ChipError) {
    try write(value, to: register, on: &bus)
    let held = try word(register, on: &bus)
    // In the status the chip sets what it has to tell at any time; only the reset's mark counts.
    let mask = register == Register.status ? MAX17055.powerOnReset : 0xFFFF
    guard held & mask == value & mask else {
      throw .configurationNotHeld(register: register, wrote: value, read: held)
    }
  }
}
