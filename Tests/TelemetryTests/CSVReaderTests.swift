// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Telemetry

@Suite struct CSVReaderTests {
  /// All rows of a text, as texts.
  private func rows(_ text: String) throws -> (header: [String], rows: [[String]], lines: [Int]) {
    var reader = try CSVReader.read(Array(text.utf8), file: "t.csv")
    var rows: [[String]] = []
    var lines: [Int] = []
    while try reader.next() {
      rows.append(reader.header.indices.map { reader.text($0) })
      lines.append(reader.line)
    }
    return (reader.header, rows, lines)
  }

  private func message(_ text: String) -> String {
    do {
      var reader = try CSVReader.read(Array(text.utf8), file: "t.csv")
      while try reader.next() {
        for column in reader.header.indices { _ = try reader.number(column) }
      }
      return "no problem"
    } catch { return "\(error)" }
  }

  @Test func readsRows() throws {
    let table = try rows("a,b\n1,2\n3,4\n")
    #expect(table.header == ["a", "b"])
    #expect(table.rows == [["1", "2"], ["3", "4"]])
    #expect(table.lines == [2, 3])
  }

  private static let readsTheSameTableHoweverItIsWrittenCases: [String] = [
    "a,b\r\n1,2\r\n3,4\r\n", "a,b\n1,2\n3,4", "\u{FEFF}a,b\n1,2\n\n3,4\n\n\n",
    "# comment\n a , b\n#x,y\n1,2\n# \"\n3,4\n#end",
  ]

  @Test(arguments: readsTheSameTableHoweverItIsWrittenCases)
  func readsTheSameTableHoweverItIsWritten(text: String) throws {
    let table = try rows(text)
    #expect(table.header == ["a", "b"])
    #expect(table.rows == [["1", "2"], ["3", "4"]])
  }

  @Test func countsEveryLine() throws {
    let table = try rows("# one\na,b\n\n1,2\n#five\n\"x\ny\",3\n4,5\n")
    #expect(table.lines == [4, 6, 8])
    #expect(table.rows[1] == ["x\ny", "3"])
  }

  @Test func readsQuotedFields() throws {
    let table = try rows("\"Voltage, cell / V\",b\n\"1,5\",\"say \"\"hi\"\"\"\n\"\",2\n")
    #expect(table.header == ["Voltage, cell / V", "b"])
    #expect(table.rows == [["1,5", "say \"hi\""], ["", "2"]])
  }

  @Test func quotedNumbersAreNumbers() throws {
    var reader = try CSVReader.read(Array("a\n\"2.5\"\n".utf8), file: "t.csv")
    let hasRow = try reader.next()
    let number = try reader.number(0)
    #expect(hasRow)
    #expect(number == 2.5)
  }

  private static let saysWhatIsWrongAndWhereCases: [(String, String)] = [
    ("", "t.csv: no rows; expected column names on the first"),
    ("# only\n", "t.csv: no rows; expected column names on the first"),
    ("a,a\n1,2\n", "t.csv:1:3: column 'a' is named twice"),
    ("a,b\n1\n", "t.csv:2: the row has 1 field, the header on line 1 names 2 columns"),
    ("a,b\n1,2,3\n", "t.csv:2: the row has 3 fields, the header on line 1 names 2 columns"),
    ("a,b\n1,x\n", "t.csv:2:3: column 'b' has 'x'; expected a number"),
    ("a,b\n1,\n", "t.csv:2:3: column 'b' is empty; expected a number"),
    ("a,b\n1,nan\n", "t.csv:2:3: column 'b' has 'nan'; expected a number"),
    ("a,b\n1,1e999\n", "t.csv:2:3: column 'b' has '1e999', too large; expected a number"),
    ("a,b\näöü,1\n", "t.csv:2:1: column 'a' has 'äöü'; expected a number"),
    ("a,b\n1,\"x\n", "t.csv:2:3: the quote is not closed"),
    (
      "a,b\n\"1\"2,3\n",
      "t.csv:2:1: text after the closing quote; expected a comma or the line's end"
    ),
  ]

  @Test(arguments: saysWhatIsWrongAndWhereCases)
  func saysWhatIsWrongAndWhere(text: String, expected: String) {
    #expect(message(text) == expected)
  }

  /// The column counts characters, as an editor does, not bytes.
  @Test func columnsAreCharacters() throws {
    var reader = try CSVReader.read(Array("n,v\n\"μΩ🔋é\",oops\n".utf8), file: "t.csv")
    let hasRow = try reader.next()
    #expect(hasRow)
    let column = reader.problem(1, "x").column
    #expect(column == 8)
  }

  @Test func aMissingFileIsNoInput() {
    do {
      _ = try CSVReader.open("/nonexistent/x.csv")
      Issue.record("opened a file that is not there")
    } catch {
      #expect(error.exitCode == 66)
      #expect(error.description == "/nonexistent/x.csv: cannot open: No such file or directory")
    }
  }

  @Test func aFolderIsNoInput() {
    do {
      _ = try CSVReader.open("/tmp")
      Issue.record("read a folder")
    } catch {
      #expect(error.exitCode == 66)
    }
  }

  @Test func aRowWithoutAnEndIsNoTable() throws {
    let path = temporaryPath("endless")
    var writer = try BDFWriter(
      path: path, columns: [.init(String(repeating: "x", count: 3 << 20), decimals: 0)])
    try writer.finish()
    defer { SystemFile.remove(path) }
    do {
      _ = try CSVReader.open(path)
      Issue.record("read a row of 3 MB")
    } catch {
      #expect(error.exitCode == 65)
      #expect(error.message.hasPrefix("the row is longer than 1048576 bytes"))
    }
  }

  @Test(arguments: [[0x61, 0xFF, 0x2C, 0x62, 0x0A], [0x50, 0x4B, 0x03, 0x00, 0x0A]] as [[UInt8]])
  func aFileThatIsNoTextIsSaidToBeNone(bytes: [UInt8]) {
    do {
      _ = try CSVReader.read(bytes, file: "x.zip")
      Issue.record("read as a table")
    } catch {
      #expect(error.description == "x.zip:1: not text; expected comma-separated values")
    }
  }

  @Test func whatAFileHoldsCannotSteerTheTerminal() {
    let problem = DataProblem(.badData, file: "a\u{1B}[2J", message: "'\u{202E}\n' é")
    #expect(problem.description == "a\u{FFFD}[2J: '\u{FFFD}\u{FFFD}' é")
  }

  @Test func tellsHowMuchIsRead() throws {
    let path = temporaryPath("fraction")
    defer { SystemFile.remove(path) }
    var writer = try BDFWriter(path: path)
    for row in 0..<100_000 { try writer.append(seconds: Double(row), amperes: 0, volts: 3) }
    try writer.finish()
    var reader = try CSVReader.open(path)
    var count = 0.0
    var farthest = 0.0
    while try reader.next() {
      count += 1
      farthest = max(farthest, (reader.fractionRead - count / 100_000).magnitude)
    }
    #expect(farthest < 0.2)
    #expect(reader.fractionRead == 1)
  }
}
