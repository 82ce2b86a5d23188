// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// A question of the trial: what is done to a cell, and what part of it is scored.
public enum EvaluationTest: String, CaseIterable, Sendable {
  /// Mixed cycles on cells that nobody has measured; 30 % wrong at the start.
  case fleet
  /// The same after one charge from near empty to full at C/5.
  case afterOneCharge = "after-one-charge"
  /// A life on one of three ageing paths, scored down to 90 % of the fresh capacity.
  case life95 = "life-0.95"
  /// The same life, scored at 88 and 86 %.
  case life86 = "life-0.86"
  /// The same life, scored from 84 to 78 %, where every charge begins above 2.9 V.
  case above29 = "above-2.9V"
  /// The same life, scored from 76 to 70 %.
  case life73 = "life-0.73"
  /// 30 % wrong on the coupling plateau.
  case startPlateau = "wrong-start-plateau"
  /// 30 % wrong below it.
  case startLow = "wrong-start-low"
  /// Zero drop-outs, 1 % of the readings.
  case zeroDropouts = "zero-dropouts"
  /// Stuck bursts, 5 % of the time.
  case stuckBursts = "stuck-bursts"
  /// Spikes of the voltage.
  case spikes
  /// −10 °C.
  case cold = "minus-10C"
  /// 10 °C.
  case cool = "10C"
  /// 45 °C.
  case hot = "45C"
  /// Worn to 73 %; a learning charge from 2.05 V.
  case cutoff20 = "cutoff-2.0V"
  /// The same cell with a window from 1.5 V; a learning charge from 1.55 V.
  case cutoff15 = "cutoff-1.5V"
  /// US06 drive and charge.
  case p1 = "P1-drive"
  /// Pulses at ten states of charge.
  case p2 = "P2-pulses"
  /// Full cycles.
  case p3 = "P3-full"
  /// Partial cycles, 0.3 to 0.7.
  case p4 = "P4-partial"
  /// Plateau only, 0.5 to 0.85.
  case p5 = "P5-plateau"
  /// A solar day.
  case p6 = "P6-solar"
  /// A week of rest.
  case p7 = "P7-rest"
  /// Low states of charge only.
  case p8 = "P8-low"
  /// C/500 in and out.
  case p9 = "P9-micro"
  /// A walk through the other profiles, drawn by seed.
  case p10 = "P10-walk"

  /// The lower cut-off of its cells. Unit: V; nil for the make's.
  public var lowerCutoffVolts: Double? { self == .cutoff15 ? 1.5 : nil }

  /// Whether it plays a life.
  public var isLife: Bool { Self.lives.contains(self) }

  /// The parts of a life, from young to old.
  public static let lives: [EvaluationTest] = [.life95, .life86, .above29, .life73]

  /// The others are about single questions: a third of the fleet answers them.
  public var usesWholeFleet: Bool {
    switch self {
    case .fleet, .afterOneCharge: true
    default: isLife
    }
  }

  var fault: SensorFault {
    switch self {
    case .zeroDropouts: .zeroDropouts
    case .stuckBursts: .stuckBursts
    case .spikes: .spikes
    default: .none
    }
  }

  var celsius: Double {
    switch self {
    case .cold: -10
    case .cool: 10
    case .hot: 45
    default: 25
    }
  }

  var startStateOfCharge: Double {
    switch self {
    case .startPlateau: 0.7
    case .startLow: 0.25
    case .p4: 0.7
    case .p5: 0.85
    case .p8: 0.4
    case .p7, .p9: 0.6
    default: 0.9
    }
  }

  /// Of the full test. Unit: s.
  var seconds: Double {
    switch self {
    case .fleet: 122_400
    case .afterOneCharge, .cutoff15, .cutoff20: 43_200
    case .startPlateau, .startLow: 3_600
    case .p7: 604_800
    case .p9: 172_800
    case .p10: 259_200
    default: 43_200
    }
  }

  /// Between readings. Unit: s.
  var period: Double {
    switch self {
    case .p7: 30
    case .p9: 10
    case .p10: 2
    default: 1
    }
  }
}

