// SPDX-License-Identifier: Apache-2.0

import BusProtocols
import Glibc
import LinuxBus
import Testing

@Suite struct HintTests {
  private static let devices: [(String, Int32, String)] = [
    ("/dev/i2c-1", ENOENT, "dtparam=i2c_arm=on"), ("/dev/i2c-1", EACCES, "adduser $USER i2c"),
    ("GPIO17", ENOENT, "gpioinfo"), ("GPIO17", EACCES, "adduser $USER gpio"),
    ("GPIO17", EBUSY, "taken by another program"), ("/dev/null", ENOTTY, "not an I2C device"),
    ("GPIO17", ENOSYS, "built without libgpiod"), ("/dev/i2c-1", EIO, "cannot be opened"),
  ]

  @Test(arguments: devices) func openingSaysWhatToDo(
    _ device: String, _ code: Int32, _ expected: String
  ) {
    let text = BusHint.text(for: DeviceProblem(device: device, code: code))
    #expect(text.contains(expected))
    #expect(text.hasPrefix(device))
    #expect(!text.contains("\n"))
  }

  private static let errors: [(I2CError, String)] = [
    (.noAcknowledge, "nothing answers at 0x55"), (.arbitrationLost, "second one"),
    (.timedOut, "i2c_arm_baudrate=50000"), (.busStuck, "supply off and on"),
    (.shortTransfer, "wiring"), (.unsupported, "i2cdetect -F 1"), (.system(EIO), "baudrate"),
    (.system(EBADMSG), "no two of three"), (.system(ENODEV), "No such device"),
    (
      .system(EBUSY),
      "the driver bq27xxx-battery owns 0x55: echo 1-0055 | sudo tee "
        + "/sys/bus/i2c/drivers/bq27xxx-battery/unbind"
    ),
  ]

  @Test(arguments: errors) func aFailureSaysWhatToDo(_ error: I2CError, _ expected: String) {
    let text = BusHint.text(
      for: error, at: I2CAddress(0x55), on: "/dev/i2c-1", owner: "bq27xxx-battery")
    #expect(text.contains(expected))
    #expect(!text.contains("\n"))
    #expect(!BusHint.name(of: error).isEmpty)
  }

  /// The real system: a device that cannot be there, and one that is no bus.
  @Test(arguments: [("/dev/i2c-99999", ENOENT), ("/dev/null", ENOTTY)])
  func theSystemSaysWhy(_ path: String, _ code: Int32) {
    do throws(DeviceProblem) {
      _ = try LinuxI2CBus(path: path)
      Issue.record("it was opened")
    } catch { #expect(error == DeviceProblem(device: path, code: code)) }
  }

  @Test func aLineThatIsNotThereSaysSo() {
    let request = LineRequest(
      chips: ["sodalite-no-such-chip"], name: "GPIO17", offset: 0, isActiveLow: false)
    #expect(request.problem()?.device == "GPIO17 of sodalite-no-such-chip")
    do throws(DeviceProblem) {
      _ = try LinuxOutput(request)
      Issue.record("it was taken")
    } catch {
      #expect(error.device == "GPIO17 of sodalite-no-such-chip")
      // Where there are lines that this user may not open, that is the reason.
      #expect(error.code == ENOENT || error.code == EACCES)
    }
  }

  @Test func aBoardWithoutASwitchHasOneThatDoesNothing() {
    var output = LinuxOutput()
    output.set(true)
  }

  @Test func nobodyOwnsWhatIsNotThere() {
    #expect(BusHint.owner(of: I2CAddress(0x7F), on: "/dev/i2c-99999") == nil)
  }

  @Test func theClockGoesForward() {
    let first = LinuxClock.microseconds
    #expect(LinuxClock.microseconds >= first)
  }
}
