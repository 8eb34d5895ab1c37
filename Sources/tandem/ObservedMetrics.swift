// What `status` knows of a pair, as metrics.

internal import DataB
internal import Foundation
internal import Glibc
internal import InitialCopy
internal import Metrics
internal import Model
internal import State
internal import Stream
internal import Telemetry

/// Of `hooks.on_event`.
struct EventCounts: Sendable {
    let delivered: Int
    let failed: Int
    let dropped: Int
}

extension MetricsPage {
    mutating func add(_ line: StatusScreen.Line, at time: Date) {
        let pair = line.lag.pair
        add(MetricCatalog.up, line.isOldReached, [pair, "old"])
        add(MetricCatalog.up, line.isNewReached, [pair, "new"])
        if let standing = line.standing { add(standing, pair) }
        for sequence in (line.ids ?? []).prefix(Self.tableLimit) {
            add(MetricCatalog.idsLeft, Double(sequence.left), [pair, sequence.sequence])
            add(MetricCatalog.idsGap, Double(sequence.gap), [pair, sequence.sequence])
        }
        addStream(line.lag, line.status, pair, "forward", isKnown: line.isNewReached)
        add(MetricCatalog.slotLost, line.slotStatus.map { $0 == "lost" }, [pair, "forward"])
        if line.isNewReached {
            add(MetricCatalog.setAside, line.setAside.count, [pair, "forward"])
            for table in line.setAside {
                add(MetricCatalog.setAsideChanges, table.changes, [pair, "forward", table.table])
            }
            for one in line.differences {
                add(MetricCatalog.differencesFound, one.found, [pair, "forward", one.table, one.kind])
                add(MetricCatalog.differencesRepaired, one.repaired, [pair, "forward", one.table, one.kind])
            }
        }
        if line.isOldReached { add(MetricCatalog.notCarried, line.notCarried.count, [pair]) }
        if let copy = line.copy { add(copy, pair) }
        for table in line.dataB ?? [] { add(table, pair, time) }
        addComparisons(line.verified, pair, time)
        guard let reverse = line.reverse else { return }
        addStream(reverse.lag, reverse.status, pair, "reverse", isKnown: true)
        add(MetricCatalog.slotLost, reverse.slotStatus.map { $0 == "lost" }, [pair, "reverse"])
        add(MetricCatalog.setAside, reverse.setAside.count, [pair, "reverse"])
        for table in reverse.watched {
            add(MetricCatalog.watched, table.byApplications, [pair, table.table, "application"])
            add(MetricCatalog.watched, table.byReplication, [pair, table.table, "replication"])
        }
        for twin in reverse.twins.prefix(Self.tableLimit) { add(twin, pair) }
    }

    private mutating func add(_ twin: TwinLine, _ pair: String) {
        let outcomes = [
            ("matched", twin.matched), ("late", twin.late), ("failed", twin.failed), ("orphan", twin.orphan),
            ("foreign", twin.foreign), ("repaired", twin.repaired),
        ]
        for (outcome, count) in outcomes { add(MetricCatalog.twins, count, [pair, twin.table, outcome]) }
    }

    private mutating func add(_ standing: StandingLines.Line, _ pair: String) {
        add(MetricCatalog.step, standing.step, [pair])
        add(MetricCatalog.stepPending, standing.goingTo != nil, [pair])
        for side in Side.allCases { add(MetricCatalog.truth, standing.truth == side.rawValue, [pair, side.rawValue]) }
        add(MetricCatalog.rollback, standing.rollbackAvailable, [pair])
    }

