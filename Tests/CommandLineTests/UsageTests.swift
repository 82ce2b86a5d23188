// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct UsageTests {
  @Test(
    arguments: [
      ([], "simulate", "Battery-management firmware, simulator and library for sodium-ion"),
      (["--help"], "bench", "Measure speed and memory of the core paths on this machine."),
      (["simulate", "--help"], "--initial-error", "The same seed gives"),
      (["cycle", "--help"], "--start-state-of-charge", "as a laboratory would"),
      (["replay", "--help"], "--discharge-positive", "The file is streamed"),
      (["probe", "--help"], "--emulated", "as i2cdetect does"),
      (["run", "--help"], "--steer", "turn the switches off and end the run"),
      (["watch", "--help"], "--supply", "takes sodium cells for lithium ones"),
      (["bench", "--help"], "--repetitions", "Each figure is the median of some repetitions"),
    ] as [([String], String, String)])
  func everyCommandExplainsItself(arguments: [String], option: String, sentence: String) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 0)
    #expect(outcome.output.contains(option))
    let flowing = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(flowing.contains(sentence))
    #expect(outcome.errors.isEmpty)
  }

  private static let mistakes: [(arguments: [String], message: String)] = [
    (
      ["simulat"],
      "unknown command 'simulat'; there are simulate, cycle, paper, replay, fit, evaluate, probe, "
        + "run, watch, serve-chips, bench"
    ),
    (["simulate", "--nope"], "Unknown option '--nope'."),
    (["simulate", "--duration", "long"], "such as 34h, 90min or 10s"),
    (["simulate", "--duration", "0h"], "such as 34h, 90min or 10s"),
    (["simulate", "--duration", "nan"], "such as 34h, 90min or 10s"),
    (["simulate", "--initial-error", "130%"], "at most 100%"),
    (["simulate", "--format", "xml"], "'table' and 'json'"),
    (["simulate", "--rate", "50"], "--rate 50.0: 0.1 to 10"),
    (["simulate", "--rate", "nan"], "--rate nan: 0.1 to 10"),
    (["simulate", "--ambient", "-50"], "--ambient -50.0: -30 to 60"),
    (["simulate", "--mismatch", "9"], "--mismatch 9.0: 0 to 2"),
    (["simulate", "--bus-faults", "1"], "--bus-faults 1.0: 0 to 0.15"),
    (["simulate", "--faults", "bus", "--bus-faults", "0.1"], "--faults bus has its own rates"),
    (["simulate", "--faults", "reaction", "--seeds", "1-2"], "swarm and reaction take --seed"),
    (["run", "--board", "emulated", "--clear", "overvoltage"], "'overvoltage' is invalid"),
    (["simulate", "--seed", "-1"], "'-1' is invalid for '--seed"),
    (["simulate", "--seed", "9223372036854775808"], "0 to 9223372036854775807"),
    (["simulate", "--seeds", "9-3"], "A-B with A <= B"),
    (["simulate", "--seeds", "1-2", "--output", "x.csv"], "--output takes one run"),
    (["simulate", "--chips", "ina999"], "'ina228+tmp117'"),
    (["replay"], "Missing expected argument '<file>'"),
    (["replay", "x.csv", "--columns", "volt=U"], "unknown quantity 'volt'"),
    (["cycle"], "steps or --protocol FILE would be right"),
    (["cycle", "Rest for 1 s", "--repeat", "0"], "--repeat 0: 1 to 100000"),
    (["cycle", "Rest for 1 s", "--start-state-of-charge", "-5%"], "-5%: 0% to 100% would"),
    (["probe"], "Missing expected argument '--board"),
    (["run", "--board", "emulated", "--rate", "11"], "--rate 11.0: 0.1 to 10"),
    (["run", "--board", "emulated", "--start", "120%"], "at most 100%"),
    (["run", "--board", "emulated", "--start", "-5%"], "--start is 0 to 100%"),
    (["run", "--board", "emulated", "--log-files", "0"], "--log-files 1 to 100"),
    (["run", "--board", "pi-ina228-tmp117", "--steer"], "--steer is for emulated boards"),
    (["watch"], "Missing expected argument '--supply"),
    (["watch", "--supply", "BAT0", "--rate", "0"], "--rate 0.0: 0.01 to 10 readings"),
    (["watch", "--supply", "BAT0", "--series", "33"], "--series 33: 1 to 32"),
    (["bench", "--filter", "nothing"], "there are start, start.memory, simulate"),
    (["bench", "--repetitions", "0"], "--repetitions 0: 1 to 1000"),
  ]

  @Test(arguments: mistakes.indices)
  func aMistakeIsOneLine(place: Int) throws {
    let outcome = try Program.run(Self.mistakes[place].arguments)
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.hasPrefix("sodalite: "))
    #expect(outcome.errors.contains(Self.mistakes[place].message), "\(outcome.errors)")
  }
}
