// What of old's tables, sequences and other contents is not carried, or will not be for long.

internal import Model
internal import Postgres
internal import State

extension Check {
    static let tables =
        identities + [
            unlogged, foreignTables, temporaryTables, largeObjects, foreignKeysOut, foreignKeysIn, notValidated,
        ] + numbers

    static let unlogged = Check(
        "unlogged-tables", .warning, "no table that `data_a` names is unlogged",
        because: "Its writes are not in the log: it is made on new, and stays empty.",
        mend: "ALTER TABLE … SET LOGGED; or name it under `exclude`",
        reads: .tried([.old])
    ) { _, survey in
        survey.chosen.filter(\.isUnlogged).map {
            Finding(
                $0.name.description, "is unlogged on old, so nothing of it is carried",
                mend: "ALTER TABLE \($0.name.pasteable) SET LOGGED;")
        }
    }

    static let foreignTables = Check(
        "foreign-tables", .note, "foreign tables of old",
        because: "Their rows are on another server, which new must be able to reach as old does.",
        mend: "CREATE USER MAPPING …; on new, and let its server in over there",
        reads: .old(
            Question(
                """
                SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind = 'f' ORDER BY 1, 2
                """))
    ) { answer, _ in
        answer.rows.map { Finding($0.name(0).description, "is a foreign table: its definition is copied, no rows") }
    }

    static let temporaryTables = Check(
        "temporary-tables", .note, "temporary tables in use on old",
        because: "They belong to sessions and are not carried; a session that moves to new must make them again.",
        mend: "nothing to do; mind them when applications move",
        reads: .old(
            Question(
                """
                SELECT count(*), min(c.relname) FROM pg_class c
                 WHERE c.relpersistence = 't' AND c.relkind IN ('r', 'p') HAVING count(*) > 0
                """))
    ) { answer, _ in
        answer.rows.map { Finding("old", "has \($0[0]) temporary tables, such as \(visiblyQuoted($0[1]))") }
    }

    static let largeObjects = Check(
        "large-objects", .warning, "old has no large objects",
        because: "Logical replication does not contain them: neither existing ones nor changes come to new.",
        mend: "bytea columns; or carry them by other means, with writers stopped",
        reads: .old(
            Question(
                """
                SELECT count(*), (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                                   WHERE a.atttypid IN ('oid'::regtype, to_regtype('public.lo')) AND c.oid >= 16384
                                     AND a.attnum > 0 AND c.relkind = 'r')
                  FROM pg_largeobject_metadata HAVING count(*) > 0
                """))
    ) { answer, _ in
        answer.rows.map {
            Finding("old", "has \($0[0]) large objects, and \($0[1]) columns that could refer to them")
        }
    }

    private static func foreignKeys(from carried: String, to others: String) -> Question {
        Question(
            """
            SELECT n.nspname, c.relname, k.conname, rn.nspname, r.relname
              FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
             WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence = 'p'
               AND \(carried) IN (SELECT unnest($1::oid[])) AND \(others) NOT IN (SELECT unnest($1::oid[]))
             ORDER BY 1, 2, 3
            """, [.carried])
    }

    static let foreignKeysOut = Check(
        "foreign-keys-out", .warning, "no carried table refers to one that is not carried",
        because:
            "What it refers to does not come to new: the key cannot be validated there, and the copy ends with that"
            + " error.",
        mend: "carry both, or neither; or drop the foreign key",
        reads: .old(foreignKeys(from: "k.conrelid", to: "k.confrelid"))
    ) { answer, _ in
        answer.rows.map {
            Finding(
                $0.name(0).description, "refers by \(visiblyQuoted($0[2])) to \($0.name(3)), which is not carried",
                mend: "add \($0.name(3)) to `data_a`")
        }
    }

    static let foreignKeysIn = Check(
        "foreign-keys-in", .warning, "no table that is not carried refers to a carried one",
        because:
            "tandem deletes rows without asking foreign keys, so rows that refer to them stay behind; and TRUNCATE of the"
            + " carried table fails on new while such a table is there.",
        mend: "carry both; or drop the foreign key on new",
        reads: .old(foreignKeys(from: "k.confrelid", to: "k.conrelid"))
    ) { answer, _ in
        answer.rows.map {
            Finding(
                $0.name(0).description, "is not carried, and refers by \(visiblyQuoted($0[2])) to \($0.name(3))",
                mend: "on new: ALTER TABLE \($0.name(0).pasteable) DROP CONSTRAINT \(visiblyQuoted($0[2]));")
        }
    }

    static let notValidated = Check(
        "not-validated", .note, "constraints of old that were never validated",
        because:
            "Existing rows may violate them. They are made on new as they are, unvalidated; a constraint that new has"
            + " validated would refuse such rows.",
        mend: "ALTER TABLE … VALIDATE CONSTRAINT …;",
        reads: .old(
            Question(
                """
                SELECT n.nspname, c.relname, k.conname
                  FROM pg_constraint k JOIN unnest($1::oid[]) AS x(oid) ON x.oid = k.conrelid
                  JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE NOT k.convalidated ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map {
            Finding(
                $0.name(0).description, "has constraint \(visiblyQuoted($0[2])), which was never validated",
                mend: "ALTER TABLE \($0.name(0).pasteable) VALIDATE CONSTRAINT \(visiblyQuoted($0[2]));")
        }
    }
}
