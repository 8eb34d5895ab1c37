// One pair on its way through a fenced transition: the sessions that hold the fence, connections for what is asked and written
// under it, and what was found. Everything before the commit; each act a function. Nothing here tries again or undoes: whoever
// calls decides that.

internal import DataB
internal import Evidence
internal import Failpoints
internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import SchemaCopy
internal import State
internal import Stream
internal import Telemetry
internal import Threading

final class FencedPair {
    let desk: PairDesk
    let plan: FencedPlan
    /// Nil when nothing is to be committed.
    private let to: Step?
    let clock: ActClock
    private(set) var fences: [Side: FenceSession] = [:]
    private var connections: [Side: Connection] = [:]
    private let names: [Side: [QualifiedName]]
    private var relations: [Side: String] = [:]
    private var marks: [Direction: Sentinel] = [:]
    private(set) var position: ChargePosition?
    private let sequences = SequenceCopy(log: Log(threshold: .error))
    /// What took how long, for the screen and the evidence.
    private(set) var times: [(String, Double)] = []
    /// It has been committed, and this is what.
    var committed: Epoch?
    /// The server has not said so itself. A commit that is no longer waited for is committed, and its standbys may lack it.
    var wasUnanswered = false

    var name: String { desk.plan.pair }
    private var stream: StreamName { desk.plan.stream }
    private var fenceNames: FenceNames { FenceNames(stream) }

    init(_ desk: PairDesk, _ plan: FencedPlan, to step: Step? = nil, _ clock: ActClock) throws {
        (self.desk, self.plan, to, self.clock) = (desk, plan, step, clock)
        names = try FencedNames(desk).read()
        for side in Side.allCases {
            let target = desk.target(side)
            let connection = try Connection(
                to: target, for: .control, as: "\(stream.pairKey) switch", stop: clock.stop)
            // Nobody waits for somebody else's lock while users wait for us; and what is written here is written for good.
            try connection.script(
                "SET lock_timeout = '300ms'; SET synchronous_commit = on",
                doing: "preparing the session on \(target.label)")
            connections[side] = connection
            fences[side] = try FenceSession(to: target, stream, on: side, stop: clock.stop)
        }
    }

    func connection(_ side: Side) throws -> Connection {
        guard let connection = connections[side] else { throw StateError.notPrepared(pair: name) }
        return connection
    }

    func name(of direction: Direction) -> StreamName { direction == .forward ? stream : stream.opposite }

    private func source(_ direction: Direction) throws -> SourceSide {
        SourceSide(try connection(direction.source), name(of: direction))
    }

    private func target(_ direction: Direction) throws -> TargetSide {
        TargetSide(try connection(direction.target), name(of: direction))
    }

    private func timed<Value>(_ what: String, _ body: () throws -> Value) rethrows -> Value {
        let began = Monotonic.now
        defer { times.append((what, began.age)) }
        return try body()
    }

    // MARK: before anybody waits

    /// Sequences once beforehand: then there is little to set while users wait.
    func bringSequences() throws {
        guard plan.movesCharge, desk.standing.strategy == .pause else { return }
        let (from, to) = (try connection(plan.giver), try connection(plan.taker))
        _ = try FenceShare(to, stream).whileInCharge(plan.giver) { () throws(PostgresError) in
            try sequences.carry(from: from, to: to)
        }
    }

    /// How long a mark takes just now, the slowest of all streams.
    func measureDrain(limit: Double) throws -> Double {
        var slowest = 0.0
        for direction in Direction.allCases where desk.standing.row?.role(of: direction) ?? .off != .off {
            let began = Monotonic.now
            let mark = try source(direction).mark(.pass)
            while try target(direction).passedMark(.pass)?.number ?? 0 < mark.number {
                guard began.age < limit else { return limit }
                try rest(0.005)
            }
            _ = try target(direction).progress(durable: true)
            slowest = max(slowest, began.age)
        }
        return slowest
    }

    func openWriters() throws -> [(side: Side, holders: [Holder])] {
        try Side.allCases.map { ($0, try InTheWay(on: connection($0)).writers(fenceNames)) }
    }

    // MARK: acts

    func fence(_ side: Side) throws {
        guard let fence = fences[side] else { throw StateError.notPrepared(pair: name) }
        let left = clock.left
        do {
            // The server gives up first: it knows whom it waited for.
            try timed("fence on \(side.rawValue)") { try fence.putUp(within: left * 0.9, lease: left + 0.1) }
        } catch let error as PostgresError where error.sqlState == "55P03" {
            throw FenceFault.held(
                side, by: try InTheWay(on: connection(side)).writers(fenceNames), seconds: fence.waited)
        }
    }

    func seal(_ side: Side) throws {
        guard let epoch = desk.standing.epoch else { return }
        try fences[side]?.seal(epoch)
    }

    /// Who is not stopped by a trigger, and what is not copied, is found while nobody else can write.
    func recheck() throws { try timed("looked through") { try lookThrough() } }

