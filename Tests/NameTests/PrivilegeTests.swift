// Roles that begin with nothing but LOGIN. Each time tandem says what is missing, that statement is run as it was shown,
// until everything works: so the list in the documents is neither too short nor too long.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct PrivilegeTests {
    private static let tables = """
        CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, v text); CREATE TABLE app.u (a int, v text);
        ALTER TABLE app.u REPLICA IDENTITY FULL;
        """

    /// With names in which a statement that is not quoted would fail.
    @Test func eachMissingPrivilegeIsNamedByTheStatementThatGivesIt() throws {
        guard try ClusterPair.shared.new.installation.major >= 15 else { return }
        let s = try Scenario("privileges", dataA: ["app.*"], marker: false)
        let (role, owner) = ("\(s.name) r\"ole\\'", "\(s.name)_owner")
        let quoted = sqlIdentifier(role)
        defer {
            s.end()
            _ = try? s.new.cluster.sql("REVOKE ALL ON PARAMETER session_replication_role FROM \(quoted)")
            for side in [s.old, s.new] { _ = try? side.cluster.sql("DROP ROLE \(quoted); DROP ROLE \(owner)") }
        }
        for side in [s.old, s.new] {
            try side.sql(
                "CREATE ROLE \(quoted) LOGIN; CREATE ROLE \(owner);" + Self.tables
                    + "ALTER TABLE app.t OWNER TO \(owner); ALTER TABLE app.u OWNER TO \(owner)")
        }
        let connections = [s.old, s.new].map { $0.cluster.connection(database: s.name, user: role) }
        try s.writeConfiguration(dataA: ["app.*"], marker: false, old: connections[0], new: connections[1])

        // Old: CREATE on the database, membership in the owner, REPLICATION.
        try s.old.sql(try remedy(s, "prepare", "GRANT CREATE ON DATABASE"))
        let membership = try remedy(s, "prepare", "member of the role that owns")
        #expect(membership.contains("GRANT … TO"))
        try s.old.sql("GRANT \(owner) TO \(quoted); GRANT USAGE ON SCHEMA app TO \(owner)")
        try s.old.sql(try remedy(s, "prepare", "ALTER ROLE"))
        // New: CREATE on the database, the functions of replication origins, the replica role, the tables.
        try s.new.sql(try remedy(s, "prepare", "GRANT CREATE ON DATABASE"))
        try s.new.sql(try remedy(s, "prepare --again", "GRANT EXECUTE ON FUNCTION"))
        try s.interrupted(s.start("prepare", "--again"))
        try s.new.sql(try remedy(s, "run", "GRANT SET ON PARAMETER"))
        try s.old.sql(
            """
            INSERT INTO app.t SELECT i, 'a' FROM generate_series(1, 9) i; UPDATE app.t SET v = 'b' WHERE id < 5;
            DELETE FROM app.t WHERE id = 9; INSERT INTO app.u VALUES (1, 'a'), (1, 'a'); DELETE FROM app.u WHERE ctid = '(0,1)';
            """)
        let run = try s.start("run")
        try run.waitForLog("blocked")
        #expect(run.log.contains("GRANT USAGE ON SCHEMA \\\"app\\\" TO …"), "\(run.tail)")
        try s.new.sql("GRANT USAGE ON SCHEMA app TO \(quoted)")
        for table in ["t", "u"] {
            let grant = "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \\\"app\\\".\\\"\(table)\\\" TO"
            try run.waitForLog(grant)
            try s.new.sql(grant.replacing("\\", with: "") + " " + quoted)
        }
        try s.catchUp()
        try s.old.sql("TRUNCATE app.u; INSERT INTO app.u VALUES (7, 'after')")
        try s.new.sql("INSERT INTO app.t VALUES (50, 'in the way')")
        try s.old.sql("INSERT INTO app.t VALUES (50, 'old')")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(try run.stop() == .exited(0))
        for command in ["status", "lag"] {
            let outcome = try s.tandem(command)
            #expect(outcome.status == .exited(0) && !outcome.stdout.contains("unreachable"), "\(outcome.stdout)")
        }
        let abort = try s.tandem("abort", "--yes")
        #expect(abort.status == .exited(0), "\(abort.stderr)")
        for side in [s.old, s.new] { #expect(try side.value("SELECT to_regnamespace('tandem') IS NULL") == "t") }
        #expect(try !s.hasSlotLeft())
    }

    /// Runs it, expects it to refuse with the remedy, and returns that line.
    private func remedy(
        _ s: Scenario, _ command: String, _ wanted: String, _ location: SourceLocation = #_sourceLocation
    ) throws -> String {
        let outcome = try Command(
            TandemBinary.path, command.split(separator: " ").map(String.init), directory: s.directory
        )
        .run(within: .seconds(90))
        #expect(outcome.status != .exited(0), sourceLocation: location)
        let marker = outcome.stderr.contains("hint=") ? "hint=\"" : "        "
        let last = outcome.stderr.components(separatedBy: marker).last ?? ""
        #expect(last.contains(wanted), "\(outcome.stderr)", sourceLocation: location)
        guard marker.hasPrefix("hint") else { return last }
        return String(last.dropLast(2)).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }
}

extension Scenario {
    fileprivate func hasSlotLeft() throws -> Bool {
        try old.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '\(slotName)'") != "0"
    }
}
