// One workload for any list of types: each gets a table with a key and one without, whose rows are inserted, moved to
// other keys, given each other's values and deleted on old. Afterwards both sides hold the same text and the same bytes.

import TestSupport
import Testing

/// How values travel. One array column anywhere in the publication makes all of it text.
enum Travel: String, CaseIterable, CustomStringConvertible {
    case binary, text

    var description: String { rawValue }
}

struct TypeCase {
    let type: String
    /// SQL expressions of the type.
    let values: [String]
    /// The release that has it, or these values of it.
    let since: Int

    /// Of literals.
    init(_ type: String, _ values: [String], since: Int = 13) {
        self.init(type, expressions: values.map { sqlLiteral($0) + "::" + type }, since: since)
    }

    init(_ type: String, expressions: [String], since: Int = 13) {
        self.type = type
        self.values = expressions + ["NULL"]
        self.since = since
    }
}

struct Carrying {
    let scenario: Scenario

    init(_ title: String, _ travel: Travel = .text, databaseOptions: (old: String, new: String) = ("", "")) throws {
        scenario = try Scenario(title, databaseOptions: databaseOptions)
        if travel == .text { try scenario.both("CREATE TABLE forces_text (id int PRIMARY KEY, list int[])") }
    }

    /// The older of both sides.
    var release: Int { min(scenario.pair.old.installation.major, scenario.pair.new.installation.major) }

    func usable(_ cases: [TypeCase]) -> [TypeCase] { cases.filter { $0.since <= release } }

    func create(_ cases: [TypeCase]) throws {
        let tables = usable(cases).enumerated().map { number, each in
            """
            CREATE TABLE keyed_\(number) (id int PRIMARY KEY, x \(each.type));
            CREATE TABLE keyless_\(number) (x \(each.type)); ALTER TABLE keyless_\(number) REPLICA IDENTITY FULL;
            """
        }
        try scenario.both(tables.joined(separator: "\n"))
    }

    /// Writing is done under ordinary settings, whatever the database's are.
    static let plainly = """
        SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET array_nulls = on;
        SET xmloption = 'content'; SET standard_conforming_strings = on; SET search_path = public, pg_catalog;

        """

    func write(_ cases: [TypeCase]) throws {
        let script = usable(cases).enumerated().map { number, each in
            let rows = each.values.enumerated().map { "(\($0 + 1), \($1))" }.joined(separator: ", ")
            let count = each.values.count
            return """
                INSERT INTO keyed_\(number) VALUES \(rows);
                INSERT INTO keyed_\(number) SELECT id + 1000, x FROM keyed_\(number);
                INSERT INTO keyless_\(number) SELECT x FROM keyed_\(number);
                BEGIN;
                UPDATE keyed_\(number) t SET x = (SELECT s.x FROM keyed_\(number) s WHERE s.id = t.id % \(count) + 1) WHERE id <= 1000;
                UPDATE keyed_\(number) SET id = id + 5000 WHERE id > 1000 AND id % 2 = 0;
                DELETE FROM keyed_\(number) WHERE id > 1000 AND id % 3 = 0;
                COMMIT;
                DELETE FROM keyless_\(number) WHERE ctid IN (SELECT ctid FROM keyless_\(number) ORDER BY ctid LIMIT \(count / 2));
                UPDATE keyless_\(number) SET x = (SELECT x FROM keyed_\(number) WHERE id = 1)
                 WHERE ctid IN (SELECT ctid FROM keyless_\(number) ORDER BY ctid LIMIT 2);
                """
        }
        try scenario.old.sql(Self.plainly + script.joined(separator: "\n"))
    }

    /// From `prepare` to equal sides.
    func carry(_ cases: [TypeCase], environment: [String: String] = [:]) throws {
        try create(cases)
        try scenario.prepare(environment: environment)
        try write(cases)
        try expectCarried(environment: environment)
    }

    func expectCarried(
        environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try scenario.tandem("run", "--until", "caught-up", environment: environment)
        #expect(outcome.exitCode == 0, "\(outcome.stderr.suffix(3000))", sourceLocation: location)
        #expect(!outcome.stderr.contains("differen"), "\(outcome.stderr.suffix(3000))", sourceLocation: location)
        try expectSameValues(scenario, at: location)
    }

    /// `run` stops and says all of these.
    func expectRefused(_ words: String..., at location: SourceLocation = #_sourceLocation) throws {
        let outcome = try scenario.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 5, "\(outcome.stderr.suffix(3000))", sourceLocation: location)
        for word in words {
            #expect(outcome.stderr.contains(word), "\(outcome.stderr.suffix(3000))", sourceLocation: location)
        }
    }
}
