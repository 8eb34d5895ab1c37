// What nearly every test of the stream does: make a scenario with tables and a slot, let new follow old, and judge.

import TestSupport
import Testing

extension Scenario {
    /// Tables on both sides, publication and slot: ready for the first `run`.
    static func prepared(
        _ title: String, on pair: ClusterPair? = nil, dataA: [String] = ["*.*"], extra: String = "",
        _ tables: String
    ) throws -> Scenario {
        let scenario = try Scenario(title, on: pair, dataA: dataA, extra: extra)
        try scenario.both(tables)
        try scenario.prepare()
        return scenario
    }

    /// Runs until new holds everything that old held at the start.
    func follow(within limit: Duration = .seconds(120), _ location: SourceLocation = #_sourceLocation) throws {
        let outcome = try tandem("run", "--until", "caught-up", within: limit)
        #expect(outcome.status == .exited(0), "\(outcome.stderr)", sourceLocation: location)
    }

    func expectSame(except: Set<Fingerprint.TableName> = [], _ location: SourceLocation = #_sourceLocation) throws {
        let differences = try Fingerprint.expectEqual(old: old, new: new, except: except)
        #expect(differences == [], sourceLocation: location)
    }

    /// Where new stands, as the server that holds it says.
    func progress() throws -> String {
        try new.value(
            """
            SELECT max(pg_replication_origin_progress(roname, false)) FROM pg_replication_origin
             WHERE roname IN ('\(slotName)', '\(slotName)_2')
            """) ?? "0/0"
    }

    func confirmed() throws -> String? {
        try old.value("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '\(slotName)'")
    }

    /// The source was never told to forget more than new holds. The slot is read first: new only grows meanwhile.
    func expectSlotNotAhead(_ location: SourceLocation = #_sourceLocation) throws {
        guard let confirmed = try confirmed() else { return }
        let progress = try progress()
        let holds = try old.value("SELECT '\(confirmed)'::pg_lsn <= '\(progress)'::pg_lsn")
        #expect(holds == "t", "slot at \(confirmed), new at \(progress)", sourceLocation: location)
    }

    func hasSlot() throws -> Bool {
        try old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(slotName)'") == "1"
    }

    var spillFiles: [String] { files(in: spillDirectory) }
}

/// `count` rows that are worth streaming: about a hundred bytes each.
func rows(_ table: String, from: Int = 1, count: Int, _ text: String = "repeat(md5(i::text), 3)") -> String {
    "INSERT INTO \(table) SELECT i, \(text) FROM generate_series(\(from), \(from + count - 1)) i;"
}
