// What must hold after every scenario, whatever it was about. (Passwords in logs and peak memory are not looked at here:
// these clusters trust, and these workloads are small.)

import Foundation
import TestSupport
import Testing

/// With tandem running and caught up: both sides equal, nothing blocked, nothing found different that was not expected,
/// progress told to old is not ahead of new.
func expectHealthy(
    _ scenario: Scenario, tables: [String]? = nil, except: Set<String> = [], differences: Int = 0,
    setAside: [String: Int] = [:], at location: SourceLocation = #_sourceLocation
) throws {
    try scenario.catchUp()
    try expectEqual(scenario, tables, except, location)
    let screen = try StatusScreen.read(scenario) { $0.status?.state == "streaming" }
    #expect(screen.status?.state == "streaming", "\(scenario.lastStarted?.tail ?? "")", sourceLocation: location)
    #expect(screen.status?.problem?.message == nil, sourceLocation: location)
    let found = screen.differences.reduce(0) { $0 + $1.found }
    #expect(
        found == differences, "\(screen.differences)\n\(scenario.lastStarted?.log.suffix(3000) ?? "")",
        sourceLocation: location)
    #expect(screen.setAside == setAside, sourceLocation: location)
    try expectAcknowledgedOnlyWhatIsDurable(scenario, location)
    if let left = FileManager.default.enumerator(atPath: scenario.spillDirectory)?.allObjects as? [String] {
        #expect(left.filter { $0.hasSuffix(".spill") } == [], sourceLocation: location)
    }
}

func expectEqual(
    _ scenario: Scenario, _ tables: [String]? = nil, _ except: Set<String> = [],
    _ location: SourceLocation = #_sourceLocation
) throws {
    let differences = try Fingerprint.expectEqual(
        old: scenario.old, new: scenario.new, tables: tables, except: except)
    let shown = differences.isEmpty ? "" : try rows(scenario, differences) + (scenario.lastStarted?.tail ?? "")
    #expect(differences == [], "\(shown)", sourceLocation: location)
}

/// The first rows of the first table that differs, of both sides, for the report.
private func rows(_ scenario: Scenario, _ differences: [String]) throws -> String {
    guard let name = differences.first?.split(separator: ":").first else { return "" }
    let query = "SELECT left(t::text, 200) FROM \(name) AS t ORDER BY 1 LIMIT 20"
    return try [scenario.old, scenario.new].map { try $0.sql(query) }.joined(separator: "\n--\n") + "\n"
}

/// The slot first, then the origin: never the other way round, or the comparison proves nothing.
private func expectAcknowledgedOnlyWhatIsDurable(_ scenario: Scenario, _ location: SourceLocation) throws {
    for _ in 0..<3 {
        let confirmed = try scenario.confirmed()
        let isCovered = try scenario.new.value(
            """
            SELECT max(pg_replication_origin_progress(roname, true)) >= '\(confirmed)' FROM pg_replication_origin
             WHERE roname IN ('\(scenario.slotName)', '\(scenario.slotName)_2')
            """)
        #expect(isCovered == "t", sourceLocation: location)
    }
}

/// Stops tandem, lets it catch up once more, and removes it: no error, nothing changed, nothing left on either side.
func expectCleanEnd(
    _ scenario: Scenario, tables: [String]? = nil, except: Set<String> = [],
    at location: SourceLocation = #_sourceLocation
) throws {
    let running = try #require(scenario.lastStarted, sourceLocation: location)
    #expect(try running.stop() == .exited(0), "\(running.tail)", sourceLocation: location)
    let again = try scenario.tandem("run", "--until", "caught-up")
    #expect(again.exitCode == 0, "\(again.stderr)", sourceLocation: location)
    try expectEqual(scenario, tables, except, location)
    try expectNoTrace(of: "stopped", scenario, location)
    let abort = try scenario.tandem("abort", "--yes")
    #expect(abort.exitCode == 0, "\(abort.stderr)", sourceLocation: location)
    let left = try [scenario.old, scenario.new].map { side in
        try side.value(
            """
            SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'tandem')
                + (SELECT count(*) FROM pg_publication)
                + (SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(scenario.slotName)')
                + (SELECT count(*) FROM pg_replication_origin WHERE strpos(roname, '\(scenario.slotName)') > 0)
            """)
    }
    #expect(left == ["0", "0"], sourceLocation: location)
}

/// A tandem that has ended holds no session, transaction or lock on new.
private func expectNoTrace(of state: String, _ scenario: Scenario, _ location: SourceLocation) throws {
    let traces = """
        SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND application_name LIKE 'tandem%')
            + (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())
            + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
        """
    #expect(throws: Never.self, "\(state)", sourceLocation: location) {
        try scenario.new.wait(for: traces, toBe: "0", within: .seconds(90))
    }
}

extension Scenario {
    /// The position up to which old believes new to be.
    func confirmed() throws -> String {
        try old.value(
            "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '\(slotName)'") ?? "0/0"
    }
}
