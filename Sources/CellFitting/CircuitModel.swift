// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// The circuit that is fitted, over charge instead of state of charge, for nobody knows yet where the
/// cell is empty and full.
///
///     V = OCV(q + l·J) + h·H(q) + I·f·R0(q) + Σ pairs,      f = asinh(x) / x,  x = I·R0(q) / U
///
/// f is Butler and Volmer's law of equal transfer coefficients, for which U is 2RT/F at one electrode:
/// where the exchange current is small, the resistance is large and falls early. R0 in x is that of the
/// round before.
///
/// J is the current as the slow pair follows it: a step of the curve is met early under load, because
/// the particles' surfaces are ahead of their means. Without the lead l a fit moves the step.
///
/// At given time constants, transfer current, charge ratio and offsets between records, everything
/// that is left is linear: the curves' values at their knots. They are solved for exactly inside each
/// evaluation (separable least squares; Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413).
struct CircuitModel {
  /// The parameters that are not linear.
  struct Shape: Equatable {
    var fastSeconds: Double
    var slowSeconds: Double
    /// The voltage beyond which the series drop grows with the logarithm of the current; nil where it
    /// is ohmic. Unit: V.
    var transferVolts: Double?
    /// What of the counted charge arrives on charging, relative to discharging.
    var chargeRatio: Double
    /// How far the surfaces of the particles, which the voltage sees, run ahead of their means, per
    /// ampere of the current that the slow pair follows. Unit: Ah/A, that is h.
    var leadHours: Double
    /// Where each record begins on the axis of charge; the first at 0. Unit: Ah.
    var offsets: [Double]
    /// The hysteresis at the start of each record: 1 after a charge, −1 after a discharge, between
    /// them where less than the loop was passed.
    var swings: [Double]
    /// With which all resistances grow in the cold. Unit: J/mol.
    var activation = CircuitFit.assumedActivation
    /// How the electrodes stand against each other, where their curves are known.
    var balance: HalfCellBalance?
  }

  let records: [ThinnedRecord]
  /// The open-circuit voltage's knots. Unit: Ah.
  let voltageKnots: Knots
  /// The resistances' knots. Unit: Ah.
  let ohmKnots: Knots
  /// The hysteresis' knots. Unit: Ah.
  let gapKnots: Knots
  /// The hysteresis swings over with exp(−rate · charge). Unit: 1/Ah.
  let gapRate: Double
  /// The series resistance at its knots as far as it is known, for the charge transfer. Unit: Ω.
  var seriesGuess: [Double]
  /// What is believed before the data.
  var prior: CircuitPrior
  /// What is believed of the hysteresis at the start of each record, 1 or −1.
  let swings: [Double]
  /// The electrodes' curves, where they are known: the unknowns of the open-circuit voltage are then
  /// what these leave.
  var halfCells: HalfCellPair?

  var fastStart: Int { voltageKnots.places.count + ohmKnots.places.count }
  var slowStart: Int { fastStart + ohmKnots.places.count }
  var gapStart: Int { slowStart + ohmKnots.places.count }
  var size: Int { gapStart + gapKnots.places.count }
  var seriesStart: Int { voltageKnots.places.count }

  /// The charge coordinate of a row.
  func place(_ row: ThinnedRecord.Row, _ record: Int, _ shape: Shape) -> Double {
    shape.offsets[record] + shape.chargeRatio * row.charged + row.discharged
  }

  /// The rows of all records, cut where the current jumps and after a twelfth of the whole charge: what
  /// a model gets wrong in one says little of the next.
  var stretches: [Range<Int>] {
    let last = voltageKnots.places.count - 1
    let longest = (voltageKnots.places[last] - voltageKnots.places[0]) / 12
    var stretches: [Range<Int>] = []
    var first = 0
    var row = 0
    for record in records {
      var before = record.rows[0]
      var passed = 0.0
      for here in record.rows {
        passed +=
          (here.charged - before.charged).magnitude
          + (here.discharged - before.discharged).magnitude
        let isJump = (here.amperes - before.amperes).magnitude > record.jump
        if row > first, isJump || passed > longest {
          stretches.append(first..<row)
          first = row
          passed = 0
        }
        before = here
        row += 1
      }
      stretches.append(first..<row)
      first = row
    }
    return stretches
  }

  /// What the electrodes' curves say of the open-circuit voltage; 0 without them. Unit: V.
  func known(_ shape: Shape, _ place: Double) -> Double {
    guard let halfCells, let balance = shape.balance else { return 0 }
    return halfCells.volts(balance, place)
  }

  /// One equation per row of the records; weights are 1.
  func rows(_ shape: Shape) -> SparseRows {
    var result = SparseRows()
    for record in records.indices { append(record, shape, to: &result) }
    return result
  }

  private func append(_ index: Int, _ shape: Shape, to result: inout SparseRows) {
    let record = records[index]
    let count = ohmKnots.places.count
    var fast = [Double](repeating: 0, count: count)
    var slow = fast
    var following = 0.0
    var swing = shape.swings[index]
    var last = record.rows[0]
    var lastPlace = place(last, index, shape)
    for row in record.rows {
      let here = place(row, index, shape)
      let slowing = row.cold == 0 ? 1 : DeterministicMath.exp(shape.activation * row.cold)
      let seconds = row.seconds - last.seconds
      if seconds > 0 {
        let ohms = ohmKnots.hats(0.5 * (here + lastPlace))
        let amperes = slowing * row.meanAmperes
        Self.relax(&fast, ohms, amperes, DeterministicMath.exp(-seconds / shape.fastSeconds))
        let slowDecay = DeterministicMath.exp(-seconds / shape.slowSeconds)
        Self.relax(&slow, ohms, amperes, slowDecay)
        following = row.meanAmperes + (following - row.meanAmperes) * slowDecay
        let moved = here - lastPlace
        if moved != 0 {
          let target: Double = moved > 0 ? 1 : -1
          swing = target + (swing - target) * DeterministicMath.exp(-gapRate * moved.magnitude)
        }
      }
      let surface = here + shape.leadHours * following
      result.append(
        terms(
          at: here, surface: surface, row.amperes, slowing: slowing, shape, fast: fast,
          slow: slow, swing: swing),
        target: row.volts - known(shape, surface), weight: 1)
      last = row
      lastPlace = here
    }
  }

