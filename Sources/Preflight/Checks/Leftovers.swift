// What bears tandem's name already, and others who write what tandem writes.

internal import Model
internal import Postgres
internal import Stream

extension Check {
    static let leftovers = [foreignSchema, otherStreams]

    static let foreignSchema = Check(
        "schema-tandem", .blocker, "schema tandem, where it is there, belongs to a role that need not be feared",
        because:
            "Tables in it that somebody else has made could run that somebody's code as tandem's role. It is never used"
            + " then.",
        mend: "DROP SCHEMA tandem CASCADE; if it is not tandem's own",
        reads: .each(
            Question(
                """
                SELECT DISTINCT r.rolname FROM (
                       SELECT nspowner AS owner FROM pg_namespace WHERE nspname = 'tandem'
                       UNION SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = 'tandem') o
                  JOIN pg_roles r ON r.oid = o.owner JOIN pg_roles me ON me.rolname = current_user
                 WHERE NOT r.rolsuper AND r.oid <> me.oid AND (me.rolsuper OR NOT pg_has_role(me.oid, r.oid, 'USAGE'))
                """))
    ) { answer, _ in
        answer.rows.map {
            Finding(
                answer.side.rawValue, "has a schema tandem, or a table in it, of role \(visiblyQuoted($0.first))",
                mend: "DROP SCHEMA tandem CASCADE; if it is not tandem's own, made under that role")
        }
    }

    static let otherStreams = Check(
        "leftovers", .note, "slots, publications and origins of tandem's that belong to other streams",
        because: "They may be in use. One that nobody uses any more holds back old's log and vacuum.",
        mend: "`tandem abort` with the configuration it was made with; or drop it by hand",
        reads: .each(
            Question(
                """
                SELECT 'slot ' || slot_name || CASE WHEN active THEN '' ELSE ', which nobody reads' END, slot_name
                  FROM pg_replication_slots WHERE slot_name LIKE 'tandem\\_%' AND NOT temporary
                   AND (database = current_database() OR NOT active)
                UNION ALL SELECT 'publication ' || pubname, pubname FROM pg_publication WHERE pubname LIKE 'tandem\\_%'
                UNION ALL SELECT 'origin ' || o.roname, o.roname
                  FROM pg_replication_origin o WHERE o.roname LIKE 'tandem\\_%'
                ORDER BY 1
                """))
    ) { answer, survey in
        // Origins and slots are those of a whole cluster, and of streams of other pairs. This pair's own are both streams', and
        // those of what writes beside them.
        answer.rows.filter { !survey.plan.stream.isOwn(origin: $0[1]) }.map {
            Finding(answer.side.rawValue, "has \(withoutControls($0.first))")
        }
    }
}
