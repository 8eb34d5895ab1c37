// Two digests of the same content are equal whatever the database's encoding, settings and version; values that only look
// the same are not.

import TestSupport
import Testing

@Suite(.blocking) struct SameDigestTests {
    @Test func encodingsAndSettingsMakeNoDifference() throws {
        let s = try Scenario(
            "digests",
            databaseOptions: (
                "TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'", "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
            ))
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE t (id text PRIMARY KEY, v text, f float8, at timestamptz, d interval, b bytea, c "char", m numeric);
            INSERT INTO t SELECT 'k' || g || chr(228), chr(252) || g, 0.1 * g, '2026-03-29 02:30+00', '1 mon -2 days', '\\x00ff', 'x', 1.10
              FROM generate_series(1, 1000) g;
            """)
        try s.new.sql(
            """
            ALTER DATABASE \(s.name) SET datestyle = 'SQL, DMY'; ALTER DATABASE \(s.name) SET intervalstyle = 'sql_standard';
            ALTER DATABASE \(s.name) SET extra_float_digits = 0; ALTER DATABASE \(s.name) SET bytea_output = 'escape';
            ALTER DATABASE \(s.name) SET timezone = 'Asia/Kathmandu';
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        let seen = try s.verify(expecting: 0)
        #expect(seen["public.t"]?.digestOld == seen["public.t"]?.digestNew)
        try s.new.sql("UPDATE t SET v = 'u7' WHERE id = 'k7' || chr(228)")
        #expect(try s.verify(expecting: 4).found == ["public.t k7\u{e4} different"])
    }
}
