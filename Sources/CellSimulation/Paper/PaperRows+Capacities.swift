// SPDX-License-Identifier: Apache-2.0

// MARK: - First cycle

extension PaperRow {
  /// The first discharge, all of it or down to a voltage, or from there.
  private static func first(_ system: PaperSystem, above volts: Double? = nil) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let discharge = try laboratory.firstCycle(system).discharge
      return volts.map { discharge.capacity(beforeVolts: $0) } ?? discharge.capacity
    }
  }

  private static func firstBelow(_ system: PaperSystem, _ volts: Double) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let discharge = try laboratory.firstCycle(system).discharge
      return discharge.capacity - discharge.capacity(beforeVolts: volts)
    }
  }

  static let firstCycleRows: [PaperRow] = [
    number(
      "P031", .mPB, "first cycle 10 mA/g", "capacity", 114.6, "mAh/g", .capacity, .fitted,
      first(.mPB)),
    number(
      "P032", .nfmPB0, "first cycle 10 mA/g", "capacity", 123.4, "mAh/g", .capacity, .fitted,
      first(.nfmPB0)),
    number(
      "P033", .nfmPB1, "first cycle 10 mA/g", "capacity", 131.0, "mAh/g", .capacity, .fitted,
      first(.nfmPB1)),
    number(
      "P034", .mPB, "first cycle 10 mA/g", "Fe_LS, above 3.43 V", 40.8, "mAh/g", .capacity, .fitted,
      first(.mPB, above: 3.43)),
    number(
      "P035", .nmPB, "first cycle 10 mA/g", "Fe_LS, above 3.43 V", 31.3, "mAh/g", .capacity,
      .fitted, first(.nmPB, above: 3.43)),
    number(
      "P036", .nfmPB1, "first cycle 10 mA/g", "coupled, above 3.1 V", 86.9, "mAh/g", .capacity,
      .fitted, first(.nfmPB1, above: 3.1)),
    statement(
      "P037", [.nfmPB1, .nfmPB0, .nfmPB2], "first cycle 10 mA/g", "coupled, above 3.1 V",
      "NFM-PB-0 < NFM-PB-1 > NFM-PB-2"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let low = try first(.nfmPB0, above: 3.1)(&laboratory)
      let middle = try first(.nfmPB1, above: 3.1)(&laboratory)
      let high = try first(.nfmPB2, above: 3.1)(&laboratory)
      return .statement(
        "\(text(low)), \(text(middle)), \(text(high)) mAh/g (0 and 2 set so)",
        holds: low < middle && high < middle)
    },
    number(
      "P082", .nfmPB1, "first cycle 10 mA/g", "Fe_HS, below 3.1 V", 44.1, "mAh/g", .capacity,
      .fitted, firstBelow(.nfmPB1, 3.1)),
    number("P083", .nfmPB1, "first cycle 10 mA/g", "Fe_HS share", 33.66, "%", .capacity, .fitted) {
      (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      100 * (try firstBelow(.nfmPB1, 3.1)(&laboratory)) / (try first(.nfmPB1)(&laboratory))
    },
    number(
      "P084", .mPB, "first cycle 10 mA/g", "Mn_HS, below 3.43 V", 73.8, "mAh/g", .capacity,
      .fitted, firstBelow(.mPB, 3.43)),
  ]
}

// MARK: - States of the sites

