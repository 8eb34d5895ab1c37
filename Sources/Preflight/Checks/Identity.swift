// How rows of a carried table are found again: what publishing would break, and what makes finding them slow or loose.

internal import Model
internal import State

extension Check {
    static let identities = [identity, declaredInsertOnly, generatedIdentity, fullIdentity, deferrableKeys]

    static let identity = Check(
        "identity", .blocker, "every carried table has a primary key or another replica identity",
        because:
            "The moment a table without one is published, UPDATE and DELETE of it fail on old, for the application.",
        mend: "a primary key; or ALTER TABLE … REPLICA IDENTITY FULL; or name the table under `exclude`",
        reads: .tried([.old])
    ) { _, survey in
        survey.published.flatMap(\.withoutIdentity).filter(\.isHarmed).map { relation in
            Finding(
                relation.name.description,
                relation.isDeclared
                    ? "has REPLICA IDENTITY NOTHING, and its rows are updated or deleted"
                    : "has neither primary key nor other replica identity",
                mend: "ALTER TABLE \(relation.name.pasteable) REPLICA IDENTITY FULL;")
        }
    }

    static let declaredInsertOnly = Check(
        "identity-nothing", .warning, "no carried table has REPLICA IDENTITY NOTHING",
        because:
            "Somebody has declared that its rows are only inserted. Once it is published, old refuses to update or delete"
            + " them.",
        mend: "ALTER TABLE … REPLICA IDENTITY DEFAULT; if that is not what was meant",
        reads: .tried([.old])
    ) { _, survey in
        survey.published.flatMap(\.withoutIdentity).filter { !$0.isHarmed }.map { relation in
            Finding(
                relation.name.description, "has REPLICA IDENTITY NOTHING: published, it takes inserts only",
                mend: "ALTER TABLE \(relation.name.pasteable) REPLICA IDENTITY DEFAULT; if it has a primary key")
        }
    }

    static let generatedIdentity = Check(
        "identity-generated", .blocker, "no replica identity has a generated column that is not published",
        because:
            "Before PostgreSQL 18 generated columns are not published, and a row could not be found on new without that"
            + " part of its key; from 18 on, old refuses to update such rows.",
        mend:
            "ALTER TABLE … REPLICA IDENTITY FULL; from 18 on a primary key instead; or name the table under `exclude`",
        reads: .tried([.old])
    ) { _, survey in
        survey.published.flatMap(\.unpublishedIdentity).map { identity in
            Finding(
                "\(identity.table) \(visiblyQuoted(identity.column))",
                identity.breaksUpdates
                    ? "is a virtual generated column in a table with REPLICA IDENTITY FULL"
                    : "is a generated column of the replica identity",
                mend: identity.breaksUpdates
                    ? "ALTER TABLE \(identity.table.pasteable) REPLICA IDENTITY DEFAULT; with a primary key"
                    : "ALTER TABLE \(identity.table.pasteable) REPLICA IDENTITY FULL;")
        }
    }

    static let fullIdentity = Check(
        "identity-full", .note, "tables whose rows are found by the whole row",
        because:
            "Without a unique key on new each changed row is looked for by all its values: slow in a large table. Types"
            + " without equality (json, xml, point …) are compared by their bytes; rows that are exactly alike are told apart"
            + " by nothing, and need not be.",
        mend: "a primary key, on both sides",
        reads: .old(
            Question(
                """
                SELECT n.nspname, c.relname, greatest(c.reltuples, 0)::int8,
                       (SELECT string_agg(format('%I (%s)', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                               ORDER BY a.attnum)
                          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                           AND NOT EXISTS (
                               SELECT FROM pg_opclass o WHERE o.opcdefault AND o.opcintype IN (t.oid, t.typbasetype)
                                  AND o.opcmethod IN (SELECT oid FROM pg_am WHERE amname IN ('btree', 'hash')))
                           AND t.typtype IN ('b', 'd') AND t.typcategory <> 'A'
                           AND t.oid NOT IN ('varchar'::regtype, 'cidr'::regtype))
                  FROM pg_class c JOIN unnest($1::oid[]) AS x(oid) ON x.oid = c.oid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind = 'r' AND c.relreplident = 'f'
                   AND NOT EXISTS (
                       SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate
                          AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                          AND NOT EXISTS (
                              SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k
                                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k AND NOT a.attnotnull))
                 ORDER BY 1, 2
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { row in
            let types = row.text(3).map { "; without equality: \(withoutControls($0))" } ?? ""
            return Finding(
                row.name(0).description, "has no unique key, and is found by the whole row (\(row[2]) rows)\(types)",
                mend: "ALTER TABLE \(row.name(0).pasteable) ADD PRIMARY KEY (…);")
        }
    }

    static let deferrableKeys = Check(
        "deferrable-keys", .note, "carried tables with deferrable unique keys",
        because:
            "Replication leaves them unchecked on new; tandem checks them before every commit, which costs time on large"
            + " transactions.",
        mend: "ALTER TABLE … DROP CONSTRAINT …, ADD UNIQUE (…); if nothing needs it to be deferrable",
        reads: .old(
            Question(
                """
                SELECT n.nspname, c.relname, k.conname
                  FROM pg_constraint k JOIN unnest($1::oid[]) AS x(oid) ON x.oid = k.conrelid
                  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE k.contype IN ('p', 'u') AND k.condeferrable ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { Finding($0.name(0).description, "has deferrable key \(visiblyQuoted($0[2]))") }
    }
}
