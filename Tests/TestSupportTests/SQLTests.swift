// psql calls: what comes back, and what an error tells.

import TestSupport
import Testing

@Suite(.blocking) struct SQLTests {
    let cluster: Cluster

    init() throws { cluster = try ClusterPair.shared.old }

    @Test func rowsKeepNullsLineBreaksAndSeparators() throws {
        let rows = try cluster.rows("VALUES (NULL, '', 'a|b'), ('x', E'two\\nlines', NULL) ORDER BY 3")
        #expect(rows == [[nil, "", "a|b"], ["x", "two\nlines", nil]])
        #expect(try cluster.rows("SELECT 1 WHERE false") == [])
        #expect(try cluster.value("SELECT ''") == "")
        #expect(try cluster.value("SELECT NULL") == nil)
        #expect(try cluster.sql("SELECT 1, 2; SELECT 3") == "1|2\n3")
    }

    @Test func anErrorStopsAndIsTold() throws {
        let failure = #expect(throws: HarnessFailure.self) {
            try cluster.sql("CREATE TABLE pg_temp.t (a int); INSERT INTO nowhere VALUES (1); SELECT 1")
        }
        #expect(failure?.kind == .sql)
        #expect(failure?.sqlstate == "42P01")
        #expect(failure?.message.contains("relation \"nowhere\" does not exist") == true)
        #expect(failure?.message.contains("INSERT INTO nowhere") == true)
    }

    @Test func waitingSeesAValueComeAndNotCome() throws {
        let scenario = try Scenario("waiting", marker: false)
        defer { scenario.end() }
        let session = try scenario.old.session()
        defer { session.close() }
        try session.start("SELECT pg_sleep(0.3); CREATE TABLE late AS SELECT 7 AS a;")
        try scenario.old.wait(for: "SELECT a FROM late", toBe: "7", within: .seconds(90))
        #expect(try session.result() == "")
        let failure = #expect(throws: HarnessFailure.self) {
            try scenario.old.wait(for: "SELECT a FROM late", toBe: "8", within: .milliseconds(100))
        }
        #expect(failure?.kind == .timeLimit)
        #expect(failure?.message.hasSuffix("but: 7") == true)
    }

    @Test func waitingTellsAnEmptyValueFromNone() throws {
        let scenario = try Scenario("empty", marker: false)
        defer { scenario.end() }
        try scenario.old.sql("CREATE TABLE t (a text)")
        for change in ["", "INSERT INTO t VALUES (NULL)"] {
            try scenario.old.sql(change)
            let failure = #expect(throws: HarnessFailure.self) {
                try scenario.old.wait(for: "SELECT a FROM t", toBe: "", within: .milliseconds(200))
            }
            #expect(failure?.message.hasSuffix("but: NULL") == true)
        }
        for (value, written) in [("", "''"), ("two\nlines", "E'two\\nlines'"), ("0", "'0'")] {
            try scenario.old.sql("UPDATE t SET a = \(written)")
            try scenario.old.wait(for: "SELECT a FROM t -- all of it", toBe: value, within: .seconds(90))
        }
        try scenario.old.wait(for: "SELECT a FROM t;", toBe: "0", within: .seconds(90))
        try scenario.old.wait(for: "SHOW temp_tablespaces", toBe: "", within: .seconds(90))
    }
}
