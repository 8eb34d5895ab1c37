// Whether the schema of either side is still what the stream last knew. Most changes are let through and said: where new
// cannot take a change, the stream stops before it by itself. Refused is what it would not notice: a trigger on new that
// changes rows as they arrive, row security that hides them, a table that a crash empties, fields that swapped places.

internal import Configuration
internal import Digest
internal import Evidence
internal import Model
package import Postgres
internal import SchemaFingerprint
internal import State
package import Telemetry

package final class CarriedSchema {
    private let plan: StreamPlan
    private let accepts: Bool
    private let log: Log
    private var checked: Set<Side> = []

    /// `accepts`: whatever changed is taken for meant.
    package init(_ plan: StreamPlan, accepts: Bool, log: Log) {
        self.plan = plan
        self.accepts = accepts
        self.log = log
    }

    /// Once a run for each side. While tables are being copied tandem itself changes new.
    package func check(source: Connection, target: Connection?) throws {
        try check(plan.stream.source, source)
        if let target { try check(plan.stream.target, target) }
    }

    private func check(_ side: Side, _ connection: Connection) throws {
        guard !checked.contains(side), let now = try look(at: connection) else { return }
        let seen = SeenSchema(connection, plan.stream)
        guard let text = try seen.description(), let before = SchemaDescription(text: text) else {
            try refuseUnseen(side, now)
            try seen.record(digest: now.digest.description, description: now.text)
            checked.insert(side)
            return
        }
        let differences = try changes(side, before, now)
        if !differences.isEmpty {
            try note(side, before, now, differences, connection)
            log.warning(
                "schema changed",
                [.side: side.rawValue, .count: differences.count, .detail: Self.listed(differences)])
            try seen.record(digest: now.digest.description, description: now.text)
        }
        checked.insert(side)
    }

    /// What `check` would say of it; nothing is written down. Throws what `check` would refuse.
    func preview(source: Connection, target: Connection?) throws -> ForeseenActs {
        var foreseen = ForeseenActs()
        for (side, connection) in [(plan.stream.source, source), (plan.stream.target, target)] {
            guard let connection, let now = try look(at: connection) else { continue }
            let known = try SeenSchema(connection, plan.stream).description().flatMap { SchemaDescription(text: $0) }
            guard let before = known else {
                try refuseUnseen(side, now)
                continue
            }
            let differences = try changes(side, before, now)
            if !differences.isEmpty {
                foreseen.note("the schema of \(side.rawValue) changed: \(Self.listed(differences))")
            }
        }
        return foreseen
    }

    /// Since the stream knew it. Refused is what it could not notice by itself.
    private func changes(
        _ side: Side, _ before: SchemaDescription, _ now: SchemaDescription
    ) throws(StateError) -> [SchemaDifference] {
        let differences = before.differences(to: now)
        let silent = differences.filter { $0.isSilent(on: side == plan.stream.target ? .new : .old) }
        guard silent.isEmpty || accepts else { throw Self.refusal(side, silent) }
        return differences
    }

    /// The first start with a load of one's own. Where tandem copies, that was compared before anything was made.
    private func refuseUnseen(_ side: Side, _ now: SchemaDescription) throws {
        guard !accepts, plan.isForward, plan.initialCopy != .all, let checked = try plan.evidence.lastCheck(),
            checked.command == "preflight", let before = checked.schema(of: side)
        else { return }
        try Self.refuse(side, Self.since(before, now, of: side))
    }

    private func note(
        _ side: Side, _ before: SchemaDescription, _ now: SchemaDescription, _ differences: [SchemaDifference],
        _ connection: Connection
    ) throws {
        let event = EvidenceLog.Event(
            "run", .noted,
            details: [
                ("what", "the schema of \(side.rawValue) changed" + (accepts ? ", accepted by --accept-schema" : "")),
                ("before", before.digest.description), ("now", now.digest.description),
                ("differences", Self.listed(differences)),
            ], counts: [("differences", differences.count)])
        try plan.evidence.record(event, old: side == .old ? connection : nil, new: side == .new ? connection : nil)
    }

    /// As it is now, after tandem itself has changed it.
    package func record(_ connection: Connection) throws {
        guard let now = try look(at: connection) else { return }
        try SeenSchema(connection, plan.stream).record(digest: now.digest.description, description: now.text)
    }

    /// Nil when the catalogs cannot be read just now, because somebody is altering a table: that must hold up nothing.
    private func look(at connection: Connection) throws -> SchemaDescription? {
        do throws(PostgresError) {
            return try SchemaReader(connection).describe { plan.tables.carries($0) }
        } catch {
            guard !error.isConnectionLost, error.kind != .interrupted else { throw error }
            log.warning("schema not compared", [.reason: error.description])
            return nil
        }
    }

    static func listed(_ differences: [SchemaDifference]) -> String {
        let rest = differences.count > 20 ? "; and \(differences.count - 20) more" : ""
        return differences.prefix(20).map(\.description).joined(separator: "; ") + rest
    }

    private static func refusal(_ side: Side, _ differences: [SchemaDifference]) -> StateError {
        .refused(
            "the schema of \(side.rawValue) is not what the stream knew, in a way that it could not notice by itself:"
                + " \(listed(differences))",
            hint: "undo it; or, when it is meant and leaves replicated rows alone, `tandem run --accept-schema` once")
    }
}
