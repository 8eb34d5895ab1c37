// Looks at one pair through the gates of a transition, one after another. Reads only: no gate changes anything, and one that
// cannot be looked at says so.

internal import Configuration
internal import Evidence
internal import Model
internal import Postgres
package import Protocol
internal import State
internal import Stream

package struct GateKeeper {
    let desk: PairDesk
    let transition: Transition

    package init(_ desk: PairDesk, _ transition: Transition) {
        self.desk = desk
        self.transition = transition
    }

    package func readings() -> [GateReading] { transition.gates.map(reading) }

    package func reading(_ gate: Gate) -> GateReading {
        do { return try look(gate) } catch {
            if let side = desk.problems.keys.sorted(by: { $0.rawValue > $1.rawValue }).first {
                return GateReading(gate, .unknown, "\(side.rawValue) cannot be reached")
            }
            return GateReading(
                gate, .unknown, "\(error)", mend: (error as? any Explained)?.hint)
        }
    }

    private func look(_ gate: Gate) throws -> GateReading {
        switch gate {
        case .decided: decided()
        case .preflight: try preflight()
        case .schema: try schema()
        case .copy: try copy()
        case .stream: try stream()
        case .lag: try lag()
        case .verified: try verified()
        case .dataB: try dataB()
        case .keys: try keys()
        case .statistics: try statistics()
        case .sequences: try sequences()
        case .rollback: try rollback()
        case .standbys: try standbys()
        case .census: try census()
        case .canary: try canary()
        case .rehearsed: unavailable(.rehearsed, "no record: this version of tandem has no rehearsal")
        }
    }

    private func unavailable(_ gate: Gate, _ what: String) -> GateReading {
        GateReading(
            gate, .refuses, what, mend: gate.isWaivable ? "say how you made sure: \(Self.waiver(gate))" : nil)
    }

    static func waiver(_ gate: Gate) -> String { "--waive \(gate) --reason '…'" }

    // MARK: what is in files

    private func decided() -> GateReading {
        let left = desk.configuration.undecided
        guard let first = left.first else { return GateReading(.decided, .holds, "nothing is left in `undecided`") }
        let rest = left.count > 1 ? " and \(left.count - 1) more" : ""
        return GateReading(
            .decided, .refuses, "\(mention(first.text))\(rest) in `undecided`",
            mend: "move each entry to `data_a`, `data_b` or `exclude`")
    }

    private func preflight() throws -> GateReading {
        guard let checked = try desk.plan.evidence.lastCheck() else {
            return GateReading(.preflight, .refuses, "no preflight is on record here", mend: "`tandem preflight`")
        }
        guard checked.blockers.isEmpty else {
            return GateReading(
                .preflight, .refuses, "blockers: \(checked.blockers.joined(separator: ", "))",
                mend: "mend them, then `tandem preflight` again; or `tandem preflight --skip CHECK --reason TEXT`")
        }
        let passed =
            checked.skipped.isEmpty ? "" : ", passed over: \(checked.skipped.keys.sorted().joined(separator: ", "))"
        return try compared(.preflight, otherwise: "no blocker\(passed), and the schemas are as it saw them")
    }

    private func schema() throws -> GateReading {
        try compared(.schema, otherwise: "as they were last checked")
    }

    private func compared(_ gate: Gate, otherwise: String) throws -> GateReading {
        let (old, new) = try desk.reached()
        do { try CarriedSchema.refuseChanged(desk.plan, old: old, new: new, accepts: false) } catch let error
            as StateError
        {
            return GateReading(gate, .refuses, error.description, mend: error.hint)
        }
        return GateReading(gate, .holds, otherwise)
    }
}
