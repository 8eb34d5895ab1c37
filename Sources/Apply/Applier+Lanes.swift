// Two batches at once, for catching up: the second runs on a connection of its own while the first has not committed, and
// commits after it. Source transactions become visible whole and in order as ever.
//
//     lane 1   N ─────────▶ COMMIT   N+2 ─────────▶ COMMIT
//     lane 2      N+1 ─────────────▶ COMMIT   N+3 ───────
//
// Only where order between the two cannot matter: they share no key, and all they do is insert, update and delete rows
// found by their key. What the keys do not tell the server does: a batch that meets values of the one before it waits or
// fails, and what failed beside another is done again alone, and the second lane rests for a while. A batch that is done
// and waits for its turn holds locks; where somebody else stands between it and the one before it, nobody would ever see
// that circle, so it does not hold them for long.

internal import Batching
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

struct Lanes {
    static let most = 2
    /// So many batches go alone after one had to be done again.
    static let pause = 64
    /// Seconds for which a batch that is done may hold its locks while the one before it does not get on.
    static let patience = 1.0

    private(set) var all: [BatchWriter]
    /// The target has no place for a second one.
    var areImpossible = false
    /// Batches to go before one may be beside another again.
    var rest = 0
    /// What the batch being filled shares a key with.
    weak var conflict: Flight?

    init(_ first: BatchWriter) { all = [first] }

    mutating func append(_ lane: BatchWriter) { all.append(lane) }

    /// The first always: it also carries what is no batch.
    var busy: [BatchWriter] { all.filter { $0 === all[0] || $0.openGroups > 0 } }
}

extension Applier {
    /// The lane that the batch being filled may take now: the first one when nothing but a COMMIT is before it there, or
    /// another one beside what is under way.
    func freeLane() throws -> (lane: BatchWriter, isBeside: Bool)? {
        let open = flights.filter { !$0.isCommitting }
        if open.isEmpty && flights.allSatisfy({ $0.lane === writer }) { return (writer, false) }
        guard open.count < Lanes.most, lanes.rest == 0, !lanes.areImpossible, isMuch, !damaged,
            flights.allSatisfy({ $0.isPlain && !$0.isGrounded && $0 !== lanes.conflict }), mappings.arePlain(filling)
        else { return nil }
        if lanes.all.count < Lanes.most {
            guard try tryToOpenLane() else { return nil }
        }
        guard let lane = lanes.all.first(where: { lane in !open.contains { $0.lane === lane } }) else { return nil }
        lanes.conflict = flights.first { $0.lane !== lane && $0.batch.meets(filling) }
        return lanes.conflict == nil ? (lane, true) : nil
    }

    /// Enough to be worth a transaction of its own.
    private var isMuch: Bool { filling.changes * 4 >= limits.changes || filling.bytes * 4 >= limits.bytes }

    private func openLane() throws(PostgresError) {
        let connection = try Connection(
            to: setup.target, for: .apply, as: setup.applicationName("apply 2"), stop: stop)
        try TargetSide(connection, stream).attachLaneOrigin()
        let lane = BatchWriter(
            connection, mappings, stream: stream, hasTwins: setup.hasTwins, stop: stop)
        try lane.prepareEachTime()
        try connection.enterPipeline()
        lanes.append(lane)
    }

    /// One lane is enough for everything but speed.
    private func tryToOpenLane() throws -> Bool {
        do throws(PostgresError) {
            try openLane()
            return true
        } catch {
            guard !stop.isRaised else { throw error }
            goAlone(error)
            return false
        }
    }

    private func goAlone(_ reason: PostgresError) {
        lanes.areImpossible = true
        log.info("one connection applies", [.reason: reason.description])
    }

    /// Before a single change: a runner that was killed may have left a commit under way there, too.
    func reopenLane() throws(PostgresError) {
        guard try side.hasLaneOrigin else { return }
        do throws(PostgresError) { try openLane() } catch {
            // No room to attach to it: then nobody else is.
            guard error.sqlState == "53400" else { throw error }
            goAlone(error)
        }
    }

    // MARK: what does not come out as it should

    /// The flight in front came back: everything before it is committed, nothing of it is, and nothing behind it may be.
    func recover(_ failure: ApplyFailure) throws {
        let front = flights.removeFirst()
        try clear(front.isWhole ? nil : front.lane)
        if front.isBeside {
            lanes.rest = Lanes.pause
            log.debug(
                "applying again, alone",
                [.transactions: front.batch.transactions.count, .reason: failure.message(stream)])
            try behind { try applyAlone(front.batch) }
        } else {
            try behind { try again(front.batch, failure) }
        }
    }

    /// What was grounded is in front now.
    func startAgain() throws {
        let front = flights.removeFirst()
        try clear(front.lane)
        try behind { try applyAlone(front.batch) }
    }

    /// Brings home and rolls back what flies, and with it the lane of the one that does not any more, if it has a transaction open.
    private func clear(_ lane: BatchWriter?) throws {
        for flight in flights where flight.isUnderWay { _ = try flight.lane.wait(doing: "rolling back") }
        for each in lanes.all where each === lane || flights.contains(where: { $0.lane === each && !$0.isGrounded }) {
            try each.rollback()
        }
    }

    /// Does something, then all that was flying.
    private func behind(_ body: () throws -> Void) throws {
        shortcut.close()
        let batches = flights.map(\.batch)
        flights = []
        let looks = looks
        try body()
        for batch in batches {
            if self.looks == looks { try applyAlone(batch) } else { try replay(batch) }
        }
    }

    /// With nothing else on its way.
    private func applyAlone(_ batch: Batch) throws {
        try sendPart(batch, writer.plan(batch))
        if let failure = try perform(batch) { try again(batch, failure) }
    }

    /// Somebody may wait for a batch that waits for the one in front, which waits for that somebody.
    func letPass() throws {
        guard flights.count > 1, flights[0].isUnderWay, !flights[0].isCommitting else { return }
        for flight in flights.dropFirst() {
            guard case .ready = flight.state, flight.since.age > Lanes.patience else { continue }
            try flight.lane.rollback()
            flight.state = .grounded
            lanes.rest = Lanes.pause
            log.debug("letting others pass", [.transactions: flight.batch.transactions.count])
        }
    }
}

extension Mappings {
    /// Whether a batch does nothing but insert rows, and update and delete rows found by their key, where the target's own
    /// counts tell whether it came out right.
    func arePlain(_ batch: Batch) -> Bool {
        guard batch.leftOut == 0, batch.noted.isEmpty, batch.notedWhole.isEmpty else { return false }
        return batch.segments.allSatisfy { segment in
            segment.truncation == nil
                && segment.tables.allSatisfy { table in
                    let mapping = known(shape: table.shape)
                    return !mapping.table.firesTriggers && !mapping.table.appliesRules && mapping.uncheckedKeys.isEmpty
                        && !mapping.rekeysRewrite && !table.changesImages
                }
        }
    }
}
