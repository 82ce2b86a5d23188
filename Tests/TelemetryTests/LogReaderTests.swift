// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

@Suite struct LogReaderTests {
  private func samples(_ text: String, _ columns: LogColumns = LogColumns()) throws -> [LogSample] {
    var reader = try LogReader(CSVReader.read(Array(text.utf8), file: "l.csv"), columns: columns)
    var samples: [LogSample] = []
    while let sample = try reader.next() { samples.append(sample) }
    return samples
  }

  private func problem(_ text: String, _ columns: LogColumns = LogColumns()) -> String {
    do {
      _ = try samples(text, columns)
      return "no problem"
    } catch { return "\(error)" }
  }

  @Test func readsTheBatteryDataFormat() throws {
    let text = """
      Test Time / s,Voltage / V,Current / A,Ambient Temperature / degC,True State of Charge / 1
      0,3.1,0.5,25.5,0.25
      1,3.2,-0.5,,
      """
    let expected = [
      LogSample(
        line: 2, seconds: 0, amperes: 0.5, volts: 3.1, celsius: 25.5, stateOfCharge: 0.25),
      LogSample(line: 3, seconds: 1, amperes: -0.5, volts: 3.2),
    ]
    #expect(try samples(text) == expected)
  }

  private static let readsOtherSpellingsOfTheStandardNamesCases: [String] = [
    "Test Time / ms,Voltage / mV,Current / mA\n202,4073,106\n",
    "test_time_second,voltage_volt,current_ampere\n0.202,4.073,0.106\n",
    "TEST TIME / s,voltage / V,current / A\n0.202,4.073,0.106\n",
  ]