    private mutating func addStream(
        _ lag: LagLine, _ status: StreamStatus?, _ pair: String, _ direction: String, isKnown: Bool
    ) {
        let labels = [pair, direction]
        add(MetricCatalog.lag, lag.seconds, labels)
        add(MetricCatalog.bound, lag.bound, among: ["exact", "at_most", "unknown"], labels)
        add(MetricCatalog.behind, lag.bytes.map(Double.init), labels)
        add(MetricCatalog.held, lag.walHeld.map(Double.init), labels)
        add(MetricCatalog.heldLimit, lag.walLimit, labels)
        add(MetricCatalog.heldLeft, lag.secondsUntilWalLimit, labels)
        guard isKnown else { return }
        add(MetricCatalog.running, lag.running, labels)
        let isOurs = lag.running && status?.pid == getpid() && status?.host == HostName.current
        add(MetricCatalog.ours, isOurs, labels)
        let state = lag.running ? status?.state : .stopped
        add(
            MetricCatalog.state, state?.rawValue ?? "stopped", among: StreamStatus.State.allCases.map(\.rawValue),
            labels)
        guard lag.running, let status else { return }
        add(MetricCatalog.role, status.role ?? "apply", among: ["apply", "watch"], labels)
        // Two processes that both counted what one has done would count it twice.
        guard isOurs else { return }
        add(MetricCatalog.transactions, status.transactions, labels)
        add(MetricCatalog.batches, status.batches, labels)
        add(MetricCatalog.rows, status.changes, labels)
        add(MetricCatalog.own, status.skipped, labels)
        add(MetricCatalog.spilled, status.spilled, labels)
        add(MetricCatalog.twinsOpen, status.unsettled, labels)
    }

    private mutating func add(_ copy: CopyProgress, _ pair: String) {
        add(MetricCatalog.copyTables, copy.done, [pair, "done"])
        add(MetricCatalog.copyTables, copy.tables - copy.done, [pair, "left"])
        add(MetricCatalog.copyBytes, copy.sizeDone, [pair, "done"])
        add(MetricCatalog.copyBytes, max(0, copy.size - copy.sizeDone), [pair, "left"])
        add(MetricCatalog.copyRows, copy.rows, [pair])
        add(MetricCatalog.copySnapshot, copy.snapshotAge, [pair])
    }

    private mutating func add(_ table: DataBLines.Table, _ pair: String, _ time: Date) {
        let labels = [pair, table.table]
        add(MetricCatalog.asOf, table.freshness.map { time.timeIntervalSince1970 - $0 }, labels)
        let states = ["waiting", "working", "failing", "paused", "postponed"]
        add(MetricCatalog.batchState, table.status.state.rawValue, among: states, labels)
        add(MetricCatalog.batchDuration, table.status.batch?.seconds, labels)
        add(MetricCatalog.batchRows, table.status.batch?.written, labels)
    }

    private mutating func addComparisons(_ records: [ComparedLines.Record], _ pair: String, _ time: Date) {
        let now = time.timeIntervalSince1970
        let worst = records.sorted { left, right in
            let (leftEqual, rightEqual) = (left.verdict == "equal", right.verdict == "equal")
            return leftEqual == rightEqual ? left.age > right.age : rightEqual
        }
        for record in worst.prefix(Self.tableLimit) {
            let labels = [pair, record.table]
            add(MetricCatalog.compared, now - record.age, labels)
            add(MetricCatalog.proven, record.provenAge.map { now - $0 }, labels)
            add(MetricCatalog.differing, max(0, record.differing - record.repaired), labels)
        }
        for (verdict, some) in Dictionary(grouping: records, by: \.verdict).sorted(by: { $0.key < $1.key }) {
            add(MetricCatalog.comparedTables, some.count, [pair, verdict])
        }
    }

    // MARK: the process

    mutating func addProcess(_ counts: LogTally.Counts, _ hook: EventCounts?) {
        add(MetricCatalog.build, 1, [TandemVersion.text])
        for (state, count) in counts.states.sorted(by: { $0.key < $1.key }) {
            add(MetricCatalog.errors, count, [state])
        }
        for level in LogLevel.allCases { add(MetricCatalog.lines, counts.lines[level] ?? 0, [level.name]) }
        if let hook {
            add(MetricCatalog.hooked, hook.delivered, ["delivered"])
            add(MetricCatalog.hooked, hook.failed, ["failed"])
            add(MetricCatalog.hooked, hook.dropped, ["dropped"])
        }
        add(MetricCatalog.started, ProcessFacts.began)
        add(MetricCatalog.resident, ProcessFacts.residentBytes)
        add(MetricCatalog.processor, ProcessFacts.processorSeconds)
        add(MetricCatalog.descriptors, ProcessFacts.openDescriptors)
    }
}
