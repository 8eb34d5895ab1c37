// The two databases as a whole: encoding, the order of text, time zone, extensions.

internal import Model
internal import Postgres

extension Check {
    static let databases = [
        encoding, collation, collationVersion, columnCollations, locale, timeZone, missingExtensions, extensionVersions,
    ]

    static let encoding = Check(
        "encoding", .warning, "both databases have the same encoding",
        because: "Text with a character that new's encoding lacks cannot be stored there, and blocks.",
        mend: "CREATE DATABASE … ENCODING '…' TEMPLATE template0;",
        reads: .both(
            Question("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"))
    ) { answer, _ in
        guard let old = answer.rows.first?.first, let new = answer.others.first?.first, old != new else { return [] }
        return [
            Finding(
                "new", "is in \(new), old in \(old)",
                mend: "CREATE DATABASE … ENCODING \(literal(old)) TEMPLATE template0;")
        ]
    }

    static let collation = Check(
        "collation", .warning, "both databases sort text in the same way",
        because:
            "Queries return rows in another order, ranges and unique keys over text may hold other rows, and an ordered"
            + " comparison of both sides finds differences that are none.",
        mend: "CREATE DATABASE … LOCALE '…' TEMPLATE template0;",
        reads: .both(
            Question(
                """
                SELECT 'collation ' || datcollate || ', ctype ' || datctype,
                       coalesce(CASE j->>'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END
                                || coalesce(' ' || coalesce(j->>'datlocale', j->>'daticulocale'), ''), 'libc')
                  FROM (SELECT d.*, to_jsonb(d) AS j FROM pg_database d WHERE datname = current_database()) d
                """))
    ) { answer, _ in
        guard let old = answer.rows.first, let new = answer.others.first, (old[0], old[1]) != (new[0], new[1]) else {
            return []
        }
        return [Finding("new", "has \(new[0]) (\(new[1])), old \(old[0]) (\(old[1]))")]
    }

    static let collationVersion = Check(
        "collation-version", .warning,
        "the library that sorts text has the same version on both sides, and that of the indexes",
        because: "Another version may sort otherwise: an index that was built under another one may not find its rows.",
        mend: "REINDEX DATABASE …; ALTER DATABASE … REFRESH COLLATION VERSION;",
        reads: .both(
            Question { major in
                major < 15
                    ? "SELECT NULL, NULL"
                    : """
                    SELECT datcollversion, pg_database_collation_actual_version(oid) FROM pg_database
                     WHERE datname = current_database()
                    """
            })
    ) { answer, _ in
        guard let old = answer.rows.first, let new = answer.others.first else { return [] }
        return collationVersions(old: (old.text(0), old.text(1)), new: (new.text(0), new.text(1)))
    }

    static func collationVersions(
        old: (made: String?, actual: String?), new: (made: String?, actual: String?)
    ) -> [Finding] {
        var findings: [Finding] = []
        for (side, version) in [("old", old), ("new", new)] {
            guard let made = version.made, let actual = version.actual, made != actual else { continue }
            findings.append(
                Finding(
                    side, "was made with version \(made) of its collation, and the system has \(actual) now",
                    mend: "REINDEX DATABASE …; ALTER DATABASE … REFRESH COLLATION VERSION;"))
        }
        if let left = old.actual, let right = new.actual, left != right {
            findings.append(Finding("new", "sorts text by version \(right) of its collation, old by \(left)"))
        }
        return findings
    }

