// The heart of a stream, on its own thread and connection to the source: a beat each second, which the stream carries to
// the target and which tells the true lag; and an eye on the slot: how much log it holds, how fast that grows; and one on the
// publication, whose alteration ends the run; and one on the pair's epoch there. When the source goes down the heart is the first to know, and has the stream
// let go, so that the source can stop.

internal import Apply
internal import Model
internal import Postgres
internal import State
internal import Synchronization
internal import Telemetry
internal import Threading

/// What the heart has seen of the source, for the status.
final class SourceWatch: Sendable {
    private let held = Monitor<(held: UInt64?, rate: Double?)>((nil, nil))

    var current: (held: UInt64?, rate: Double?) { held.withLock { $0 } }

    func note(held bytes: UInt64?, rate: Double?) { held.withLock { $0 = (bytes, rate) } }
}

/// The source is ending or gone while the stream still hangs on it.
struct SourceGone: Explained {
    let side: Side
    let reason: String
    var description: String { "\(side) is going down or cannot be reached: \(reason)" }
}

final class Heart {
    private let target: ConnectionTarget
    private let stream: StreamName
    private let course: PairCourse
    private let progress: ApplyProgress
    private let watch: SourceWatch
    private let stop: StopSignal
    private let log: Log

    private var connection: Connection?
    private var failures = 0
    private var troubled = false
    private var heldLog: HeldLog
    private var samples: [(at: Monotonic, position: LSN)] = []
    private var nextLook = Monotonic.now

    init(
        _ target: ConnectionTarget, _ stream: StreamName, course: PairCourse, progress: ApplyProgress,
        watch: SourceWatch, walHeldLimit: Int, stop: StopSignal, log: Log
    ) {
        self.target = target
        self.stream = stream
        self.course = course
        self.progress = progress
        self.watch = watch
        heldLog = HeldLog(limit: walHeldLimit, stream: stream)
        self.stop = stop
        self.log = log
    }

    /// Until asked to stop. Throws when the source is going away, or when its publication was altered.
    func run() throws {
        while !stop.isRaised {
            do throws(PostgresError) {
                try beat(try open())
                failures = 0
            } catch {
                try bear(error)
            }
            // What was interrupted has left the connection in the middle of an answer.
            if stop.isRaised { return }
            if let connection, !connection.isBroken { try readEpoch(connection) }
            if Monotonic.now >= nextLook, !stop.isRaised { try lookIfPossible() }
            stop.wait(seconds: 1)
        }
    }

    private func open() throws(PostgresError) -> SourceSide {
        if let connection, !connection.isBroken { return SourceSide(connection, stream) }
        connection = nil
        let opened = try Connection(to: target, for: .control, as: "\(stream) heartbeat", stop: stop)
        connection = opened
        return SourceSide(opened, stream)
    }

    private func beat(_ source: SourceSide) throws(PostgresError) {
        let began = Monotonic.now
        progress.sent(beat: try source.beat(), began: began)
        if troubled { log.info("heartbeat again") }
        troubled = false
    }

    /// The side that gives truth up has the next epoch first.
    private func readEpoch(_ connection: Connection) throws {
        do { try PairEpochs.note(connection, stream.source, stream, in: course) } catch let error as PostgresError {
            try bear(error)
        }
    }

    private func bear(_ error: PostgresError) throws {
        if error.kind == .interrupted { return }
        if !troubled { log.about(error).warning("no heartbeat", [.detail: error.description]) }
        troubled = true
        guard error.isConnectionLost else { return }
        connection = nil
        failures += 1
        // It takes nobody in: going down, or coming up after it went down without our seeing it.
        let isClosed = error.refusal == "57P03"
        let isCrowded = error.refusal == "53300"
        if isClosed || (failures >= 8 && !isCrowded) {
            throw SourceGone(side: stream.source, reason: error.message)
        }
    }

    // MARK: the log the slot holds, and the publication

    /// Also when no heartbeat can be written: what it is written into may be what is missing.
    private func lookIfPossible() throws {
        guard let connection, !connection.isBroken else { return }
        var fault: StateError?
        do throws(PostgresError) { fault = try look(SourceSide(connection, stream)) } catch { try bear(error) }
        if let fault { throw fault }
    }

    private func look(_ source: SourceSide) throws(PostgresError) -> StateError? {
        nextLook = Monotonic.now.adding(seconds: 5)
        let position = try source.currentPosition()
        samples.append((Monotonic.now, position))
        if samples.count > 13 { samples.removeFirst() }
        let held = try source.slot()?.walHeld
        watch.note(held: held, rate: rate)
        if let held { heldLog.note(held, log) }
        return try source.publicationFault()
    }

    private var rate: Double? {
        guard let first = samples.first, let last = samples.last else { return nil }
        let seconds = last.at.seconds(since: first.at)
        return seconds < 1 ? nil : Double(last.position.bytes(since: first.position)) / seconds
    }
}
