// SPDX-License-Identifier: Apache-2.0

import Quantities

/// What is known of a make's electrodes: site tables, a fresh cell's capacities, and tolerances.
///
/// The open-circuit voltage is composed from it: cathode less anode, plus what of the measured curve
/// the composition does not explain. Charges are shares of the rated capacity; the charge coordinate
/// is 0 at the boundary between the iron site and the coupling plateau, because at any other origin
/// the iron's capacity and the slippage are one unknown wherever the window does not reach the
/// bottom of the iron (the project's study of modes, section 3).
public struct CompositionProfile: Sendable {
  /// The layout of this value; raised whenever a field changes its meaning.
  public static let currentVersion: UInt32 = 2

  /// The layout that this profile was made for.
  public var version: UInt32
  /// The site of coupled iron and manganese, the long plateau.
  public var coupling: SiteTable
  /// High-spin iron.
  public var iron: SiteTable
  /// What the cathode still gives above the plateau.
  public var remainder: SiteTable
  /// The sloping part of the anode.
  public var anodeSlope: SiteTable
  /// The plateau of the anode.
  public var anodePlateau: SiteTable
  /// The sloping part's share of the anode. Unit: ppm.
  public var anodeSlopeShare: Int32
  /// A fresh cell. Unit: ppm of the rated capacity.
  public var fresh: Capacities
  /// The open-circuit voltage of a fresh cell at the ends of the window. Unit: µV.
  public var lowerVoltage: Int32
  /// The same at the upper end. Unit: µV.
  public var upperVoltage: Int32
  /// The charge of a fresh cell's window. Unit: ppm of the rated capacity.
  public var freshSpan: Int32 = 0
  /// How far the open-circuit voltage of a full cell falls as its capacity is lost: the current at which
  /// a charge ends is shared by less material, which follows it less far. Unit: µV per fresh capacity.
  public var upperFall: Int32 = 0
  /// How far the open-circuit voltage of an empty cell rises. Unit: µV per fresh capacity.
  public var lowerRise: Int32 = 0
  /// The measured open-circuit voltage less the composed one, over the measured voltage from
  /// `lowerVoltage` to `upperVoltage`, 0 at both ends. Unit: µV.
  ///
  /// Over the voltage, because ageing moves what it belongs to along the charge, not along the
  /// voltage.
  public var residual: InlineArray<257, Int32>
  /// The open-circuit voltages at which a charge is looked at, rising. Unit: µV.
  public var edges: InlineArray<24, Int32>
  /// What current adds to the voltage at the edges; an overpotential belongs to the site that is at
  /// work, and so to a voltage, wherever ageing moves that voltage in the window.
  public var overpotential: Overpotentials
  /// How much of the charge at the edges is the iron's. Unit: ppm.
  public var ironShare: InlineArray<24, Int32>
  /// How far a charge's crossings of the edges lie beyond the curve on the make itself, at each of
  /// the rates. Unit: ppm of the rated capacity; edges of one rate are neighbours.
  ///
  /// The profile's overpotential and lag are averages; this takes their error away.
  public var correction = InlineArray<72, Int32>(repeating: 0)
  /// The rates of `correction`. Unit: 1e-6 C.
  public static let correctionRates: InlineArray<3, Int32> = [200_000, 350_000, 500_000]
  /// How much the modes are believed.
  public var tuning: ModeTuning
  /// The checksum that belongs to the other fields.
  public var checksum: UInt32

  /// The profile's overpotentials and hysteresis, over the edges instead of the state of charge.
  public struct Overpotentials: Sendable {
    /// What follows the current at once. Unit: µV per C.
    public var series: InlineArray<24, Int32>
    /// The fast relaxation's. Unit: µV per C.
    public var fast: InlineArray<24, Int32>
    /// The slow relaxation's. Unit: µV per C.
    public var slow: InlineArray<24, Int32>
    /// Half the gap between charge and discharge at rest. Unit: µV.
    public var hysteresis: InlineArray<24, Int32>

    /// Makes overpotentials.
    public init(
      series: InlineArray<24, Int32>, fast: InlineArray<24, Int32>,
      slow: InlineArray<24, Int32>, hysteresis: InlineArray<24, Int32>
    ) {
      self.series = series
      self.fast = fast
      self.slow = slow
      self.hysteresis = hysteresis
    }
  }

  /// The capacities behind an open-circuit curve. Unit: ppm of the rated capacity.
  public struct Capacities: Equatable, Sendable {
    /// The coupling plateau.
    public var coupling: Int32
    /// High-spin iron, all of it.
    public var iron: Int32
    /// The high-voltage remainder.
    public var remainder: Int32
    /// The anode.
    public var anode: Int32
    /// What the anode holds when the cathode is at the boundary: iron less slippage.
    public var stock: Int32

    /// Makes capacities.
    public init(coupling: Int32, iron: Int32, remainder: Int32, anode: Int32, stock: Int32) {
      self.coupling = coupling
      self.iron = iron
      self.remainder = remainder
      self.anode = anode
      self.stock = stock
    }
  }