/// The load schedules of the profiles.
enum EvaluationProfile {
  static func schedule(
    _ test: EvaluationTest, make: CellDescription, random: inout SeededRandom
  ) -> LoadSchedule {
    let lower = make.lowerCutoffVolts
    let upper = make.upperCutoffVolts
    switch test {
    case .p10:
      let profiles: [EvaluationTest] = [.p1, .p2, .p3, .p4, .p6, .p9]
      var steps: [LoadSchedule.Step] = []
      for _ in 0..<24 {
        let next = profiles[min(Int(random.uniform() * 6), 5)]
        steps += self.steps(next, lower, upper)
        // Between two profiles the cell goes to a place of its own.
        steps.append(
          .current(
            c: random.chance(0.5) ? 0.3 : -0.3,
            untilVolts: random.chance(0.5) ? upper - 0.1 : lower + 0.3,
            seconds: random.uniform(600, 5_400)))
      }
      // Direction and limit of the walk must agree; a limit already met ends a step at once.
      return LoadSchedule(
        steps: steps.map {
          guard case .current(let c, _, let seconds) = $0, abs(c) == 0.3 else { return $0 }
          return .current(c: c, untilVolts: c > 0 ? upper : lower + 0.3, seconds: seconds)
        })
    case .p1, .p2, .p3, .p4, .p5, .p6, .p7, .p8, .p9:
      return LoadSchedule(steps: steps(test, lower, upper))
    case .startPlateau, .startLow:
      return LoadSchedule(steps: [.drive(meanC: 0.3, untilVolts: lower + 0.1, seconds: 1e9)])
    default: return .mixedCycles(lower: lower, upper: upper)
    }
  }

  private static func steps(
    _ test: EvaluationTest, _ lower: Double, _ upper: Double
  ) -> [LoadSchedule.Step] {
    let low = lower + 0.15
    switch test {
    case .p1:
      return [
        .drive(meanC: 0.35, untilVolts: low, seconds: 1e9), .rest(seconds: 1_200),
        .charge(c: 0.5, volts: upper, untilC: 0.05), .rest(seconds: 600),
      ]
    case .p2:
      var steps: [LoadSchedule.Step] = [.charge(c: 0.5, volts: upper, untilC: 0.05)]
      for _ in 0..<10 {
        steps += [
          .rest(seconds: 900), .current(c: -1, untilVolts: lower, seconds: 10),
          .rest(seconds: 40), .current(c: 0.75, untilVolts: upper, seconds: 10),
          .rest(seconds: 40), .current(c: -0.5, untilVolts: lower, seconds: 680),
        ]
      }
      return steps
    case .p3:
      return [
        .current(c: -0.5, untilVolts: lower, seconds: 1e9), .rest(seconds: 1_200),
        .charge(c: 0.5, volts: upper, untilC: 0.05), .rest(seconds: 1_200),
      ]
    case .p4:
      return [
        .current(c: -0.5, untilVolts: lower, seconds: 2_700), .rest(seconds: 600),
        .current(c: 0.5, untilVolts: upper, seconds: 2_700), .rest(seconds: 600),
      ]
    case .p5:
      return [
        .current(c: -0.5, untilVolts: lower, seconds: 2_300), .rest(seconds: 300),
        .current(c: 0.5, untilVolts: upper, seconds: 2_300), .rest(seconds: 300),
      ]
    case .p6:
      return [
        .current(c: -0.06, untilVolts: low, seconds: 36_000),
        .charge(c: 0.2, volts: upper - 0.05, untilC: 0.01), .rest(seconds: 1_800),
        .current(c: -0.1, untilVolts: low, seconds: 14_400),
      ]
    case .p8:
      return [
        .current(c: -0.4, untilVolts: lower, seconds: 1e9), .rest(seconds: 900),
        .current(c: 0.4, untilVolts: upper, seconds: 3_000), .rest(seconds: 600),
      ]
    case .p9:
      return [
        .current(c: -0.002, untilVolts: lower, seconds: 21_600),
        .current(c: 0.002, untilVolts: upper, seconds: 21_600),
      ]
    default: return [.rest(seconds: 3_600)]
    }
  }
}
