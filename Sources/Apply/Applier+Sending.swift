// Batches on their way out: which lane one takes, and in how many steps. What a small one does first is sent before its
// statements are made, so that the target is at work meanwhile.

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

    /// A small batch, with nothing before it under way, takes its COMMIT along; one beside others records no progress yet.
    private func send(_ flight: Flight, _ planned: [PlannedStatement]?) throws {
        let batch = flight.batch
        guard let commit = batch.end else { return }
        if flight.isBeside { return try flight.lane.queueBeside(planned ?? writer.plan(batch)) }
        guard flights.isEmpty, batch.changes <= Self.small else {
            return try sendPart(batch, planned ?? writer.plan(batch))
        }
        try writer.queueBegin(progress: commit.end, at: commit.time, asserted: true)
        // The target does that while its statements are made.
        _ = try writer.connection.push(doing: "applying")
        let statements = planned ?? writer.plan(batch)
        guard statements.allSatisfy({ $0.canAssert }) else { return try sendBegun(batch, statements) }
        flight.state = .whole
        try writer.queueWhole(statements) { try queueLeftOut(batch) }
    }

    /// Everything but the COMMIT.
    func sendPart(_ batch: Batch, _ statements: [PlannedStatement]) throws {
        guard let commit = batch.end else { return }
        try writer.queueBegin(progress: commit.end, at: commit.time)
        try sendBegun(batch, statements)
    }

    private func sendBegun(_ batch: Batch, _ statements: [PlannedStatement]) throws {
        for statement in statements { try writer.queue(statement) }
        try writer.queueChecks(batch)
        try queueLeftOut(batch)
        try writer.queueSync()
    }
}
