// What the demo measures while a scene plays: the fleet each quarter of a second, the databases once a second. What cannot be
// read is shown as not known.

internal import Bookstore
internal import Configuration
internal import DataB
internal import Foundation
internal import InitialCopy
internal import Lag
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

final class DemoGauge {
    struct Reading {
        var board = FleetBoard()
        var served: [Double?] = []
        var slowest: [Double?] = []
        /// Of the stream that applies, or forward where none does; which one it is, and what it has done so far in this role.
        var lag: LagReading?
        var direction = Direction.forward
        var transactions = 0
        var lags: [Double?] = []
        var copy: CopyProgress?
        var derived: [(label: String, text: String)] = []
        var epoch: Epoch?
        var twins: [TwinTable] = []
        /// Rows touched and not yet known to be the same; nil while nothing watches.
        var open: Int?
    }

    private let world: DemoWorld
    private var probe: LagProbe?
    /// A session counts from its own beginning.
    private var counts: [String: (before: Int, last: Int)] = [:]
    private var new: Connection?
    private var old: Connection?
    private var last: Monotonic?
    private(set) var reading = Reading()
    private static let span = 60

    init(_ world: DemoWorld) { self.world = world }

    func look() {
        reading.board = world.fleet.board
        guard last.map({ $0.age >= 1 }) ?? true else { return }
        last = .now
        if reading.board.reports.values.contains(where: { !$0.isLast }) {
            let counts = reading.board.counts
            reading.served = (reading.served + [Double(counts.served)]).suffix(Self.span)
            reading.slowest = (reading.slowest + [counts.latencies.percentile(0.99)]).suffix(Self.span)
        }
        guard let plan = world.plan, world.replicator != nil else {
            if probe != nil { reading.lags = (reading.lags + [nil]).suffix(Self.span) }
            reading.lag = nil
            return
        }
        let direction: Direction = reading.epoch?.row?.reverse == .apply ? .reverse : .forward
        if probe == nil || reading.direction != direction {
            probe = LagProbe(direction == .forward ? plan : plan.opposite, limit: plan.limits.walHeld)
        }
        reading.direction = direction
        reading.lag = probe?.read()
        count(direction)
        if reading.lag?.status != nil {
            reading.lags = (reading.lags + [reading.lag?.report.seconds.worst]).suffix(Self.span)
        }
        readNew(plan)
        readTwins(plan)
    }

    private func count(_ direction: Direction) {
        guard let status = reading.lag?.status else { return }
        let key = "\(direction) \(status.role ?? "")"
        var count = counts[key] ?? (0, 0)
        if status.transactions < count.last { count.before += count.last }
        count.last = status.transactions
        counts[key] = count
        reading.transactions = count.before + count.last
    }

    private func readNew(_ plan: StreamPlan) {
        if new?.isBroken ?? true { new = Reached(plan.target, as: "tandem demo").connection }
        guard let new else { return }
        let target = TargetSide(new, plan.stream)
        guard (try? target.hasSchema) == true else { return }
        if let request = try? target.copyRequest() {
            reading.copy = request.progress.flatMap { CopyProgress.decode($0) }
        }
        if let lines = try? DataBLines(plan.dataB, new: new) { reading.derived = lines.lines(isRunning: true) }
    }

    private func readTwins(_ plan: StreamPlan) {
        if old?.isBroken ?? true { old = Reached(plan.source, as: "tandem demo").connection }
        guard let old, let new, !new.isBroken else { return reading.open = nil }
        let (back, there) = (TargetSide(old, plan.stream.opposite), TargetSide(new, plan.stream))
        reading.epoch = try? EpochBook(new, plan.stream).read()
        reading.open = (try? back.readStatus()).flatMap { StreamStatus.decode($0.text)?.unsettled }
        if let one = try? back.twins(), let other = try? there.twins() { reading.twins = TwinTable.sum(one, other) }
    }

    /// Before the databases go: connections end on the thread that made them.
    func close() { (probe, new, old) = (nil, nil, nil) }
}
