// The stream back, as `status` shows it: nothing while there is none.

internal import Configuration
internal import Lag
internal import Model
internal import Postgres
internal import State
internal import Stream

struct ReverseLines {
    private let plan: StreamPlan
    private let limit: Int
    private let lag: LagReading
    private let slot: SlotState?
    private let watched: [WatchedTable]
    private let setAside: [SetAsideTable]
    private let differences: [DifferenceCount]
    private let twins: [TwinTable]

    /// Nil when nothing of it is on either side.
    init?(_ plan: StreamPlan, old: Connection, new: Connection, limit: Int) throws {
        let source = SourceSide(new, plan.stream)
        let target = TargetSide(old, plan.stream)
        slot = try source.slot()
        guard try slot != nil || target.binding() != nil else { return nil }
        self.plan = plan
        self.limit = limit
        lag = LagReader(old: source, new: target, oldProblem: nil, newProblem: nil, walHeldLimit: limit).read()
        let isBound = try target.binding() != nil
        watched = try isBound ? target.watched() : []
        setAside = try isBound ? target.setAside() : []
        differences = try isBound ? target.differences() : []
        twins = try isBound ? TwinTable.sum(target.twins(), TargetSide(new, plan.stream.opposite).twins()) : []
    }

    // MARK: for people

    var lines: [(label: String, text: String)] {
        var lines = [
            ("stream back", stateInWords(lag) + skippedText), ("  its lag", lagInWords(lag.report) + heldText),
        ]
        if let slot, slot.isInvalid { lines.append(("", Terminal.alarming("its slot on new is lost"))) }
        if slot == nil { lines.append(("", Terminal.alarming("new has no slot \(plan.stream)"))) }
        if let problem = lag.status?.problem, lag.status?.state != .streaming {
            lines.append(("  problem", Terminal.alarming(withoutControls(problem.message))))
            if let hint = problem.hint { lines.append(("  remedy", withoutControls(hint))) }
        }
        for table in setAside {
            lines.append(
                ("", Terminal.alarming("\(table.name) is set aside, \(counted(table.changes, "change")) left out")))
        }
        for difference in differences {
            lines.append(
                (
                    "",
                    "\(difference.table): \(counted(difference.found, "row")) \(withoutControls(difference.kind)),"
                        + " \(difference.repaired) read again, last at \(difference.last)"
                ))
        }
        return lines + watchedLines + twinLines
    }

    private var watchedLines: [(label: String, text: String)] {
        let seen = watched.filter { $0.byApplications > 0 || $0.byReplication > 0 }
        guard !seen.isEmpty else { return [] }
        let shown = seen.prefix(5).map { table in
            "\(table.table) \(grouped(table.byApplications)) by applications"
                + (table.byReplication > 0 ? " and \(grouped(table.byReplication)) by other replication" : "")
                + (table.truncated ? ", some of rows that nobody can name: `tandem verify`" : "")
        }
        let rest = seen.count > 5 ? "; and \(seen.count - 5) more tables" : ""
        return [("  has seen", shown.joined(separator: "; ") + rest)]
    }

    /// What became of rows that applications write on both sides.
    private var twinLines: [(label: String, text: String)] {
        var lines: [(String, String)] = []
        if let open = lag.status?.unsettled, lag.isRunning {
            lines.append(("  twins", "\(counted(open, "row")) touched and not yet known to be the same"))
        }
        for table in twins where !table.counts.isEmpty {
            lines.append(("", "\(table.table): \(TwinLines.inWords(table.counts))"))
        }
        return lines
    }

    private var skippedText: String {
        guard lag.isRunning, let skipped = lag.status?.skipped, skipped > 0 else { return "" }
        return ", \(counted(skipped, "transaction")) of tandem's own left out"
    }

    private var heldText: String {
        guard let held = lag.report.walHeld else { return "" }
        let text = ", new holds \(readable(bytes: held)) of log for it"
        return lag.report.isOverLimit ? Terminal.alarming(text + ", over the limit") : text
    }

    // MARK: for machines

    struct Line: Encodable, Sendable {
        var lag: LagLine
        var status: StreamStatus?
        var slot: String?
        var slotStatus: String?
        var watched: [Watched]
        var setAside: [String]
        var twins: [TwinLine]
    }

    struct Watched: Encodable, Sendable {
        var table: String
        var byApplications: Int
        var byReplication: Int
        var truncated: Bool
        var last: String
    }

    var machineReadable: Line {
        Line(
            lag: LagLine(plan, lag, limit), status: lag.status, slot: slot.map { _ in plan.stream.description },
            slotStatus: slot?.walStatus,
            watched: watched.map {
                Watched(
                    table: $0.table.description, byApplications: $0.byApplications, byReplication: $0.byReplication,
                    truncated: $0.truncated, last: $0.last.description)
            }, setAside: setAside.map(\.name.description), twins: twins.map(TwinLine.init))
    }
}
