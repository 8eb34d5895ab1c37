// Who else writes the carried tables on new, and whose code runs when tandem does.

internal import Model
internal import Postgres

extension Check {
    static let writers = [
        triggersOnNew, rulesOnNew, strangersTriggers, subscriptionsOnNew, subscriptionsOnOld, replicaByDefault,
        otherOrigins,
    ]

    private static let firing = """
        FROM pg_trigger t JOIN unnest($1::oid[]) AS x(oid) ON x.oid = t.tgrelid
          JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_roles fo ON fo.oid = f.proowner JOIN pg_roles co ON co.oid = c.relowner
         WHERE t.tgenabled IN ('R', 'A') AND NOT t.tgisinternal
           AND f.pronamespace IS DISTINCT FROM to_regnamespace('tandem')::oid
        """

    static let triggersOnNew = Check(
        "triggers-on-new", .warning, "no trigger of a carried table on new fires for replication",
        because:
            "ENABLE ALWAYS and ENABLE REPLICA triggers fire for each change that tandem applies, after it fired on old"
            + " already, with an empty search_path; and no change is folded into another.",
        mend: "ALTER TABLE … ENABLE TRIGGER …; (for applications only)",
        reads: .new(
            Question(
                """
                SELECT n.nspname, c.relname, t.tgname, t.tgenabled, f.oid::regprocedure, fo.rolname
                \(firing) AND (NOT c.relispartition OR NOT EXISTS (
                       SELECT FROM pg_trigger p WHERE p.tgname = t.tgname AND p.tgrelid = pg_partition_root(c.oid)))
                 ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { row in
            Finding(
                row.name(0).description,
                "has trigger \(visiblyQuoted(row[2])) ENABLE \(row[3] == "A" ? "ALWAYS" : "REPLICA") on new, which runs"
                    + " \(withoutControls(row[4])) of role \(visiblyQuoted(row[5]))",
                mend: "on new: ALTER TABLE \(row.name(0).pasteable) ENABLE TRIGGER \(visiblyQuoted(row[2]));")
        }
    }

    static let strangersTriggers = Check(
        "trigger-owners", .blocker, "no trigger that fires for tandem as superuser belongs to a role that is none",
        because: "The owner of the table or of the function can do anything on new with tandem's rights.",
        mend: "a role on new for tandem that is no superuser (`tandem preflight --grants`), or ENABLE TRIGGER",
        reads: .new(
            Question(
                """
                SELECT DISTINCT n.nspname, c.relname, t.tgname, CASE WHEN fo.rolsuper THEN co.rolname ELSE fo.rolname END
                \(firing) AND NOT (fo.rolsuper AND co.rolsuper)
                   AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                 ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, _ in
        answer.rows.map { row in
            Finding(
                row.name(0).description,
                "has trigger \(visiblyQuoted(row[2])) on new, which runs as superuser and is in the hands of role"
                    + " \(visiblyQuoted(row[3]))",
                mend: "on new: ALTER TABLE \(row.name(0).pasteable) ENABLE TRIGGER \(visiblyQuoted(row[2]));")
        }
    }

    static let rulesOnNew = Check(
        "rules-on-new", .blocker, "no rule of a carried table on new applies to replication",
        because: "COPY would pass it by, so the table is not copied; and what the stream writes is rewritten.",
        mend: "ALTER TABLE … ENABLE RULE …; (for applications only)",
        reads: .new(
            Question(
                """
                SELECT n.nspname, c.relname, r.rulename FROM pg_rewrite r
                  JOIN unnest($1::oid[]) AS x(oid) ON x.oid = r.ev_class
                  JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE r.ev_enabled IN ('R', 'A') AND r.ev_type <> '1' ORDER BY 1, 2, 3
                """, [.carried]))
    ) { answer, survey in
        answer.rows.map { row in
            Finding(
                row.name(0).description, "has rule \(visiblyQuoted(row[2])) on new, which applies to replication",
                mend: "on new: ALTER TABLE \(row.name(0).pasteable) ENABLE RULE \(visiblyQuoted(row[2]));",
                severity: survey.copies ? nil : .warning)
        }
    }

    /// Before 14 not everybody may see a subscription's number in its catalog; in the view everybody may.
    private static let subscribed = Question(
        """
        SELECT n.nspname, c.relname, s.subname, s.subenabled FROM pg_subscription_rel r
          JOIN unnest($1::oid[]) AS x(oid) ON x.oid = r.srrelid
          JOIN (SELECT DISTINCT subid, subname FROM pg_stat_subscription) i ON i.subid = r.srsubid
          JOIN pg_subscription s ON s.subname = i.subname
           AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
          JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3
        """, [.carried])

    static let subscriptionsOnNew = Check(
        "subscriptions-on-new", .blocker, "no subscription of new writes a carried table",
        because: "Two would write the same rows.",
        mend: "DROP SUBSCRIPTION …; on new",
        reads: .new(subscribed)
    ) { answer, _ in
        answer.rows.map { row in
            Finding(
                row.name(0).description,
                "is written on new by subscription \(visiblyQuoted(row[2]))\(row.bool(3) ? "" : ", which is disabled")",
                mend: "on new: DROP SUBSCRIPTION \(visiblyQuoted(row[2]));", severity: row.bool(3) ? nil : .warning)
        }
    }

    static let subscriptionsOnOld = Check(
        "subscriptions-on-old", .note, "subscriptions that write carried tables on old",
        because:
            "What they write is carried like anything else. They do not move along: make them on new when it takes over.",
        mend: "nothing to do before the switch",
        reads: .old(subscribed)
    ) { answer, _ in
        answer.rows.map {
            Finding($0.name(0).description, "is written on old by subscription \(visiblyQuoted($0[2]))")
        }
    }

    static let replicaByDefault = Check(
        "replica-writers", .warning, "no role or database has session_replication_role = replica by default",
        because: "Such sessions write without triggers and foreign keys, on either side, beside tandem.",
        mend: "ALTER ROLE … RESET session_replication_role;",
        reads: .each(
            Question(
                """
                SELECT coalesce('role ' || quote_ident(r.rolname), 'every role')
                  FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) x LEFT JOIN pg_roles r ON r.oid = s.setrole
                 WHERE x = 'session_replication_role=replica'
                   AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                 ORDER BY 1
                """))
    ) { answer, _ in
        answer.rows.map {
            Finding(
                answer.side.rawValue, "has session_replication_role = replica for \(withoutControls($0.first))",
                mend: "ALTER ROLE … RESET session_replication_role;")
        }
    }

    static let otherOrigins = Check(
        "other-origins", .note, "replication origins of others on new",
        because:
            "Some program applies changes of another server there. That is well, as long as it writes other tables.",
        mend: "SELECT pg_replication_origin_drop('…'); if nothing uses it",
        reads: .new(
            Question(
                """
                SELECT o.roname FROM pg_replication_origin o
                 WHERE o.roname NOT LIKE 'tandem\\_%' AND NOT EXISTS (
                       SELECT FROM pg_subscription s WHERE o.roname LIKE 'pg\\_' || s.oid || '%') ORDER BY 1
                """))
    ) { answer, _ in answer.rows.map { Finding("new", "has replication origin \(withoutControls($0.first))") } }
}
