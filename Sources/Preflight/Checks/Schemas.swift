// What tandem needs to make old's schema on new by itself, and what of it stays behind. The questions are SchemaCopy's own.

internal import Foundation
internal import Model
internal import Postgres
internal import SchemaCopy
internal import Stream
internal import Threading

extension Check {
    static let schemas = [dumpProgram, missingRoles, rolesToGiveTo, sequences, otherObjects, notCarried]

    static let dumpProgram = Check(
        "pg-dump", .blocker, "this machine has a pg_dump that is new enough for both servers",
        because: "tandem reads old's schema with it.",
        mend: "apt-get install postgresql-client-…; or name the directory that holds pg_dump in TANDEM_PG_TOOLS",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.copies else { return [] }
        let wanted = max(try survey.reached(.old).serverMajor, try survey.reached(.new).serverMajor)
        do { _ = try ClientTools.find(atLeast: wanted, stop: survey.stop) } catch let error as SchemaError {
            guard case .refused(let problems) = error else { throw error }
            return problems.map { Finding("this machine", "has no pg_dump for it: \($0.message)", mend: $0.remedy) }
        }
        return []
    }

    static let missingRoles = Check(
        "missing-roles", .blocker, "new has the roles that objects of old belong to or that have rights on them",
        because: "Objects and rights are made for them.",
        mend: "CREATE ROLE …; on new",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.copies else { return [] }
        let there = try SideReport(connection: survey.reached(.new)).roles()
        return try SideReport(connection: survey.reached(.old)).rolesInUse().filter { !there.contains($0.name) }.map {
            Finding(
                "role \(visiblyQuoted($0.name))", "is not on new",
                mend:
                    "on new: CREATE ROLE \(visiblyQuoted($0.name))\($0.attributes.isEmpty ? "" : " " + $0.attributes);")
        }
    }

    static let rolesToGiveTo = Check(
        "role-membership", .blocker,
        "tandem's role on new may give objects to the roles that own them on old: it becomes each for a moment",
        because: "It makes them, and then they belong to whom they belonged to.",
        mend: "GRANT owner TO tandem's role; on new",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard survey.copies else { return [] }
        let new = try survey.reached(.new)
        let (there, rehearsal) = (try SideReport(connection: new).roles(), Rehearsal(new, "trying to be another role"))
        return try SideReport(connection: survey.reached(.old)).owners().filter { there.contains($0) }.sorted()
            .filter { try rehearsal.refusal(of: "SET LOCAL ROLE \(quoted($0))")?.lacksPrivilege == true }.map {
                Finding(
                    "role \(visiblyQuoted($0))", "owns objects of old, and tandem's role on new is no member of it",
                    mend: "on new: GRANT \(visiblyQuoted($0)) TO \(try role(survey, .new));")
            }
    }

    static let sequences = Check(
        "sequences", .warning, "sequences that both sides have are made alike, and can be set",
        because:
            "tandem sets new's to where old's stand; one that counts otherwise, or may not be set, stays as it is.",
        mend: "ALTER SEQUENCE …; GRANT SELECT, UPDATE ON SEQUENCE … TO …; on new",
        reads: .both(
            Question(
                """
                SELECT n.nspname, c.relname, concat_ws(' ', format_type(s.seqtypid, NULL), 'INCREMENT', s.seqincrement,
                       'MINVALUE', s.seqmin, 'MAXVALUE', s.seqmax, CASE WHEN s.seqcycle THEN 'CYCLE' END),
                       has_sequence_privilege(c.oid, 'SELECT'), has_sequence_privilege(c.oid, 'UPDATE')
                  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relpersistence <> 't' AND n.nspname <> 'tandem' ORDER BY 1, 2
                """))
    ) { answer, survey in
        guard survey.copies else { return [] }
        let new = Dictionary(answer.others.map { ($0.name(0), $0) }) { first, _ in first }
        return try answer.rows.flatMap { row -> [Finding] in
            let name = row.name(0)
            var found: [Finding] = []
            if !row.bool(3) {
                found.append(
                    Finding(
                        name.description, "cannot be read on old by tandem's role",
                        mend: "GRANT SELECT ON SEQUENCE \(name.pasteable) TO \(try role(survey, .old));"))
            }
            guard let other = new[name] else { return found }
            if other[2] != row[2] {
                found.append(
                    Finding(
                        name.description, "is \(other[2]) on new, \(row[2]) on old",
                        mend: "on new: ALTER SEQUENCE \(name.pasteable) AS \(row[2]);"))
            }
            if !other.bool(3) || !other.bool(4) {
                found.append(
                    Finding(
                        name.description, "cannot be set on new by tandem's role",
                        mend: "GRANT SELECT, UPDATE ON SEQUENCE \(name.pasteable) TO \(try role(survey, .new));"))
            }
            return found
        }
    }

    static let otherObjects = Check(
        "other-objects", .warning, "functions and views that both sides have say the same",
        because: "What is on new already is left as it is: applications, defaults and checks get another answer there.",
        mend: "CREATE OR REPLACE …; on new, as it is on old",
        reads: .tried([.old, .new])
    ) { _, survey in
        try ObjectDifferences.find(old: survey.reached(.old), new: survey.reached(.new))
            .filter { !$0.hasPrefix("type ") }.map {
                Finding(
                    $0.replacing(" is on new already, and is not the same there", with: ""), "is not the same on new")
            }
    }

    private static let namedElsewhere: Set<String> = ["large objects", "foreign table", "unlogged table"]

    static let notCarried = Check(
        "not-carried", .note, "what else of old new does not get",
        because:
            "Publications, subscriptions, settings and rights of the database itself suit a server as much as a database:"
            + " a person decides.",
        mend: "as each line says",
        reads: .tried([.old])
    ) { _, survey in
        try LeftBehind(
            old: SideReport(connection: survey.reached(.old))
        ).list().filter { !namedElsewhere.contains($0.kind) }.map {
            Finding(
                $0.kind + ($0.name.map { " " + withoutControls($0) } ?? ""),
                "is not carried: \(withoutControls($0.reason))")
        }
    }
}
