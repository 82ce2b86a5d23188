// SPDX-License-Identifier: Apache-2.0

public import Quantities

/// All that the estimator knows of a kind of cell: tables of integers, a version and a checksum.
///
/// Made on the host from a cell description; on a microcontroller it can lie in flash. The tables
/// over state of charge span −5 % to 105 % evenly, so that an estimate slightly outside the window
/// still finds values. Voltages "per C" are overpotentials at a current of 1C.
public struct CellProfile: Sendable {
  /// The layout of this value; raised whenever a field changes its meaning.
  public static let currentVersion: UInt32 = 2

  /// The layout that this profile was made for.
  public var version: UInt32
  /// The capacity that 1C refers to.
  public var ratedCapacity: Charge
  /// The open-circuit voltage at a state of charge of 0.
  public var lowerCutoff: Voltage
  /// The open-circuit voltage at a state of charge of 1.
  public var upperCutoff: Voltage
  /// Open-circuit voltage over state of charge, at 25 °C. Unit: µV.
  public var openCircuit: InlineArray<257, Int32>
  /// How the open-circuit voltage moves with temperature, over state of charge. Unit: µV per K.
  public var openCircuitPerKelvin: InlineArray<65, Int32>
  /// Overpotential that follows the current at once, over state of charge, at 25 °C. Unit: µV per C.
  public var series: InlineArray<65, Int32>
  /// Overpotential of the fast relaxation, at 25 °C. Unit: µV per C.
  public var fast: InlineArray<65, Int32>
  /// Overpotential of the slow relaxation, at 25 °C. Unit: µV per C.
  public var slow: InlineArray<65, Int32>
  /// How far the slow relaxation puts the electrodes' state ahead of the state of charge, over state
  /// of charge, at 25 °C: the open-circuit voltage is that of the shifted state. Unit: 1e-6 per C.
  ///
  /// Slow diffusion acts through the open-circuit curve, not beside it: the part of the material
  /// that follows at once is further charged or discharged than the mean. Which sites take the charge
  /// decides how far.
  public var displacement: InlineArray<65, Int32>
  /// Half the gap between charge and discharge at rest. Unit: µV.
  public var hysteresis: InlineArray<65, Int32>
  /// The time constant of the fast relaxation at 25 °C. Unit: ms.
  public var fastMilliseconds: Int32
  /// The time constant of the slow relaxation at 25 °C. Unit: ms.
  public var slowMilliseconds: Int32
  /// How fast hysteresis swings over: γ of exp(−γ·|ΔSoC|). Unit: 1/1000.
  public var hysteresisRateThousandths: Int32
  /// What each overpotential is multiplied by at −40, −35 … 80 °C. Unit: 1/65536.
  public var seriesTemperatureFactor: InlineArray<25, Int32>
  /// What both relaxation overpotentials are multiplied by at −40, −35 … 80 °C. Unit: 1/65536.
  public var relaxationTemperatureFactor: InlineArray<25, Int32>
  /// What both relaxation times are multiplied by at −40, −35 … 80 °C. Unit: 1/65536.
  public var timeTemperatureFactor: InlineArray<25, Int32>
  /// What the displacement is multiplied by at −40, −35 … 80 °C. Unit: 1/65536.
  public var displacementTemperatureFactor: InlineArray<25, Int32>
  /// What the series overpotential is multiplied by at 0, ⅛, ¼ … 1, 2, 3 … 9 C: charge transfer
  /// bends at the small currents. Unit: 1/65536.
  public var seriesCurrentFactor: InlineArray<17, Int32>
  /// How much the model and the sensors are believed.
  public var tuning: FilterTuning
  /// The checksum that belongs to the other fields.
  public var checksum: UInt32

