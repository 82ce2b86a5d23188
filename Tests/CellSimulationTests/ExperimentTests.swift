// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Testing

@Suite struct ExperimentTests {
  private static let nfm = Specimen(.hu2024NFMPB1, cathodeGrams: 1)
  private static let manganese = Specimen(.hu2024MPB, cathodeGrams: 1)

  @Test func aBranchEndsAtItsCutOffWithItsCharge() throws {
    var cell = try Self.nfm.cell(restingAtVolts: 2.4)
    #expect((cell.terminalVolts - 2.4).magnitude < 1e-9)
    let charge = Self.nfm.run(100, on: &cell)
    let discharge = Self.nfm.run(-100, on: &cell)
    #expect(charge.end == .upperVolts && discharge.end == .lowerVolts)
    #expect((discharge.capacity - 100 * discharge.seconds / 3600).magnitude < 1e-9)
    #expect(discharge.capacity(beforeVolts: 3.1) < discharge.capacity)
    #expect(discharge.capacity(beforeVolts: 1) == discharge.capacity)
    let last = try #require(discharge.volts.last)
    // The full cathode is a wall; its cut-off is met within a microvolt or a tenth of a millisecond.
    #expect((last - 2).magnitude < 1e-4)
  }

  /// The area under dQ/dV is the charge, whatever the smoothing.
  @Test(arguments: [10.0, 100, 1000]) func incrementalCapacityAddsUp(rate: Double) throws {
    var cell = try Self.nfm.cell(restingAtVolts: 2.4)
    _ = Self.nfm.run(rate, on: &cell)
    let discharge = Self.nfm.run(-rate, on: &cell)
    let curve = discharge.incrementalCapacity
    let area = curve.y.reduce(0, +) * GalvanostaticBranch.gridVolts
    #expect((area / discharge.capacity - 1).magnitude < 0.01, "\(area) of \(discharge.capacity)")
    let slopes = discharge.differentialVoltage
    #expect(slopes.y.allSatisfy { $0 < 0 })
  }

  @Test func peaksAreFoundBetweenThePoints() throws {
    // Two bells at 0.313 and 0.702; the second is higher.
    let places = (0...100).map { Double($0) / 100 }
    let values = places.map { place in
      DeterministicMath.exp(-200 * (place - 0.313) * (place - 0.313))
        + 1.5 * DeterministicMath.exp(-200 * (place - 0.702) * (place - 0.702))
    }
    let curve = SampledCurve(x: places, y: values)
    let peaks = curve.peaks()
    #expect(peaks.count == 2)
    #expect((peaks[0].place - 0.313).magnitude < 1e-3)
    #expect((peaks[1].place - 0.702).magnitude < 1e-3)
    #expect(curve.highestPeak() == peaks[1])
    #expect(curve.highestPeak(in: 0...0.5)?.place == peaks[0].place)
    #expect(peaks[0].prominence < peaks[0].height && peaks[1].prominence < peaks[1].height)
    // Half the height of exp(−200·d²) lies 0.0589 to each side; places are 0.01 apart.
    #expect((curve.widthAtHalfHeight(of: peaks[1]) - 0.118).magnitude < 0.025)
    #expect(SampledCurve(x: [0, 1, 2], y: [0, 1, 2]).peaks().isEmpty)
  }

  /// Halving the parts of a sweep leaves the peaks where they are.
  @Test func sweepsConverge() throws {
    func peak(_ partVolts: Double) throws -> (Double, Double) {
      var cell = try Self.nfm.cell(restingAtVolts: 2.4)
      let curve = Self.nfm.voltammogram(1e-4, on: &cell, cycles: 1, partVolts: partVolts)
      return (
        try #require(curve.oxidation.highestPeak()).height,
        try #require(curve.reduction.highestPeak()).height
      )
    }
    let coarse = try peak(4e-3)
    let middle = try peak(2e-3)
    let fine = try peak(1e-3)
    #expect((middle.0 / fine.0 - 1).magnitude < 1e-3)
    #expect((middle.1 / fine.1 - 1).magnitude < 1e-3)
    #expect((middle.0 - fine.0).magnitude < 0.5 * (coarse.0 - fine.0).magnitude)
  }

