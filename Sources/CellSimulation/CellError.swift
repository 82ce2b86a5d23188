// SPDX-License-Identifier: Apache-2.0

/// Why a cell cannot be made from a description.
public enum CellError: Error, Equatable, CustomStringConvertible {
  /// A number of the description is not finite or outside its range.
  case invalidValue(String)
  /// The electrodes have more lanes (sites × size classes, in fours) than a cell can hold.
  case tooManyLanes(count: Int, limit: Int)
  /// The description says nothing about ageing, or the history is that of another make.
  case unknownAgeing
  /// The cell holds no charge between its cut-off voltages.
  case emptyWindow
  /// The state of charge asked for is outside 0…1.
  case stateOfChargeOutOfRange(Double)
  /// The temperature asked for is outside −60…120 °C.
  case temperatureOutOfRange(Double)

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .invalidValue(let what): what
    case .tooManyLanes(let count, let limit):
      "the electrodes need \(count) lanes (sites × size classes, in fours); the limit is \(limit)"
    case .unknownAgeing:
      "how this cell ages is not known, or the history is that of another make of cell"
    case .emptyWindow: "the cell holds no charge between its cut-off voltages"
    case .stateOfChargeOutOfRange(let value): "the state of charge \(value) is outside 0…1"
    case .temperatureOutOfRange(let value): "the temperature \(value) °C is outside −60…120 °C"
    }
  }
}