extension PaperRow {
  static let stateRows: [PaperRow] = [
    statement(
      "P040", [.nfmPB1], "XAS, discharge", "2.0-3.1 V", "capacity from Fe_HS"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let share = try ironShare(&laboratory, from: 3.1, to: 2.0)
      return .statement("\(text(100 * share)) % of it from Fe_HS", holds: share > 0.9)
    },
    statement(
      "P041", [.nfmPB1], "XAS, discharge", "4.2-3.1 V", "reduction of Mn concentrated here"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let states = try laboratory.contents(.nfmPB1, dischargedToVolts: [4.15, 3.1, 2.0])
      let above = states[1][0] - states[0][0] + states[1][1] - states[0][1]
      let whole = states[2][0] - states[0][0] + states[2][1] - states[0][1]
      return .statement(
        "\(text(100 * above / whole)) % of the coupled sites", holds: above > 0.9 * whole)
    },
    statement("P042", [.mPB], "XPS, discharge", "3.4 V", "iron all Fe2+") {
      (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let content = try laboratory.contents(.mPB, dischargedToVolts: [3.4])[0][1]
      return .statement("Fe_LS \(text(100 * content)) % reduced", holds: content > 0.9)
    },
    statement(
      "P043", [.nfmPB1], "XPS, discharge", "3.1 and 2.0 V",
      "3.1 V: Fe_LS Fe2+, Fe_HS Fe3+; 2.0 V: all Fe2+"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let states = try laboratory.contents(.nfmPB1, dischargedToVolts: [3.1, 2.0])
      let coupled = 0.6 * states[0][0] + 0.4 * states[0][1]
      let least = states[1].min() ?? 0
      return .statement(
        "3.1 V: coupled \(text(100 * coupled)) %, Fe_HS \(text(100 * states[0][2])) % reduced; "
          + "2.0 V: at least \(text(100 * least)) %",
        holds: coupled > 0.9 && states[0][2] < 0.1 && least > 0.9)
    },
  ]

  /// The share of Fe_HS in what NFM-PB-1 takes up between two voltages.
  private static func ironShare(
    _ laboratory: inout PaperLaboratory, from: Double, to: Double
  ) throws(CellError) -> Double {
    guard case .electrodes(let pair) = laboratory.specimen(.nfmPB1).description.model else {
      return .nan
    }
    let states = try laboratory.contents(.nfmPB1, dischargedToVolts: [from, to])
    let taken = pair.cathode.sites.indices.map {
      pair.cathode.sites[$0].capacityAmpereHours * (states[1][$0] - states[0][$0])
    }
    return taken[2] / taken.reduce(0, +)
  }
}

// MARK: - Rate, titration

extension PaperRow {
  private static func rate(_ system: PaperSystem, _ current: Double) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      try laboratory.rateCapacity(system, milliamperesPerGram: current)
    }
  }

  static let rateRows: [PaperRow] = [
    number(
      "P064", .nfmPB1, "rate 1000 mA/g", "capacity", 102.7, "mAh/g", .capacity, .fitted,
      rate(.nfmPB1, 1000)),
    number(
      "P065", .mPB, "rate 1000 mA/g", "capacity", 9.4, "mAh/g", .amount(2), .fitted,
      rate(.mPB, 1000)),
    number(
      "P112", .nfmPB1, "rate", "Q(1000)/Q(10)", 0.7840, "-", .capacity, .fitted
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      (try rate(.nfmPB1, 1000)(&laboratory)) / (try first(.nfmPB1)(&laboratory))
    },
    number(
      "P113", .mPB, "rate", "Q(1000)/Q(10)", 0.0820, "-", .amount(2 / 114.6), .fitted
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      (try rate(.mPB, 1000)(&laboratory)) / (try first(.mPB)(&laboratory))
    },
  ]

  /// The length in the formula. The paper does not say which it used: this one makes the median of
  /// M-PB the paper's 1e-12 cm²/s, so that only the ratio of the two materials is a prediction.
  /// Unit: cm.
  public static let titrationLength = 8.64e-5

  static let titrationRows: [PaperRow] = [
    number(
      "P067", .mPB, "GITT", "apparent diffusivity", 1e-12, "cm2/s", .factor(10.0.squareRoot()),
      .fitted
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      try laboratory.titrationMedian(.mPB) { $0.diffusivity(length: titrationLength) }
    },
    number(
      "P068", .nfmPB1, "GITT", "apparent diffusivity", 1e-11, "cm2/s", .factor(10.0.squareRoot()),
      .predicted,
      because: "pulses outlast the fast particles' diffusion, so the formula sees a ratio of 3"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      try laboratory.titrationMedian(.nfmPB1) { $0.diffusivity(length: titrationLength) }
    },
    statement(
      "P069", [.nfmPB1, .mPB], "GITT", "IR, dEt, dEs", "NFM-PB-1 smaller"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      var pairs: [(Double, Double)] = []
      for quantity in [\TitrationPulse.resistiveVolts, \.pulseVolts, \.steadyVolts] {
        pairs.append(
          (
            1000 * (try laboratory.titrationMedian(.nfmPB1) { $0[keyPath: quantity] }),
            1000 * (try laboratory.titrationMedian(.mPB) { $0[keyPath: quantity] })
          ))
      }
      let grounds = pairs.map { "\(text($0.0)) < \(text($0.1))" }.joined(separator: ", ")
      return .statement("\(grounds) mV", holds: pairs.allSatisfy { $0.0 < $0.1 })
    },
  ]
}

// MARK: - Cycling

extension PaperRow {
  private enum Share { case initial, final, retention }

