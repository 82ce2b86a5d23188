// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import Simulation
import Testing

/// What a schedule asks of the terminals, and when it goes on.
@Suite struct LoadScheduleTests {
  private func player(_ steps: LoadSchedule.Step...) -> LoadPlayer {
    LoadPlayer(LoadSchedule(steps: steps), ratedAmpereHours: 2)
  }

  private func amperes(_ demand: LoadDemand) -> Double? {
    if case .current(let amperes) = demand.control { return amperes }
    return nil
  }

  @Test func aRestLastsItsTime() {
    var player = player(.rest(seconds: 5), .current(c: 0.5, untilVolts: 4, seconds: 3))
    for _ in 0..<5 {
      #expect(amperes(player.next(seconds: 1, volts: 3, amperes: 0)) == 0)
    }
    let next = player.next(seconds: 1, volts: 3, amperes: 0)
    #expect(next.control == .current(amperes: 1) && next.ceilingVolts == 4)
  }

  @Test func aCurrentEndsAtItsVoltageOrItsTime() {
    var charge = player(.current(c: 0.5, untilVolts: 4, seconds: 100), .rest(seconds: 1))
    // Judged only once the step has begun: a limit met at rest is not the current's doing.
    #expect(amperes(charge.next(seconds: 1, volts: 4.1, amperes: 0)) == 1)
    #expect(amperes(charge.next(seconds: 1, volts: 3.99, amperes: 1)) == 1)
    #expect(amperes(charge.next(seconds: 1, volts: 4, amperes: 1)) == 0)
    var discharge = player(.current(c: -1, untilVolts: 2.5, seconds: 100), .rest(seconds: 1))
    let first = discharge.next(seconds: 1, volts: 3, amperes: 0)
    #expect(first.control == .current(amperes: -2))
    #expect(first.ceilingVolts == nil, "a load has no ceiling")
    #expect(amperes(discharge.next(seconds: 1, volts: 2.51, amperes: -2)) == -2)
    #expect(amperes(discharge.next(seconds: 1, volts: 2.5, amperes: -2)) == 0)
    var timed = player(.current(c: -1, untilVolts: 0, seconds: 4), .rest(seconds: 1))
    for _ in 0..<4 { #expect(amperes(timed.next(seconds: 1, volts: 3, amperes: -2)) == -2) }
    #expect(amperes(timed.next(seconds: 1, volts: 3, amperes: -2)) == 0)
  }

  @Test func aChargeGoesOverToItsVoltageAndEndsAtItsCurrent() {
    var player = player(.charge(c: 0.5, volts: 4, untilC: 0.05), .rest(seconds: 1))
    let first = player.next(seconds: 1, volts: 3, amperes: 0)
    #expect(first.control == .current(amperes: 1) && first.ceilingVolts == 4)
    #expect(amperes(player.next(seconds: 1, volts: 3.9, amperes: 1)) == 1)
    let hold = CellControl.voltage(volts: 4)
    #expect(player.next(seconds: 1, volts: 4, amperes: 1).control == hold)
    #expect(
      player.next(seconds: 1, volts: 3.9, amperes: 0.5).control == hold, "it does not go back")
    #expect(player.next(seconds: 1, volts: 4, amperes: 0.101).control == hold)
    #expect(amperes(player.next(seconds: 1, volts: 4, amperes: 0.1)) == 0, "C/20 of 2 Ah")
  }

  /// The drive's mean over its length is the stated one, and it brakes now and then.
  @Test func theDriveHasItsMean() {
    var player = player(.drive(meanC: 0.3, untilVolts: 2, seconds: 1e9))
    var sum = 0.0
    var brakes = 0
    let length = US06.microamperes.count
    for _ in 0..<length {
      let asked = amperes(player.next(seconds: 1, volts: 3, amperes: 0)) ?? .nan
      sum += asked
      if asked > 0 { brakes += 1 }
    }
    // The mean is stated to six digits.
    #expect(abs(sum / Double(length) + 0.6) < 1e-5)
    #expect(brakes > 50)
    let again = amperes(player.next(seconds: 1, volts: 3, amperes: 0)) ?? .nan
    let first = Double(US06.microamperes[0]) * 1e-6 * 0.6 / US06.meanAmperes
    #expect(abs(again - first) < 1e-12, "it repeats")
    #expect(amperes(player.next(seconds: 1, volts: 2, amperes: -1)).map { $0 < 0 } == true)
    #expect(player.rounds >= 1, "it ended at its voltage, and the schedule began anew")
  }

  @Test func theScheduleRepeats() {
    var player = player(.rest(seconds: 2), .current(c: -1, untilVolts: 0, seconds: 1))
    var seen: [Double?] = []
    for _ in 0..<7 { seen.append(amperes(player.next(seconds: 1, volts: 3, amperes: 0))) }
    #expect(seen == [0, 0, -2, 0, 0, -2, 0])
    #expect(player.rounds == 2)
  }

  /// A schedule of nothing but steps that are over rests, and does not spin.
  @Test func aScheduleWithoutTimeRests() {
    var player = player(.rest(seconds: 0), .current(c: 1, untilVolts: 4, seconds: 0))
    for _ in 0..<3 {
      #expect(amperes(player.next(seconds: 1, volts: 3, amperes: 0)) == 0)
    }
  }

  @Test func anEmptyScheduleTraps() async {
    await #expect(processExitsWith: .failure) { _ = LoadSchedule(steps: []) }
  }

  /// The main job: eight cycles within the window, and by the stated cell about 34 hours long.
  @Test func theMixedCyclesStayInTheWindow() {
    let schedule = LoadSchedule.mixedCycles(lower: 2, upper: 4.2)
    var charges = 0
    var drives = 0
    for step in schedule.steps {
      switch step {
      case .charge(let c, let volts, let end):
        charges += 1
        #expect(volts == 4.2 && c > 0 && c <= 1 && end > 0 && end < c)
      case .current(let c, let volts, let seconds):
        #expect(c.magnitude <= 1 && volts >= 2 && volts <= 4.2 && seconds > 0)
      case .drive(let mean, let volts, _):
        drives += 1
        #expect(mean == 0.3 && volts > 2 && volts < 4.2)
      case .rest(let seconds): #expect(seconds > 0)
      }
    }
    #expect(charges == 8, "each cycle ends with a full charge")
    #expect(drives == 8)
  }

  /// A charger that meets its ceiling within a moment holds it for the rest of it.
  @Test func theCeilingIsHeldWithinAMoment() throws {
    var cell = try Cell(TestCells.circuit, stateOfCharge: 0.97)
    func charge(upTo volts: Double) -> LoadDemand {
      var player = player(.current(c: 0.75, untilVolts: volts, seconds: 1e9))
      return player.next(seconds: 10, volts: 3, amperes: 0)
    }
    let demand = charge(upTo: 3.95)
    var highest = 0.0
    for _ in 0..<60 {
      demand.apply(to: &cell, seconds: 10, ambientCelsius: 25)
      highest = max(highest, cell.terminalVolts)
    }
    #expect(abs(cell.terminalVolts - 3.95) < 1e-5)
    #expect(highest < 3.95 + 1e-5)
    #expect(cell.currentAmperes > 0 && cell.currentAmperes < 1.5)
    // Without a ceiling the same current goes beyond.
    var other = try Cell(TestCells.circuit, stateOfCharge: 0.97)
    for _ in 0..<60 {
      charge(upTo: 100).apply(to: &other, seconds: 10, ambientCelsius: 25)
    }
    #expect(other.terminalVolts > 3.96)
  }
}
