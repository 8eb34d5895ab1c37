// swift-tools-version: 6.2
// The house: one target per room. What a room may import is what it lists here, and nothing else
// (Tests/HouseRulesTests reads this file and the imports and fails when they disagree).

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: settings)
}

func tests(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .testTarget(name: name, dependencies: imports, swiftSettings: settings)
}

let package = Package(
    name: "tandem",
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // Pure values and plumbing.
        room("Bytes"),
        room("Model"),
        room("Threading", ["CLinux"]),
        room("Failpoints"),
        room("Telemetry", ["Threading"]),
        room("CommandLine", ["Model"]),
        room("Configuration", ["CYAML", "Model"]),

        // The stream, in flow order.
        room("PGOutput", ["Bytes", "Model"]),
        room("Postgres", ["CLibPQ", "Model", "Threading"]),
        room("Spill", ["CLZ4", "Bytes", "Model"]),
        room("Assembly", ["PGOutput", "Spill", "Bytes", "Model", "Threading"]),
        room("Batching", ["Assembly", "PGOutput", "Bytes"]),
        room(
            "Apply",
            [
                "Batching", "Assembly", "PGOutput", "Postgres", "Spill", "State", "Failpoints", "Telemetry",
                "Threading", "Bytes", "Model",
            ]),
        room("State", ["Postgres", "Model"]),
        room("Lag", ["State", "Postgres", "Model"]),
        room(
            "Stream",
            [
                "Apply", "Assembly", "PGOutput", "Postgres", "State", "Spill", "Configuration", "Failpoints",
                "Telemetry", "Threading", "Bytes", "Model",
            ]),

        .executableTarget(
            name: "tandem",
            dependencies: [
                "CommandLine", "Configuration", "Failpoints", "Lag", "Model", "Postgres", "State", "Stream",
                "Telemetry", "Threading",
            ],
            swiftSettings: settings),

        tests("BytesTests", ["Bytes"]),
        tests("ModelTests", ["Model"]),
        tests("ThreadingTests", ["Threading"]),
        tests("TelemetryTests", ["Telemetry"]),
        tests("SpillTests", ["Spill", "Bytes", "Model"]),
        tests("CommandLineTests", ["CommandLine", "Model"]),
        tests("ConfigurationTests", ["Configuration", "Model"]),
        // Tests. TestSupport runs real servers and the binary, and knows no room.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        tests("TestSupportTests", ["TestSupport"]),
        tests("LagTests", ["Lag", "Model"]),
        tests("StreamUnitTests", ["Stream", "Apply", "Postgres", "Threading", "Model", "TestSupport"]),
        tests("StreamTests", ["TestSupport", "tandem"]),
        tests("HouseRulesTests"),
    ]
)
