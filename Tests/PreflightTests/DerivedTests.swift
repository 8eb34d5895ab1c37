// What preflight says of Data B.

import Foundation
import TestSupport
import Testing

enum Derived {
    static let expected: [Found] = [
        Found("data-b-tables", "b.gone"), Found("data-b-columns", "b.typed"), Found("data-b-columns", "b.unfit"),
        Found("data-b-keys", "b.loose"), Found("data-b-indexes", "b.slow"), Found("data-b-indexes", "b.typed"),
        Found("data-b-views", "b.stray"),
    ]
    static let ofRole: [Found] = [
        Found("data-b-statistics", "old"), Found("data-b-reading", "b.slow"), Found("data-b-locking", "b.slow"),
    ]

    static let tables = """
        CREATE TABLE carried (id int PRIMARY KEY); CREATE SCHEMA b; CREATE SCHEMA side; CREATE TABLE side.x (id int PRIMARY KEY);
        CREATE TABLE b.typed (id int PRIMARY KEY, at text); CREATE TABLE b.unfit (id int PRIMARY KEY, at timestamptz);
        CREATE INDEX ON b.unfit (at); CREATE TABLE b.loose (v int); CREATE TABLE b.slow (id int PRIMARY KEY, at timestamp);
        CREATE MATERIALIZED VIEW b.stray AS SELECT * FROM side.x; CREATE TABLE b.well (id int PRIMARY KEY);
        CREATE MATERIALIZED VIEW b.fine AS SELECT * FROM b.well;
        """
    static let configuration = """
        data_b:
          - {table: b.gone, refresh: full, every: 1h}
          - {table: b.typed, modified: at, every: 1h}
          - {table: b.unfit, modified: at, every: 1h}
          - {table: b.loose, refresh: full, every: 1h}
          - {table: b.slow, modified: at, every: 1h}
          - {table: b.stray, refresh: full, every: 1h}
          - {table: b.well, refresh: full, every: 1h}
          - {table: b.fine, refresh: full, every: 1h}
        exclude: ["side.*"]
        """
}

extension PreflightTests {
    @Test func whatStandsInTheWayOfDataB() throws {
        let s = try scenario("derived", extra: Self.roomy + "\n" + Derived.configuration)
        defer { s.end() }
        try s.both(Derived.tables)
        try s.old.sql("ALTER TABLE b.unfit ADD more int; CREATE TABLE b.gone (id int PRIMARY KEY)")
        let seen = try s.preflight(exits: 3)
        let derived = seen.pairs.filter { $0.check.hasPrefix("data-b-") }
        #expect(derived == Set(Derived.expected), "\(seen.findings)")

        // A role that may do nothing in particular.
        let role = "b_\(s.name)"
        try s.old.cluster.sql("CREATE ROLE \(role) LOGIN")
        defer { _ = try? s.old.cluster.sql("DROP ROLE \(role)") }
        try s.writeConfiguration(
            dataA: ["public.*"], marker: false, old: s.old.cluster.connection(database: s.name, user: role),
            extra: Self.roomy + "\n" + Derived.configuration)
        let poor = try s.preflight()
        #expect(Set(Derived.ofRole).subtracting(poor.pairs) == [], "\(poor.findings)")
        let grants = try s.tandem("preflight", "--grants", "old").stdout
        #expect(grants.contains("GRANT SELECT, UPDATE ON \"b\".\"slow\" TO \"\(role)\";"), "\(grants)")
    }
}
