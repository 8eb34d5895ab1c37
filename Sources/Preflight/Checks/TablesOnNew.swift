// Tables that new has already, against old's: whether every row has a place, what would be done to it on its way in, and
// what makes it slow. The comparing itself is SchemaCopy's, which refuses by the same words when it copies.

internal import Model
internal import Postgres
internal import SchemaCopy
internal import State
internal import Stream

extension Check {
    static let tablesOnNew = [
        missingTables, rowsOnNew, notATable, unloggedOnNew, missingColumns, extraColumns, generatedColumns, columnTypes,
        widerTypes, notNull, identityColumns, columnOrder, columnDefaults, constraintsOnNew, keysOnNew,
    ]

    static let missingTables = Check(
        "missing-tables", .blocker, "new has every carried table, where tandem does not make them itself",
        because:
            "The first change of a table that new lacks blocks the stream. With `initial_copy: all`, `run` makes them.",
        mend: "pg_dump --schema-only --table=… OLD | psql NEW; or `initial_copy: all`",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard !survey.copies, let old = survey.carried[.old], let new = survey.carried[.new] else { return [] }
        // Rows of a partition that new lacks go to its root there.
        return old.tables.filter { table in
            new.byName[table.name] == nil && table.root.map { new.byName[$0] == nil } ?? true
        }.map { table in
            Finding(
                table.name.description, "is not on new",
                mend: "pg_dump --schema-only --table=\(shellQuoted(table.name.sql)) OLD | psql NEW")
        }
    }

    static let rowsOnNew = Check(
        "rows-on-new", .blocker, "carried tables are empty on new, where tandem is to copy them",
        because: "Rows of others would be mixed with those that are copied: `run` refuses.",
        mend: "TRUNCATE …; on new; or, when you have loaded new yourself, `initial_copy: none` and `tandem prepare`",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.copies, !survey.isFollowing, let new = survey.carried[.new] else { return [] }
        let tables = new.tables.filter { $0.kind == "r" }.map(\.name)
        let target = TargetSide(try survey.reached(.new), survey.plan.stream)
        return try target.withRows(tables).map { name in
            Finding(name.description, "has rows on new already", mend: "on new: TRUNCATE \(name.pasteable);")
        }
    }

    private static func compared(_ kind: TableDifference.Kind) -> @Sendable (Answer, Survey) throws -> [Finding] {
        { _, survey in
            try survey.tableDifferences().filter { $0.kind == kind }.map { difference in
                // What somebody else loads need only take what comes, and may.
                let mayFit = !survey.copies && [.narrowerType, .nullability].contains(kind)
                return Finding(
                    difference.table.description, difference.message, mend: difference.remedy,
                    severity: difference.stands ? (mayFit ? .warning : nil) : .note)
            }
        }
    }

    static let notATable = Check(
        "not-a-table", .blocker, "what has a carried table's name on new is a table",
        because: "Rows cannot be written to anything else.",
        mend: "rename or drop what has its name on new",
        reads: .tried([.old, .new]), compared(.kind))

    static let unloggedOnNew = Check(
        "unlogged-on-new", .blocker, "no carried table is unlogged on new",
        because: "A crash of new would empty it, and nobody would send it again.",
        mend: "ALTER TABLE … SET LOGGED;",
        reads: .tried([.old, .new]), compared(.unlogged))

    static let missingColumns = Check(
        "missing-columns", .blocker, "carried tables have on new every column that they have on old",
        because: "A row with a column that new lacks blocks the stream.",
        mend: "ALTER TABLE … ADD COLUMN …;",
        reads: .tried([.old, .new]), compared(.missingColumn))

    static let extraColumns = Check(
        "extra-columns", .blocker, "columns that only new has need not be given a value",
        because: "Old has none to give: every insert would fail.",
        mend: "ALTER TABLE … ALTER COLUMN … SET DEFAULT …;",
        reads: .tried([.old, .new]), compared(.extraColumn))

    static let generatedColumns = Check(
        "generated-columns", .blocker, "columns are generated on both sides, or on neither",
        because: "What comes for a column that new generates cannot be kept, and what old generates is not sent before"
            + " PostgreSQL 18.",
        mend: "ALTER TABLE … ALTER COLUMN … DROP EXPRESSION; or add it on new as it is on old",
        reads: .tried([.old, .new]), compared(.generated))

    static let columnTypes = Check(
        "column-types", .blocker, "columns of new take every value of old's",
        because: "A value that does not fit blocks the stream, and some would be changed to fit without an error.",
        mend: "ALTER TABLE … ALTER COLUMN … TYPE …;",
        reads: .tried([.old, .new]), compared(.narrowerType))

    static let widerTypes = Check(
        "wider-types", .note, "columns that are of a wider type on new",
        because: "Every value fits; on the way back it may not.",
        mend: "nothing to do, when it is meant so",
        reads: .tried([.old, .new]), compared(.widerType))

    static let notNull = Check(
        "not-null", .blocker, "no column is NOT NULL on new only",
        because: "A row with NULL there blocks the stream.",
        mend: "ALTER TABLE … ALTER COLUMN … DROP NOT NULL;",
        reads: .tried([.old, .new]), compared(.nullability))

    static let identityColumns = Check(
        "identity-columns", .note, "GENERATED … AS IDENTITY is the same on both sides",
        because:
            "Applications that give values of their own, or rely on being given one, see it once they write to new.",
        mend: "ALTER TABLE … ALTER COLUMN … ADD GENERATED …;",
        reads: .tried([.old, .new]), compared(.identity))