    private func lookThrough() throws {
        for side in Side.allCases {
            let tables = try FencedTables(connection(side), stream).read(names[side] ?? [])
            let bare = tables.filter { !$0.isCovered }.map(\.name)
            guard bare.isEmpty else { throw FenceFault.uncovered(side, bare) }
            relations[side] = FencedTable.numbers(tables)
            try lookForStrangers(side)
            try lookForStandbys(side)
            try fences[side]?.check()
        }
        for direction in Direction.allCases where desk.standing.row?.role(of: direction) == .apply {
            let side = try target(direction)
            if let aside = try side.setAside().first {
                throw StateError.refused("\(aside.name) is set aside", hint: "`tandem recopy \(aside.name)`")
            }
            if let open = try side.copiedTables().first(where: { $0.state != .done }) {
                throw StateError.refused("\(open.name) is being copied", hint: "`tandem status` shows how far it is")
            }
        }
    }

    /// What waits for one that is away cannot be undone.
    func lookForStandbys(_ side: Side) throws {
        if let standbys = try SynchronousStandbys(of: side, on: connection(side), stream),
            standbys.areMissing
        {
            throw FlipFault.standbysAway(side, standbys.inWords)
        }
    }

    /// A statement that has its table and not come to its trigger yet is no stranger, and is there for a moment only.
    private func lookForStrangers(_ side: Side) throws {
        var found: [Holder] = []
        for _ in 0..<5 {
            found = try InTheWay(on: connection(side)).slipped(fenceNames, relations: relations[side] ?? "{}")
            if found.isEmpty { return }
            try rest(0.02)
        }
        throw FenceFault.slipped(side, by: found)
    }

    func mark(_ direction: Direction, halts: Bool) throws {
        marks[direction] = try source(direction).mark(halts ? .halt : .pass)
    }

    func drain(_ direction: Direction) throws {
        guard let mark = marks[direction] else { return }
        let side = try target(direction)
        var pause = Backoff(first: 0.001, longest: 0.01)
        var nudged = Monotonic.now
        try timed("\(direction.rawValue) \(desk.standing.row?.role(of: direction) == .watch ? "settles" : "drains")") {
            // Later ones of the same kind may have been written meanwhile.
            while try side.passedMark(mark.kind)?.number ?? 0 < mark.number {
                try rest(pause.seconds())
                if nudged.age > 0.05, mark.kind == .pass { nudged = try nudge(direction.opposite) }
            }
            // What the mark's own transaction has written is durable with it.
            guard try side.progress(durable: true) != nil else {
                throw StateError.unsafe(
                    "\(direction.target.rawValue) has lost its record of \(side.stream)", hint: "`tandem status`")
            }
        }
    }

    /// A row that differs is looked at again when the applying stream has come to where its source was. Where nobody writes that
    /// would be with the next heartbeat.
    private func nudge(_ direction: Direction) throws -> Monotonic {
        if let row = desk.standing.row, row.repaired != nil, row.role(of: direction) == .apply {
            _ = try source(direction).mark(.pass)
        }
        return .now
    }

    func carrySequences() throws {
        let (from, to) = (try connection(plan.giver), try connection(plan.taker))
        try timed("sequences") { _ = try sequences.carry(from: from, to: to) }
        if let (sequence, problem) = sequences.problems.min(by: { $0.key < $1.key }) {
            throw StateError.refused("sequence \(sequence): \(problem)", hint: "make it alike on both sides")
        }
    }

    /// Where applications of two modes take ids from both sides, this one's go beyond what the other may give out.
    func partSequences(on side: Side) throws {
        let (own, other) = (try connection(side), try connection(side.other))
        try timed("sequences") {
            _ = try SequenceParting.part(own, from: other)
            try SequenceRanges(own, stream).replace(with: SequenceParting.ranges(of: own, beyond: other))
        }
    }

    /// Where the stream that begins to apply starts: the end of the mark's own transaction, which the watch has recorded.
    func takePosition(_ direction: Direction) throws {
        try mark(direction, halts: true)
        try drain(direction)
        let (from, side) = (try source(direction), try target(direction))
        guard let end = try side.progress(durable: true), let binding = try side.binding() else {
            throw StateError.notPrepared(pair: name)
        }
        position = ChargePosition(
            side: direction.source, end: end, systemIdentifier: binding.systemIdentifier,
            timeline: try from.timeline())
    }

    /// In the session that has the fence.
    func commit() throws {
        guard let epoch = desk.standing.epoch, let row = to.flatMap({ desk.table[$0] }), let fence = fences[plan.giver]
        else {
            throw StateError.notPrepared(pair: name)
        }
        // What cannot be answered in time is not begun: its outcome would have to be waited for.
        guard clock.left > 0.03 else { throw FlipFault.overBudget("nothing was left for the commit", by: []) }
        let next = Epoch(
            number: epoch.number + 1, step: row.step, strategy: epoch.strategy, truth: row.truth, position: position,
            systems: SystemPair(old: try desk.book(.old)?.system(), new: try desk.book(.new)?.system()), since: "",
            by: Actor.current.name + " on " + Actor.current.host + ", tandem " + desk.application)
        committed = try timed("commit") { try fence.commit(next: next) }
    }

    /// Waits, unless time is up or somebody asks tandem to stop.
    func rest(_ seconds: Double) throws {
        if clock.stop.wait(seconds: seconds) {
            throw PostgresError(.interrupted, "stopped on request", doing: "waiting under the fence")
        }
    }

    // MARK: letting go

    /// Whoever waits at the fence goes on, by the gate as it is; where charge is, first.
    func letGo() {
        for side in [plan.giver, plan.taker] { fences[side]?.takeDown() }
        (fences, connections) = ([:], [:])
    }
}
