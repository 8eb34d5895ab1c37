// A scenario that steps: Data A and one table of Data B on both sides, and what the sides say of where the pair stands.

import Foundation
import TestSupport
import Testing

extension Scenario {
    /// Step 0, nothing made yet. `extra` are further lines of tandem.yaml.
    static func stepping(_ title: String, on pair: ClusterPair? = nil, extra: String = "") throws -> Scenario {
        let s = try Scenario(title, on: pair, dataA: ["public.*"])
        try s.old.sql(
            """
            CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 50) i;
            CREATE SCHEMA b; CREATE TABLE b.sums (day int PRIMARY KEY, total int); INSERT INTO b.sums VALUES (1, 50);
            """)
        try s.configureSteps(extra)
        return s
    }

    func configureSteps(_ extra: String = "") throws {
        try writeConfiguration(
            dataA: ["public.*"], initialCopy: "all",
            extra: """
                data_b: [{table: b.sums, refresh: full, every: 1s}]
                gates: {lag: 60s, quiet: 500ms}
                evidence: "\(directory)/evidence"
                \(extra)
                """)
    }

    /// Runs `run` until everything is there and the stream goes, and leaves it running.
    func following() throws -> Replicator {
        let run = try start("run")
        try catchUp()
        try new.wait(for: "SELECT count(*) FROM b.sums", toBe: "1")
        try waitUntilItStreams()
        return run
    }

    /// Everything is copied, and the stream says so of itself.
    func waitUntilItStreams() throws {
        try new.wait(
            for: """
                SELECT (SELECT status::json ->> 'state' = 'streaming' FROM tandem.stream_status)
                   AND (SELECT completed_at IS NOT NULL FROM tandem.copy)
                   AND NOT EXISTS (SELECT FROM tandem.copied_table WHERE state <> 'done')
                """, toBe: "t")
    }

    /// `epoch step` of a side, and whether anything is announced.
    func stands(_ side: Database) throws -> String? {
        try side.value("SELECT epoch || ' ' || step || coalesce(' to ' || going_to, '') FROM tandem.epoch")
    }

    func expectStep(_ text: String, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try stands(old) == text, "on old", sourceLocation: location)
        #expect(try stands(new) == text, "on new", sourceLocation: location)
    }

    func isDataBPaused() throws -> String? { try new.value("SELECT bool_or(paused) FROM tandem.data_b") }

    /// Of all entries of the evidence log.
    func evidence() throws -> String {
        let path = "\(directory)/evidence"
        let files = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".jsonl") }
        return try files.map { try String(contentsOfFile: "\(path)/\($0)", encoding: .utf8) }.joined()
    }

    @discardableResult
    func expect(
        _ code: Int32, _ arguments: String..., environment: [String: String] = [:],
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try tandem(arguments, environment: environment)
        #expect(
            outcome.status == .exited(code), "\(arguments): \(outcome.stdout)\n\(outcome.stderr)",
            sourceLocation: location)
        return outcome
    }
}
