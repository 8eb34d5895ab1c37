// Whether the fence could be put up: its triggers on every carried table of both sides. Looked at once new follows.

internal import Model
internal import Postgres

extension Check {
    static let fencing = [fenceRights]

    static let fenceRights = Check(
        "fence-rights", .warning,
        "tandem's roles may fence the carried tables: as owners, in PL/pgSQL, and seeing whom they wait for",
        because:
            "Where the sides change places, a trigger on each table holds writers back for a moment. Only a table's owner can"
            + " have it fire for everybody.",
        mend: "GRANT owner TO tandem's role; GRANT USAGE ON LANGUAGE plpgsql TO …; GRANT pg_read_all_stats TO …;",
        reads: .each(
            Question(
                """
                SELECT EXISTS (SELECT FROM pg_language l WHERE l.lanname = 'plpgsql' AND has_language_privilege(l.oid, 'USAGE')),
                       (SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(c.relowner)), ', ')
                          FROM pg_class c WHERE c.oid = ANY ($1::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE')),
                       pg_has_role('pg_read_all_stats', 'USAGE')
                """, [.carried]))
    ) { answer, survey in
        guard survey.isFollowing, let row = answer.rows.first, let connection = survey.connection(answer.side) else {
            return []
        }
        let role = visiblyQuoted(connection.role)
        let object = "role \(role) on \(answer.side.rawValue)"
        var findings: [Finding] = []
        if !row.bool(0) {
            findings.append(
                Finding(
                    object, "has no PL/pgSQL, in which the fence is written",
                    mend: "CREATE EXTENSION IF NOT EXISTS plpgsql; GRANT USAGE ON LANGUAGE plpgsql TO \(role);"))
        }
        if let owners = row.text(1) {
            findings.append(
                Finding(
                    object, "may not fence tables of \(withoutControls(owners))",
                    mend: "GRANT \(withoutControls(owners)) TO \(role);"))
        }
        if !row.bool(2) {
            findings.append(
                Finding(
                    object, "could not say whom the fence waits for", mend: "GRANT pg_read_all_stats TO \(role);",
                    severity: .note))
        }
        return findings
    }
}