  private static func life(
    _ system: PaperSystem, _ rate: Double, _ cycles: Int, _ share: Share
  ) -> Measure {
    { (laboratory: inout PaperLaboratory) throws(CellError) -> Double in
      let life = try laboratory.life(system, milliamperesPerGram: rate, cycles: cycles)
      let (first, last) = (life.capacities[0], life.capacities[cycles - 1])
      switch share {
      case .initial: return first
      case .final: return last
      case .retention: return 100 * last / first
      }
    }
  }

  static let cyclingRows: [PaperRow] = [
    number(
      "P070", .mPB, "cycling 100 mA/g", "capacity, cycle 300", 36.5, "mAh/g", .capacity, .fitted,
      life(.mPB, 100, 300, .final)),
    number(
      "P071", .mPB, "cycling 100 mA/g", "retention, cycle 300", 39.93, "%", .capacity, .fitted,
      life(.mPB, 100, 300, .retention)),
    number(
      "P072", .nfmPB1, "cycling 100 mA/g", "capacity, cycle 300", 102.3, "mAh/g", .capacity,
      .fitted, life(.nfmPB1, 100, 300, .final)),
    number(
      "P073", .nfmPB1, "cycling 100 mA/g", "retention, cycle 300", 87.64, "%", .capacity, .fitted,
      life(.nfmPB1, 100, 300, .retention)),
    number(
      "P074", .nfmPB1, "cycling 500 mA/g", "capacity, cycle 1000", 91.1, "mAh/g", .capacity,
      .fitted, life(.nfmPB1, 500, 1000, .final)),
    number(
      "P075", .nfmPB1, "cycling 500 mA/g", "retention, cycle 1000", 85.19, "%", .capacity, .fitted,
      life(.nfmPB1, 500, 1000, .retention)),
    statement(
      "P077", [.mPB], "cycling 100 mA/g", "polarization, 100 cycles", "increasingly severe"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let volts = try polarization(.mPB, &laboratory)
      return .statement(
        "\(volts.map { text(1000 * $0) }) mV at cycles 2, 50, 100",
        holds: volts[0] < volts[1] && volts[1] < volts[2])
    },
    statement("P078", [.nfmPB1], "cycling 100 mA/g", "polarization, 100 cycles", "stable") {
      (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let volts = try polarization(.nfmPB1, &laboratory)
      return .statement(
        "\(volts.map { text(1000 * $0) }) mV at cycles 2, 50, 100",
        holds: (volts[2] - volts[0]).magnitude < 0.01)
    },
    number(
      "P085", .mPB, "cycling 100 mA/g", "initial capacity", 91.41, "mAh/g", .capacity, .fitted,
      life(.mPB, 100, 300, .initial)),
    number(
      "P086", .nfmPB1, "cycling 100 mA/g", "initial capacity", 116.73, "mAh/g", .capacity,
      .fitted, life(.nfmPB1, 100, 300, .initial)),
    number(
      "P087", .nfmPB1, "cycling 500 mA/g", "initial capacity", 106.94, "mAh/g", .capacity,
      .fitted, life(.nfmPB1, 500, 1000, .initial)),
  ]

  private static func polarization(
    _ system: PaperSystem, _ laboratory: inout PaperLaboratory
  ) throws(CellError) -> [Double] {
    let life = try laboratory.life(system, milliamperesPerGram: 100, cycles: 300)
    return [2, 50, 100].map { life.polarization[$0] ?? .nan }
  }

  static let fullCellRows: [PaperRow] = [
    number(
      "P079", .nfmPB1HardCarbon, "cycling 100 mA/g", "retention, cycle 250", 79.35, "%",
      .capacity, .fitted, life(.nfmPB1HardCarbon, 100, 250, .retention)),
    number(
      "P080", .nfmPB1HardCarbon, "rate 1000 mA/g", "capacity", 88.9, "mAh/g", .capacity, .fitted,
      rate(.nfmPB1HardCarbon, 1000)),
    statement(
      "P081", [.mPBHardCarbon, .nfmPB1HardCarbon], "full cells", "retention and rate",
      "M-PB||HC worse"
    ) { (laboratory: inout PaperLaboratory) throws(CellError) -> Emulated in
      let kept = (
        try life(.mPBHardCarbon, 100, 250, .retention)(&laboratory),
        try life(.nfmPB1HardCarbon, 100, 250, .retention)(&laboratory)
      )
      let fast = (
        try rate(.mPBHardCarbon, 1000)(&laboratory),
        try rate(.nfmPB1HardCarbon, 1000)(&laboratory)
      )
      return .statement(
        "\(text(kept.0)) < \(text(kept.1)) %, \(text(fast.0)) < \(text(fast.1)) mAh/g",
        holds: kept.0 < kept.1 && fast.0 < fast.1)
    },
  ]
}