    static let columnOrder = Check(
        "column-order", .note, "columns stand in the same order on both sides",
        because:
            "tandem matches them by name; an application that says SELECT * or INSERT without naming columns does not.",
        mend: "name columns in the application, or make the table again",
        reads: .both(
            Question(
                """
                SELECT n.nspname, c.relname, string_agg(quote_ident(a.attname), E'\\x01' ORDER BY a.attnum)
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 GROUP BY 1, 2 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, _ in
        let new = Dictionary(answer.others.map { ($0.name(0), $0[2]) }) { first, _ in first }
        return answer.rows.compactMap { row in
            guard let other = new[row.name(0)], other != row[2] else { return nil }
            func columns(_ text: String) -> [Substring] { text.split(separator: "\u{1}") }
            let (left, right) = (columns(row[2]), columns(other))
            // Only those that both have, in the order of either.
            let (mine, theirs) = (left.filter(right.contains), right.filter(left.contains))
            guard mine != theirs else { return nil }
            return Finding(
                row.name(0).description,
                "has its columns in another order on new: \(withoutControls(right.joined(separator: ", ")))")
        }
    }

    static let columnDefaults = Check(
        "column-defaults", .note, "columns have the same defaults on both sides",
        because: "Rows that come have their values; rows that applications write on new later get new's default.",
        mend: "ALTER TABLE … ALTER COLUMN … SET DEFAULT …;",
        reads: .both(
            Question(
                """
                SELECT n.nspname, c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                 WHERE NOT c.relispartition ORDER BY 1, 2, a.attnum
                """, [.carried]))
    ) { answer, _ in
        let new = Dictionary(answer.others.map { (ColumnKey($0), $0.text(3)) }) { first, _ in first }
        return answer.rows.compactMap { row in
            guard let other = new[ColumnKey(row)], other != row.text(3) else { return nil }
            let table = row.name(0)
            let alter = "ALTER TABLE \(table.pasteable) ALTER COLUMN \(visiblyQuoted(row[2]))"
            return Finding(
                "\(table) \(visiblyQuoted(row[2]))",
                "has default \(row.text(3).map(withoutControls) ?? "none") on old, \(other.map(withoutControls) ?? "none") on new",
                mend: "on new: \(alter) \(row.text(3).map { "SET DEFAULT \($0)" } ?? "DROP DEFAULT");")
        }
    }

    private struct ColumnKey: Hashable {
        let table: QualifiedName
        let column: [UInt8]

        init(_ row: Row) {
            table = row.name(0)
            column = Array(row[2].utf8)
        }
    }

    static let constraintsOnNew = Check(
        "constraints-on-new", .warning, "new has no CHECK, unique or exclusion constraint that old lacks",
        because: "They are checked on what is applied: a row that old allows may block.",
        mend: "ALTER TABLE … DROP CONSTRAINT …; on new, or add it on old",
        reads: .both(carriedConstraints)
    ) { answer, survey in
        let old = Set(answer.rows.map(ConstraintKey.init))
        let known = survey.carried[.old]?.byName ?? [:]
        return answer.others.filter { known[$0.name(0)] != nil && !old.contains(ConstraintKey($0)) }.map { row in
            Finding(
                row.name(0).description, "has \(row[3]) constraint \(visiblyQuoted(row[2])) on new, which old lacks",
                mend: "on new: ALTER TABLE \(row.name(0).pasteable) DROP CONSTRAINT \(visiblyQuoted(row[2]));")
        }
    }

    /// Those that are checked on what is applied: table, name, kind, and what it says.
    static let carriedConstraints = Question(
        """
        SELECT n.nspname, c.relname, k.conname, CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'exclusion'
               ELSE 'unique' END,
               CASE k.contype WHEN 'c' THEN pg_get_constraintdef(k.oid) ELSE (
                   SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attname) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)) END
          FROM pg_constraint k JOIN unnest($1::oid[]) AS x(oid) ON x.oid = k.conrelid
          JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE k.contype IN ('c', 'x', 'u', 'p') AND k.conparentid = 0 AND NOT c.relispartition ORDER BY 1, 2, 3
        """, [.carried])

    /// The same constraint on the other side, whatever its name.
    struct ConstraintKey: Hashable {
        private let table: QualifiedName
        private let rest: String

        init(_ row: Row) {
            (table, rest) = (row.name(0), row[3] + row[4].replacing(" NOT VALID", with: ""))
        }
    }

    static let keysOnNew = Check(
        "keys-on-new", .warning, "new has an index on the columns by which old's rows are found",
        because: "Without it every changed row is looked for in the whole table. With `initial_copy: all` it is made.",
        mend: "ALTER TABLE … ADD PRIMARY KEY (…); on new",
        reads: .both(
            Question(
                """
                SELECT n.nspname, c.relname, array_to_string(ARRAY(
                           SELECT quote_ident(a.attname) FROM pg_attribute a
                            WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                            ORDER BY 1), ', '),
                       i.indisprimary AND c.relreplident = 'd' OR i.indisreplident AND c.relreplident = 'i', i.indisunique
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                  JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am m ON m.oid = ic.relam
                 WHERE c.relkind = 'r' AND (i.indisunique OR m.amname IN ('btree', 'hash'))
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, survey in
        guard !survey.copies else { return [] }
        struct Key: Hashable {
            let table: QualifiedName
            let columns: String
        }
        let there = Set(answer.others.map { Key(table: $0.name(0), columns: $0[2]) })
        let known = survey.carried[.new]?.byName ?? [:]
        return answer.rows.filter { row in
            row.bool(3) && known[row.name(0)]?.kind == "r"
                && !there.contains(Key(table: row.name(0), columns: row[2]))
        }.map { row in
            Finding(
                row.name(0).description,
                "has no index on (\(withoutControls(row[2]))) on new, by which its rows are found",
                mend: "on new: CREATE UNIQUE INDEX ON \(row.name(0).pasteable) (\(row[2]));")
        }
    }
}