  /// Makes a profile from its tables and seals it with its checksum.
  public init(
    ratedCapacity: Charge, lowerCutoff: Voltage, upperCutoff: Voltage,
    openCircuit: InlineArray<257, Int32>, openCircuitPerKelvin: InlineArray<65, Int32>,
    series: InlineArray<65, Int32>, fast: InlineArray<65, Int32>, slow: InlineArray<65, Int32>,
    displacement: InlineArray<65, Int32>,
    hysteresis: InlineArray<65, Int32>, fastMilliseconds: Int32, slowMilliseconds: Int32,
    hysteresisRateThousandths: Int32,
    seriesTemperatureFactor: InlineArray<25, Int32>,
    relaxationTemperatureFactor: InlineArray<25, Int32>,
    timeTemperatureFactor: InlineArray<25, Int32>,
    displacementTemperatureFactor: InlineArray<25, Int32>,
    seriesCurrentFactor: InlineArray<17, Int32>,
    tuning: FilterTuning = FilterTuning()
  ) {
    version = CellProfile.currentVersion
    self.ratedCapacity = ratedCapacity
    self.lowerCutoff = lowerCutoff
    self.upperCutoff = upperCutoff
    self.openCircuit = openCircuit
    self.openCircuitPerKelvin = openCircuitPerKelvin
    self.series = series
    self.fast = fast
    self.slow = slow
    self.displacement = displacement
    self.hysteresis = hysteresis
    self.fastMilliseconds = fastMilliseconds
    self.slowMilliseconds = slowMilliseconds
    self.hysteresisRateThousandths = hysteresisRateThousandths
    self.seriesTemperatureFactor = seriesTemperatureFactor
    self.relaxationTemperatureFactor = relaxationTemperatureFactor
    self.timeTemperatureFactor = timeTemperatureFactor
    self.displacementTemperatureFactor = displacementTemperatureFactor
    self.seriesCurrentFactor = seriesCurrentFactor
    self.tuning = tuning
    checksum = 0
    seal()
  }

  private mutating func seal() { checksum = computedChecksum }

  /// Whether the version is known and the checksum fits: what the firmware asks before it starts.
  public var isIntact: Bool {
    @_addressableSelf get {
      guard version == CellProfile.currentVersion else { return false }
      return checksum == computedChecksum
    }
  }

  /// The CRC-32C of every field but the checksum, in the order of declaration.
  public var computedChecksum: UInt32 {
    @_addressableSelf get {
      var crc = CRC32C()
      crc.combine(version)
      crc.combine(ratedCapacity.nanocoulombs)
      crc.combine(Int64(lowerCutoff.microvolts))
      crc.combine(Int64(upperCutoff.microvolts))
      for i in openCircuit.indices { crc.combine(UInt32(bitPattern: openCircuit[i])) }
      for i in openCircuitPerKelvin.indices {
        crc.combine(UInt32(bitPattern: openCircuitPerKelvin[i]))
      }
      for i in series.indices { crc.combine(UInt32(bitPattern: series[i])) }
      for i in fast.indices { crc.combine(UInt32(bitPattern: fast[i])) }
      for i in slow.indices { crc.combine(UInt32(bitPattern: slow[i])) }
      for i in displacement.indices { crc.combine(UInt32(bitPattern: displacement[i])) }
      for i in hysteresis.indices { crc.combine(UInt32(bitPattern: hysteresis[i])) }
      crc.combine(UInt32(bitPattern: fastMilliseconds))
      crc.combine(UInt32(bitPattern: slowMilliseconds))
      crc.combine(UInt32(bitPattern: hysteresisRateThousandths))
      for i in seriesTemperatureFactor.indices {
        crc.combine(UInt32(bitPattern: seriesTemperatureFactor[i]))
        crc.combine(UInt32(bitPattern: relaxationTemperatureFactor[i]))
        crc.combine(UInt32(bitPattern: timeTemperatureFactor[i]))
        crc.combine(UInt32(bitPattern: displacementTemperatureFactor[i]))
      }
      for i in seriesCurrentFactor.indices {
        crc.combine(UInt32(bitPattern: seriesCurrentFactor[i]))
      }
      tuning.combine(into: &crc)
      return crc.value
    }
  }
}

