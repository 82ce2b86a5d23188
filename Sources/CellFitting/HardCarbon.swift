// SPDX-License-Identifier: Apache-2.0

/// The open-circuit potential of hard carbon against sodium, of which every sodium-ion anode today is.
///
/// Source: the parameter set Chayambuka2022 of PyBaMM (BSD-3-Clause), after Chayambuka et al.,
/// Electrochim. Acta 404 (2022) 139764, doi:10.1016/j.electacta.2021.139764.
enum HardCarbon {
  static let contents: [Double] = [
    0.001436794, 0.001643334, 0.00811789, 0.01027308, 0.035479844, 0.060758448, 0.090185795,
    0.127982471, 0.169900951, 0.232688871, 0.320485995, 0.403954777, 0.483167055, 0.574861484,
    0.687380455, 0.799899424, 0.891593855, 0.960353451, 0.987446008, 0.995806356,
  ]
  static let table: [Double] = [
    1.31896389, 1.21982507, 1.11203854, 1.07754649, 0.978299913, 0.844570264, 0.719443422,
    0.577039126, 0.456168787, 0.317967115, 0.1753473, 0.110332349, 0.088439192, 0.075112923,
    0.066007238, 0.056901553, 0.043575284, 0.038968561, 0.034541438, 0.021574368,
  ]

  /// The potential at a sodium content, 0 to 1; continued steeply below the table's first place, down
  /// to no sodium at 1.9 V. Unit: V.
  static func volts(_ content: Double) -> Double {
    guard content > contents[0] else {
      return table[0] + (contents[0] - content) * (1.9 - table[0]) / contents[0]
    }
    return Knots(places: contents).value(table, at: content)
  }
}
