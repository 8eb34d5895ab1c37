// The end of a schema's copy, once all tables follow: what is left of keys and indexes, checks, triggers, rules, policies;
// foreign keys; comments and rights; materialized views; event triggers last, so that they do not see our own work.

internal import Model
internal import Postgres
internal import Telemetry

extension SchemaCopy {
    /// What fails here and leaves rows and their keys as they are: named in the log, the rest goes on.
    private static let ornaments: Set<String> = ["COMMENT", "SECURITY LABEL", "ACL", "DEFAULT ACL", "SCHEMA"]

    /// Throws `SchemaError.objects` when something of weight could not be made; begun again, it goes on with that.
    package func finishAll(progress: @escaping SchemaProgressReport = { _ in }) throws {
        try make(
            remaining { $0.section == .afterData && !Self.isLast($0) && $0.kind != "FK CONSTRAINT" }, jobs: jobs,
            progress: progress)
        try makeForeignKeys(progress)
        try decorate(remaining { $0.section == .none || Self.ornaments.contains($0.kind) }, progress)
        try fillMaterializedViews(progress)
        // Of foreign keys only those are left that stay out.
        try make(remaining { $0.section == .afterData && $0.kind != "FK CONSTRAINT" }, jobs: 1, progress: progress)
    }

    private static func isLast(_ entry: ArchiveEntry) -> Bool {
        entry.kind == "EVENT TRIGGER" || ornaments.contains(entry.kind)
    }

    private func decorate(_ entries: [ArchiveEntry], _ progress: @escaping SchemaProgressReport) throws {
        // One after another: two at once would alter the same row of a catalog.
        let outcome = try attempt(entries.filter { $0.kind != "EVENT TRIGGER" }, jobs: 1, progress: progress)
        let blueprint = try surveyed()
        for failure in outcome.failures {
            let name = blueprint.byID[failure.id].map { blueprint.name(of: $0) } ?? ""
            log.warning("not made on new", [.relation: name, .reason: failure.error.message])
        }
    }

    // MARK: materialized views

    private func fillMaterializedViews(_ progress: @escaping SchemaProgressReport) throws {
        let old = try Connection(to: source, for: .control, as: "tandem schema", stop: stop)
        let wanted = try MaterializedViews.populated(on: old)
        let new = try SchemaSession.open(target, stop: stop)
        let empty = try MaterializedViews.empty(on: new)
        var failures: [ObjectFailure] = []
        for name in wanted where empty.contains(name) {
            let object = "materialized view \(name)"
            progress(SchemaProgress(object: object, state: .began))
            do throws(PostgresError) {
                try MaterializedViews.refresh(name, on: new)
                progress(SchemaProgress(object: object, state: .made(seconds: 0)))
            } catch {
                progress(SchemaProgress(object: object, state: .failed))
                guard !error.isConnectionLost, error.kind != .interrupted else { throw error }
                failures.append(ObjectFailure(object: object, error: error))
            }
        }
        guard failures.isEmpty else { throw SchemaError.objects(failures, skipped: 0) }
    }
}
