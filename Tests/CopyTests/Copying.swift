// What every test of the copy does: a scenario whose configuration asks for everything, and its judgement.

import TestSupport
import Testing

extension Scenario {
    /// Tables on both sides, rows on old alone, and a configuration that copies.
    static func copying(
        _ title: String, on pair: ClusterPair? = nil, dataA: [String] = ["*.*"], extra: String = "", tables: String,
        rows: String = ""
    ) throws -> Scenario {
        let scenario = try Scenario(title, on: pair)
        try scenario.both(tables)
        try scenario.old.sql(rows)
        try scenario.configureCopy(dataA: dataA, extra: extra)
        return scenario
    }

    func configureCopy(dataA: [String] = ["*.*"], extra: String = "") throws {
        try writeConfiguration(dataA: dataA, initialCopy: "all", extra: extra)
    }

    /// Runs until everything is copied and caught up with.
    func copy(environment: [String: String] = [:], _ location: SourceLocation = #_sourceLocation) throws {
        let outcome = try tandem("run", "--until", "caught-up", environment: environment, within: .seconds(180))
        #expect(outcome.status == .exited(0), "\(outcome.stderr)", sourceLocation: location)
    }

    func expectSame(except: Set<Fingerprint.TableName> = [], _ location: SourceLocation = #_sourceLocation) throws {
        let differences = try Fingerprint.expectEqual(old: old, new: new, except: except)
        #expect(differences == [], sourceLocation: location)
    }

    func waitForCopy(of table: String, toBe state: String) throws {
        try new.wait(
            for: "SELECT state FROM tandem.copied_table WHERE table_name = '\(table)'", toBe: state,
            within: .seconds(120))
    }

    var slots: String? {
        get throws {
            try old.value("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
        }
    }
}
