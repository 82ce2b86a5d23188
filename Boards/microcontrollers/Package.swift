// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// The firmware as Embedded Swift, for processors without an operating system. A package of its own:
// the root manifest stays free of board symbols, and this one needs no ArgumentParser or Yams.
// Ring 0 is not copied: Sources/Quantities and its neighbours are links to the root package's.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// As in the root manifest: large tables are handed on in their place.
let inPlace: [SwiftSetting] = [.enableExperimentalFeature("AddressableParameters")]

let package = Package(
  name: "microcontrollers",
  targets: [
    // Ring 0, with the root manifest's dependencies.
    .target(name: "Quantities", swiftSettings: strict),
    .target(
      name: "CellEstimation", dependencies: ["Quantities"], swiftSettings: strict + inPlace),
    .target(name: "BusProtocols", swiftSettings: strict),
    .target(
      name: "ChipDrivers", dependencies: ["BusProtocols", "Quantities"], swiftSettings: strict),
    .target(
      name: "Firmware",
      dependencies: ["BusProtocols", "CellEstimation", "ChipDrivers", "Quantities"],
      swiftSettings: strict + inPlace),

    // One deterministic run of ring 0, ending in a hash; the same sources on every processor.
    .target(
      name: "SelfTest",
      dependencies: ["BusProtocols", "CellEstimation", "ChipDrivers", "Firmware", "Quantities"],
      swiftSettings: strict),
    .executableTarget(name: "HostSelfTest", dependencies: ["SelfTest"], swiftSettings: strict),

    // Start-up, memory functions and semihosting; then the image itself. Never built for the host.
    .target(name: "CBoard"),
    .executableTarget(name: "Image", dependencies: ["CBoard", "SelfTest"], swiftSettings: strict),
  ]
)
