// Names that break out of quotes, patterns, log lines, formats and terminals, and tables that bear them.

import TestSupport

enum StrangeNames {
    static let all = [
        "Sp1eCial .Char", "s\"\"1", "\"dqname\"", "with MyTableName\n\n AS (SELECT row_id\n\n ", "Foo\".Bar",
        ":Identifer As \"Column\".$1:", "\u{441}\u{43b}\u{43e}\u{43d}", "tab'le", "a'", "back\\slash\\", "select", "$1",
        "%s%n", "a;drop table x;--", "\\\"; DROP SCHEMA public CASCADE; --", "1digit", "😀👩\u{200d}🔬",
        "zero\u{200b}width",
        "pg_temp.x", "*", "?.?", " ", "../../x", "\u{1b}[31mred\u{7}", "turn\u{202e}ed\u{2028}", "a=b level=error",
        "\r\t",
        String(repeating: "\u{44f}", count: 31) + "x", "${HOME}", "e\u{301}", "\u{e9}", "tandem", "nul\\0",
        "#{}[]&*!|>%@`",
    ]

    /// In the two schemas of a name and in two that all share: with a key, without one, and with one that only INSERT sets.
    static let tables =
        all.map { name in
            let n = sqlIdentifier(name)
            return withKey(name) + """
                CREATE TABLE keyless.\(n) (\(columns(name))); ALTER TABLE keyless.\(n) REPLICA IDENTITY FULL;
                CREATE TABLE always.\(n) (id int GENERATED ALWAYS AS IDENTITY, \(columns(name)), PRIMARY KEY (id, \(n)));
                """
        }.joined() + """
            CREATE TABLE keyless.composed ("e\u{301}" int, "\u{e9}" int, v text, PRIMARY KEY ("\u{e9}", "e\u{301}"));
            CREATE TABLE always.composed ("e\u{301}" int, "\u{e9}" int GENERATED ALWAYS AS IDENTITY, v text,
                PRIMARY KEY ("e\u{301}", "\u{e9}"));
            """

    /// Columns that differ in case, in the composition of a letter, in the last of 63 bytes.
    private static func columns(_ name: String) -> String {
        let (long1, long2) = (String(repeating: "x", count: 62) + "1", String(repeating: "x", count: 62) + "2")
        return "\(sqlIdentifier(name)) int, \"A\" text, \"\(long1)\" text, \"\(long2)\" text, v text, a text"
    }

    static func withKey(_ name: String) -> String {
        "CREATE SCHEMA \(sqlIdentifier(schema(name)));"
            + "CREATE TABLE \(keyed(name)) (\(columns(name)), PRIMARY KEY (\(sqlIdentifier(name))));"
    }

    /// As tandem shows the tables with a key.
    static let asShown = all.map { name in
        ["select", "tandem"].contains(name)
            ? "\(shown(schema(name))).\(name)".replacing("\"select\"", with: "select")
            : "\(shown(schema(name))).\(shown(name))"
    }

    static func keyed(_ name: String) -> String { "\(sqlIdentifier(schema(name))).\(sqlIdentifier(name))" }

    /// Its own name, unless that is taken or kept for the system.
    static func schema(_ name: String) -> String {
        name == "tandem" || name.hasPrefix("pg_") ? "IN " + name : name
    }

    static let workload =
        all.map { name in
            let n = sqlIdentifier(name)
            return """
                INSERT INTO \(keyed(name)) SELECT i, 'a', 'b', 'c', 'v' FROM generate_series(1, 4) i;
                UPDATE \(keyed(name)) SET "A" = 'new', a = 'old', v = NULL WHERE \(n) = 1;
                UPDATE \(keyed(name)) SET \(n) = 20, v = 'moved' WHERE \(n) = 2;
                DELETE FROM \(keyed(name)) WHERE \(n) = 3;
                INSERT INTO keyless.\(n) SELECT i / 2, 'a', 'b', 'c', 'v' FROM generate_series(1, 6) i;
                UPDATE keyless.\(n) SET v = 'new' WHERE ctid = '(0,1)'; DELETE FROM keyless.\(n) WHERE ctid = '(0,3)';
                INSERT INTO always.\(n) (\(n), "A", v) SELECT i, 'a', 'v' FROM generate_series(1, 3) i;
                UPDATE always.\(n) SET id = DEFAULT, v = 'new' WHERE id = 1; UPDATE always.\(n) SET v = 'newer' WHERE id = 2;
                DELETE FROM always.\(n) WHERE id = 3;
                """
        }.joined() + """
            INSERT INTO keyless.composed VALUES (1, 2, 'a'), (2, 1, 'b'), (3, 4, 'c');
            UPDATE keyless.composed SET v = 'new' WHERE "\u{e9}" = 1; UPDATE keyless.composed SET "e\u{301}" = 9 WHERE v = 'a';
            DELETE FROM keyless.composed WHERE "\u{e9}" = 4;
            INSERT INTO always.composed ("e\u{301}", v) VALUES (1, 'a'), (1, 'b'), (3, 'c');
            UPDATE always.composed SET "\u{e9}" = DEFAULT WHERE v = 'b'; UPDATE always.composed SET "e\u{301}" = 9 WHERE v = 'a';
            """

    static let truncations = all.map { name in
        """
        TRUNCATE \(keyed(name)), keyless.\(sqlIdentifier(name));
        INSERT INTO \(keyed(name)) VALUES (7, 'after'); INSERT INTO keyless.\(sqlIdentifier(name)) VALUES (8, 'after');
        """
    }.joined()
}

/// As tandem shows a name that needs quotes, and as it reads it.
func shown(_ name: String) -> String {
    let hidden = name.unicodeScalars.contains { isHidden($0) }
    var text = hidden ? "U&\"" : "\""
    for scalar in name.unicodeScalars {
        if scalar == "\"" || (hidden && scalar == "\\") { text.unicodeScalars.append(scalar) }
        guard hidden, isHidden(scalar) else {
            text.unicodeScalars.append(scalar)
            continue
        }
        let digits = String(scalar.value, radix: 16, uppercase: true)
        text += "\\" + String(repeating: "0", count: 4 - digits.count) + digits
    }
    return text + "\""
}

private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    [.control, .format, .lineSeparator].contains(scalar.properties.generalCategory)
}