    static let columnCollations = Check(
        "column-collations", .warning,
        "collations of carried columns have the same version as their indexes, on both sides",
        because: "An index over text that was built under another version may not find its rows, and sorts otherwise.",
        mend: "REINDEX INDEX …; for each over such columns, then ALTER COLLATION … REFRESH VERSION;",
        reads: .both(
            Question(
                """
                SELECT n.nspname, c.collname, c.collversion, pg_collation_actual_version(c.oid)
                  FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
                 WHERE c.collversion IS NOT NULL AND c.oid IN (
                       SELECT a.attcollation FROM pg_attribute a JOIN unnest($1::oid[]) AS x(oid) ON x.oid = a.attrelid
                        WHERE a.attnum > 0 AND NOT a.attisdropped)
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, _ in
        let new = Dictionary(answer.others.map { ($0.name(0), $0) }) { first, _ in first }
        let aged = [("old", answer.rows), ("new", answer.others)].flatMap { side, rows in
            rows.filter { $0.text(3) != nil && $0[2] != $0[3] }.map { row in
                Finding(
                    "collation \(row.name(0))",
                    "was version \(row[2]) on \(side) when indexes were made, and is \(row[3]) now",
                    mend: "on \(side): REINDEX …; ALTER COLLATION \(row.name(0).pasteable) REFRESH VERSION;")
            }
        }
        return aged
            + answer.rows.compactMap { row in
                guard let other = new[row.name(0)], other[3] != row[3] else { return nil }
                return Finding("collation \(row.name(0))", "is version \(row[3]) on old and \(other[3]) on new")
            }
    }

    static let locale = Check(
        "locale", .note, "numbers, money and times are written in the same way on both sides",
        because:
            "tandem carries values, whatever the locale; but a database with another lc_monetary reads another amount of"
            + " `money`, and to_char() writes other words.",
        mend: "ALTER DATABASE … SET lc_monetary = '…';",
        reads: .both(
            Question(
                """
                SELECT name, reset_val, EXISTS (SELECT FROM pg_attribute a JOIN unnest($1::oid[]) AS x(oid) ON x.oid = a.attrelid
                                                 WHERE a.atttypid IN ('money'::regtype, 'money[]'::regtype))
                  FROM pg_settings WHERE name IN ('lc_monetary', 'lc_numeric', 'lc_time') ORDER BY 1
                """, [.carried]))
    ) { answer, survey in
        let database = visiblyQuoted(try survey.reached(.new).database)
        return zip(answer.rows, answer.others).filter { $0[1] != $1[1] }.map { old, new in
            let counts = old.first == "lc_monetary" && old.bool(2)
            return Finding(
                "new",
                "has \(old.first) = \(withoutControls(new[1])), old \(withoutControls(old[1]))"
                    + (counts ? ", and there are columns of type money" : ""),
                mend: "ALTER DATABASE \(database) SET \(old.first) = \(literal(old[1]));")
        }
    }

    static let timeZone = Check(
        "time-zone", .note, "both databases have the same time zone",
        because:
            "tandem carries moments, whatever the zone; but applications that do not set one read and write local times"
            + " by the database's.",
        mend: "ALTER DATABASE … SET timezone = '…';",
        reads: .both(
            Question(
                """
                SELECT coalesce(
                       (SELECT split_part(x, '=', 2) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
                               unnest(s.setconfig) x
                         WHERE d.datname = current_database() AND s.setrole = 0 AND lower(x) LIKE 'timezone=%' LIMIT 1),
                       (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'))
                """))
    ) { answer, survey in
        guard let old = answer.rows.first?.first, let new = answer.others.first?.first, old != new else { return [] }
        let database = visiblyQuoted(try survey.reached(.new).database)
        return [
            Finding(
                "new", "has time zone \(withoutControls(new)), old \(withoutControls(old))",
                mend: "ALTER DATABASE \(database) SET timezone = \(literal(old));")
        ]
    }

    private static let extensions = Question(
        """
        SELECT coalesce(e.name, x.extname), e.default_version, x.extversion
          FROM pg_available_extensions e FULL JOIN pg_extension x ON x.extname = e.name
         WHERE coalesce(e.name, x.extname) <> 'plpgsql' ORDER BY 1
        """)

    static let missingExtensions = Check(
        "extension-missing", .blocker, "new's server has the extensions that old uses",
        because: "Types, functions and tables of old need them.",
        mend: "install the package on new's machine",
        reads: .both(extensions)
    ) { answer, survey in
        let new = answer.others.by(\.first)
        return try answer.rows.filter { $0.text(2) != nil && new[$0.first] == nil }.map { row in
            Finding(
                "extension \(visiblyQuoted(row.first))",
                "(\(row[2])) is in use on old, and new's server does not have it",
                mend:
                    "install its package for PostgreSQL \(try survey.reached(.new).serverMajor) on new's machine, or drop"
                    + " it on old")
        }
    }

    static let extensionVersions = Check(
        "extension-version", .warning, "extensions have the same versions on both sides",
        because:
            "Functions and types of an extension may behave otherwise in another version, and a value's text may too.",
        mend: "ALTER EXTENSION … UPDATE;",
        reads: .both(extensions)
    ) { answer, _ in
        let new = answer.others.by(\.first)
        return answer.rows.compactMap { row in
            guard let version = row.text(2), let other = new[row.first] else { return nil }
            let there = other.text(2) ?? other[1]
            guard there != version else { return nil }
            return Finding(
                "extension \(visiblyQuoted(row.first))",
                "is \(version) on old and \(other.text(2) == nil ? "would be \(there)" : there) on new",
                mend: "ALTER EXTENSION \(visiblyQuoted(row.first)) UPDATE; where it is the earlier one")
        }
    }
}
