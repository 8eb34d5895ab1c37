// The repository keeps its rules.

internal import Foundation
import Testing

@Suite struct HouseRulesTests {
    let checkout: Checkout

    init() throws { checkout = try Checkout.current.get() }

    @Test func everyRoomImportsExactlyWhatItLists() {
        let violations = checkout.manifest.targets.filter { $0.kind != .system }.flatMap { target in
            HouseRules.imports(target, checkout.files(under: target.path), checkout.manifest)
        }
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func manifestAndFoldersAgree() throws {
        let violations =
            try HouseRules.rooms(Checkout.rooms(), checkout.manifest) + HouseRules.dependencies(checkout.manifest)
        #expect(violations.isEmpty, "\(report(violations))")
        #expect(checkout.manifest["tandem"]?.kind == .executable)
        #expect(
            checkout.manifest["TestSupport"]?.dependencies == ["CLinux"],
            "TestSupport judges the rooms and must not use them")
    }

    @Test func nothingIsPublic() {
        let violations = checkout.files(under: "Sources").flatMap(HouseRules.access)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func filesStayReadable() {
        #expect(!checkout.files.isEmpty)
        let violations = checkout.files.flatMap { HouseRules.length($0) + HouseRules.name($0) }
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func scriptsReadToTheEnd() throws {
        let scripts = try ["scripts", "Benchmarks", "Tests/Soak", "packaging", "docker", ".ci"].flatMap(
            Checkout.scripts)
        #expect(scripts.contains { $0.path == ".ci/run" } && scripts.contains { $0.path == "Tests/Soak/deb.sh" })
        let violations = scripts.flatMap { HouseRules.hastyGreps($0.path, $0.text) }
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func testsThatDocumentsNameAreThere() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOfFile: "\(Checkout.root)/\(path)", encoding: .utf8)
        }
        let soaks = try FileManager.default.contentsOfDirectory(atPath: "\(Checkout.root)/Tests/Soak")
        let named = NamedTests(
            files: checkout.files(under: "Tests"),
            soaks: Set(soaks.filter { $0.hasSuffix(".sh") }.map { String($0.dropLast(3)) }),
            makefile: try text("Makefile"))
        let violations = try ["docs/values-and-shapes.md", "docs/faults.md"].flatMap {
            named.violations($0, try text($0))
        }
        #expect(violations.isEmpty, "\(report(violations))")
        #expect(try text("docs/values-and-shapes.md").contains("tried by"))
    }

    private func report(_ violations: [String]) -> String { "\n" + violations.joined(separator: "\n") }
}
