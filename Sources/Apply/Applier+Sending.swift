// Batches on their way out: which lane one takes, and in how many steps.

internal import Batching
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres

extension Applier {
    func launch() throws {
        guard !filling.isEmpty, !needsAttention, let (lane, isBeside) = try freeLane() else { return }
        let batch = filling
        let ready = planned
        filling = Batch()
        planned = nil
        if damaged {
            damaged = false
            try landAll()
            return try replay(batch)
        }
        let flight = Flight(batch, on: lane, isBeside: isBeside)
        try send(flight, ready)
        flights.append(flight)
        _ = try lane.connection.push(doing: "applying")
        flight.isPlain = mappings.arePlain(batch)
        Failpoint.pass(.afterBatchSent)
    }

    /// What fills while another batch runs is put into statements before its turn comes, once it is full.
    func planAhead() {
        guard planned == nil, isFull, !damaged else { return }
        planned = writer.plan(filling)
    }

    /// A small batch, with nothing before it under way, is a transaction by itself; one beside others records no progress yet.
    private func send(_ flight: Flight, _ planned: [PlannedStatement]?) throws {
        let batch = flight.batch
        guard let commit = batch.end else { return }
        let statements = planned ?? writer.plan(batch)
        if flight.isBeside { return try flight.lane.queueBeside(statements) }
        guard flights.isEmpty, batch.changes <= Self.small, statements.allSatisfy({ $0.canAssert }) else {
            return try sendPart(batch, statements)
        }
        flight.state = .whole
        try writer.queueWhole(statements, progress: commit.end, at: commit.time) { try queueLeftOut(batch) }
    }

    /// Everything but the COMMIT.
    func sendPart(_ batch: Batch, _ statements: [PlannedStatement]) throws {
        guard let commit = batch.end else { return }
        try writer.queueBegin(progress: commit.end, at: commit.time)
        for statement in statements { try writer.queue(statement) }
        try writer.queueChecks(batch)
        try queueLeftOut(batch)
        try writer.queueSync()
    }
}
