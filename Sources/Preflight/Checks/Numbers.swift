// Numbers that run out: sequences, the keys they fill and those that nobody's sequence fills, transaction numbers.

internal import Model
internal import Postgres

extension Check {
    static let numbers = [sequenceLimits, keyLimits, transactionNumbers]

    static let sequenceLimits = Check(
        "sequence-limits", .warning, "sequences and the columns they fill have numbers left",
        because: "One that runs out stops inserts. A move is the time to widen it.",
        mend: "ALTER TABLE … ALTER COLUMN … TYPE bigint; ALTER SEQUENCE … AS bigint;",
        reads: .old(
            Question(
                """
                SELECT n.nspname, c.relname, s.last_value, l.bound, col.name, col.type
                  FROM pg_sequences s JOIN pg_namespace n ON n.nspname = s.schemaname
                  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename
                  LEFT JOIN LATERAL (
                       SELECT a.attrelid::regclass || '.' || quote_ident(a.attname) AS name,
                              format_type(a.atttypid, NULL) AS type
                         FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 LIMIT 1) col ON true
                 CROSS JOIN LATERAL (
                       SELECT CASE col.type WHEN 'smallint' THEN 32767 WHEN 'integer' THEN 2147483647
                              ELSE 9223372036854775807 END AS widest) w
                 CROSS JOIN LATERAL (
                       SELECT CASE WHEN s.increment_by > 0 THEN least(s.max_value, w.widest)
                              ELSE greatest(s.min_value, -w.widest) END AS bound) l
                 WHERE NOT s.cycle AND n.nspname <> 'tandem' AND l.bound <> 0
                   AND sign(s.last_value) = sign(l.bound) AND s.last_value::numeric / l.bound > 0.8
                 ORDER BY 1, 2
                """))
    ) { answer, _ in
        answer.rows.map { row in
            let column = row.text(4).map { " for \(withoutControls($0)) (\(row[5]))" } ?? ""
            return Finding(row.name(0).description, "has given out \(row[2]) of \(row[3])\(column)")
        }
    }

    static let keyLimits = Check(
        "key-limits", .warning, "keys of type smallint and integer have numbers left, by the planner's statistics",
        because:
            "Such a key may be filled by the application, where no sequence tells. When its type runs out, inserts stop.",
        mend: "ALTER TABLE … ALTER COLUMN … TYPE bigint; on both sides, or on new alone",
        reads: .old(
            Question(
                """
                WITH key AS MATERIALIZED (
                    SELECT n.nspname, c.relname, a.attname, s.histogram_bounds::text AS bounds,
                           CASE a.atttypid WHEN 'int2'::regtype THEN 32767 ELSE 2147483647 END AS widest
                      FROM unnest($1::oid[]) AS x(oid) JOIN pg_class c ON c.oid = x.oid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
                      JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                       AND a.atttypid IN ('int2'::regtype, 'int4'::regtype)
                      JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                ), highest AS MATERIALIZED (
                    SELECT key.*, (SELECT max(v) FROM unnest(key.bounds::int8[]) v) AS highest FROM key
                )
                SELECT h.nspname, h.relname, h.attname, h.highest, h.widest FROM highest h
                 WHERE h.highest > 0.8 * h.widest
                   AND pg_get_serial_sequence(format('%I.%I', h.nspname, h.relname), h.attname) IS NULL
                 ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { row in
            let table = row.name(0)
            return Finding(
                "\(table) \(visiblyQuoted(row[2]))", "has come to \(row[3]) of \(row[4])",
                mend: "ALTER TABLE \(table.pasteable) ALTER COLUMN \(visiblyQuoted(row[2])) TYPE bigint; on both sides")
        }
    }

    static let transactionNumbers = Check(
        "transaction-numbers", .warning, "old is far from the end of its transaction numbers",
        because:
            "tandem's slot and the snapshots of a copy hold vacuum back; a server that comes to two thousand million"
            + " unfrozen transactions takes no more writes.",
        mend: "VACUUM FREEZE; on old, in the database that is named, before the copy",
        reads: .old(
            Question("SELECT datname, age(datfrozenxid) FROM pg_database WHERE datallowconn ORDER BY datname"))
    ) { answer, _ in
        answer.rows.filter { $0.int(1) > 1_000_000_000 }.map { row in
            Finding(
                "database \(visiblyQuoted(row.first))", "has transactions that are \(row[1]) old and not frozen",
                mend: "VACUUM (FREEZE, ANALYZE); in database \(visiblyQuoted(row.first))")
        }
    }
}
