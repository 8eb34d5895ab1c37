// Whether changes of new could come back to old, which later steps need. Looked at once new follows: before that it need not
// have anything. None of it keeps new from following; the step that makes the stream back refuses all of it.

internal import Model
internal import Postgres
internal import SchemaCopy
internal import State
internal import Stream

extension Check {
    static let reverse = [
        reverseLog, reverseSlots, reversePublishing, reverseIdentity, reverseTables, reverseValues, reverseWriting,
    ]

    static let reverseLog = Check(
        "reverse-wal-level", .warning, "new's log has what logical decoding needs, for the way back",
        because: "Without it there is no stream from new to old, and no step that relies on one.",
        mend: "ALTER SYSTEM SET wal_level = 'logical'; and restart new",
        reads: .new(Question("SELECT current_setting('wal_level')"))
    ) { answer, survey in
        guard survey.isFollowing, let level = answer.rows.first?.first, level != "logical" else { return [] }
        return [
            Finding(
                "new", "runs with wal_level = \(level)",
                mend: "ALTER SYSTEM SET wal_level = 'logical'; and restart new")
        ]
    }

    static let reverseSlots = Check(
        "reverse-slots", .warning, "new has a replication slot and a WAL sender to spare, and old an origin",
        because: "The stream back needs one of each.",
        mend: "ALTER SYSTEM SET max_replication_slots = …; ALTER SYSTEM SET max_wal_senders = …; and restart",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.isFollowing else { return [] }
        let (old, new) = try (survey.reached(.old), survey.reached(.new))
        guard try SourceSide(new, survey.plan.stream.opposite).slot() == nil else { return [] }
        return try slots(on: new) + origins(on: old)
    }

    private static func slots(on new: Connection) throws -> [Finding] {
        let row = try new.query(
            """
            SELECT current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
                   current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_get_wal_senders())
            """, doing: "looking for slots to spare on \(new.label)")
        let lacking = [("replication slot", "max_replication_slots", 0), ("WAL sender", "max_wal_senders", 1)].filter {
            (row.int(0, $0.2) ?? 1) <= 0
        }
        return lacking.map { what, setting, _ in
            Finding("new", "has no free \(what)", mend: "ALTER SYSTEM SET \(setting) = …; and restart new")
        }
    }

    private static func origins(on old: Connection) throws -> [Finding] {
        let setting = old.serverMajor >= 18 ? "max_active_replication_origins" : "max_replication_slots"
        let row = try old.query(
            "SELECT current_setting('\(setting)')::int - (SELECT count(*) FROM pg_replication_origin)",
            doing: "looking for origins to spare on \(old.label)")
        // Its own, a second one for catching up, one for repairs.
        guard (row.int(0, 0) ?? 3) < 3 else { return [] }
        return [
            Finding(
                "old",
                "can follow only \(max(0, row.int(0, 0) ?? 0)) more replication origins, and the way back takes 3",
                mend: "ALTER SYSTEM SET \(setting) = …; and restart old")
        ]
    }

    static let reversePublishing = Check(
        "reverse-privileges", .warning, "tandem's role may publish the carried tables on new, and read its log",
        because:
            "A publication on new is made by the tables' owner, or a member of that role; a slot takes REPLICATION.",
        mend:
            "ALTER ROLE … REPLICATION; GRANT CREATE ON DATABASE … TO …; GRANT owner TO tandem's role;",
        reads: .new(
            Question(
                [.carried]) { _ in
                    """
                    SELECT r.rolreplication OR r.rolsuper,
                           has_database_privilege(current_database(), 'CREATE'),
                           (SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(c.relowner)), ', ')
                              FROM pg_class c WHERE c.oid = ANY ($1::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE'))
                      FROM pg_roles r WHERE r.rolname = current_user
                    """
                })
    ) { answer, survey in
        guard survey.isFollowing, let row = answer.rows.first, let new = survey.connection(.new) else { return [] }
        let role = visiblyQuoted(new.role)
        var findings: [Finding] = []
        if row[0] != "t" {
            findings.append(
                Finding("role \(role) on new", "may not use replication", mend: "ALTER ROLE \(role) REPLICATION;"))
        }
        if row[1] != "t" {
            findings.append(
                Finding(
                    "role \(role) on new", "may not make a publication",
                    mend: "GRANT CREATE ON DATABASE \(visiblyQuoted(new.database)) TO \(role);"))
        }
        if let owners = row.text(2) {
            findings.append(
                Finding(
                    "role \(role) on new", "may not publish tables of \(withoutControls(owners))",
                    mend: "GRANT \(withoutControls(owners)) TO \(role);"))
        }
        return findings
    }

