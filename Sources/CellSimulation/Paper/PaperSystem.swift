// SPDX-License-Identifier: Apache-2.0

/// The cells of Hu et al., Angew. Chem. Int. Ed. 2024, doi:10.1002/anie.202410420.
public enum PaperSystem: String, Sendable, CaseIterable {
  /// Manganese Prussian blue against sodium.
  case mPB = "M-PB"
  /// The same with nickel on the surface.
  case nmPB = "NM-PB"
  /// The same with iron in the place of some manganese.
  case feMnPB = "FeMn-PB"
  /// Iron-manganese with nickel, least of it.
  case nfmPB0 = "NFM-PB-0"
  /// The paper's best cathode.
  case nfmPB1 = "NFM-PB-1"
  /// Iron-manganese with nickel, most of it.
  case nfmPB2 = "NFM-PB-2"
  /// The best cathode against hard carbon.
  case nfmPB1HardCarbon = "NFM-PB-1||HC"
  /// The manganese cathode against hard carbon.
  case mPBHardCarbon = "M-PB||HC"

  /// The cell, with one gram of cathode.
  public var description: CellDescription {
    switch self {
    case .mPB: .hu2024MPB
    case .nmPB: .hu2024NMPB
    case .feMnPB: .hu2024FeMnPB
    case .nfmPB0: .hu2024NFMPB0
    case .nfmPB1: .hu2024NFMPB1
    case .nfmPB2: .hu2024NFMPB2
    case .nfmPB1HardCarbon: .hu2024NFMPB1HardCarbonCoin
    case .mPBHardCarbon: .hu2024MPBHardCarbonCoin
    }
  }
}

/// The laboratory: runs an experiment when it is first asked for and keeps what came out.
///
/// Every experiment begins with a new cell at rest at 2.4 V and wears as it goes on, so each result has
/// the history that the paper's cell had, as far as the paper tells:
/// - first cycle: charge and discharge at 10 mA/g;
/// - cycling: from the first cycle at 100 or 500 mA/g; the first discharge is the initial capacity;
/// - rate test: 10, 20, 50, 100, 200, 500 and 1000 mA/g, five cycles each, on one cell; the last
///   discharge of each. A full cell has three cycles of formation and starts at 100 mA/g. The number
///   of cycles is assumed;
/// - voltammetry: 0.1, 0.2, 0.4, 0.6, 0.8 and 1.0 mV/s on one cell, two cycles each, the second read;
/// - titration: after a charge at 10 mA/g pulses of 20 min at 10 mA/g with 2 h of rest (assumed),
///   medians over resting voltages from 3.2 to 3.7 V.
public struct PaperLaboratory: Sendable {
  private var descriptions: [PaperSystem: CellDescription]
  private var firstCycles: [PaperSystem: FirstCycle] = [:]
  private var lives: [LifeKey: Life] = [:]
  private var rates: [PaperSystem: [GalvanostaticBranch]] = [:]
  private var scans: [PaperSystem: [Voltammogram]] = [:]
  private var titrations: [PaperSystem: [TitrationPulse]] = [:]

  /// The first charge and discharge, with the sites' contents on the way down.
  public struct FirstCycle: Sendable {
    /// The charge.
    public var charge: GalvanostaticBranch
    /// The discharge.
    public var discharge: GalvanostaticBranch
  }

  /// A cell's life under cycling.
  public struct Life: Sendable {
    /// The capacity of every discharge. Unit: mAh/g.
    public var capacities: [Double]
    /// Some discharges, by their number from 1.
    public var discharges: [Int: GalvanostaticBranch]
    /// The mean voltage of charge less that of discharge, of the same cycles. Unit: V.
    public var polarization: [Int: Double]
    /// The history at the end.
    public var age: AgeingState
  }

  private struct LifeKey: Hashable {
    var system: PaperSystem
    var rate: Double
    var cycles: Int
  }

  /// Makes a laboratory with new cells.
  public init() {
    descriptions = Dictionary(
      uniqueKeysWithValues: PaperSystem.allCases.map { ($0, $0.description) })
  }

  /// Puts another cell in the place of a system's; what is known of the old one is forgotten.
  public mutating func replace(_ system: PaperSystem, with description: CellDescription) {
    self = PaperLaboratory(descriptions: descriptions.merging([system: description]) { $1 })
  }

  private init(descriptions: [PaperSystem: CellDescription]) { self.descriptions = descriptions }

  /// The system as a specimen of one gram.
  public func specimen(_ system: PaperSystem) -> Specimen {
    Specimen(descriptions[system] ?? system.description, cathodeGrams: 1)
  }

