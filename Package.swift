// swift-tools-version: 6.2
import PackageDescription

// One rule for every target: Swift 6 mode, all strict upcoming features, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// Builds without libgpiod, such as static ones, leave the lines of the processor alone.
let withoutGPIOD = Context.environment["SODALITE_WITHOUT_GPIOD"] != nil

/// Tables of kilobytes are handed on in their place (`@_addressable`): Swift 6.3 otherwise copies them
/// at every call, onto a stack that on a microcontroller is small.
let inPlace: [SwiftSetting] = [.enableExperimentalFeature("AddressableParameters")]

/// A library target of this package; `Sources/<name>` holds it.
func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = []
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + settings)
}

/// The tests of one target; `Tests/<name>Tests` holds them.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests",
    swiftSettings: strict)
}

let package = Package(
  name: "sodalite",
  products: [
    .executable(name: "sodalite", targets: ["sodalite"]),
    .library(
      name: "SodaliteFirmware",
      targets: ["Quantities", "CellEstimation", "BusProtocols", "ChipDrivers", "Firmware"]),
    .library(
      name: "SodaliteSimulation", targets: ["CellSimulation", "ChipEmulators", "Simulation"]),
    .library(name: "BusTesting", targets: ["BusTesting"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Ring 0: the firmware. Embedded Swift; no heap, no floating point, no Foundation.
    library("Quantities"),
    library("CellEstimation", ["Quantities"], inPlace),
    library("BusProtocols"),
    library("ChipDrivers", ["BusProtocols", "Quantities"]),
    library(
      "Firmware", ["BusProtocols", "CellEstimation", "ChipDrivers", "Quantities"], inPlace),

    // Ring 1: the simulated world. Double, deterministic, synchronous.
    library("DeterministicMath"),
    library("CellSimulation", ["DeterministicMath"]),
    library("CellFitting", ["CellSimulation", "DeterministicMath"]),
    library("ChipEmulators", ["BusProtocols", "DeterministicMath"]),
    library(
      "Simulation",
      [
        "BusProtocols", "CellEstimation", "CellSimulation", "ChipDrivers", "ChipEmulators",
        "DeterministicMath", "Firmware", "Quantities",
      ]),

    // Ring 2: the edges.
    library("Descriptions", ["CellSimulation", "Simulation", yams]),
    library("Telemetry", ["BusProtocols", "ChipDrivers", "Quantities"]),
    library("BusTesting", ["BusProtocols"]),
    .target(name: "CLinuxI2C", cSettings: [.define("_GNU_SOURCE")]),
    .target(
      name: "CGPIOD",
      cSettings: [.define("_GNU_SOURCE")]
        + (withoutGPIOD ? [.define("SODALITE_WITHOUT_GPIOD")] : []),
      linkerSettings: withoutGPIOD ? [] : [.linkedLibrary("gpiod")]),
    .target(name: "CProcess", cSettings: [.define("_GNU_SOURCE")]),
    library("LinuxBus", ["BusProtocols", "CGPIOD", "CLinuxI2C", "CProcess"]),
    .target(name: "CVirtio", cSettings: [.define("_GNU_SOURCE")]),
    library("VirtioBackends", ["BusProtocols", "CVirtio"]),
    .executableTarget(
      name: "sodalite",
      dependencies: [
        "BusProtocols", "CellEstimation", "CellFitting", "CellSimulation", "ChipDrivers",
        "ChipEmulators", "Descriptions", "DeterministicMath", "Firmware", "LinuxBus", "Quantities",
        "Simulation", "Telemetry", "VirtioBackends", argumentParser,
      ],
      swiftSettings: strict),

    // Tests, one target per source target, and what they share.
    .target(
      name: "TestSupport", dependencies: ["CellEstimation", "DeterministicMath", "Quantities"],
      path: "Tests/TestSupport", swiftSettings: strict),
    tests("Quantities", ["DeterministicMath", "Quantities", "TestSupport"]),
    tests("CellEstimation", ["CellEstimation", "DeterministicMath", "Quantities", "TestSupport"]),
    tests(
      "ChipDrivers", ["BusProtocols", "BusTesting", "ChipDrivers", "Quantities", "TestSupport"]),
    tests(
      "Firmware",
      [
        "BusProtocols", "BusTesting", "CellEstimation", "ChipDrivers", "DeterministicMath",
        "Firmware", "Quantities", "TestSupport",
      ]),
    tests("DeterministicMath", ["DeterministicMath"]),
    tests("CellSimulation", ["CellSimulation", "DeterministicMath"]),
    tests("CellFitting", ["CellFitting", "CellSimulation", "DeterministicMath"]),
    tests("ChipEmulators", ["BusProtocols", "ChipEmulators", "DeterministicMath"]),
    tests(
      "Simulation",
      [
        "BusProtocols", "CellEstimation", "CellSimulation", "ChipEmulators", "DeterministicMath",
        "Firmware", "Quantities", "Simulation", "TestSupport",
      ]),
    tests("Descriptions", ["CellSimulation", "Descriptions", "Simulation"]),
    tests("Telemetry", ["BusProtocols", "BusTesting", "ChipDrivers", "Quantities", "Telemetry"]),
    tests("LinuxBus", ["BusProtocols", "CLinuxI2C", "LinuxBus", "Simulation", "sodalite"]),
    tests(
      "Conformance",
      [
        "BusProtocols", "CellEstimation", "ChipDrivers", "ChipEmulators", "DeterministicMath",
        "Firmware", "Quantities", "Telemetry", "TestSupport",
      ]),
    tests("VirtioBackends", ["BusProtocols", "CVirtio", "DeterministicMath", "VirtioBackends"]),
    // A real Linux kernel reads the emulated chips; Tools/hil makes it a guest and runs them.
    tests(
      "HardwareInTheLoop",
      [
        "BusProtocols", "CVirtio", "CellEstimation", "ChipEmulators", "DeterministicMath",
        "Firmware",
        "Quantities", "Simulation", "VirtioBackends", "sodalite",
      ]),
    tests(
      "CommandLine",
      [
        "BusProtocols", "CVirtio", "CellSimulation", "ChipEmulators", "Simulation", "sodalite",
        "Telemetry", "VirtioBackends",
      ]),
    .target(
      name: "FuzzSubjects",
      dependencies: [
        "BusProtocols", "CVirtio", "CellEstimation", "CellSimulation", "ChipDrivers",
        "Descriptions",
        "Firmware", "Quantities", "Simulation", "Telemetry", "TestSupport", "VirtioBackends",
      ],
      path: "Tests/FuzzSubjects", swiftSettings: strict),
    tests("FuzzSubjects", ["DeterministicMath", "FuzzSubjects"]),
  ]
)

// The fuzzer links a `main` of its own, so its executable exists only for Tools/fuzz.
if Context.environment["SODALITE_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzSubjects"], path: "Tests/Fuzz", swiftSettings: strict))
}

// Tools/coverage asks for ring 0 and its tests only; the rest would take most of its time.
if Context.environment["SODALITE_COVERAGE"] != nil {
  let ring0: Set = [
    "Quantities", "CellEstimation", "BusProtocols", "ChipDrivers", "Firmware", "Conformance",
  ]
  let needed: Set = [
    "BusTesting", "ChipEmulators", "DeterministicMath", "Telemetry", "TestSupport",
  ]
  let names = ring0.union(needed).union(ring0.map { "\($0)Tests" })
  package.targets.removeAll { !names.contains($0.name) }
  package.products.removeAll { $0.name == "sodalite" || $0.name == "SodaliteSimulation" }
}
