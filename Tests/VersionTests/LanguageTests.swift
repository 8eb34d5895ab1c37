// Servers that speak German: what tandem decides must not depend on the words of a message, and values must not get into its
// log because a message quotes them otherwise.

import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: germanIsSpoken), .blocking) struct LanguageTests {
    private static let language = "de_DE.UTF-8"

    private static let germans = Result<ClusterPair, any Error> {
        let german = ClusterOptions(settings: ["lc_messages": language])
        return try ClusterPair(old: german, new: german)
    }

    private func scenario(_ title: String, _ old: String, _ new: String? = nil) throws -> Scenario {
        let s = try Scenario(title, on: try Self.germans.get())
        for side in [s.old, s.new] {
            let error = #expect(throws: HarnessFailure.self) { try side.sql("SELECT 1 / 0") }
            #expect("\(String(describing: error))".contains("Division durch Null"))
        }
        try s.old.sql(old)
        try s.new.sql(new ?? old)
        try s.prepare()
        return s
    }

    @Test func aMissingPublicationStopsTheRun() throws {
        let s = try scenario("fehlt", "CREATE TABLE t (id int PRIMARY KEY)")
        defer { s.end() }
        try s.old.sql(
            """
            ALTER PUBLICATION \(s.publicationName) RENAME TO aside; INSERT INTO t VALUES (1);
            ALTER PUBLICATION aside RENAME TO \(s.publicationName);
            """)
        let run = try s.tandem("run", "--until", "caught-up")
        #expect(run.exitCode == 6 && run.stderr.contains("did not exist"), "\(run.stderr)")
    }

    @Test func remediesAreTheSame() throws {
        let s = try scenario(
            "hilfe",
            """
            CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE e (id int PRIMARY KEY); CREATE TABLE r (id int PRIMARY KEY);
            """,
            """
            CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE e (id int PRIMARY KEY CHECK (id > 5));
            CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE own (r int REFERENCES r);
            """)
        defer { s.end() }
        let run = try s.start("run")
        try s.old.sql("INSERT INTO p VALUES (1)")
        try run.waitForLog("make the partition on new")
        try s.new.sql("CREATE TABLE p_1 PARTITION OF p DEFAULT")
        try s.old.sql("INSERT INTO e VALUES (1)")
        try run.waitForLog("new has a constraint that old's row violates")
        try s.new.sql("ALTER TABLE e DROP CONSTRAINT e_id_check")
        try s.old.sql("TRUNCATE r")
        try run.waitForLog("tandem never cascades")
        try s.new.sql("DROP TABLE own")
        try s.catchUp()
        let tables = ["public.p", "public.e", "public.r"]
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: tables) == [])
    }

    @Test func noValueGetsIntoTheLog() throws {
        let s = try scenario(
            "werte", "CREATE TABLE w (id int PRIMARY KEY, v text)", "CREATE TABLE w (id int PRIMARY KEY, v int)")
        defer { s.end() }
        let run = try s.start("run")
        // Not a number, out of range, and with quotation marks of its own.
        for (number, value) in ["geheim1", "98765432109876", "\"gehe\"im2"].enumerated() {
            try s.old.sql("INSERT INTO w VALUES (\(number), '\(value)')")
            let isBlocked = poll(within: .seconds(60)) {
                run.log.components(separatedBy: "event=blocked").count == number + 2 ? true : nil
            }
            #expect(isBlocked == true, "\(run.tail)")
            try s.old.sql("UPDATE w SET v = '1'")
            try s.new.sql("ALTER TABLE w ALTER COLUMN v TYPE text")
            try s.catchUp()
            try s.new.sql("ALTER TABLE w ALTER COLUMN v TYPE int USING v::int")
        }
        let status = try s.tandem("status").stdout
        for secret in ["geheim", "98765432109876", "gehe"] {
            #expect(!run.log.contains(secret) && !status.contains(secret), "\(run.tail)")
        }
        #expect(run.log.contains("(value not shown)") && run.log.contains("Typ"), "\(run.tail)")
    }

    @Test func refusedConnectionsAreUnderstood() throws {
        let s = try scenario("zugang", "CREATE TABLE t (id int PRIMARY KEY)")
        let role = "\(s.name)_rolle"
        defer {
            s.end()
            _ = try? s.old.cluster.sql("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
        try s.old.cluster.sql("CREATE ROLE \(role) LOGIN SUPERUSER; ALTER ROLE \(role) NOSUPERUSER")
        try s.old.sql("GRANT CREATE ON DATABASE \(sqlIdentifier(s.name)) TO \(role); ALTER TABLE t OWNER TO \(role)")
        try s.old.sql("ALTER TABLE _marker OWNER TO \(role)")
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
        try s.writeConfiguration(old: s.old.cluster.connection(database: s.name, user: role))
        let noReplication = try s.tandem("prepare")
        #expect(
            noReplication.stderr.contains("ALTER ROLE \\\"\(role)\\\" REPLICATION")
                || noReplication.stderr.contains("ALTER ROLE \"\(role)\" REPLICATION"), "\(noReplication.stderr)")
        // From an address that pg_hba.conf does not know.
        let hba = ["local all all trust", "host all all 10.11.12.13/32 trust"]
        try s.old.cluster.replaceHostBasedAuthentication(hba)
        try s.old.cluster.reload()
        try s.writeConfiguration(old: s.old.cluster.connection(database: s.name, overTCP: true))
        let noLine = try s.tandem("prepare")
        #expect(noLine.stderr.contains("add to that server's pg_hba.conf"), "\(noLine.stderr)")
    }
}
