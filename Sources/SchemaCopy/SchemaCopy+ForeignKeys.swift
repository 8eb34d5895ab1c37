// Foreign keys, once all rows are there: made without a look at them, then checked one by one. One that points to rows which
// do not come along is left unchecked and named, because nothing that tandem does will ever make it right.

internal import Model
internal import Postgres
internal import Telemetry

extension SchemaCopy {
    /// First made without looking at rows, which takes a moment, then checked while others write. One that old has not
    /// checked either stays so, and one of a partitioned table, which cannot be made that way, is made in one step.
    func makeForeignKeys(_ progress: @escaping SchemaProgressReport) throws {
        let blueprint = try surveyed()
        let keys = try remaining { $0.kind == "FK CONSTRAINT" }
        let ordinary = keys.filter { entry in
            blueprint.tables(of: entry).allSatisfy { blueprint.tables[$0]?.kind == "r" }
        }
        let ids = Set(ordinary.map(\.id))
        let outcome = try attempt(keys, jobs: jobs, progress: progress) { statement in
            ids.contains(statement.entry.id) ? statement.unvalidatedForeignKey ?? statement.sql : statement.sql
        }
        try throwFailures(outcome)
        try validateForeignKeys(progress)
    }

    /// Also those that an earlier run made and did not come to check.
    private func validateForeignKeys(_ progress: @escaping SchemaProgressReport) throws {
        let blueprint = try surveyed()
        let connection = try SchemaSession.open(target, stop: stop)
        var pending = try ForeignKey.unchecked(on: connection)
        let wanted = Dictionary(
            blueprint.entries.filter { $0.kind == "FK CONSTRAINT" }.compactMap { blueprint.facts(of: $0) }
                .filter(\.isValidated).map { ($0.identity, $0) }
        ) { first, _ in first }
        pending = pending.filter { wanted[$0.identity] != nil }
        var failures: [ObjectFailure] = []
        for key in pending {
            progress(SchemaProgress(object: "\(key.identity)", state: .began))
            do throws(PostgresError) {
                try key.validate(on: connection)
                progress(SchemaProgress(object: "\(key.identity)", state: .made(seconds: 0)))
            } catch {
                progress(SchemaProgress(object: "\(key.identity)", state: .failed))
                guard !error.isConnectionLost, error.kind != .interrupted else { throw error }
                if error.sqlState == "23503", let other = wanted[key.identity].flatMap({ notCarried($0, blueprint) }) {
                    leaveUnchecked("\(key.identity)", other)
                    continue
                }
                failures.append(ObjectFailure(object: "\(key.identity)", error: error))
            }
        }
        guard failures.isEmpty else { throw SchemaError.objects(failures, skipped: 0) }
    }

    private func throwFailures(_ outcome: WorkCrew.Outcome) throws {
        let blueprint = try surveyed()
        var failures: [ObjectFailure] = []
        for failure in outcome.failures {
            guard let entry = blueprint.byID[failure.id] else { continue }
            let name = blueprint.name(of: entry)
            if failure.error.sqlState == "23503",
                let other = blueprint.facts(of: entry).flatMap({ notCarried($0, blueprint) })
            {
                leaveUnchecked(name, other)
            } else {
                failures.append(ObjectFailure(object: name, error: failure.error))
            }
        }
        guard failures.isEmpty else { throw SchemaError.objects(failures, skipped: outcome.skipped) }
    }

    // MARK: rows that stay behind

    /// The table that a foreign key points to, when its rows do not come along: who cannot find them there is no fault.
    private func notCarried(_ facts: ObjectFacts, _ blueprint: Blueprint) -> QualifiedName? {
        guard let other = facts.otherTable, let table = blueprint.tables[other],
            let root = blueprint.tables[blueprint.root(of: other)], !carries(table.name), !carries(root.name)
        else { return nil }
        return table.name
    }

    private func leaveUnchecked(_ key: String, _ other: QualifiedName) {
        log.warning(
            "foreign key not checked",
            [
                .relation: key, .reason: "rows it points to are missing on new: \(other) is not Data A",
                .hint:
                    "bring \(other) along yourself, then on new: ALTER TABLE … VALIDATE CONSTRAINT, or add it where it"
                    + " is missing",
            ])
    }
}