  private static func relax(
    _ pair: inout [Double], _ hats: ((Int, Double), (Int, Double)), _ amperes: Double,
    _ decay: Double
  ) {
    for k in pair.indices { pair[k] *= decay }
    let settled = (1 - decay) * amperes
    pair[hats.0.0] += settled * hats.0.1
    pair[hats.1.0] += settled * hats.1.1
  }

  private func terms(
    at place: Double, surface: Double, _ amperes: Double, slowing: Double, _ shape: Shape,
    fast: [Double], slow: [Double], swing: Double
  ) -> [(Int, Double)] {
    let volts = voltageKnots.hats(surface)
    let ohms = ohmKnots.hats(place)
    let gap = gapKnots.hats(place)
    let guess = seriesGuess[ohms.0.0] * ohms.0.1 + seriesGuess[ohms.1.0] * ohms.1.1
    let seen = slowing * Self.seen(amperes, ohms: guess, shape.transferVolts)
    var terms = [
      volts.0, volts.1, (seriesStart + ohms.0.0, seen * ohms.0.1),
      (seriesStart + ohms.1.0, seen * ohms.1.1),
    ]
    // What has faded to a millionth of the present current is not worth a term.
    let least = 1e-6 * prior.largestAmperes
    for k in fast.indices {
      if fast[k].magnitude > least { terms.append((fastStart + k, fast[k])) }
      if slow[k].magnitude > least { terms.append((slowStart + k, slow[k])) }
    }
    if prior.hasGap {
      terms.append((gapStart + gap.0.0, swing * gap.0.1))
      terms.append((gapStart + gap.1.0, swing * gap.1.1))
    }
    return terms
  }

  /// The current that the series resistance's value at small currents turns into its voltage.
  static func seen(_ amperes: Double, ohms: Double, _ volts: Double?) -> Double {
    guard let volts, ohms > 0 else { return amperes }
    return DeterministicMath.asinh(amperes * ohms / volts) * volts / ohms
  }
}

/// What is believed of the curves before the data: their level, and that they are smooth.
struct CircuitPrior {
  /// The open-circuit voltage at its knots, from the voltage less the drop at the jumps. Unit: V.
  var volts: [Double]
  /// What the voltage did at the jumps, per ampere. Unit: Ω.
  var jumpOhms: Double
  var largestAmperes: Double
  /// False where the data have only one direction: then the gap is 0.
  var hasGap: Bool
  /// How far the open-circuit voltage may be from the belief: far, unless the electrodes are known.
  /// Unit: V.
  var voltsDeviation = 0.3

  /// Standard deviations of the beliefs; all are wide, and the smoothness is what they are for.
  static let voltsBend = 0.0005
  static let gapLevel = 0.01
  static let gapDeviation = 0.02
  static let gapBend = 0.005

  /// The beliefs as equations about the model's unknowns.
  func rows(_ model: CircuitModel) -> SparseRows {
    var rows = SparseRows()
    let count = model.voltageKnots.places.count
    for k in 0..<count {
      let level = model.halfCells == nil ? volts[k] : 0
      rows.append([(k, 1)], target: level, weight: 1 / voltsDeviation)
      guard k > 0, k + 1 < count else { continue }
      // A slope that changes by its own size from knot to knot is nothing unusual.
      let places = model.voltageKnots.places
      let before = places[k] - places[k - 1]
      let after = places[k + 1] - places[k]
      let rise = (volts[k + 1] - volts[k - 1]) * min(before, after) / (before + after)
      let share = 2 * min(before, after)
      rows.append(
        [
          (k - 1, 0.5 * share / before), (k, -0.5 * share * (1 / before + 1 / after)),
          (k + 1, 0.5 * share / after),
        ],
        target: 0, weight: voltsDeviation < 0.1 ? 0 : 1 / (Self.voltsBend + 0.3 * rise))
    }
    let ohms = model.ohmKnots.places.count
    add(
      &rows, model.seriesStart, ohms, level: jumpOhms, deviation: 3 * jumpOhms, bend: 0.2 * jumpOhms
    )
    for start in [model.fastStart, model.slowStart] {
      add(&rows, start, ohms, level: 0.5 * jumpOhms, deviation: 2 * jumpOhms, bend: 0.2 * jumpOhms)
    }
    add(
      &rows, model.gapStart, model.gapKnots.places.count, level: hasGap ? Self.gapLevel : 0,
      deviation: hasGap ? Self.gapDeviation : 1e-9, bend: Self.gapBend)
    return rows
  }

  private func add(
    _ rows: inout SparseRows, _ start: Int, _ count: Int, level: Double, deviation: Double,
    bend: Double
  ) {
    for k in 0..<count {
      rows.append([(start + k, 1)], target: level, weight: 1 / deviation)
      if k + 1 < count {
        rows.append([(start + k, -1), (start + k + 1, 1)], target: 0, weight: 0.1 / bend)
      }
      if k + 2 < count {
        rows.append(
          [(start + k, 1), (start + k + 1, -2), (start + k + 2, 1)], target: 0, weight: 1 / bend)
      }
    }
  }
}