  @Test func aSweepEndsAtItsVoltageAndTime() throws {
    var cell = try Self.manganese.cell(restingAtVolts: 2.4)
    let outcome = cell.sweep(toVolts: 3.4, voltsPerSecond: 1e-3) { _ in }
    #expect(outcome.reason == .completed)
    #expect((outcome.seconds - 1000).magnitude < 1e-9)
    #expect((cell.terminalVolts - 3.4).magnitude < 1e-9)
    #expect(cell.currentAmperes > 0)
    // What follows is another control: the current changes sign at once.
    cell.step(.current(amperes: -0.01), seconds: 1)
    #expect(cell.currentAmperes == -0.01)
  }

  /// A pulse much shorter than the diffusion time on a slow particle obeys the formula: its
  /// diffusivity is R²/τ within a factor of two.
  @Test func titrationFindsTheDiffusivity() throws {
    var description = CellDescription.hu2024NFMPB1
    guard case .electrodes(var pair) = description.model else { return }
    // One wide site of one size with fast kinetics and little current.
    pair.cathode.radiusSpread = 0
    pair.cathode.sites = [pair.cathode.sites[1]]
    pair.cathode.sites[0].capacityAmpereHours = 0.1
    pair.cathode.sites[0].width = 6
    pair.cathode.sites[0].rateConstant = 10
    pair.cathode.sites[0].diffusionSeconds = 20_000
    pair.cathode.diffusionOrder = .sixPoles
    description.model = .electrodes(pair)
    let specimen = Specimen(description, cathodeGrams: 1)
    var cell = try Cell(description, stateOfCharge: 0.7)
    let pulses = specimen.titration(
      milliamperesPerGram: 10, pulseSeconds: 60, restSeconds: 20_000, on: &cell)
    // R = 1 µm.
    let found = pulses[pulses.count / 4].diffusivity(length: 1e-4 / 3)
    let expected = 1e-8 / 20_000
    #expect(found > expected / 2 && found < expected * 2, "\(found) of \(expected) cm²/s")
  }

  @Test func coldGivesLess() throws {
    let branches = try Self.nfm.temperatureTest(milliamperesPerGram: 500, restingAtVolts: 2.4)
    #expect(branches.count == 5)
    for (colder, warmer) in zip(branches, branches.dropFirst()) {
      #expect(colder.capacity < warmer.capacity)
      #expect(colder.meanVolts < warmer.meanVolts)
    }
  }

  @Test func aDeepDischargeWithoutAgeingIsForgotten() throws {
    var cell = try Self.nfm.cell(restingAtVolts: 2.4)
    let result = Self.nfm.overDischarge(on: &cell)
    // A full cathode is a wall in the model: the voltage falls, or the current ends.
    #expect(result.end == .lowerVolts || result.end == .unreachable)
    #expect(result.extremeVolts < 1.9)
    #expect(result.restedVolts > result.extremeVolts)
    #expect((result.capacityAfter / result.capacityBefore - 1).magnitude < 0.02)
    var other = try Self.nfm.cell(restingAtVolts: 2.4)
    let charged = Self.nfm.overcharge(on: &other)
    #expect(charged.extremeVolts > 4.2 && charged.extremeVolts < 4.51)
    #expect((charged.capacityAfter / charged.capacityBefore - 1).magnitude < 0.02)
  }

  @Test func ratesRiseAndCapacitiesFall() throws {
    var cell = try Self.manganese.cell(restingAtVolts: 2.4)
    let branches = Self.manganese.rateTest(cyclesPerRate: 2, on: &cell)
    #expect(branches.map(\.milliamperesPerGram) == [-10, -20, -50, -100, -200, -500, -1000])
    for (slow, fast) in zip(branches, branches.dropFirst()) {
      #expect(fast.capacity < slow.capacity)
    }
  }
}
