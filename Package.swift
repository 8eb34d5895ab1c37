// swift-tools-version: 6.3
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

/// A room that every row passes through. Debug builds, and so the tests, check that no two accesses overlap; a release
/// does not pay for it on every row.
func hotRoom(_ name: String, _ imports: [Target.Dependency] = []) -> Target {
    let unchecked = SwiftSetting.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    return .target(name: name, dependencies: imports, swiftSettings: settings + [unchecked])
}

func tests(_ name: String, _ imports: [Target.Dependency] = [], without: [String] = []) -> Target {
    .testTarget(name: name, dependencies: imports, exclude: without, swiftSettings: settings)
}

let package = Package(
    name: "tandem",
    targets: [
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // Pure values and plumbing.
        hotRoom("Bytes"),
        room("Model"),
        room("Threading", ["CLinux"]),
        room("Digest", ["CCrypto"]),
        room("Failpoints"),
        room("Telemetry", ["Model", "Threading"]),
        room("Metrics"),
        room("HTTP", ["CLinux", "Model", "Threading"]),
        room("CommandLine", ["Model"]),
        room("Protocol", ["Model"]),
        room("Configuration", ["CYAML", "Protocol", "Model"]),

        // The stream, in flow order.
        hotRoom("PGOutput", ["Bytes", "Model"]),
        hotRoom("Postgres", ["CLibPQ", "Model", "Threading"]),
        room("Spill", ["CLZ4", "Bytes", "Model"]),
        hotRoom("Assembly", ["PGOutput", "Spill", "Bytes", "Model", "Threading"]),
        hotRoom("Batching", ["Assembly", "PGOutput", "Bytes"]),
        hotRoom(
            "Apply",
            [
                "Batching", "Assembly", "PGOutput", "Postgres", "Spill", "State", "Failpoints", "Telemetry",
                "Threading", "Bytes", "Model",
            ]),
        room("State", ["Postgres", "Protocol", "Model"]),
        room("Fence", ["Failpoints", "Postgres", "Protocol", "State", "Threading", "Model"]),
        room("SchemaFingerprint", ["Digest", "Postgres", "Model"]),
        hotRoom(
            "InitialCopy",
            [
                "Apply", "Bytes", "Configuration", "Failpoints", "Model", "Postgres", "State", "Telemetry", "Threading",
            ]),
        room("Canary", ["Configuration", "Digest", "Postgres", "Processes", "State", "Threading", "Model"]),
        room("Proposal", ["Postgres", "Model"]),
        room("Lag", ["State", "Postgres", "Model"]),
        room(
            "Evidence", ["Digest", "Failpoints", "SchemaFingerprint", "State", "Postgres", "Protocol", "Model"]),
        room("Verification", ["SchemaFingerprint", "Postgres", "State", "Failpoints", "Threading", "Model"]),
        room(
            "DataB",
            [
                "Apply", "Configuration", "Failpoints", "InitialCopy", "Model", "Postgres", "State", "Telemetry",
                "Threading",
            ]),
        room("SchemaCopy", ["Postgres", "Processes", "Telemetry", "Threading", "Model"]),
        hotRoom(
            "Stream",
            [
                "Apply", "Assembly", "DataB", "Fence", "InitialCopy", "SchemaCopy", "SchemaFingerprint", "PGOutput",
                "Postgres", "State",
                "Spill", "Digest", "Evidence", "Configuration", "Failpoints", "Telemetry", "Threading", "Bytes",
                "Model", "Protocol", "Verification",
            ]),

        // The example application, and the judge of its histories.
        room("Ledger", ["Model"]),
        room("Bookstore", ["Ledger", "Postgres", "Threading", "Model"]),
        room("Processes", ["CLinux", "Threading", "Model"]),
        room("Announcements", ["Processes", "Telemetry", "Threading", "Model"]),

        room(
            "Preflight",
            [
                "DataB", "Stream", "SchemaCopy", "SchemaFingerprint", "Evidence", "Apply", "State", "Postgres",
                "Configuration",
                "Threading", "Model",
            ]),

        room(
            "Passage",
            [
                "Canary", "Configuration", "DataB", "Evidence", "Failpoints", "Fence", "Lag", "Model", "Postgres",
                "Preflight", "Processes",
                "Protocol", "SchemaCopy", "State", "Stream", "Telemetry", "Threading", "Verification",
            ]),

        .executableTarget(
            name: "tandem",
            dependencies: [
                "Announcements", "Bookstore", "Canary", "CommandLine", "Configuration", "DataB", "Evidence",
                "Failpoints",
                "Fence",
                "HTTP", "InitialCopy", "Lag",
                "Ledger", "Metrics", "Model", "Passage", "Postgres", "Preflight", "Processes", "Proposal", "Protocol",
                "State",
                "Stream", "Telemetry", "Threading", "Verification",
            ],
            swiftSettings: settings),

        tests("BytesTests", ["Bytes"]),
        tests("DigestTests", ["Digest"]),
        tests("ModelTests", ["Model"]),
        tests("ThreadingTests", ["Threading"]),
        tests("TelemetryTests", ["Telemetry", "Threading"]),
        tests("HTTPTests", ["HTTP", "Model", "Threading", "TestSupport"]),
        tests("MetricsTests", ["Metrics", "TestSupport", "tandem"]),
        tests("AnnouncementTests", ["Announcements", "Telemetry", "Threading", "TestSupport"]),
        tests("SpillTests", ["Spill", "Bytes", "Model"]),
        tests("CommandLineTests", ["CommandLine", "Model", "TestSupport"]),
        tests("ConfigurationTests", ["Configuration", "Protocol", "Model"]),
        // Tests. TestSupport runs real servers and the binary, and knows no room.
        .target(name: "TestSupport", dependencies: ["CLinux"], path: "Tests/TestSupport", swiftSettings: settings),
        tests("TestSupportTests", ["TestSupport"], without: ["StandIn"]),
        tests("CanaryTests", ["Canary", "Configuration", "Digest", "TestSupport", "tandem"]),
        tests("ProposalTests", ["Proposal", "Configuration", "Model", "TestSupport", "tandem"]),
        tests(
            "PassageTests",
            ["Passage", "Protocol", "State", "Model", "TestSupport", "tandem"]),
        // The protocol's model: searches millions of states, so it is optimized in every build.
        .target(
            name: "Interleavings", dependencies: ["Protocol", "Model"], path: "Tests/Interleavings",
            swiftSettings: settings + [.unsafeFlags(["-O"])]),
        tests("ProtocolTests", ["Interleavings", "Protocol", "Model"]),
        tests("LagTests", ["Lag", "Model"]),
        tests("LedgerTests", ["Ledger"]),
        tests("BookstoreTests", ["Bookstore", "TestSupport", "tandem"]),
        tests("ApplyTests", ["Apply", "Assembly", "PGOutput", "Bytes", "Model", "Threading"]),
        tests("SchemaFingerprintTests", ["SchemaFingerprint", "Postgres", "Model", "TestSupport"]),
        tests("EvidenceTests", ["Evidence", "Digest", "SchemaFingerprint", "Model", "TestSupport", "tandem", "State"]),
        tests("VerificationTests", ["Verification", "Model", "TestSupport", "tandem"]),
        tests("SchemaCopyTests", ["SchemaCopy", "Postgres", "Telemetry", "Threading", "Model", "TestSupport"]),
        tests("StreamUnitTests", ["Stream", "Apply", "Postgres", "Protocol", "Threading", "Model", "TestSupport"]),
        tests("PreflightTests", ["Preflight", "Model", "TestSupport", "tandem"]),
        tests("StreamTests", ["TestSupport", "tandem"], without: ["Fixtures"]),
        tests("CopyTests", ["TestSupport", "tandem"]),
        // Stands in for malloc in the test binary, and counts.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        tests(
            "AllocationTests",
            ["CAllocations", "Apply", "Batching", "Assembly", "PGOutput", "Spill", "Bytes", "Model"],
            without: ["allocations.txt"]),
        tests("CopyUnitTests", ["InitialCopy", "Apply", "Bytes", "Model", "Threading"]),
        tests(
            "DataBTests",
            ["DataB", "Configuration", "Model", "Postgres", "State", "Telemetry", "Threading", "TestSupport", "tandem"]),
        tests("DocumentTests", ["TestSupport", "tandem"]),
        tests("NameTests", ["TestSupport", "tandem"]),
        tests("RowTests", ["TestSupport", "tandem"]),
        tests("FenceTests", ["Fence", "Postgres", "Protocol", "State", "Model", "Threading", "TestSupport", "tandem"]),
        tests("ReverseTests", ["TestSupport", "tandem"]),
        tests("SwitchTests", ["TestSupport", "tandem"]),
        tests("FleetTests", ["TestSupport", "tandem"]),
        tests("ShapeTests", ["TestSupport", "tandem"]),
        tests("ValueTests", ["TestSupport", "tandem"]),
        tests("VersionTests", ["TestSupport", "tandem"]),
        tests("HouseRulesTests"),
        tests("PGOutputTests", ["PGOutput", "Bytes", "Model"], without: ["Captures"]),
        tests("AssemblyTests", ["Assembly", "PGOutput", "Spill", "Bytes", "Model"]),
        tests("FuzzTests", ["Assembly", "PGOutput", "Spill", "Bytes", "Model"], without: ["Corpus"]),
        tests("BatchingTests", ["Batching", "Assembly", "PGOutput", "Bytes", "Model"]),
    ]
)

// libFuzzer brings the main function, so these link with `--sanitize=fuzzer` only: `make fuzz`.
if Context.environment["TANDEM_FUZZ"] != nil {
    let asLibrary = settings + [.unsafeFlags(["-parse-as-library"])]
    package.targets += [
        .executableTarget(
            name: "DecoderFuzz", dependencies: ["Assembly", "PGOutput", "Spill", "Bytes", "Model"],
            path: "Tests/Fuzz/DecoderFuzz", swiftSettings: asLibrary),
        .executableTarget(
            name: "SpillFuzz", dependencies: ["Spill", "Bytes", "Model"], path: "Tests/Fuzz/SpillFuzz",
            swiftSettings: asLibrary),
    ]
}
