// SPDX-License-Identifier: Apache-2.0

extension BoardDescription {
  /// The board of `Boards/emulated`, for where its file is not: twelve emulated chips.
  public static let emulated = BoardDescription(
    name: "Emulated, twelve chips", source: "this project's choice", cell: "nfm-pb-1-hc",
    bus: BoardBus(device: nil),
    chips: [
      BoardChip(
        kind: .ina228, address: 0x40, roles: .monitor, shuntOhms: 0.015, rangeAmperes: 10,
        alert: line("ALERT", isActiveLow: true)),
      BoardChip(kind: .tmp117, address: 0x48, roles: .thermometer),
      BoardChip(kind: .max17048, address: 0x36, roles: .gauge),
      BoardChip(kind: .bq27441, address: 0x55, roles: .gauge),
      BoardChip(kind: .mb85rc256v, address: 0x50, roles: .memory),
      BoardChip(kind: .ds3231, address: 0x68, roles: .clock),
      BoardChip(kind: .ina226, address: 0x41, roles: [], shuntOhms: 0.01, rangeAmperes: 8),
      BoardChip(kind: .ina219, address: 0x44, roles: [], shuntOhms: 0.01, rangeAmperes: 10),
      BoardChip(kind: .ina228, address: 0x45, roles: [], shuntOhms: 0.015, rangeAmperes: 10),
      BoardChip(
        kind: .ads1115, address: 0x49, roles: [],
        divider: BoardDivider(upperOhms: 10_000, lowerOhms: 20_000),
        thermistor: BoardThermistor(nominalOhms: 10_000, betaKelvin: 3_435, pullUpOhms: 10_000)),
      BoardChip(kind: .tmp102, address: 0x4A, roles: []),
      BoardChip(kind: .at24c32, address: 0x57, roles: []),
    ],
    chargeSwitch: line("CHARGE"), dischargeSwitch: line("DISCHARGE"),
    limits: BoardLimits(chargeAmperes: 3, dischargeAmperes: 6))

  private static func line(_ name: String, isActiveLow: Bool = false) -> BoardLine {
    BoardLine(chips: ["sodalite-emulated"], name: name, isActiveLow: isActiveLow)
  }
}