  /// Makes a profile from its parts and seals it with its checksum.
  public init(
    coupling: SiteTable, iron: SiteTable, remainder: SiteTable, anodeSlope: SiteTable,
    anodePlateau: SiteTable, anodeSlopeShare: Int32, fresh: Capacities, lowerVoltage: Int32,
    upperVoltage: Int32, residual: InlineArray<257, Int32>, edges: InlineArray<24, Int32>,
    overpotential: Overpotentials, ironShare: InlineArray<24, Int32>,
    tuning: ModeTuning = ModeTuning()
  ) {
    version = CompositionProfile.currentVersion
    self.coupling = coupling
    self.iron = iron
    self.remainder = remainder
    self.anodeSlope = anodeSlope
    self.anodePlateau = anodePlateau
    self.anodeSlopeShare = anodeSlopeShare
    self.fresh = fresh
    self.lowerVoltage = lowerVoltage
    self.upperVoltage = upperVoltage
    self.residual = residual
    self.edges = edges
    self.overpotential = overpotential
    self.ironShare = ironShare
    self.tuning = tuning
    checksum = 0
    checksum = computedChecksum
  }

  /// Seals the profile again after its fields were changed.
  public mutating func seal() { checksum = computedChecksum }

  /// Whether the version is known and the checksum fits.
  public var isIntact: Bool {
    @_addressableSelf get {
      guard version == CompositionProfile.currentVersion else { return false }
      return checksum == computedChecksum
    }
  }

  /// The CRC-32C of every field but the checksum, in the order of declaration.
  public var computedChecksum: UInt32 {
    @_addressableSelf get {
      var crc = CRC32C()
      crc.combine(version)
      coupling.combine(into: &crc)
      iron.combine(into: &crc)
      remainder.combine(into: &crc)
      anodeSlope.combine(into: &crc)
      anodePlateau.combine(into: &crc)
      let fields: InlineArray<11, Int32> = [
        anodeSlopeShare, fresh.coupling, fresh.iron, fresh.remainder, fresh.anode, fresh.stock,
        lowerVoltage, upperVoltage, freshSpan, upperFall, lowerRise,
      ]
      for i in fields.indices { crc.combine(UInt32(bitPattern: fields[i])) }
      for i in residual.indices { crc.combine(UInt32(bitPattern: residual[i])) }
      for i in correction.indices { crc.combine(UInt32(bitPattern: correction[i])) }
      for i in edges.indices {
        crc.combine(UInt32(bitPattern: edges[i]))
        crc.combine(UInt32(bitPattern: ironShare[i]))
        crc.combine(UInt32(bitPattern: overpotential.series[i]))
        crc.combine(UInt32(bitPattern: overpotential.fast[i]))
        crc.combine(UInt32(bitPattern: overpotential.slow[i]))
        crc.combine(UInt32(bitPattern: overpotential.hysteresis[i]))
      }
      tuning.combine(into: &crc)
      return crc.value
    }
  }
}

/// A place between two edges of open-circuit voltage.
struct EdgePlace {
  private let index: Int
  /// How far into the gap. Unit: 2^-24.
  private let fraction: Int64

  /// The place of a voltage in µV; outside the edges it is their end.
  init(_ microvolts: Int64, _ edges: borrowing @_addressable InlineArray<24, Int32>) {
    var below = 0
    while below < 22, microvolts >= Int64(edges[below + 1]) { below += 1 }
    let low = Int64(edges[below])
    let gap = max(Int64(edges[below + 1]) - low, 1)
    index = below
    fraction = (min(max(microvolts - low, 0), gap) << 24) / gap
  }

  /// The value of a table over the edges, in its own unit.
  func value(_ table: borrowing @_addressable InlineArray<24, Int32>) -> Int32 {
    let low = Int64(table[index])
    return Int32(clamping: low + ((Int64(table[index + 1]) - low) * fraction) >> 24)
  }
}

extension CompositionProfile {
  /// The correction of an edge at a current in C; 40 fractional bits both.
  @_addressableSelf
  func correction(
    edge: Int, current: Int64, _ arithmetic: inout SaturatingArithmetic
  ) -> Int64 {
    let rates = CompositionProfile.correctionRates
    let c = Int32(clamping: Format.toMillionths(current, &arithmetic))
    let row = c < rates[1] ? 0 : 1
    let inside = Int64(min(max(c, rates[0]), rates[2]) - rates[row])
    let low = Int64(correction[24 * row + edge])
    let high = Int64(correction[24 * row + 24 + edge])
    let value = low + (high - low) * inside / Int64(rates[row + 1] - rates[row])
    return Format.millionths(Int32(clamping: value), &arithmetic)
  }
}

extension SiteTable {
  func combine(into crc: inout CRC32C) {
    crc.combine(UInt32(bitPattern: centre))
    crc.combine(UInt32(bitPattern: reach))
    for i in emptied.indices { crc.combine(UInt32(bitPattern: emptied[i])) }
  }
}