  /// A new cell of the system at rest that wears from now on.
  ///
  /// - Throws: `CellError` if the description is no cell.
  public func newCell(_ system: PaperSystem) throws(CellError) -> Cell {
    let description = specimen(system).description
    return try Cell(description, age: .fresh(description), restingAtVolts: 2.4)
  }

  /// The first cycle at 10 mA/g.
  public mutating func firstCycle(_ system: PaperSystem) throws(CellError) -> FirstCycle {
    if let known = firstCycles[system] { return known }
    var cell = try newCell(system)
    let specimen = specimen(system)
    let cycle = FirstCycle(
      charge: specimen.run(10, on: &cell), discharge: specimen.run(-10, on: &cell))
    firstCycles[system] = cycle
    return cycle
  }

  /// The contents of the cathode's sites in the first discharge at 10 mA/g, where the voltage first
  /// passes each of the given ones.
  public func contents(
    _ system: PaperSystem, dischargedToVolts volts: [Double]
  ) throws(CellError) -> [[Double]] {
    var cell = try newCell(system)
    let specimen = specimen(system)
    _ = specimen.run(10, on: &cell)
    return volts.map { limit in
      _ = specimen.run(-10, on: &cell, lowerVolts: limit)
      return cell.siteContents.cathode
    }
  }

  /// Cycling at one current.
  public mutating func life(
    _ system: PaperSystem, milliamperesPerGram rate: Double, cycles: Int
  ) throws(CellError) -> Life {
    let key = LifeKey(system: system, rate: rate, cycles: cycles)
    if let known = lives[key] { return known }
    let description = specimen(system).description
    var cell = try newCell(system)
    var life = Life(
      capacities: [], discharges: [:], polarization: [:], age: .fresh(description))
    for number in 1...cycles {
      let charge = specimen(system).run(rate, on: &cell, points: 100)
      let discharge = specimen(system).run(-rate, on: &cell, points: 100)
      life.capacities.append(discharge.capacity)
      guard [1, 2, 5, 15, 25, 50, 100].contains(number) || number == cycles else { continue }
      life.discharges[number] = discharge
      life.polarization[number] = charge.meanVolts - discharge.meanVolts
    }
    life.age = cell.age ?? life.age
    lives[key] = life
    return life
  }

  /// The rate test; the last discharge of each current.
  public mutating func rateTest(
    _ system: PaperSystem
  ) throws(CellError) -> [GalvanostaticBranch] {
    if let known = rates[system] { return known }
    var cell = try newCell(system)
    let specimen = specimen(system)
    let isFull = system == .nfmPB1HardCarbon || system == .mPBHardCarbon
    if isFull { specimen.cycle(10, cycles: 3, on: &cell) }
    let currents: [Double] =
      isFull ? [100, 200, 500, 1000] : [10, 20, 50, 100, 200, 500, 1000]
    let branches = specimen.rateTest(currents, on: &cell)
    rates[system] = branches
    return branches
  }

  /// The capacity of the rate test at a current. Unit: mAh/g.
  public mutating func rateCapacity(
    _ system: PaperSystem, milliamperesPerGram rate: Double
  ) throws(CellError) -> Double {
    try rateTest(system).first { $0.milliamperesPerGram == -rate }?.capacity ?? .nan
  }

  /// The voltammograms, by rising scan rate.
  public mutating func voltammograms(_ system: PaperSystem) throws(CellError) -> [Voltammogram] {
    if let known = scans[system] { return known }
    var cell = try newCell(system)
    let specimen = specimen(system)
    let scans = Self.scanRates.map { specimen.voltammogram($0 * 1e-3, on: &cell) }
    self.scans[system] = scans
    return scans
  }

  /// The voltammogram of a scan rate. Unit: mV/s.
  public mutating func voltammogram(
    _ system: PaperSystem, _ rate: Double
  ) throws(CellError) -> Voltammogram {
    let place = Self.scanRates.firstIndex(of: rate) ?? 0
    return try voltammograms(system)[place]
  }

  /// The scan rates of the paper. Unit: mV/s.
  public static let scanRates = [0.1, 0.2, 0.4, 0.6, 0.8, 1.0]

  /// All pulses of the titration.
  public mutating func titration(_ system: PaperSystem) throws(CellError) -> [TitrationPulse] {
    if let known = titrations[system] { return known }
    var cell = try newCell(system)
    let specimen = specimen(system)
    _ = specimen.run(10, on: &cell)
    let pulses = specimen.titration(on: &cell)
    titrations[system] = pulses
    return pulses
  }

  /// The median of a quantity over the pulses between 3.2 and 3.7 V.
  public mutating func titrationMedian(
    _ system: PaperSystem, _ quantity: (TitrationPulse) -> Double
  ) throws(CellError) -> Double {
    median(
      try titration(system).filter { (3.2...3.7).contains($0.restVolts) }.map(quantity))
  }
}
