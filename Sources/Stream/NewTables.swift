// Tables that are wanted and were made after the publication: added to it and copied, while the others stream. The copy is
// told first, so that nothing of them is applied before its snapshot. And that snapshot waits until every transaction is over
// that was open when the publication changed: whether such a one was decoded with the table or without it, nobody can say,
// but it is in the snapshot as a whole.

internal import Evidence
internal import InitialCopy
internal import Model
internal import Postgres
internal import State
internal import Telemetry

struct NewTables {
    let source: SourceSide
    let target: TargetSide
    let evidence: EvidenceLog
    let log: Log

    /// Runs before anything streams.
    func adopt(_ names: [QualifiedName], into copy: StreamCopy) throws {
        let tables = forgetsPublishing ? [] : try harmless(names)
        if forgetsPublishing, !names.isEmpty { refuse(names) }
        let known = Set(try target.copiedTables().map(\.oid))
        let leaves = try source.leafTables(of: tables.map(\.name)).filter { !known.contains($0.oid) }
        for leaf in leaves { try target.add(leaf, after: Self.unknown) }
        if !leaves.isEmpty { try target.nowComplete(false) }
        copy.run.load(try target.copiedTables())
        if !tables.isEmpty {
            make(copy)
            try evidence.perform(
                "publication", executed: ["add \(list(tables.map(\.name)))"], old: source.connection,
                new: target.connection
            ) { try source.publish(also: tables) }
            log.info("added to the publication", [.relation: list(tables.map(\.name))])
        }
        // Also those whose publishing an earlier start did not live to see.
        let waiting = try target.copiedTables().filter { $0.after == Self.unknown }
        guard !waiting.isEmpty else { return }
        let limit = try source.snapshot().xmax
        for table in waiting { try target.mayBeCopied(table.oid, after: limit) }
        copy.run.load(try target.copiedTables())
    }

    /// While a transaction is open that began before a table was published, servers before these releases go on to take the
    /// table for unpublished, and its rows are lost without a word.
    private var forgetsPublishing: Bool {
        let mended = [13: 130_021, 14: 140_018, 15: 150_013, 16: 160_009, 17: 170_005]
        return source.connection.serverVersion < mended[source.connection.serverMajor] ?? 0
    }

    private func refuse(_ names: [QualifiedName]) {
        log.warning(
            "not carried",
            [
                .relation: list(names), .count: names.count,
                .reason:
                    "made after the publication, and this release of PostgreSQL on old loses rows of tables that are"
                    + " published while others write",
                .hint: "update old to 13.21, 14.18, 15.13, 16.9, 17.5 or newer, and start again",
            ])
    }

    /// When they cannot be made, their copy will say what is missing.
    private func make(_ copy: StreamCopy) {
        do { try copy.schema?.makeTables() } catch {
            log.warning("tables not made", [.reason: "\(error)", .hint: (error as? any Explained)?.hint ?? ""])
        }
    }

    /// No snapshot will do until the publication has the table.
    private static let unknown = UInt64(Int64.max)

    /// Publishing must not break what works today.
    private func harmless(_ names: [QualifiedName]) throws -> [SourceTable] {
        let tables = try source.tables().filter { names.contains($0.name) }
        let harmed = tables.filter { $0.withoutIdentity.contains(where: \.isHarmed) }
        if !harmed.isEmpty {
            log.warning(
                "not carried",
                [
                    .relation: list(harmed.map(\.name)), .count: harmed.count,
                    .reason: "made after the publication, and publishing it would make UPDATE and DELETE fail on old",
                    .hint: "give it a primary key or REPLICA IDENTITY FULL, and start again",
                ])
        }
        return tables.filter { table in !harmed.contains(table) }
    }

    private func list(_ names: [QualifiedName]) -> String { names.map(\.description).joined(separator: ", ") }
}
