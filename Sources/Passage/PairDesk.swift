// One pair as a command that moves it, or tells of it, has it before it: a connection to either side, where the pair stands by
// what the sides say, and the lock that lets one command at a time move it. A side that cannot be reached is said, never guessed.

package import Configuration
internal import Fence
package import Model
package import Postgres
package import Protocol
package import State
package import Stream
package import Threading

package final class PairDesk {
    package let configuration: Configuration
    /// Of the stream forward; the other one is its opposite.
    package let plan: StreamPlan
    package let old: Connection?
    package let new: Connection?
    /// Why a side is nil.
    package let problems: [Side: PostgresError]
    let stop: StopSignal
    /// The command, for the names of sessions and for whoever reads what it wrote.
    let application: String
    package private(set) var standing: PairStanding

    package init(_ configuration: Configuration, _ plan: StreamPlan, as application: String, stop: StopSignal) throws {
        self.configuration = configuration
        self.plan = plan
        self.stop = stop
        self.application = application
        var problems: [Side: PostgresError] = [:]
        func reach(_ side: Side, _ target: ConnectionTarget) throws(PostgresError) -> Connection? {
            do {
                return try Connection(to: target, for: .control, as: "\(plan.stream) \(application)", stop: stop)
            } catch {
                if error.kind == .interrupted { throw error }
                problems[side] = error
                return nil
            }
        }
        old = try reach(.old, plan.source)
        new = try reach(.new, plan.target)
        self.problems = problems
        if let old, let new { try SameDatabase.refuse(old, new) }
        standing = try PairStanding(old: old, new: new, plan, configured: configuration.strategy)
    }

    package func connection(_ side: Side) -> Connection? { side == .old ? old : new }

    package func book(_ side: Side) -> EpochBook? { connection(side).map { EpochBook($0, plan.stream) } }

    package var table: StepTable { StepTable(standing.strategy) }

    package func readAgain() throws {
        standing = try PairStanding(old: old, new: new, plan, configured: configuration.strategy)
    }

    /// Both sides, for what needs both.
    func reached() throws -> (old: Connection, new: Connection) {
        if let problem = problems[.old] ?? problems[.new] { throw problem }
        guard let old, let new else { throw StateError.notPrepared(pair: plan.pair) }
        return (old, new)
    }

    func target(_ side: Side) -> ConnectionTarget { side == .old ? plan.old : plan.new }

    /// The stream that carries what counts, as the pair stands.
    var planInCharge: StreamPlan { standing.truth == .new ? plan.opposite : plan }

    // MARK: the lock

    /// Held by the sessions until they end. On every side that is there, old first: two commands that see different sides still
    /// meet. `tandem run` has it for a moment when it completes something.
    package func lock() throws {
        for attempt in 1... {
            if try tryLock() { return }
            guard attempt < 15, !stop.wait(seconds: 0.1) else { break }
        }
        throw busy(try holder())
    }

    /// What `lock` would throw, without taking it.
    func refuseBusy() throws {
        for _ in 0..<15 {
            guard try holder() != nil, !stop.wait(seconds: 0.1) else { break }
        }
        if let holder = try holder() { throw busy(holder) }
    }

    private func holder() throws -> (side: Side, pid: Int)? {
        try Side.allCases.compactMap { side in try book(side)?.holder().map { (side, $0) } }.first
    }

    private func busy(_ holder: (side: Side, pid: Int)?) -> StateError {
        .refused(
            "another tandem is moving pair \(plan.pair) just now"
                + (holder.map { " (pid \($0.pid) on \($0.side.rawValue))" } ?? ""),
            hint: "wait for that one; `tandem step` shows where the pair stands")
    }

    /// False when somebody else has it; then it is held on no side.
    func tryLock() throws -> Bool {
        var taken: [EpochBook] = []
        for side in Side.allCases {
            guard let book = book(side) else { continue }
            guard try book.tryLock() else {
                for book in taken { try book.unlock() }
                return false
            }
            taken.append(book)
        }
        return true
    }

    /// A lock goes with its session: whoever has been taken for gone has none any more. One of the two is enough, because nobody
    /// moves the pair without both: a side that is away keeps nobody from letting go those who wait on the other one.
    var hasLock: Bool {
        [standing.truth, standing.truth.other].contains { side in
            connection(side)?.attempt("SELECT", within: Self.listening) ?? false
        }
    }

    private static let listening = 2.0

    // MARK: both sides

    func eachBook(_ body: (EpochBook) throws -> Void) throws {
        for side in Side.allCases { if let book = book(side) { try body(book) } }
    }

    /// On a connection of its own, also when somebody has asked tandem to stop; at most so long.
    func afresh(_ side: Side, seconds: Double, _ body: (Connection) throws -> Void) throws {
        let (limit, done) = (StopSignal(), StopSignal())
        let clock = try Thread("limit") { if !done.wait(seconds: seconds) { limit.raise() } }
        defer {
            done.raise()
            clock.join()
        }
        try body(Connection(to: target(side), for: .control, as: "\(plan.stream) \(application)", stop: limit))
    }

    /// What the other side has committed, here, with the gate by it; until it works or somebody asks tandem to stop.
    func take(_ epoch: Epoch, on side: Side, stop: StopSignal) throws {
        var pause = Backoff(first: 0.1, longest: 2)
        while true {
            do {
                let connection = try Connection(
                    to: target(side), for: .control, as: "\(plan.stream) \(application)", stop: stop)
                try EpochBook(connection, plan.stream).take(epoch)
                try FenceGate(connection, plan.stream, on: side).derive()
                return
            } catch let error as PostgresError {
                guard error.isTransient, !stop.wait(seconds: pause.seconds()) else { throw error }
            }
        }
    }
}