  @Test(arguments: readsOtherSpellingsOfTheStandardNamesCases)
  func readsOtherSpellingsOfTheStandardNames(text: String) throws {
    #expect(
      try samples(text) == [LogSample(line: 2, seconds: 0.202, amperes: 0.106, volts: 4.073)])
  }

  @Test func theSurfaceComesBeforeTheRoom() throws {
    let text = """
      Test Time / s,Voltage / V,Current / A,Ambient Temperature / degC,Surface Temperature / degC
      0,3,0,20,31
      """
    #expect(try samples(text).first?.celsius == 31)
  }

  private static let readsColumnsThatTheUserNamesCases: [(String, String)] = [
    (
      "time=time[ms],current=current,voltage=voltage",
      "step,mode,time,voltage,current\n1,3,500,3,1\n"
    ),
    ("time=t [ms],current=I,voltage=U[mV]", "t [ms],I,U\n500,1,3000\n"),
    (" time = t[min] , current=x=y , voltage=U", "t,x=y,U\n0.00833333333333333333,1,3\n"),
  ]

  @Test(arguments: readsColumnsThatTheUserNamesCases)
  func readsColumnsThatTheUserNames(specification: String, text: String) throws {
    let columns = try LogColumns(specification: specification)
    #expect(
      try samples(text, columns) == [LogSample(line: 2, seconds: 0.5, amperes: 1, volts: 3)])
  }

  @Test func convertsTemperatureAndTruth() throws {
    let columns = try LogColumns(specification: "temperature=T[K],truth=soc[%]")
    let text = "Test Time / s,Current / A,Voltage / V,T,soc\n0,0,3,298.15,42\n"
    #expect(try samples(text, columns).first?.celsius == 25)
    #expect(try samples(text, columns).first?.stateOfCharge == 0.42)
  }

  @Test func flipsTheSignOfDischargePositiveLogs() throws {
    let text = "Test Time / s,Current / A,Voltage / V\n0,2,3\n1,0,3\n"
    let flipped = try samples(text, LogColumns(dischargePositive: true))
    #expect(flipped.map(\.amperes) == [-2, 0])
    #expect(flipped[1].amperes.sign == .plus)
  }

  @Test func aDayWithoutASampleIsAGap() throws {
    let text = "Test Time / s,Current / A,Voltage / V\n0,0,3\n86399,0,3\n172799,0,3\n"
    #expect(try samples(text).map(\.gap) == [nil, nil, 86_400])
  }

  @Test func equalTimesAreAllowed() throws {
    #expect(try samples("Test Time / s,Current / A,Voltage / V\n5,0,3\n5,1,3\n").count == 2)
  }

  private static let saysWhatIsWrongAndWhereCases: [(String, String)] = [
    (
      "t,I,U\n1,2,3\n",
      "l.csv:1: no column 'Test Time / s' for the time; the columns are 't', 'I', 'U'; name it with --columns time=NAME"
    ),
    (
      "Test Time / s,Current / A,Voltage / V\n",
      "l.csv:1: no rows below the header; expected at least one sample"
    ),
    (
      "Test Time / s,Current / A,Voltage / V\n10,0,3\n9.5,0,3\n",
      "l.csv:3:1: column 'Test Time / s' runs backwards: 9.5 s after 10.0 s; expected a time that never decreases"
    ),
    (
      "Test Time / s,Current / A,Voltage / V\n1,,3\n",
      "l.csv:2:3: column 'Current / A' is empty; expected a number"
    ),
    (
      "Test Time / s,Current / A,Voltage / V\n1,0,1e9\n",
      "l.csv:2:5: column 'Voltage / V' has '1e9', out of range; expected -1000000.0...1000000.0 V"
    ),
    (
      "Test Time / s,Current / A,Voltage / V,Temperature T1 / degC\n1,0,3,hot\n",
      "l.csv:2:7: column 'Temperature T1 / degC' has 'hot'; expected a number"
    ),
  ]

  @Test(arguments: saysWhatIsWrongAndWhereCases)
  func saysWhatIsWrongAndWhere(text: String, expected: String) {
    #expect(problem(text) == expected)
  }

  private static let refusesWrongSpecificationsCases: [(String, String)] = [
    ("time", "--columns: 'time' is not quantity=column, such as time=t[ms]"),
    ("time=", "--columns: 'time=' is not quantity=column, such as time=t[ms]"),
    (
      "tme=t",
      "--columns: unknown quantity 'tme'; expected time, current, voltage, temperature or truth"
    ),
    ("time=a,time=b", "--columns: 'time' is given twice"),
  ]

  @Test(arguments: refusesWrongSpecificationsCases)
  func refusesWrongSpecifications(specification: String, expected: String) {
    do {
      _ = try LogColumns(specification: specification)
      Issue.record("accepted \(specification)")
    } catch {
      #expect(error.description == expected)
      #expect(error.exitCode == 64)
    }
  }

  @Test func aNamedColumnMustBeThere() throws {
    let text = "Test Time / s,Current / A,Voltage / V\n1,0,3\n"
    #expect(
      problem(text, try LogColumns(specification: "truth=soc"))
        == "l.csv:1: no column 'soc' for the truth; the columns are 'Test Time / s', 'Current / A', 'Voltage / V'"
    )
    #expect(
      problem(text, try LogColumns(specification: "time=Test Time[fortnight]"))
        == "--columns: unknown unit 'fortnight' of time; expected s, ms, us, min, h")
  }

  private static let readsTheReplayCorpusCases: [(String, String, Int)] = [
    ("hakadi-18650/static_test_1c-2-1.csv", "time=time[ms],current=current,voltage=voltage", 9018),
    (
      "nvpf-hc/c10_discharge.csv", "time=time_s,current=current_A,voltage=voltage_V,truth=soc_true",
      3647
    ),
  ]

  @Test(arguments: readsTheReplayCorpusCases)
  func readsTheReplayCorpus(name: String, specification: String, count: Int) throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let columns = try LogColumns(specification: specification)
    var reader = try LogReader.open("/\(root)/Tests/Corpora/replay/\(name)", columns: columns)
    var read = 0
    while let sample = try reader.next() {
      read += 1
      #expect((1.4...4.3).contains(sample.volts))
    }
    #expect(read == count)
  }
}
