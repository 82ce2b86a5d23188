// SPDX-License-Identifier: Apache-2.0

public import CellSimulation

/// An electrode's open-circuit potential against sodium over its sodium content.
public struct HalfCellCurve: Sendable, Equatable {
  let contents: [Double]
  let volts: [Double]

  /// Makes a curve.
  ///
  /// - Parameters:
  ///   - points: content (0 to 1 gives capacities in Ah; in mAh/g it gives masses) and potential (V), in
  ///     any order.
  ///   - name: for messages.
  /// - Throws: `FitRefusal` where it is no curve of a potential that falls with content.
  public init(_ points: [(content: Double, volts: Double)], name: String) throws(FitRefusal) {
    let sorted = points.sorted { $0.content < $1.content }
    var contents: [Double] = []
    var volts: [Double] = []
    for point in sorted where point.content > (contents.last ?? -.infinity) {
      contents.append(point.content)
      volts.append(point.volts)
    }
    guard contents.count >= 8 else {
      throw FitRefusal("\(contents.count) different contents; expected at least 8", record: name)
    }
    guard volts[0] > volts[volts.count - 1] else {
      throw FitRefusal(
        "the potential rises with the content; expected the sodium content, with which it falls",
        record: name)
    }
    self.contents = contents
    self.volts = volts
  }

  /// A built-in electrode's curve against sodium metal over its window; content 1 is full there.
  ///
  /// - Parameter halfCell: a description of the electrode against sodium metal.
  public init(halfCell: CellDescription) throws(CellError) {
    let equilibrium = try CellEquilibrium(halfCell)
    contents = (0...400).map { Double($0) / 400 }
    volts = contents.map { equilibrium.volts(stateOfCharge: 1 - $0) }
  }

  /// Hard carbon as published (Chayambuka et al., Electrochim. Acta 404 (2022) 139764).
  public static let hardCarbon = HalfCellCurve(
    contents: HardCarbon.contents, volts: HardCarbon.table)

  private init(contents: [Double], volts: [Double]) {
    self.contents = contents
    self.volts = volts
  }

  /// The potential; beyond the curve with the slope of its end, and at least 5 V over its whole range:
  /// a curve that ends is an electrode that is empty or full.
  func callAsFunction(_ content: Double) -> Double {
    let last = contents.count - 1
    let least = 5 / (contents[last] - contents[0])
    if content < contents[0] {
      let slope = max((volts[0] - volts[1]) / (contents[1] - contents[0]), least)
      return volts[0] + (contents[0] - content) * slope
    }
    if content > contents[last] {
      let slope = max(
        (volts[last - 1] - volts[last]) / (contents[last] - contents[last - 1]), least)
      return volts[last] - (content - contents[last]) * slope
    }
    return Knots(places: contents).value(volts, at: content)
  }

  var emptiest: Double { contents[0] }
  var fullest: Double { contents[contents.count - 1] }
  var range: Double { fullest - emptiest }
}
