// Before something is begun that rests on a schema: it must be what was checked. `prepare`, the first `run`, `recopy`, `resume` and
// `resync` come here; `pause`, `set-aside` and `abort` do not, because they are the ways out. `verify --repair` and batches of
// Data B do not either: they look at their tables on both sides by themselves, and say what is not alike.

internal import Configuration
internal import Evidence
internal import Model
package import Postgres
internal import SchemaFingerprint
internal import State

extension CarriedSchema {
    /// Before anything is made: what `tandem preflight` saw must be what is there. What `run` looked at by itself and refused,
    /// it looks at again.
    static func refuseUnchecked(_ plan: StreamPlan, old: Connection, new: Connection?, accepts: Bool) throws {
        guard !accepts, let checked = try plan.evidence.lastCheck(), checked.command == "preflight" else { return }
        for (side, connection) in [(Side.old, old), (.new, new)] {
            guard let connection, let before = checked.schema(of: side) else { continue }
            try refuse(side, since(before, try describe(plan, connection), of: side))
        }
    }

    /// Who has loaded new by other means has made the stream already. What the newest preflight found in the way of it holds,
    /// until another one finds it gone. False when there was none, and there should have been.
    static func heedPreflight(_ plan: StreamPlan, _ side: TargetSide) throws -> Bool {
        guard plan.isForward, plan.initialCopy != .all, try !side.hasSchema || side.readStatus() == nil else {
            return true
        }
        guard let checked = try plan.evidence.lastCheck() else { return false }
        guard checked.blockers.isEmpty else {
            throw StateError.refused(
                "`tandem preflight` found what stands in the way: \(checked.blockers.joined(separator: ", "))",
                hint:
                    "mend it and run `tandem preflight` again; or pass over a check: `tandem preflight --skip CHECK --reason TEXT`"
            )
        }
        return true
    }

    /// For commands that act on a stream that was begun. A side is nil when tandem itself is changing it just now.
    package static func refuseChanged(_ plan: StreamPlan, old: Connection, new: Connection?, accepts: Bool) throws {
        guard !accepts else { return }
        let checked = try plan.evidence.lastCheck()
        for (side, connection) in [(Side.old, old), (.new, new)] {
            guard let connection else { continue }
            let seen = try SeenSchema(connection, plan.stream).description().flatMap { SchemaDescription(text: $0) }
            let before = [seen, checked?.schema(of: side)].compactMap { $0 }
            guard let last = before.first else { continue }
            let now = try describe(plan, connection)
            if before.contains(where: { $0.differences(to: now).isEmpty }) { continue }
            // What the stream knew is younger than any check before it.
            try refuse(side, seen == nil ? since(last, now, of: side) : last.differences(to: now))
        }
    }

    /// Whichever side is in charge. While tables are copied tandem itself changes new.
    package static func refuseChanged(_ plan: StreamPlan, old: Connection, new: Connection) throws {
        let forward = plan.isForward ? plan : plan.opposite
        let isCopied = try TargetSide(new, forward.stream).copyRequest()?.isComplete ?? true
        try refuseChanged(forward, old: old, new: isCopied ? new : nil, accepts: false)
    }

    private static func describe(_ plan: StreamPlan, _ connection: Connection) throws -> SchemaDescription {
        try SchemaReader(connection).describe { plan.tables.carries($0) }
    }

    /// What came to new since is being loaded.
    static func since(
        _ checked: SchemaDescription, _ now: SchemaDescription, of side: Side
    ) -> [SchemaDifference] {
        checked.differences(to: now).filter { difference in
            guard side == .new, !difference.isSilent(on: side) else { return true }
            if case .appeared = difference.change { return false }
            return true
        }
    }

    static func refuse(_ side: Side, _ differences: [SchemaDifference]) throws(StateError) {
        guard !differences.isEmpty else { return }
        throw StateError.refused(
            "the schema of \(side.rawValue) is no longer what was checked: \(listed(differences))",
            hint: "`tandem preflight` looks at it as it is now; then try again")
    }
}
