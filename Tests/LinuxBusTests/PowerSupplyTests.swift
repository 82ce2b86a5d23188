// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxBus
import Testing

struct PowerSupplyTests {
  /// A folder as the kernel's, with one supply in it.
  private final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "supply-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      let supply = url.appending(path: "BAT0")
      try FileManager.default.createDirectory(at: supply, withIntermediateDirectories: true)
      for (name, text) in files { try Data(text.utf8).write(to: supply.appending(path: name)) }
    }

    deinit { do { try FileManager.default.removeItem(at: url) } catch {} }
  }

  private static let battery = [
    "type": "Battery\n", "status": "Charging\n", "voltage_now": "11100000\n",
    "current_now": "750000\n", "temp": "-53\n", "capacity": "81\n",
  ]

  @Test func `All that a driver tells is read`() throws {
    let folder = try Folder(Self.battery)
    let supply = try PowerSupply(name: "BAT0", in: folder.url.path)
    let reading = supply.read()
    #expect(reading.microvolts == 11_100_000)
    #expect(reading.microamperes == 750_000)
    #expect(reading.millidegrees == -5_300)
    #expect(reading.percent == 81)
    #expect(reading.status == "Charging")
  }

  @Test(
    arguments: [
      ("Discharging", "750000", -750_000), ("Discharging", "-750000", -750_000),
      ("Charging", "-2", -2), ("Not charging", "3", 3),
    ] as [(String, String, Int64)])
  func `A discharge is below 0, whatever the driver thinks`(
    status: String, current: String, wanted: Int64
  ) throws {
    var files = Self.battery
    files["status"] = status + "\n"
    files["current_now"] = current + "\n"
    let folder = try Folder(files)
    #expect(
      try PowerSupply(name: "BAT0", in: folder.url.path).read().microamperes == wanted)
  }

  @Test(arguments: ["", "\n", "abc\n", "1.5\n", "99999999999999999999\n", "9007199254740992\n"])
  func `What is no number is missing`(text: String) throws {
    var files = Self.battery
    files["voltage_now"] = text
    files["temp"] = nil
    let folder = try Folder(files)
    let reading = try PowerSupply(name: "BAT0", in: folder.url.path).read()
    #expect(reading.microvolts == nil)
    #expect(reading.millidegrees == nil)
    #expect(reading.percent == 81)
  }

  @Test(arguments: ["AC", "", ".", "..", "../BAT0", "BAT0/"]) func `Nothing of that name`(
    name: String
  ) throws {
    let folder = try Folder(Self.battery)
    do throws(DeviceProblem) {
      _ = try PowerSupply(name: name, in: folder.url.path)
      Issue.record("found \(name)")
    } catch {
      #expect(error.code == ENOENT)
    }
  }

  @Test func `A charger is no battery`() throws {
    let folder = try Folder(["type": "Mains\n"])
    do throws(DeviceProblem) {
      _ = try PowerSupply(name: "BAT0", in: folder.url.path)
      Issue.record("taken for a battery")
    } catch {
      #expect(error.code == EINVAL)
    }
  }
}
