// What these tests ask of both sides.

import TestSupport
import Testing

extension Scenario {
    /// As other replication writes: with an origin that is not tandem's, each statement a transaction.
    func writeAsThird(on side: Database, _ statements: String...) throws {
        let third = "third_\(name)"
        let writes = statements.enumerated().map { place, statement in
            "BEGIN; SELECT pg_replication_origin_xact_setup('0/\(String(place + 16, radix: 16))', now()); \(statement); COMMIT;"
        }
        try side.sql(
            """
            SELECT pg_replication_origin_create('\(third)') WHERE NOT EXISTS (
                SELECT FROM pg_replication_origin WHERE roname = '\(third)');
            SELECT pg_replication_origin_session_setup('\(third)');
            \(writes.joined(separator: "\n"))
            SELECT pg_replication_origin_session_reset();
            """)
    }

    /// `table by-applications by-replication`, of the stream back while it watches.
    func watchedOnOld() throws -> [String] { try watched(old, reverseName) }

    /// The same of the stream forward.
    func watchedOnNew() throws -> [String] { try watched(new, slotName) }

    private func watched(_ side: Database, _ stream: String) throws -> [String] {
        try side.sql(
            """
            SELECT schema_name || '.' || table_name || ' ' || by_applications || ' ' || by_replication FROM tandem.watched
             WHERE stream = '\(stream)' ORDER BY 1
            """
        ).split(separator: "\n").map(String.init)
    }

    /// Neither slot nor publication on new, no origin on old.
    func expectNoReverse(_ location: SourceLocation = #_sourceLocation) throws {
        for (side, query) in [
            (new, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(reverseName)'"),
            (new, "SELECT count(*) FROM pg_publication WHERE pubname = '\(reverseName)'"),
            (old, "SELECT count(*) FROM pg_replication_origin WHERE roname LIKE '\(reverseName)%'"),
        ] {
            #expect(throws: Never.self, "\(lastStarted?.tail ?? "")", sourceLocation: location) {
                try side.wait(for: query, toBe: "0", within: .seconds(60))
            }
        }
    }

    func expectSame(_ tables: [String]? = nil, _ location: SourceLocation = #_sourceLocation) throws {
        let differences = try Fingerprint.expectEqual(old: old, new: new, tables: tables)
        #expect(differences == [], "\(lastStarted?.tail ?? "")", sourceLocation: location)
    }

    /// To where new is in charge, with `tandem run` running and nobody writing.
    func flip() throws {
        try catchUp()
        try move(toStep: 6, truth: "new", from: new)
        try waitForRoles(forward: "watch", reverse: "apply")
    }

    /// And back.
    func flipBack() throws {
        try catchUp(.reverse)
        try move(toStep: 2, truth: "old", from: old)
        try waitForRoles(forward: "apply", reverse: "watch")
    }
}

/// What of tandem's is in both databases and on their servers.
struct Left: Equatable, CustomStringConvertible {
    private let lines: [String]
    var description: String { lines.joined(separator: "\n") }

    init(_ s: Scenario) throws {
        lines = try [s.old, s.new].flatMap { side in
            try side.sql(
                """
                SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'tandem'
                UNION ALL SELECT 'publication ' || pubname FROM pg_publication
                UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
                UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin WHERE strpos(roname, 'tandem_t_\(s.name)') > 0
                ORDER BY 1
                """
            ).split(separator: "\n").map { "\(side.cluster.name): \($0)" }
        }
    }
}
