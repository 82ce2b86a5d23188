// SPDX-License-Identifier: Apache-2.0

import Quantities

/// How much the identification of modes believes the make, a charge, and itself.
///
/// Standing deviations; shares of the rated capacity and of widths in ppm, voltages in µV.
public struct ModeTuning: Equatable, Sendable {
  /// What sensor and hysteresis add to a charge's voltages. Unit: µV.
  public var offset: Int32 = 12_000
  /// The overpotential's error as a share. Unit: ppm.
  public var resistance: Int32 = 300_000
  /// The error of the iron's overpotential as a share. Unit: ppm.
  public var ironResistance: Int32 = 600_000
  /// The current sensor's offset: one deviation of 5 mA on 1.5 Ah. Unit: 1e-6 C.
  public var current: Int32 = 3_500
  /// The slow lag's error as a share. Unit: ppm.
  public var lag: Int32 = 600_000
  /// The charge at the start of a session. Unit: ppm of the rated capacity.
  public var charge: Int32 = 300_000
  /// Fresh cells: the coupling plateau's capacity. Unit: ppm of the rated capacity.
  public var coupling: Int32 = 20_000
  /// Fresh cells: the iron's capacity.
  public var iron: Int32 = 14_000
  /// The remainder's capacity.
  public var remainder: Int32 = 4_000
  /// The anode's capacity.
  public var anode: Int32 = 30_000
  /// Fresh cells: the slippage.
  public var slippage: Int32 = 10_000
  /// The plateau's potential. Unit: µV.
  public var couplingShift: Int32 = 5_000
  /// The plateau's width. Unit: ppm.
  public var couplingWidth: Int32 = 60_000
  /// The iron's potential. Unit: µV.
  public var ironShift: Int32 = 6_000
  /// The iron's width. Unit: ppm.
  public var ironWidth: Int32 = 60_000
  /// The width of the anode's slope. Unit: ppm.
  public var anodeWidth: Int32 = 50_000
  /// The nodes of what is left over. Unit: µV.
  public var node: Int32 = 6_000
  /// What a look at one edge is wrong by in voltage: more than its noise, because the curve's errors
  /// are the same in every charge and must not be counted anew. Unit: µV.
  public var edgeVoltage: Int32 = 6_000
  /// What a look at one edge is wrong by in charge. Unit: ppm of the rated capacity.
  public var edgeCharge: Int32 = 1_500
  /// A cell of unknown age: how much wider capacities and slippage are believed. Unit: ppm.
  ///
  /// Around each of the ages that are tried; between them they cover what a cell can have lost.
  public var unknownAge: Int32 = 60_000
  /// How badly the curve in use must explain a charge to be replaced: the mean squared innovation
  /// over its variance. Unit: 1/1000.
  ///
  /// At 1 the curve explains it as well as its own errors allow. Waiting for more leaves an old curve
  /// in use while the cell goes on fading.
  public var curveMisfit: Int32 = 1_000
  /// How far the boundary between iron and plateau can be from where the make's tables put it: no
  /// number of charges tells, because every charge is off by the same. Unit: ppm of the rated capacity.
  public var boundary: Int32 = 25_000
  /// What the tables are wrong by beside that, in each capacity. Unit: ppm of the rated capacity.
  public var structure: Int32 = 12_000
  /// Of a cell of unknown age: the iron that the window does not reach. Unit: ppm.
  public var hiddenIron: Int32 = 80_000
  /// Over one rated capacity that goes in: the anode's walk beside its rate. Unit: ppm of it.
  public var anodeWalk: Int32 = 2_000
  /// The walk of potentials and nodes. Unit: µV.
  public var shapeWalk: Int32 = 500
  /// The walk of widths. Unit: ppm.
  public var widthWalk: Int32 = 3_000

  /// Makes the default tuning.
  public init() {}

  func combine(into crc: inout CRC32C) {
    // Walks that are in `ModeDrift` now: without them no older record's curve would be known again.
    let walks: (Int32, Int32, Int32) = (6_000, 12_000, 12_000)
    let fields: InlineArray<30, Int32> = [
      offset, resistance, ironResistance, current, lag, charge, coupling, iron, remainder, anode,
      slippage,
      couplingShift, couplingWidth, ironShift, ironWidth, anodeWidth, node, edgeVoltage,
      edgeCharge, unknownAge, curveMisfit, boundary, structure, hiddenIron, walks.0, walks.1,
      walks.2, anodeWalk, shapeWalk, widthWalk,
    ]
    for i in fields.indices { crc.combine(UInt32(bitPattern: fields[i])) }
  }
}
