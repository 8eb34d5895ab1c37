// Whether the way back works: the other stream's slot healthy and within its budget, old and new agreeing about sequences,
// and tandem's role able to write on the side that would have to follow. Also told in one line for `status`.

internal import Configuration
internal import Model
internal import Postgres
internal import Preflight
internal import Protocol
internal import SchemaCopy
internal import State
internal import Stream

extension GateKeeper {
    func rollback() throws -> GateReading {
        let (old, new) = try desk.reached()
        // At the steps where this is asked, the stream back is the reverse one; from step 6 it is the forward one.
        let back: Direction = transition.isForward ? .reverse : .forward
        let (name, source) = back == .reverse ? (desk.plan.stream.opposite, new) : (desk.plan.stream, old)
        let side = SourceSide(source, name)
        guard let slot = try side.slot() else {
            // Gates that lie further ahead are shown, too.
            let isAhead = desk.standing.epoch?.step != transition.from
            return GateReading(
                .rollback, .refuses, "\(back.source.rawValue) has no slot \(name)",
                mend: isAhead
                    ? "`tandem advance` makes it on the way to step \(transition.from.rawValue)"
                    : "`tandem back`, then `tandem advance` makes it again")
        }
        guard !slot.isInvalid else {
            return GateReading(
                .rollback, .refuses, "slot \(name) is lost: \(back.source.rawValue) has removed log that it needed",
                mend: "raise max_slot_wal_keep_size there; `tandem back`, then `tandem advance` makes it again")
        }
        let (held, budget) = (slot.walHeld ?? 0, UInt64(desk.configuration.limits.walHeld))
        guard held <= budget else {
            return GateReading(
                .rollback, .refuses, "slot \(name) holds \(held >> 20) MB of log, more than `limits.wal_held`",
                mend: "see in `tandem status` what keeps the stream from moving on")
        }
        let problem =
            try unpublished(back, old, side) ?? counterparts(.rollback, old, new) ?? obstacles(back, old, new)
        if let problem { return problem }
        if let problem = try WritingTrial.failures(desk.plan, writing: back.target, stop: desk.stop).first {
            return GateReading(.rollback, .refuses, problem, mend: "`tandem preflight --grants` gives what is missing")
        }
        return GateReading(
            .rollback, .holds,
            "slot \(name) is healthy and holds \(held >> 20) MB of \(budget >> 20) MB; sequences have their counterparts;"
                + " tandem may write on \(back.target.rawValue)")
    }

    /// Tables that came after the stream back was made.
    private func unpublished(_ back: Direction, _ old: Connection, _ side: SourceSide) throws -> GateReading? {
        guard back == .reverse, let given = try SourceSide(old, desk.plan.stream).publishedTables(),
            let returned = try side.publishedTables()
        else { return nil }
        let missing = given.subtracting(returned).sorted()
        guard let first = missing.first else { return nil }
        let rest = missing.count > 1 ? ", and \(missing.count - 1) more" : ""
        return GateReading(
            .rollback, .refuses, "\(first) came later than the stream back, which does not carry it\(rest)",
            mend: "`tandem back`, then `tandem advance` makes it again, with all tables")
    }

    /// Rows of new that old could not take.
    private func obstacles(_ back: Direction, _ old: Connection, _ new: Connection) throws -> GateReading? {
        guard back == .reverse else { return nil }
        let names = try desk.plan.tables.matching(on: SourceSide(old, desk.plan.stream)).filter { !$0.isUnlogged }.map(
            \.name)
        let found = try ReverseObstacles(desk.plan, stop: desk.stop).read(names, new: new, old: old)
        guard let first = found.first else { return nil }
        let rest = found.count > 1 ? ", and \(found.count - 1) more" : ""
        return GateReading(.rollback, .refuses, "\(first.table): \(first.what)\(rest)", mend: first.remedy)
    }

    /// Where every id that one side gave out can be set on the other, so that both can be moved apart.
    func counterparts(_ gate: Gate, _ old: Connection, _ new: Connection) throws -> GateReading? {
        let unmatched = try SequencePairs.unmatched(old, new)
        guard let first = unmatched.first else { return nil }
        let rest = unmatched.count > 1 ? ", and \(unmatched.count - 1) more" : ""
        return GateReading(
            gate, .refuses, "sequence \(first.name) \(first.what)\(rest)",
            mend: "make it alike on both sides, and GRANT SELECT, UPDATE on it to tandem's role")
    }
}
