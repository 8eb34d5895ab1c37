// What a server's administrator may take away while the stream runs, and give back: the stream waits, says what is wrong
// once, and goes on.

import TestSupport
import Testing

@Suite(.blocking) struct AccessLostTests {
    private static let losses: [(taken: String, given: String, said: String)] = [
        ("ALTER ROLE mover PASSWORD 'two'", "ALTER ROLE mover PASSWORD 'one'", "password authentication failed"),
        (
            "ALTER ROLE mover VALID UNTIL '2001-01-01'", "ALTER ROLE mover VALID UNTIL 'infinity'",
            "password authentication failed"
        ),
        ("ALTER ROLE mover NOLOGIN", "ALTER ROLE mover LOGIN", "not permitted to log in"),
        ("ALTER ROLE mover RENAME TO moved", "ALTER ROLE moved RENAME TO mover", "password authentication failed"),
    ]

    private static let open = ["local all all trust", "host all mover 127.0.0.1/32 scram-sha-256"]

    @Test func itIsWaitedFor() throws {
        let pair = try ClusterPair()
        defer { pair.remove() }
        let s = try Scenario(
            "access", on: pair, extra: "limits: { memory: 8MB }")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int PRIMARY KEY, b text)")
        for cluster in [pair.old, pair.new] {
            try cluster.sql("CREATE ROLE mover SUPERUSER LOGIN PASSWORD 'one'")
            try cluster.replaceHostBasedAuthentication(Self.open)
            try cluster.reload()
        }
        let conninfo = { (cluster: Cluster) in
            cluster.connection(database: s.name, user: "mover", overTCP: true, extra: ["password": "one"])
        }
        try s.writeConfiguration(old: conninfo(pair.old), new: conninfo(pair.new))
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        var row = 0
        for cluster in [pair.old, pair.new] {
            for loss in Self.losses {
                try lose(
                    s, run, cluster, said: loss.said, row: &row, take: { try cluster.sql(loss.taken) },
                    give: { try cluster.sql(loss.given) })
            }
            try lose(
                s, run, cluster, said: "pg_hba.conf", row: &row,
                take: {
                    try cluster.replaceHostBasedAuthentication(["local all all trust"])
                    try cluster.reload()
                },
                give: {
                    try cluster.replaceHostBasedAuthentication(Self.open)
                    try cluster.reload()
                })
        }
        try s.expectSame()
        #expect(!run.log.contains("'one'") && !run.log.contains("password=one"))
        #expect(try run.stop() == .exited(0))
    }

    private func lose(
        _ s: Scenario, _ run: Replicator, _ cluster: Cluster, said: String, row: inout Int, take: () throws -> Void,
        give: () throws -> Void
    ) throws {
        let before = run.log.utf8.count
        try take()
        try cluster.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '\(s.slotName)%'")
        let found = poll(within: .seconds(120)) { () -> Bool? in
            if run.status != nil { return false }
            let log = String(decoding: run.log.utf8.dropFirst(before), as: UTF8.self)
            return log.contains(said) ? true : nil
        }
        #expect(found == true, "\(said) on \(cluster.name): \(run.tail)")
        row += 1
        try s.old.sql("INSERT INTO t VALUES (\(row), 'x')")
        try give()
        try s.catchUp()
    }
}
