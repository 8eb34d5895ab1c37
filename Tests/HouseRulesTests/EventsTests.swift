// docs/events.md lists every event that the source can log, with its levels, and which of them `hooks.on_event` hears.

import Foundation
import Testing

@Suite struct EventsTests {
    private struct Documented {
        let levels: Set<String>
        let isHooked: Bool
    }

    private struct Known {
        var documented: [String: Documented] = [:]
        /// Levels by event, as the source calls a log.
        var logged: [String: Set<String>] = [:]
        /// The file that says which events the hook hears.
        var announced = ""
    }

    private static let known = Result<Known, any Error> {
        let checkout = try Checkout.current.get()
        var known = Known()
        let text = try String(contentsOfFile: "\(Checkout.root)/docs/events.md", encoding: .utf8)
        for row in text.matches(of: /(?m)^\| `([^`]+)` \| ([a-z, ]+) \| (hook)? ?\| ./) {
            known.documented[String(row.1)] = Documented(
                levels: Set(row.2.split(separator: ", ").map(String.init)), isHooked: row.3 != nil)
        }
        for file in checkout.files(under: "Sources") {
            let source = try String(contentsOfFile: "\(Checkout.root)/\(file.path)", encoding: .utf8)
            if file.name == "AnnouncedEvents.swift" { known.announced = source }
            for (event, level) in events(source) { known.logged[event, default: []].insert(level) }
        }
        return known
    }

    private let documented: [String: Documented]
    private let logged: [String: Set<String>]
    private let announced: String

    init() throws {
        let known = try Self.known.get()
        (documented, logged, announced) = (known.documented, known.logged, known.announced)
    }

    /// Calls of a log with a literal, or with one of two. Only what stands around such a call is looked at closely.
    private static func events(_ source: String) -> [(String, String)] {
        ["debug", "info", "warning", "error"].flatMap { level in
            let parts = source.components(separatedBy: ".\(level)(")
            return zip(parts, parts.dropFirst()).flatMap { before, after -> [(String, String)] in
                let callee = String(before.suffix(80))
                guard callee.firstMatch(of: /[^A-Za-z0-9_]log\)?(\s*\.(with|about)\([^)]*\))*\s*$/) != nil,
                    let event = String(after.prefix(200)).firstMatch(of: /^\s*("[^"]*"|[^",\n]*\? "[^"]*" : "[^"]*")/)
                else { return [] }
                return event.1.matches(of: /"([^"]*)"/).map { (String($0.1), level) }
            }
        }
    }

    @Test func everyEventIsDocumentedWithItsLevels() {
        #expect(logged.count > 70)
        for (event, levels) in logged.sorted(by: { $0.key < $1.key }) {
            #expect(
                documented[event]?.levels == levels, "`\(event)` (\(levels.sorted())): write it into docs/events.md")
        }
    }

    @Test func nothingElseIs() {
        // These two are not calls of the log.
        for event in documented.keys.sorted() where !["lines dropped", "repaired"].contains(event) {
            #expect(logged[event] != nil, "docs/events.md lists `\(event)`, which nothing logs")
        }
    }

    @Test func whatTheHookHearsIsMarked() throws {
        func set(_ name: String) throws -> Set<String> {
            let after = try #require(announced.components(separatedBy: "static let \(name): Set<String> = [").last)
            return Set(after.prefix { $0 != "]" }.matches(of: /"([^"]+)"/).map { String($0.1) })
        }
        let (good, own) = (try set("good"), try set("own"))
        #expect(good.count > 5 && own.count == 2)
        for (event, row) in documented {
            let isHooked =
                (good.contains(event) || !row.levels.isDisjoint(with: ["warning", "error"])) && !own.contains(event)
            #expect(row.isHooked == isHooked, "docs/events.md on `\(event)`")
        }
        #expect(good.isSubset(of: documented.keys))
    }
}
