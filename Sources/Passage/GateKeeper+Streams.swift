// Gates about what the streams do: whether everything is copied, whether those that the step has do their work, how far behind
// the applying one is.

internal import Configuration
internal import Lag
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream

extension GateKeeper {
    func copy() throws -> GateReading {
        let (old, new) = try desk.reached()
        let target = TargetSide(new, desk.plan.stream)
        guard try target.binding() != nil else {
            return GateReading(.copy, .refuses, "new does not follow yet", mend: "`tandem run`")
        }
        let tables = try target.copiedTables()
        let open = tables.filter { $0.state != .done }
        if let first = open.first {
            let rest = open.count > 1 ? " and \(open.count - 1) more" : ""
            return GateReading(
                .copy, .refuses, "not complete: \(first.name)\(rest)", mend: "`tandem status` shows how far it is")
        }
        if let aside = try target.setAside().first {
            return GateReading(
                .copy, .refuses, "\(aside.name) is set aside, so new's copy of it is wrong",
                mend: "`tandem recopy \(aside.name)`")
        }
        let left = try desk.plan.tables.left(out: SourceSide(old, desk.plan.stream))
        if let first = left.first {
            return GateReading(
                .copy, .refuses, "\(first) is Data A and nothing carries it: it was made later",
                mend: "the next start of `tandem run` takes it in; or name it under `exclude`")
        }
        if let request = try target.copyRequest(), !request.isComplete {
            return GateReading(.copy, .refuses, "not complete", mend: "`tandem status` shows how far it is")
        }
        return GateReading(
            .copy, .holds,
            tables.isEmpty ? "new was loaded by other means" : "\(GateReading.tables(tables.count)), all of them done"
        )
    }

    /// Each stream that the step has, with what it is to do.
    var roles: [(direction: Direction, role: StreamRole)] {
        guard let row = desk.table[transition.from] else { return [] }
        return Direction.allCases.map { ($0, row.role(of: $0)) }.filter { $0.1 != .off }
    }

    func lagReading(_ direction: Direction) throws -> LagReading {
        let (old, new) = try desk.reached()
        let stream = direction == .forward ? desk.plan.stream : desk.plan.stream.opposite
        let (source, target) = direction == .forward ? (old, new) : (new, old)
        return LagReader(
            old: SourceSide(source, stream), new: TargetSide(target, stream), oldProblem: nil, newProblem: nil,
            walHeldLimit: desk.configuration.limits.walHeld
        ).read()
    }

    func stream() throws -> GateReading {
        var saw: [String] = []
        for (direction, role) in roles {
            let reading = try lagReading(direction)
            guard reading.isRunning, let status = reading.status else {
                return GateReading(
                    .stream, .refuses, "nothing runs the \(direction.rawValue) stream", mend: "start `tandem run`")
            }
            guard status.state == .streaming else {
                let why = status.problem.map { ": \($0.message)" } ?? ""
                return GateReading(
                    .stream, .refuses, "the \(direction.rawValue) stream is \(status.state.rawValue)\(why)",
                    mend: status.problem?.hint ?? "`tandem status`")
            }
            saw.append(
                "\(direction.rawValue) \(role == .apply ? "applies" : "watches") (pid \(status.pid) on \(status.host))")
        }
        return GateReading(.stream, .holds, saw.joined(separator: ", "))
    }

    func lag() throws -> GateReading {
        guard let applying = roles.first(where: { $0.role == .apply })?.direction else {
            return GateReading(.lag, .holds, "no stream applies at this step")
        }
        let limit = desk.configuration.gates.lag
        switch try lagReading(applying).report.seconds {
        case .known(let seconds): return lag(seconds, limit, applying, "")
        case .atMost(let seconds): return lag(seconds, limit, applying, "at most ")
        case .unknown(let reason):
            return GateReading(.lag, .unknown, "\(applying.rawValue) is unknown: \(reason)", mend: "`tandem lag`")
        }
    }

    private func lag(_ seconds: Double, _ limit: Double, _ direction: Direction, _ about: String) -> GateReading {
        let saw = "\(direction.rawValue) is \(about)\(Self.inWords(seconds)) behind, and may be \(Self.inWords(limit))"
        return seconds <= limit
            ? GateReading(.lag, .holds, saw)
            : GateReading(.lag, .refuses, saw, mend: "wait: `tandem lag --watch`; what slows it is in `tandem status`")
    }

    /// On both: marks are committed on either side, and the step on the one that gives charge up.
    func standbys() throws -> GateReading {
        let (old, new) = try desk.reached()
        let found = try [(Side.old, old), (.new, new)].compactMap {
            try SynchronousStandbys(of: $0, on: $1, desk.plan.stream)
        }
        if let missing = found.first(where: \.areMissing) {
            let fault = FlipFault.standbysAway(missing.side, missing.inWords)
            return GateReading(.standbys, .refuses, missing.inWords, mend: fault.hint)
        }
        if let unseen = found.first(where: { $0.there == nil }) {
            return GateReading(
                .standbys, .unknown, "\(unseen.inWords); whether they are there tandem's role may not see",
                mend: "GRANT pg_read_all_stats to it on \(unseen.side.rawValue)")
        }
        return GateReading(
            .standbys, .holds,
            found.isEmpty ? "no commit waits for a standby" : found.map(\.inWords).joined(separator: "; "))
    }

    static func inWords(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "\(Int((seconds * 1000).rounded())) ms"
        case ..<120: "\((seconds * 10).rounded() / 10) s"
        case ..<7200: "\(Int((seconds / 60).rounded())) min"
        case ..<172_800: "\(Int((seconds / 3600).rounded())) h"
        default: "\(Int((seconds / 86_400).rounded())) d"
        }
    }
}
