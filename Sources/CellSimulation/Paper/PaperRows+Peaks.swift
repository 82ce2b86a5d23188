// SPDX-License-Identifier: Apache-2.0

import DeterministicMath

/// Where the couples lie, so that a peak is read as the paper names it. Unit: V.
enum PaperWindow {
  /// Fe_HS in voltammograms and dQ/dV.
  static let highSpinIron = 2.4...3.2
  /// Mn_HS on the way up, and down.
  static let manganeseUp = 3.3...3.66
  static let manganeseDown = 2.9...3.34
  /// Fe_LS on the way up, and down.
  static let lowSpinIronUp = 3.66...4.0
  static let lowSpinIronDown = 3.42...3.8
  /// The coupled plateau.
  static let coupled = 3.2...3.9
  /// The coupled plateau on a fast discharge.
  static let coupledDown = 3.15...3.6
}

// MARK: - Voltammetry

extension PaperRow {
  private enum Sweep { case up, down }

  /// The place of the highest peak in a window at 0.1 mV/s.
  private static func peak(
    _ system: PaperSystem, _ sweep: Sweep, _ window: ClosedRange<Double>
  ) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let scan = try laboratory.voltammogram(system, 0.1)
      let curve = sweep == .up ? scan.oxidation : scan.reduction
      return curve.highestPeak(in: window)?.place ?? .nan
    }
  }

  /// A combination of the two peaks of a couple at 0.1 mV/s.
  private static func couple(
    _ system: PaperSystem, _ up: ClosedRange<Double>, _ down: ClosedRange<Double>,
    _ combine: @escaping @Sendable (Double, Double) -> Double
  ) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      combine(
        try peak(system, .up, up)(&laboratory), try peak(system, .down, down)(&laboratory))
    }
  }

  static let voltammetryRows: [PaperRow] = manganeseScans + nickelScans + coupledScans

  private static let manganeseScans: [PaperRow] = {
    let (up, down) = (PaperWindow.manganeseUp, PaperWindow.manganeseDown)
    let (ironUp, ironDown) = (PaperWindow.lowSpinIronUp, PaperWindow.lowSpinIronDown)
    return [
      number(
        "P015", .mPB, "CV 0.1 mV/s", "Mn_HS oxidation", 3.52, "V", .peak, .fitted,
        peak(.mPB, .up, up)),
      number(
        "P016", .mPB, "CV 0.1 mV/s", "Mn_HS reduction", 3.12, "V", .peak, .fitted,
        peak(.mPB, .down, down)),
      number(
        "P017", .mPB, "CV 0.1 mV/s", "Fe_LS oxidation", 3.75, "V", .peak, .fitted,
        peak(.mPB, .up, ironUp)),
      number(
        "P018", .mPB, "CV 0.1 mV/s", "Fe_LS reduction", 3.52, "V", .peak, .fitted,
        peak(.mPB, .down, ironDown)),
      number(
        "P019", .mPB, "CV 0.1 mV/s", "Mn_HS polarization", 0.40, "V", .peak, .fitted,
        couple(.mPB, up, down) { $0 - $1 }),
      number(
        "P020", .mPB, "CV 0.1 mV/s", "Fe_LS polarization", 0.23, "V", .peak, .fitted,
        couple(.mPB, ironUp, ironDown) { $0 - $1 }),
      number(
        "P058", .mPB, "CV 0.4 mV/s", "coupled polarization", 0.62, "V", .peak, .fitted
      ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
        // Two almost equal maxima: the middle of the wave, weighted with the 14th power of current.
        let scan = try laboratory.voltammogram(.mPB, 0.4)
        return scan.oxidation.weightedPlace(power: 14) - scan.reduction.weightedPlace(power: 14)
      },
      number(
        "P091", .mPB, "CV 0.1 mV/s", "Mn_HS midpoint", 3.320, "V", .peak, .fitted,
        couple(.mPB, up, down) { 0.5 * ($0 + $1) }),
      number(
        "P092", .mPB, "CV 0.1 mV/s", "Fe_LS midpoint", 3.635, "V", .peak, .fitted,
        couple(.mPB, ironUp, ironDown) { 0.5 * ($0 + $1) }),
    ]
  }()

  private static let nickelScans: [PaperRow] = {
    let (up, down) = (PaperWindow.manganeseUp, PaperWindow.manganeseDown)
    return [
      number(
        "P021", .nmPB, "CV 0.1 mV/s", "Mn_HS oxidation", 3.57, "V", .peak, .fitted,
        peak(.nmPB, .up, up)),
      number(
        "P022", .nmPB, "CV 0.1 mV/s", "Mn_HS reduction", 3.19, "V", .peak, .fitted,
        peak(.nmPB, .down, down)),
      number(
        "P090", .nmPB, "CV 0.1 mV/s", "Mn_HS polarization", 0.38, "V", .peak, .fitted,
        couple(.nmPB, up, down) { $0 - $1 }),
      number(
        "P093", .nmPB, "CV 0.1 mV/s", "Mn_HS midpoint", 3.380, "V", .peak, .fitted,
        couple(.nmPB, up, down) { 0.5 * ($0 + $1) }),
      statement("P023", [.nmPB], "CV 0.1 mV/s", "Fe_LS oxidation", "absent") {
        (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
        let peaks = try laboratory.voltammogram(.nmPB, 0.1).oxidation.peaks()
        return .statement("\(peaks.count) oxidation peak(s)", holds: peaks.count == 1)
      },
      statement("P024", [.nmPB, .mPB], "CV 0.1 mV/s", "Fe_LS reduction", "attenuated") {
        (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
        let window = PaperWindow.lowSpinIronDown
        let nickel = try laboratory.voltammogram(.nmPB, 0.1).reduction.highestPeak(in: window)
        let plain = try laboratory.voltammogram(.mPB, 0.1).reduction.highestPeak(in: window)
        let (less, more) = (nickel?.prominence ?? 0, plain?.prominence ?? 0)
        return .statement("\(text(less)) < \(text(more)) mA/g", holds: less < more)
      },
    ]
  }()

  private static let coupledScans: [PaperRow] = {
    let (coupled, iron) = (PaperWindow.coupled, PaperWindow.highSpinIron)
    return [
      statement(
        "P025", [.nfmPB1, .nfmPB0, .nfmPB2], "CV 0.1 mV/s", "coupled peak", "single merged peak"
      ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
        var counts: [Int] = []
        for system in [PaperSystem.nfmPB0, .nfmPB1, .nfmPB2] {
          let scan = try laboratory.voltammogram(system, 0.1)
          counts.append(scan.oxidation.peaks(in: coupled).count)
          counts.append(scan.reduction.peaks(in: coupled).count)
        }
        return .statement("peaks up, down: \(counts)", holds: counts.allSatisfy { $0 == 1 })
      },
      number(
        "P026", .nfmPB1, "CV 0.1 mV/s", "coupled polarization", 0.14, "V", .peak, .fitted,
        couple(.nfmPB1, coupled, coupled) { $0 - $1 }),
      number(
        "P027", .nfmPB1, "CV 0.1 mV/s", "Fe_HS oxidation", 3.10, "V", .peak, .fitted,
        peak(.nfmPB1, .up, iron)),
      number(
        "P028", .nfmPB1, "CV 0.1 mV/s", "Fe_HS reduction", 2.78, "V", .peak, .fitted,
        peak(.nfmPB1, .down, iron)),
      number(
        "P030", .nfmPB1, "CV 0.1 mV/s", "Fe_HS polarization", 0.32, "V", .peak, .fitted,
        couple(.nfmPB1, iron, iron) { $0 - $1 }),
      number(
        "P094", .nfmPB1, "CV 0.1 mV/s", "Fe_HS midpoint", 2.940, "V", .peak, .fitted,
        couple(.nfmPB1, iron, iron) { 0.5 * ($0 + $1) }),
      number(
        "P059", .nfmPB1, "CV 0.4 mV/s", "coupled polarization", 0.22, "V", .peak, .fitted
      ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
        try laboratory.voltammogram(.nfmPB1, 0.4).separation(in: coupled)
      },
      statement(
        "P063", [.nfmPB1, .mPB], "CV 0.1-1 mV/s", "Ip over root v", "NFM-PB-1 larger than M-PB"
      ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
        let larger = ScanRateStudy(try laboratory.voltammograms(.nfmPB1))
        let smaller = ScanRateStudy(try laboratory.voltammograms(.mPB))
        // mA/g per (V/s)^½ is 0.0316 mA/g per (mV/s)^½.
        let (one, other) = (larger.slope * 0.001.squareRoot(), smaller.slope * 0.001.squareRoot())
        return .statement(
          "\(text(one)) > \(text(other)) mA/g/(mV/s)^0.5; b \(text(larger.exponent)), "
            + text(smaller.exponent), holds: one > other)
      },
    ]
  }()
}

// MARK: - dQ/dV

extension PaperRow {
  /// By how much a reduction peak falls from 10 mA/g to 100 mA/g (first discharges).
  private static func shift(
    _ system: PaperSystem, _ slow: ClosedRange<Double>, _ fast: ClosedRange<Double>
  ) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let first = try laboratory.firstCycle(system).discharge.incrementalCapacity
      let cycles = system == .mPB || system == .nfmPB1 ? 300 : 25
      let later = try laboratory.life(system, milliamperesPerGram: 100, cycles: cycles)
        .discharges[1]?.incrementalCapacity
      return (first.highestPeak(in: slow)?.place ?? .nan)
        - (later?.highestPeak(in: fast)?.place ?? .nan)
    }
  }

  static let differentialRows: [PaperRow] = [
    number(
      "P038", .mPB, "dQ/dV 10 mA/g", "boundary of Mn and Fe_LS", 3.43, "V", .peak, .predicted,
      because: "manganese is sharp and iron broad, which puts the valley next to the manganese"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let curve = try laboratory.firstCycle(.mPB).discharge.incrementalCapacity
      let peaks = curve.peaks(in: 3.1...3.8)
      guard let low = peaks.first?.place, let high = peaks.last?.place, low < high else {
        return .nan
      }
      let between = curve.x.indices.filter { curve.x[$0] > low && curve.x[$0] < high }
      return between.min { curve.y[$0] < curve.y[$1] }.map { curve.x[$0] } ?? .nan
    },
    statement("P039", [.nfmPB1], "dQ/dV 10 mA/g", "high-voltage peak", "single broad") {
      (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let curve = try laboratory.firstCycle(.nfmPB1).discharge.incrementalCapacity
      let plain = try laboratory.firstCycle(.mPB).discharge.incrementalCapacity
      let peaks = curve.peaks(in: 3.1...4.2)
      guard let peak = peaks.first, let other = plain.highestPeak(in: 3.1...4.2) else {
        return .statement("no peak", holds: false)
      }
      let (wide, narrow) = (
        curve.widthAtHalfHeight(of: peak), plain.widthAtHalfHeight(of: other)
      )
      return .statement(
        "\(peaks.count) peak, \(text(wide)) V wide (M-PB \(text(narrow)) V)",
        holds: peaks.count == 1 && wide > narrow)
    },
    statement("P048", [.feMnPB], "dQ/dV 10 mA/g", "behaviour", "Mn and Fe_LS peaks as in M-PB") {
      (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let mixed = try laboratory.firstCycle(.feMnPB).discharge.incrementalCapacity
      let plain = try laboratory.firstCycle(.mPB).discharge.incrementalCapacity
      let (one, other) = (mixed.peaks(in: 3.1...4), plain.peaks(in: 3.1...4))
      let isAlike =
        one.count == 2 && other.count == 2
        && zip(one, other).allSatisfy { ($0.place - $1.place).magnitude < 0.05 }
      return .statement(
        "peaks \(one.map { text($0.place) }) and \(other.map { text($0.place) }) V",
        holds: isAlike)
    },
    number(
      "P049", .mPB, "dQ/dV 10 to 100 mA/g", "Mn_HS shift", 0.14, "V", .peak, .fitted,
      shift(.mPB, PaperWindow.manganeseDown, PaperWindow.manganeseDown)),
    number(
      "P050", .mPB, "dQ/dV 10 to 100 mA/g", "Fe_LS shift", 0.03, "V", .peak, .predicted,
      shift(.mPB, PaperWindow.lowSpinIronDown, PaperWindow.lowSpinIronDown)),
    number(
      "P051", .nfmPB1, "dQ/dV 10 to 100 mA/g", "Fe_HS shift", 0.16, "V", .peak, .fitted,
      shift(.nfmPB1, 2.4...3.1, 2.4...3.1)),
    number(
      "P052", .nfmPB1, "dQ/dV 10 to 100 mA/g", "coupled shift", 0.07, "V", .peak, .fitted,
      shift(.nfmPB1, PaperWindow.coupledDown, PaperWindow.coupledDown)),
  ]

  static let couplingRows: [PaperRow] = [
    number(
      "P053", .mPB, "dQ/dV 100 mA/g, cycle 25", "coupled peak", 3.28, "V", .peak, .predicted,
      because: "the growing gallery was chosen by hand; its peak is still on the way at cycle 25"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      try laboratory.life(.mPB, milliamperesPerGram: 100, cycles: 300).discharges[25]?
        .incrementalCapacity.highestPeak(in: 3.1...3.42)?.place ?? .nan
    },
    statement(
      "P054", [.mPB], "dQ/dV 100 mA/g, cycle 25", "coupling", "not completely formed"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let life = try laboratory.life(.mPB, milliamperesPerGram: 100, cycles: 300)
      let iron = life.discharges[25]?.incrementalCapacity.peaks(in: PaperWindow.lowSpinIronDown)
      let place = iron?.last?.place ?? .nan
      return .statement("Fe_LS still peaks at \(text(place)) V", holds: place.isFinite)
    },
    statement(
      "P055", [.mPB], "dQ/dV 100 mA/g", "coupled peak height", "cycle 25 below cycle 15"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let life = try laboratory.life(.mPB, milliamperesPerGram: 100, cycles: 300)
      let heights = [15, 25].map {
        life.discharges[$0]?.incrementalCapacity.highestPeak(in: 3.1...3.42)?.height ?? .nan
      }
      return .statement(
        "\(text(heights[1])) after \(text(heights[0])) mAh/g/V", holds: heights[1] < heights[0])
    },
    statement(
      "P056", [.nfmPB1], "dQ/dV 100 mA/g", "coupled platform", "unchanged over 25 cycles"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let life = try laboratory.life(.nfmPB1, milliamperesPerGram: 100, cycles: 300)
      let peaks = [2, 25].compactMap {
        life.discharges[$0]?.incrementalCapacity.highestPeak(in: PaperWindow.coupledDown)
      }
      guard peaks.count == 2 else { return .statement("no peak", holds: false) }
      let moved = peaks[1].place - peaks[0].place
      let ratio = peaks[1].height / peaks[0].height
      return .statement(
        "moved \(text(1000 * moved)) mV, height times \(text(ratio))",
        holds: moved.magnitude < 0.01 && (ratio - 1).magnitude < 0.05)
    },
    statement(
      "P057", [.nfmPB1], "cycling 100 mA/g", "loss within 25 cycles", "primarily Fe_HS"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let life = try laboratory.life(.nfmPB1, milliamperesPerGram: 100, cycles: 300)
      guard let early = life.discharges[2], let late = life.discharges[25] else {
        return .statement("no discharge", holds: false)
      }
      let whole = early.capacity - late.capacity
      let above = early.capacity(beforeVolts: 3.1) - late.capacity(beforeVolts: 3.1)
      return .statement(
        "\(text(whole - above)) of \(text(whole)) mAh/g below 3.1 V",
        holds: whole - above > 0.5 * whole)
    },
  ]
}
