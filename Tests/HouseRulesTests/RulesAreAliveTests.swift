// Each rule sees its violation: a rule that cannot fail guards nothing.

import Testing

@Suite struct RulesAreAliveTests {
    private let manifest: Manifest

    init() throws { manifest = try Manifest(Self.example) }

    private static let example = """
        let settings = room("Not this one")
        let package = Package(
            name: "x",
            targets: [
                .systemLibrary(name: "CThing", pkgConfig: "thing", providers: [.apt(["libthing-dev"])]),
                room("Bytes"),  // room("Nor this")
                room("Model", ["Bytes"]),
                room(
                    "Wide",
                    [
                        "Bytes", "Model",
                        "CThing",
                    ]),
                .executableTarget(
                    name: "tool",
                    dependencies: ["Model"],
                    swiftSettings: settings),
                .target(name: "Bed", path: "Tests/Bed", swiftSettings: settings),
                tests("BedTests", ["Bed", "tool"]),
            ]
        )
        """

    private func file(_ source: String, _ path: String = "Sources/Model/A.swift") -> SwiftFile {
        SwiftFile(path: path, source: source, code: SourceText(source))
    }

    private func imports(_ target: String, _ source: String) -> [String] {
        manifest[target].map { HouseRules.imports($0, [file(source)], manifest) } ?? ["no target \(target)"]
    }

    @Test func readsEveryWayToDeclareATarget() {
        #expect(manifest.targets.map(\.name) == ["CThing", "Bytes", "Model", "Wide", "tool", "Bed", "BedTests"])
        #expect(manifest["CThing"]?.dependencies == [])
        #expect(manifest["Bytes"]?.dependencies == [])
        #expect(manifest["Wide"]?.dependencies == ["Bytes", "Model", "CThing"])
        #expect(manifest["tool"]?.dependencies == ["Model"])
        #expect(manifest["Bed"]?.path == "Tests/Bed")
        #expect(manifest["BedTests"]?.path == "Tests/BedTests")
    }

    @Test func seesImportsThatAreNotListed() {
        #expect(imports("Model", "internal import Bytes\nimport Foundation\nlet a = 1") == [])
        #expect(imports("Model", "import Bytes\npackage import Wide\n").first?.contains("imports Wide") == true)
        #expect(imports("Model", "import Bytes\n@_exported public import struct Wide.X").count == 1)
        #expect(imports("Model", "import Bytes\n@testable import CThing").count == 1)
        #expect(
            imports("Model", "import Bytes\n// import Wide\n/* import CThing */ let s = \"\"\"\nimport Wide\n\"\"\"")
                == [])
    }

    @Test func seesListedRoomsThatNobodyImports() {
        #expect(
            imports("Wide", "import Bytes\nimport Model\nlet a = 1").first?.contains("lists CThing for Wide") == true)
        #expect(imports("Model", "let a = 1\nlet b = 2").count == 1)
        #expect(imports("Model", "// Model\n") == [])
        #expect(imports("BedTests", "import Bed\nimport Testing") == [])
    }

    @Test func seesFoldersWithoutTarget() {
        #expect(HouseRules.rooms(["Bytes", "CThing", "Model", "Wide", "tool"], manifest) == [])
        #expect(HouseRules.rooms(["Bytes", "CThing", "Extra", "Model", "tool"], manifest).count == 2)
    }

    @Test(arguments: [
        "public struct A {}", "    public func f()", "@frozen public enum E {}", "public import Bytes",
        "open class C {}",
        "public(set) var a = 1",
    ]) func seesPublic(_ line: String) {
        #expect(HouseRules.access(file("let x = 1\n" + line)).first?.contains("A.swift:2") == true)
    }

    @Test(arguments: [
        "let schema = \"public\"", "// public", "log(.public)", "package let publication = 1", "let fd = open(path, 0)",
        "let s = \"\\(f(\"public\")) public\"", "let s = #\"a \" public \"#", "if open { }",
    ]) func letsOtherWordsBe(_ line: String) {
        #expect(HouseRules.access(file(line)) == [])
    }

    @Test func seesTestsThatAreNamedInVain() {
        let source = "@Suite struct ATests {\n @Test func one() {}\n // func two()\n}"
        let named = NamedTests(files: [file(source, "Tests/A/A.swift")], soaks: ["kill"], makefile: "fuzz: x\n\ty")
        let head = "| case | tried by |\n|---|---|\n"
        #expect(named.violations("d", head + "| a | `ATests`, `ATests/one`; `soak kill` (half), `make fuzz` |") == [])
        for row in ["`ATests/two`", "`BTests`", "`soak lost`", "`make fun`", "`ATests/one/x`", "nothing"] {
            #expect(named.violations("d", head + "| a | \(row) |").count == 1, "\(row)")
        }
        #expect(named.violations("d", "| case | said |\n|---|---|\n| a | `BTests` |\n\n`CTests`") == [])
    }

    @Test func seesScriptsThatEndAPipeEarly() {
        func count(_ line: String) -> Int { HouseRules.hastyGreps("a.sh", "set -o pipefail\n\(line)\n").count }
        for line in ["x | grep -q y", "! x | grep -Eqx 'y' || z", "x |grep -iq y"] {
            #expect(count(line) == 1, "\(line)")
        }
        for line in ["grep -q y file", "x || grep -q y file", "x | grep y >/dev/null", "x | grep -E 'q'"] {
            #expect(count(line) == 0, "\(line)")
        }
        #expect(HouseRules.hastyGreps("a.sh", "x | grep -q y").isEmpty)
    }

    @Test func seesLongFilesAndEmptyNames() {
        #expect(HouseRules.length(file(String(repeating: "\n", count: 600))).count == 1)
        #expect(HouseRules.length(file(String(repeating: "\n", count: 599))) == [])
        for name in ["SlotManager", "Helpers", "String+Utils", "CommonTypes", "ServiceLoop", "utilities"] {
            #expect(HouseRules.name(file("", "Sources/Model/\(name).swift")).count == 1, "\(name)")
        }
        for name in ["Commonality", "LSN", "StateMachine+Output", "Futility", "PGOutputDecoder"] {
            #expect(HouseRules.name(file("", "Sources/Model/\(name).swift")) == [], "\(name)")
        }
    }
}
