// A scenario in which every part of the stream has work: small transactions, large ones with rolled-back parts that spill,
// rows that new has or lacks against the stream's expectation, tables with and without a key.

import TestSupport
import Testing

struct Torment {
    let scenario: Scenario

    init(_ title: String, on pair: ClusterPair? = nil, prepared: Bool = true) throws {
        scenario = try Scenario(title, on: pair, extra: "limits: { memory: 4MB }")
        try scenario.both(
            """
            CREATE TABLE keyed (a int PRIMARY KEY, b text);
            CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
            CREATE TABLE differing (a int PRIMARY KEY, b text);
            CREATE TABLE aside (a int PRIMARY KEY, b text);
            """)
        // Before the slot, so that new never hears of it.
        try scenario.old.sql("INSERT INTO differing SELECT i, 'old' FROM generate_series(1, 10) i")
        try scenario.new.sql("INSERT INTO differing VALUES (11, 'in the way')")
        if prepared { try scenario.prepare() }
    }

    func work() throws {
        try scenario.old.sql(
            """
            INSERT INTO loose VALUES (1, 'one'); INSERT INTO loose VALUES (1, 'one');
            INSERT INTO keyed SELECT i, 'small' FROM generate_series(1, 50) i;
            UPDATE keyed SET b = 'changed' WHERE a = 7; DELETE FROM keyed WHERE a = 8;
            BEGIN; \(rows("loose", count: 20_000)) SAVEPOINT s; \(rows("loose", from: 50_000, count: 3000))
            ROLLBACK TO s; \(rows("keyed", from: 1000, count: 500)) COMMIT;
            UPDATE differing SET b = 'updated' WHERE a <= 10;
            INSERT INTO differing VALUES (11, 'inserted');
            INSERT INTO loose VALUES (2, 'two');
            BEGIN; \(rows("keyed", from: 10_000, count: 20_000)) DELETE FROM keyed WHERE a % 3 = 0; COMMIT;
            INSERT INTO loose SELECT i, 'last' FROM generate_series(1, 20) i;
            """)
    }

    /// Nothing lost, nothing doubled, nothing left lying about.
    func judge(_ location: SourceLocation = #_sourceLocation) throws {
        try scenario.expectSlotNotAhead(location)
        try scenario.follow(location)
        try scenario.expectSame(location)
        try scenario.expectSlotNotAhead(location)
        #expect(scenario.spillFiles == [], sourceLocation: location)
        let loose = try scenario.new.value("SELECT count(*) FROM loose")
        #expect(loose == "20023", sourceLocation: location)
    }
}
