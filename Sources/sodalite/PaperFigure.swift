// SPDX-License-Identifier: Apache-2.0

import Foundation
import Telemetry

/// A figure of one or more panels, and its gnuplot script with the data in it.
struct PaperFigure {
  /// The file's name without its ending.
  var name: String
  /// From left to right.
  var panels: [Panel]

  struct Panel {
    var title: String
    var xLabel: String
    var yLabel: String
    var curves: [Curve]
    var xRange: ClosedRange<Double>?
    var yRange: ClosedRange<Double>?
    var isXLogarithmic = false
    var isYLogarithmic = false
    /// Where gnuplot puts the key.
    var key = "top right"
  }

  struct Curve {
    var title: String
    /// One colour for curves that belong together, counted in the palette.
    var colour: Int
    var look = Look.line
    var x: [Double]
    var y: [Double]

    /// The key's line for what the paper printed; its point lies outside every panel.
    static let paperInKey = Curve(
      title: "paper", colour: 6, look: .published, x: [0.001], y: [-1000])
  }

  enum Look {
    case line
    case dashed
    case lineWithPoints
    /// What the paper printed.
    case published
  }

  /// Colours that people who see fewer can tell apart: Okabe and Ito.
  private static let palette = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
  ]

  /// The script that draws the figure to `name.svg` and `name.png`.
  var script: String {
    let width = 560 * panels.count + (panels.count == 1 ? 200 : 0)
    var text = "# Made by sodalite; gnuplot \(name).gp draws it again.\n"
    for (panel, content) in panels.enumerated() {
      for (index, curve) in content.curves.enumerated() {
        text += "$p\(panel)c\(index) << EOD\n"
        for (x, y) in zip(curve.x, curve.y) where x.isFinite && y.isFinite {
          text += "\(Self.number(x)) \(Self.number(y))\n"
        }
        text += "EOD\n"
      }
    }
    text += "set encoding utf8\n"
    for terminal in [
      "svg size \(width),500 dynamic enhanced font 'Helvetica,14' background '#ffffff'",
      "pngcairo size \(2 * width),1000 enhanced font 'Helvetica,24' linewidth 2 pointscale 2",
    ] {
      let ending = terminal.hasPrefix("svg") ? "svg" : "png"
      text += "set terminal \(terminal)\nset output '\(name).\(ending)'\n"
      if panels.count > 1 { text += "set multiplot layout 1,\(panels.count)\n" }
      for panel in panels.indices { text += drawing(panel) }
      if panels.count > 1 { text += "unset multiplot\n" }
      text += "unset output\n"
    }
    return text
  }

  private func drawing(_ place: Int) -> String {
    let panel = panels[place]
    var text = "reset\nset encoding utf8\n"
    text += "set border 3 lc rgb '#444444'\nset tics nomirror out tc rgb '#222222'\n"
    text += "set grid lc rgb '#dddddd' lw 0.6 lt 1\nset style line 100 lw 2\n"
    text += "set title \"\(panel.title)\"\nset xlabel \"\(panel.xLabel)\"\n"
    text +=
      "set ylabel \"\(panel.yLabel)\"\nset key \(panel.key) Left reverse samplen 2 spacing 1.1\n"
    if panel.isXLogarithmic { text += "set logscale x\n" }
    if panel.isYLogarithmic { text += "set logscale y\nset format y '10^{%T}'\n" }
    if let range = panel.xRange { text += "set xrange [\(range.lowerBound):\(range.upperBound)]\n" }
    if let range = panel.yRange { text += "set yrange [\(range.lowerBound):\(range.upperBound)]\n" }
    let plots = panel.curves.indices.map { index in
      let curve = panel.curves[index]
      let colour = "lc rgb '\(Self.palette[curve.colour % Self.palette.count])'"
      let title = curve.title.isEmpty ? "notitle" : "title \"\(curve.title)\""
      return "$p\(place)c\(index) using 1:2 \(Self.style(curve.look)) \(colour) \(title)"
    }
    return text + "plot " + plots.joined(separator: ", \\\n  ") + "\n"
  }

  private static func style(_ look: Look) -> String {
    switch look {
    case .line: "with lines lw 2"
    case .dashed: "with lines lw 2 dt 2"
    case .lineWithPoints: "with linespoints lw 2 pt 7 ps 0.6"
    case .published: "with points pt 6 ps 1.6 lw 2"
    }
  }

  private static func number(_ value: Double) -> String {
    // Diffusivities are far below the last of six decimals.
    value != 0 && value.magnitude < 1e-3
      ? "\(value)" : DecimalNumber.text(value, decimals: 6)
  }
}