    static let reverseIdentity = Check(
        "reverse-identity", .warning, "every carried table has a primary key or another replica identity on new, too",
        because: "The moment it is published there, UPDATE and DELETE of a table without one fail on new.",
        mend: "a primary key; or ALTER TABLE … REPLICA IDENTITY FULL; on new",
        reads: .tried([.new])
    ) { _, survey in
        guard survey.isFollowing else { return [] }
        let names = Set(survey.published.map(\.name))
        let tables = try SourceSide(survey.reached(.new), survey.plan.stream.opposite).tables()
        return tables.filter { names.contains($0.name) }.flatMap(\.withoutIdentity).filter(\.isHarmed).map { relation in
            Finding(
                relation.name.description, "has neither primary key nor other replica identity on new",
                mend: "on new: ALTER TABLE \(relation.name.pasteable) REPLICA IDENTITY FULL;")
        }
    }

    static let reverseTables = Check(
        "reverse-tables", .warning, "every row of a carried table of new has a place on old",
        because:
            "What old has no column, no type or no partition for cannot come back: the stream back would block at the first"
            + " change of such a table.",
        mend: "what is named here, on old; or decide that there is no way back",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.isFollowing else { return [] }
        let names = Set(survey.published.map(\.name))
        let (old, new) = try (survey.reached(.old), survey.reached(.new))
        let there = try SourceSide(new, survey.plan.stream.opposite).tables().map(\.name).filter(names.contains)
        let missing = names.subtracting(there).sorted().map { Finding($0.description, "is not on new") }
        let obstacles = try ReverseObstacles(survey.plan, stop: survey.stop).read(there, new: new, old: old)
        return missing + obstacles.map { Finding($0.table.description, $0.what, mend: $0.remedy) }
    }

    static let reverseValues = Check(
        "reverse-values", .warning, "old takes every value that new does",
        because:
            "Where old is narrower or stricter, one value that only new can take blocks the stream back, and everything behind it.",
        mend: "make old as wide as new; or see to it that nobody writes there what old cannot take",
        reads: .both(carriedConstraints)
    ) { answer, survey in
        guard survey.isFollowing else { return [] }
        let names = Set(survey.published.map(\.name))
        let narrower = try survey.tableDifferences().filter { difference in
            !difference.stands && [.widerType, .nullability].contains(difference.kind)
                && names.contains(difference.table)
        }.map { difference in
            let change = difference.kind == .widerType ? "TYPE …" : "DROP NOT NULL"
            return Finding(
                difference.table.description, difference.message,
                mend: "on old: ALTER TABLE \(difference.table.pasteable) ALTER COLUMN … \(change);")
        }
        let new = Set(answer.others.map(ConstraintKey.init))
        let stricter = answer.rows.filter { names.contains($0.name(0)) && !new.contains(ConstraintKey($0)) }.map {
            row in
            Finding(
                row.name(0).description, "has \(row[3]) constraint \(visiblyQuoted(row[2])) on old, which new lacks",
                mend:
                    "add it on new; or on old: ALTER TABLE \(row.name(0).pasteable) DROP CONSTRAINT \(visiblyQuoted(row[2]));"
            )
        }
        return narrower + stricter
    }

    static let reverseWriting = Check(
        "reverse-writing", .warning, "tandem's role may write every carried table on old: tried without a row",
        because: "The stream back writes old as the one forward writes new, with the same rights.",
        mend: "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON … TO …; on old. `tandem preflight --grants`",
        reads: .tried([.old])
    ) { _, survey in
        guard survey.isFollowing else { return [] }
        let old = try survey.reached(.old)
        let connection: Connection
        do throws(PostgresError) {
            // As the applier connects: what only this kind of session needs is refused here.
            connection = try Connection(
                to: survey.plan.old, for: .apply, as: Survey.application, stop: survey.stop)
        } catch {
            guard error.kind != .interrupted, !error.isConnectionLost else { throw error }
            return [Finding("old", "refuses a session that applies: \(error)", mend: error.hint)]
        }
        let role = visiblyQuoted(old.role)
        let failures = try TableTrial(on: connection, survey.carried[.old]?.tables ?? [], writes: true).failures()
        return failures.map { failure in
            let table = failure.table.name
            guard !failure.isRowSecurity else {
                return Finding(
                    table.description, "hides rows on old by row security", mend: "ALTER ROLE \(role) BYPASSRLS;")
            }
            return Finding(
                table.description, "cannot be written on old: \(failure.error.message)",
                mend: failure.error.lacksPrivilege
                    ? "on old: GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \(table.pasteable) TO \(role);" : nil)
        } + (try origins(role, connection))
    }

    private static func origins(_ role: String, _ old: Connection) throws -> [Finding] {
        let row = try old.query(
            """
            SELECT has_function_privilege('pg_catalog.pg_replication_origin_create(text)', 'EXECUTE')
               AND has_function_privilege('pg_catalog.pg_replication_origin_session_setup(text)', 'EXECUTE')
               AND has_function_privilege('pg_catalog.pg_replication_origin_xact_setup(pg_lsn, timestamptz)', 'EXECUTE')
               AND has_function_privilege('pg_catalog.pg_replication_origin_advance(text, pg_lsn)', 'EXECUTE')
            """, doing: "looking for rights to origins on \(old.label)")
        guard !row.bool(0, 0) else { return [] }
        return [
            Finding(
                "role \(role) on old", "may not mark what it writes with an origin",
                mend: "on old: " + Privilege.origins(on: old))
        ]
    }
}
