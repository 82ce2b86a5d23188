// SPDX-License-Identifier: Apache-2.0

import CellSimulation
import DeterministicMath
import Foundation
import Synchronization

extension BenchSubject {
  /// 1024 cells with their own numbers, a current that changes every ten seconds.
  static var batch: BenchSubject {
    BenchSubject(
      figures: [
        BenchFigure("batch.step", "ns", "one second of one of 1024 cells, on one core"),
        BenchFigure("batch.cores", "ns", "the same on all cores"),
      ]
    ) {
      var random = SeededRandom(seed: 1)
      let cell = CellDescription.hu2024NFMPB1HardCarbon
      let cells = (0..<1_024).map { _ in cell.drawn(using: &random, mismatch: 1) }
      var amperes: [Double] = []
      for _ in 0..<6 {
        let current = random.uniform(-0.5, 0.5) * cell.ratedCapacityAmpereHours
        amperes += Array(repeating: current, count: 10)
      }
      var batch = try CellBatch(cells, stateOfCharge: 0.5)
      let parts = stride(from: 0, to: cells.count, by: 64).map { batch.part($0..<$0 + 64) }
      let steps = Double(cells.count * amperes.count)
      let begin = wallSeconds()
      batch.run(.shared(amperes))
      let alone = wallSeconds()
      let finished = parts.runningOnAllCores(.shared(amperes))
      let together = wallSeconds()
      // The parts give the bits of the whole; a figure for something else would be worth nothing.
      precondition(finished[1].terminalVolts(0) == batch.terminalVolts(64))
      return [(alone - begin) * 1e9 / steps, (together - alone) * 1e9 / steps]
    }
  }
}

extension [CellBatch] {
  /// Runs batches under the same currents on all cores; which core takes which changes no bit.
  func runningOnAllCores(_ currents: CellBatch.Currents) -> [CellBatch] {
    let finished = Mutex(self)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      var batch = self[index]
      batch.run(currents)
      let done = batch
      finished.withLock { $0[index] = done }
    }
    return finished.withLock { $0 }
  }
}
