// Which layout schema `tandem` has. tandem may be replaced by a later version in the middle of a migration: the one that holds
// the runner's lock brings what an earlier version made up to date, in one transaction for each side, before anything else. What
// a later version made is refused by name, by every command. The number stands in the schema's comment, where one look at the
// catalog finds it; who changes the comment makes it 0, and bringing that up to date changes nothing that is as it should be.

internal import Model
package import Postgres

package enum StateLayout {
    /// Counted up with every change that `CREATE … IF NOT EXISTS` alone does not make.
    package static let current = 3

    static let mark = "layout \(current)"

    /// 0 when nothing is said.
    static func number(in comment: String?) -> Int {
        guard let match = comment?.firstMatch(of: /layout ([0-9]{1,6})$/) else { return 0 }
        return Int(match.1) ?? 0
    }

    static func isTooNew(_ number: Int) -> String? {
        number <= current
            ? nil : "schema tandem there has layout \(number), of a later tandem; this one knows \(current)"
    }

    static let tooNewHint =
        "use that version of tandem, or a later one, for this migration; it can go on where this one stands"

    /// What there is to be brought up to date.
    private struct Finding {
        let number: Int
        let isTarget, isSource, hasEpoch, hasDataB: Bool
    }

    /// The layout it has, when that is an earlier one; nothing is changed. Throws when it can be neither used nor brought up to date.
    package static func earlier(_ connection: Connection) throws -> Int? { try find(connection)?.number }

    private static func find(_ connection: Connection) throws -> Finding? {
        let doing = "looking at the layout of schema tandem on \(connection.label)"
        let found = try connection.query(
            """
            SELECT pg_catalog.obj_description(n.oid, 'pg_namespace'),
                   pg_catalog.to_regclass('tandem.stream') IS NOT NULL, pg_catalog.to_regclass('tandem.source') IS NOT NULL,
                   pg_catalog.to_regclass('tandem.epoch') IS NOT NULL, pg_catalog.to_regclass('tandem.data_b') IS NOT NULL,
                   EXISTS (SELECT FROM pg_catalog.pg_attribute a
                            WHERE a.attrelid = pg_catalog.to_regclass('tandem.stream') AND a.attname = 'applied_lsn')
              FROM pg_catalog.pg_namespace n WHERE n.nspname = 'tandem'
            """, doing: doing)
        guard found.rows == 1 else { return nil }
        let number = number(in: found.text(0, 0))
        if let problem = isTooNew(number) {
            throw StateError.refused("\(connection.label): \(problem)", hint: tooNewHint)
        }
        guard number < current else { return nil }
        // What somebody else made is never altered, nor taken for what an early tandem made.
        _ = try SchemaOwner.has("stream", on: connection)
        let isTarget = found.bool(0, 1)
        guard !isTarget || found.bool(0, 5) else {
            throw StateError.refused(
                "\(connection.label): schema tandem there is of an early tandem, which did not record progress in it",
                hint: "go on with that version to the end, or `tandem abort` and begin again")
        }
        return Finding(
            number: number, isTarget: isTarget, isSource: found.bool(0, 2), hasEpoch: found.bool(0, 3),
            hasDataB: found.bool(0, 4))
    }

    /// The layout it had, when that was an earlier one. Throws when it can be neither used nor brought up to date.
    @discardableResult
    package static func bringUpToDate(_ connection: Connection) throws -> Int? {
        guard let found = try find(connection) else { return nil }
        var statements = ["BEGIN"]
        // Scratch of a comparison half-way; its earlier form had fewer columns.
        if found.isTarget { statements.append("DROP TABLE IF EXISTS tandem.verification_progress") }
        if found.isTarget { statements.append(Schema.target) }
        if found.isSource { statements.append(Schema.source) }
        if found.hasEpoch { statements.append(Schema.epoch) }
        if found.hasDataB { statements.append(Schema.dataB) }
        statements.append(Schema.twinByWriter)
        statements += [Schema.comment, "COMMIT"]
        try connection.script(
            statements.joined(separator: ";\n"), doing: "bringing schema tandem up to date on \(connection.label)")
        return found.number
    }
}