/// How much the estimator believes its model, its sensors and its start.
///
/// The defaults are those of the design's reference filter, but for these: the slow noise, the model
/// error's length and the capacity prior are tuned on seeds 1 to 5 of the closed loop, and the offset
/// prior was chosen with an eye on seeds 1 to 10 and on the recorded logs. Figures are reported on
/// seeds 101 to 120. "C" is the current that moves the rated capacity in one hour.
public struct FilterTuning: Equatable, Sendable {
  /// Voltage noise of one reading a second: 12 mV, much of it unmodelled dynamics. Unit: µV.
  public var voltageNoise: Int32 = 12_000
  /// Voltage noise that averaging over a long step cannot lower. Unit: µV.
  public var voltageNoiseFloor: Int32 = 4_000
  /// Voltage noise that grows with current. Unit: µV per C.
  public var voltageNoisePerC: Int32 = 10_000
  /// Horizontal uncertainty of the open-circuit curve, as the variance of one independent look:
  /// (1 %)² of state of charge. Unit: 1e-6.
  public var slopeVariance: Int32 = 100
  /// The time after which a look at one place of the curve is independent; along the curve it is
  /// after `modelErrorLength`. Unit: s.
  public var slopeSeconds: Int32 = 1_000
  /// Standing deviation of the model-error voltage where the curve is flat. Unit: µV.
  public var modelError: Int32 = 10_000
  /// Standing deviation of the model error along the state of charge. Unit: 1e-6.
  public var modelErrorOfCharge: Int32 = 10_000
  /// The state of charge over which the model error loses its memory. Unit: 1e-6.
  public var modelErrorLength: Int32 = 150_000
  /// The time over which the model error loses its memory. Unit: s.
  public var modelErrorSeconds: Int32 = 36_000
  /// Standing deviation of the current that the fast relaxation follows. Unit: 1e-6 C.
  public var fastNoise: Int32 = 100_000
  /// Standing deviation of the current that the slow relaxation follows. Unit: 1e-6 C.
  public var slowNoise: Int32 = 150_000
  /// Standing deviation of the hysteresis state, renewed as the charge moves. Unit: 1e-6.
  public var hysteresisNoise: Int32 = 200_000
  /// Random walk of the state of charge. Unit: 1e-6 per square root of an hour.
  public var chargeWalk: Int32 = 20
  /// Random walk of the resistance ratio. Unit: 1e-6 per square root of a second.
  public var resistanceWalk: Int32 = 300
  /// Random walk of the inverse capacity ratio. Unit: 1e-9 per square root of a second.
  public var capacityWalk: Int32 = 1_000
  /// Random walk of the current offset. Unit: 1e-9 C per square root of a second.
  public var offsetWalk: Int32 = 2_000
  /// Deviation of the resistance ratio at the start. Unit: 1e-6.
  public var resistancePrior: Int32 = 300_000
  /// Deviation of the inverse capacity ratio at the start. Unit: 1e-6.
  public var capacityPrior: Int32 = 40_000
  /// Deviation of the current offset at the start. Unit: 1e-6 C.
  public var offsetPrior: Int32 = 10_000
  /// Deviation of the fast relaxation's current at the start: the past load is unknown.
  /// Unit: 1e-6 C.
  public var fastPrior: Int32 = 1_000_000
  /// Deviation of the slow relaxation's current at the start. Unit: 1e-6 C.
  public var slowPrior: Int32 = 200_000
  /// What the deviation of the current is taken to be while no current is read. Unit: 1e-6 C.
  public var missingCurrent: Int32 = 500_000
  /// What it is taken to be over a gap longer than a minute, when the load is taken to be off.
  /// Unit: 1e-6 C.
  public var gapCurrent: Int32 = 100_000
  /// What the interval on capacity is widened by; the filter's own deviation is optimistic by
  /// about 1.8. Unit: 1e-3.
  public var capacityInterval: Int32 = 2_000
  /// What the interval on state of charge is scaled by. Unit: 1e-3.
  public var chargeInterval: Int32 = 1_000

  /// Makes the default tuning.
  public init() {}

  func combine(into crc: inout CRC32C) {
    let fields: InlineArray<25, Int32> = [
      voltageNoise, voltageNoiseFloor, voltageNoisePerC, slopeVariance, slopeSeconds,
      modelError, modelErrorOfCharge, modelErrorLength, modelErrorSeconds, fastNoise, slowNoise,
      hysteresisNoise, chargeWalk, resistanceWalk, capacityWalk, offsetWalk, resistancePrior,
      capacityPrior, offsetPrior, fastPrior, slowPrior, missingCurrent, gapCurrent,
      capacityInterval, chargeInterval,
    ]
    for i in fields.indices { crc.combine(UInt32(bitPattern: fields[i])) }
  }
}
