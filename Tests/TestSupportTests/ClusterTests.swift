// Clusters really start, stop, crash and go away, and two of them are two.

import TestSupport
import Testing

@Suite(.blocking) struct ClusterTests {
    @Test func startsStopsAndRestarts() throws {
        let cluster = try Cluster("lifecycle", options: ClusterOptions(settings: ["work_mem": "7MB"]))
        defer { cluster.remove() }
        #expect(cluster.isRunning)
        #expect(try cluster.value("SHOW wal_level") == "logical")
        #expect(try cluster.value("SHOW work_mem") == "7MB")
        #expect(cluster.connection().utf8.count < 200)

        try cluster.sql("CREATE TABLE kept AS SELECT 1 AS a")
        try cluster.stop()
        #expect(!cluster.isRunning)
        try cluster.stop()
        #expect(throws: HarnessFailure.self) { try cluster.sql("SELECT 1") }

        try cluster.configure(["work_mem": "8MB"])
        try cluster.start()
        #expect(try cluster.value("SELECT a FROM kept") == "1")
        #expect(try cluster.value("SHOW work_mem") == "8MB")
        try cluster.restart(.immediate)
        #expect(try cluster.value("SELECT a FROM kept") == "1")
    }

    @Test func recoversAfterACrash() throws {
        let cluster = try Cluster("crash")
        defer { cluster.remove() }
        try cluster.sql("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)")
        let first = try #require(cluster.pid)
        cluster.kill()
        #expect(!cluster.isRunning)
        try cluster.start()
        #expect(cluster.pid != first)
        #expect(try cluster.value("SELECT a FROM kept") == "1")
        #expect(cluster.log.contains("was not properly shut down"))
    }

    @Test func copiesOfOneTemplateAreDifferentSystems() throws {
        let pair = try ClusterPair.shared
        let query = "SELECT system_identifier FROM pg_control_system()"
        #expect(try pair.old.value(query) != pair.new.value(query))
        #expect(pair.old.port != pair.new.port)
    }

    @Test func passwordsAndEncodings() throws {
        let options = ClusterOptions(
            encoding: "LATIN1", locale: "C", authentication: .scram(password: "open sesame"))
        let cluster = try Cluster("scram", options: options)
        defer { cluster.remove() }
        #expect(try cluster.value("SHOW server_encoding") == "LATIN1")
        #expect(try cluster.value("SELECT 'é'") == "é")
        try cluster.sql("CREATE ROLE nobody LOGIN")
        let refused = #expect(throws: HarnessFailure.self) { try cluster["postgres"].sql("SELECT 1", user: "nobody") }
        #expect(refused?.message.contains("no password supplied") == true, "\(String(describing: refused))")
    }

    @Test func removeLeavesNothing() throws {
        let cluster = try Cluster("short")
        let pid = try #require(cluster.pid)
        cluster.remove()
        let probe = "test ! -e \(cluster.directory) && ! grep 'State:\t[^Z]' /proc/\(pid)/status"
        #expect(try Command("/bin/sh", ["-c", probe]).run().exitCode == 0)
    }
}
