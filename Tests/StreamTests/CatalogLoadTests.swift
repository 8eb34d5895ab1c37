// Looking at a migration again and again does not read a catalog of thousands of tables whole each time.

import TestSupport
import Testing

@Suite struct CatalogLoadTests {
    @Test func whoseSchemaTandemIsIsAskedOfTheSchema() throws {
        let s = try Scenario("manytables", dataA: ["public.t"])
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        try s.new.sql(
            "DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE beside_%s (a int)', i); END LOOP; END $$")
        let scans = "SELECT seq_scan FROM pg_stat_sys_tables WHERE relname = 'pg_class'"
        func count() throws -> Int { Int(try s.new.value(scans) ?? "") ?? 0 }
        let before = try count()
        for _ in 0..<5 { #expect(try s.tandem("status").exitCode == 0) }
        // Sessions report when they end, which may be after their client has.
        rest(.milliseconds(500))
        let read = try count() - before
        // A status asks nine times there, and each time took two readings.
        #expect(read < 5 * 9, "\(read) readings of pg_class in five `tandem status`")
    }
}
