// A pair with strategy `dual-write`, and an application beside it that writes both sides as instances in a mode do: old first, new
// inside the open transaction on old, commit new, commit old.

import TestSupport
import Testing

final class Dual {
    let s: Scenario
    private(set) var run: Replicator
    private let onOld: Session
    private let onNew: Session
    private let extra: String

    static let waived = [
        "--yes", "--waive", "rehearsed", "--waive", "canary", "--waive", "verified", "--waive", "statistics",
        "--reason",
        "a test",
    ]
    static let tables = """
        CREATE TABLE t (id bigserial PRIMARY KEY, v text, n int NOT NULL DEFAULT 0);
        CREATE TABLE u (id int PRIMARY KEY, name text NOT NULL UNIQUE);
        CREATE SEQUENCE small AS smallint;
        """
    static let compared = ["public.t", "public.u"]

    /// `look`: at both sides before anything of tandem is there.
    init(
        _ title: String, on pair: ClusterPair? = nil, extra: String = "", look: (Scenario) throws -> Void = { _ in }
    ) throws {
        s = try Scenario(title, on: pair, dataA: ["public.*"])
        try s.both(Self.tables)
        try look(s)
        self.extra = extra
        try Self.configure(s, quiet: "1s", extra)
        (onOld, onNew) = (try s.old.session(), try s.new.session())
        try s.prepare()
        run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.old.sql(
            """
            INSERT INTO t (v) SELECT 'v' || i FROM generate_series(1, 40) i;
            INSERT INTO u SELECT i, 'n' || i FROM generate_series(1, 40) i
            """)
        try s.catchUp()
    }

    private static func configure(_ s: Scenario, quiet: String, _ extra: String) throws {
        try s.writeConfiguration(
            dataA: ["public.*"],
            extra: """
                strategy: dual-write
                fleet: ["web-*"]
                gates: {lag: 60s, quiet: \(quiet)}
                limits: {pause: 20s}
                evidence: "\(s.directory)/evidence"
                \(extra)
                """)
    }

    func end() { s.end() }

    func startAgain(environment: [String: String] = [:]) throws {
        run = try s.start("run", environment: environment)
        try run.waitForLog("event=streaming")
    }

    // MARK: the application

    private func begin(_ name: String, _ mode: Int?) -> String {
        "SET application_name = '\(name)'; BEGIN; SELECT set_config('tandem.mode', '\(mode.map(String.init) ?? "")', true)"
    }

    private func attempt(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "ok"
        } catch let failure as HarnessFailure { return failure.sqlstate ?? "\(failure)" } catch { return "\(error)" }
    }

    /// On one side alone: `ok`, or the SQLSTATE of the refusal.
    @discardableResult
    func write(_ side: Database, as name: String = "web-1", mode: Int?, _ statement: String) -> String {
        attempt { try side.sql("\(begin(name, mode)); \(statement); COMMIT") }
    }

    /// As an instance in `mode` does it: what comes of either side. A mode that swallows errors on new goes on without it.
    @discardableResult
    func serve(_ mode: Int, as name: String = "web-1", _ statement: String) -> [String] {
        if mode == 1 { return [write(s.old, as: name, mode: nil, statement)] }
        if mode == 6 { return [write(s.new, as: name, mode: 6, statement)] }
        let old = attempt { try onOld.send("\(begin(name, mode)); \(statement)") }
        let new = attempt { try onNew.send("\(begin(name, mode)); \(statement)") }
        let keeps = old == "ok" && (new == "ok" || mode == 3)
        _ = attempt { try onNew.send(keeps && new == "ok" ? "COMMIT" : "ROLLBACK") }
        _ = attempt { try onOld.send(keeps ? "COMMIT" : "ROLLBACK") }
        return [old, new]
    }

    // MARK: commands

    /// Who was seen a moment ago was seen within `gates.quiet`, however long the command takes.
    @discardableResult
    func refused(_ way: String, _ words: String..., location: SourceLocation = #_sourceLocation) throws -> String {
        try Self.configure(s, quiet: "10m", extra)
        let outcome = try s.tandem([way] + Self.waived)
        try Self.configure(s, quiet: "1s", extra)
        #expect(outcome.status == .exited(3), "\(outcome.stdout)\n\(outcome.stderr)", sourceLocation: location)
        for word in words { #expect(outcome.stderr.contains(word), "\(outcome.stderr)", sourceLocation: location) }
        return outcome.stderr
    }

    /// Gates wait for `gates.quiet` and for what instances do: asked again until it is done. What it said.
    @discardableResult
    func moves(_ way: String, location: SourceLocation = #_sourceLocation) throws -> String {
        var last = ""
        let done = try poll(within: .seconds(60), every: .milliseconds(200)) { () -> Bool? in
            let outcome = try s.tandem([way] + Self.waived)
            last = outcome.stdout + outcome.stderr
            return outcome.status == .exited(0) ? true : nil
        }
        #expect(done == true, "\(last)\n\(run.tail)", sourceLocation: location)
        return last
    }

    func expectStep(_ step: Int, location: SourceLocation = #_sourceLocation) throws {
        for side in [s.old, s.new] {
            #expect(
                try side.value("SELECT step || coalesce(' to ' || going_to, '') FROM tandem.epoch") == "\(step)",
                sourceLocation: location)
        }
    }

    /// Who writes is in the census a second or two later.
    func isSeen(
        _ name: String, mode: String, on side: String = "old", _ body: () throws -> Void
    ) throws {
        let (kept, stream) = side == "old" ? (s.new, s.slotName) : (s.old, s.reverseName)
        let query = """
            SELECT coalesce(sum(transactions), 0) FROM tandem.census
             WHERE stream = '\(stream)' AND application = '\(name)' AND mode = '\(mode)'
            """
        let before = try kept.value(query) ?? ""
        try body()
        try kept.wait(for: "SELECT (\(query)) > \(before)", toBe: "t", within: .seconds(30))
    }

    // MARK: both sides

    /// Everything written so far has arrived where it applies, is settled where twins are, and both sides are the same.
    func expectSame(location: SourceLocation = #_sourceLocation) throws {
        try s.forwardPasses()
        try s.reversePasses()
        try s.forwardPasses()
        let differences = try Fingerprint.expectEqual(old: s.old, new: s.new, tables: Self.compared)
        #expect(differences == [], "\(run.tail)", sourceLocation: location)
    }

    /// Of a table, whichever side it is kept on, once it says so.
    func ledger(_ condition: String, location: SourceLocation = #_sourceLocation) throws {
        let query = "SELECT bool_or(\(condition)) FROM tandem.twin"
        let has = try poll(within: .seconds(20), every: .milliseconds(100)) { () -> Bool? in
            try [s.old, s.new].contains { side in
                guard try side.value("SELECT to_regclass('tandem.twin') IS NOT NULL") == "t" else { return false }
                return try side.value(query) == "t"
            } ? true : nil
        }
        let said = try s.tandem("fleet").stdout
        #expect(has == true, "\(condition): \(said)", sourceLocation: location)
    }
}
