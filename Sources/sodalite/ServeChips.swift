// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CellSimulation
import Foundation
import Simulation
import Telemetry
import VirtioBackends

/// `sodalite serve-chips`: an emulated board behind the bus and the lines of a virtual machine.
struct ServeChips: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve-chips",
    abstract: "Serve an emulated board to a virtual machine, over vhost-user sockets.",
    discussion: """
      QEMU connects its vhost-user-i2c and vhost-user-gpio devices to the sockets; in the machine \
      the chips are on /dev/i2c-N and the lines on /dev/gpiochipN. The control socket takes lines \
      such as {"current": -1.5}, {"unplug": "0x40"} or {"truth": null}, and answers each with the \
      truth or with a reason. Besides the commands of `run --steer` there are {"speed": 100}, \
      {"nack": 20} for so many transfers that nobody acknowledges, and {"glitch": "ALERT"} for a \
      pulse on an input, and {"keep": null} that writes the cell to --cell-state. Ends with SIGINT or SIGTERM; a machine that is connected meanwhile goes on \
      with the next server at the same sockets.
      """)

  @Option(help: "The board: a name, such as emulated, or the path of a board.yaml.")
  var board: String
  @Option(help: "The socket for the bus.") var i2c: String
  @Option(help: "The socket for the lines.") var gpio: String?
  @Option(help: "The socket for commands.") var control: String?
  @Option(help: "Write every transfer and every change of a line to this file.")
  var record: String?
  @Option(help: "Keep the cell in this file at the end, and go on with the one in it.")
  var cellState: String?
  @Option(help: "How much faster than the wall clock the cell lives, 0 to 1000; 0 stands still.")
  var speed = 1.0
  @Option(help: "The seed of everything random.") var seed: UInt64 = 1
  @Option(
    help: "The cell's state of charge at the start. (default: 60%)",
    transform: ShareArgument.init(argument:))
  var charge = ShareArgument(fraction: 0.6)

  func validate() throws {
    guard ServedWorld.speeds.contains(speed) else {
      throw ValidationError("--speed \(speed): 0 to 1000 would be right")
    }
    guard (0...1).contains(charge.fraction) else {
      throw ValidationError("--charge \(charge): 0% to 100% would be right")
    }
  }

  func run() throws {
    let choice = try BoardChoice.find(board)
    let emulation = try choice.emulate(seed: seed, stateOfCharge: charge.fraction)
    let world = try world(emulation, of: choice.cell)
    do throws(SystemProblem) {
      let service = try ChipService(world, i2c: i2c, gpio: gpio, control: control)
      StandardError.write("sodalite: serving \(world.name) at \(i2c)\n")
      try service.run()
      StandardError.write("sodalite: \(service.summary)\n")
    } catch {
      throw UserMistake.exit("\(error)", code: 74)
    }
    do throws(DataProblem) {
      _ = try world.keep()
    } catch {
      throw UserMistake.exit(error)
    }
    guard world.transcript?.isComplete ?? true else {
      throw UserMistake.exit("--record \(record ?? ""): not all of it could be written", code: 74)
    }
  }

  /// The world with the cell that was kept, if one was.
  private func world(
    _ emulation: consuming EmulatedBoard, of description: CellDescription
  ) throws -> ServedWorld {
    if let cellState { try UserMistake.requireFolder(of: cellState, for: "--cell-state") }
    let kept = cellState.map { KeptCell(path: $0, of: description, seed: seed) }
    let world = ServedWorld(
      emulation, speed: speed, transcript: try transcript(), cell: kept)
    guard let cellState, FileManager.default.fileExists(atPath: cellState) else { return world }
    do throws(DataProblem) {
      try world.resume()
    } catch {
      throw UserMistake.exit(error)
    }
    return world
  }

  private func transcript() throws -> Transcript? {
    guard let record else { return nil }
    guard let transcript = Transcript(path: record) else {
      throw UserMistake.exit("--record \(record): cannot be written", code: 73)
    }
    return transcript
  }
}
