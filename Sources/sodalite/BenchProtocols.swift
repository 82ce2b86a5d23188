// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath

/// The cell model under the protocols by which simulators are compared; each figure is a whole run.
extension BenchSubject {
  private static let specimen = CellDescription.hu2024NFMPB1HardCarbon
  private static let oneC = specimen.ratedCapacityAmpereHours
  private static let untilEmpty = CellLimits(lowerVolts: specimen.lowerCutoffVolts)

  private static func milliseconds(_ body: () throws -> Void) rethrows -> [Double] {
    let begin = wallSeconds()
    try body()
    return [(wallSeconds() - begin) * 1e3]
  }

  /// A full cell; one that wears if asked.
  private static func full(wears: Bool = false) throws(CellError) -> Cell {
    let volts = specimen.upperCutoffVolts
    return wears
      ? try Cell(specimen, age: .fresh(specimen), restingAtVolts: volts)
      : try Cell(specimen, restingAtVolts: volts)
  }

  static var discharge: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("protocol.discharge", "ms", "1C discharge, steps by their error")]
    ) {
      var cell = try full()
      return milliseconds {
        cell.step(.current(amperes: -oneC), seconds: 7_200, until: untilEmpty)
      }
    }
  }

  static var profile: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("protocol.profile", "ms", "24 h, a new current each second")]
    ) {
      var random = SeededRandom(seed: 1)
      let amperes = (0..<86_400).map { _ in random.uniform(-0.5, 0.5) * oneC }
      var cell = try Cell(specimen, stateOfCharge: 0.5)
      return milliseconds {
        for current in amperes { cell.step(.current(amperes: current), seconds: 1) }
      }
    }
  }

  static var cycles: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("protocol.cycles", "ms", "250 CC-CV cycles at 1C, with ageing")]
    ) {
      var cell = try full(wears: true)
      let upper = specimen.upperCutoffVolts
      return milliseconds {
        for _ in 0..<250 {
          cell.step(.current(amperes: -oneC), seconds: 7_200, until: untilEmpty)
          cell.step(
            .current(amperes: oneC), seconds: 7_200, until: CellLimits(upperVolts: upper))
          cell.step(
            .voltage(volts: upper), seconds: 7_200,
            until: CellLimits(currentMagnitude: oneC / 20))
        }
      }
    }
  }

  static var titration: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("protocol.gitt", "ms", "20 pulses of 54 min at C/20, each with 1 h rest")
      ]
    ) {
      var cell = try full()
      return milliseconds {
        for _ in 0..<20 {
          cell.step(.current(amperes: -oneC / 20), seconds: 3_240, until: untilEmpty)
          cell.step(.current(amperes: 0), seconds: 3_600)
        }
      }
    }
  }

  static var voltammetry: BenchSubject {
    BenchSubject(
      figures: [BenchFigure("protocol.cv", "ms", "three voltammetry cycles at 0.1 mV/s")]
    ) {
      var cell = try Cell(specimen, restingAtVolts: specimen.lowerCutoffVolts)
      return milliseconds {
        for _ in 0..<3 {
          for volts in [specimen.upperCutoffVolts, specimen.lowerCutoffVolts] {
            cell.sweep(toVolts: volts, voltsPerSecond: 1e-4) { _ in }
          }
        }
      }
    }
  }
}
