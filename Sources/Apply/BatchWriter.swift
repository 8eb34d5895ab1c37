// Puts batches on the apply connection as pipelined statements and reads the answers back in step: every statement
// queued leaves an expectation, every sync closes a group, every group has one outcome.

internal import Batching
internal import Bytes
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import Threading

final class BatchWriter {
    private enum Expectation {
        case control(String)
        /// The row that records progress was written.
        case progress
        case prepare(StatementBook.Key)
        case rows(TableMapping, expected: Int?)
        case truncate(QualifiedName)
        case answer(QualifiedName)
        case unshared(TableMapping, TargetTable.Index)
    }

    let connection: Connection
    let mappings: Mappings
    private let book = StatementBook()
    private let stop: StopSignal
    private let pinning: [String]
    private var expectations: [Expectation] = []
    private var next = 0
    private var failure: ApplyFailure?
    /// Groups queued whose sync has not come back.
    private(set) var openGroups = 0
    /// The last value a `select` brought: probes and the like.
    private var lastAnswer: Result?

    private let stream: StreamName
    private let streamText = ByteBuffer()
    let hasTwins: Bool

    init(_ connection: Connection, _ mappings: Mappings, stream: StreamName, hasTwins: Bool, stop: StopSignal) {
        self.hasTwins = hasTwins
        self.connection = connection
        self.stream = stream
        streamText.append(text: stream.description)
        self.mappings = mappings
        self.stop = stop
        pinning = connection.pinning(.apply) + (hasTwins ? [Self.givingWay] : [])
    }

    /// An application that waits for us while we wait for it would never be told: no server sees both halves of that.
    static let givingWay = "SET lock_timeout = '200ms'"

    func forgetStatements() { book.forgetAll() }

    // MARK: queueing

    func queue(control sql: String, _ parameters: [String?] = [], doing: String) throws(PostgresError) {
        try connection.queue(sql, parameters)
        expectations.append(.control(doing))
    }

    /// BEGIN, and the progress this transaction will make by committing.
    func queueBegin(progress end: LSN, at time: ServerTime?) throws(PostgresError) {
        try queueBegin()
        try queueProgress(end, time, asserted: false)
    }

    private func queueBegin() throws(PostgresError) {
        try queueFirst()
        try connection.queue(prepared: Self.begin, BinaryParameters())
        expectations.append(.control("beginning a transaction"))
    }

    /// What a session needs before the next transaction.
    private func queueFirst() throws(PostgresError) {
        if mappings.fireTriggers { try queuePinning() }
        for name in book.takeObsolete() { try queue(control: "DEALLOCATE \(name)", doing: "dropping a statement") }
    }

    func queueProgress(_ end: LSN, _ time: ServerTime?, asserted: Bool = true) throws(PostgresError) {
        let numbers = (end.raw.bigEndian, (time?.microseconds ?? 0).bigEndian)
        try withUnsafeBytes(of: numbers) { numbers throws(PostgresError) in
            var parameters = BinaryParameters()
            parameters.append(UnsafeRawBufferPointer(rebasing: numbers[..<8]))
            parameters.append(time == nil ? nil : UnsafeRawBufferPointer(rebasing: numbers[8...]))
            parameters.append(streamText.bytes)
            try connection.queue(prepared: asserted ? Self.assertedProgress : Self.progress, parameters)
        }
        expectations.append(asserted ? .control("recording progress") : .progress)
    }

    private static let begin = "begin"
    private static let commit = "commit"
    private static let progress = "progress"
    private static let assertedProgress = "progress_asserted"

    /// What every batch says, before the first one and outside a pipeline: the server reads it once.
    func prepareEachTime() throws(PostgresError) {
        try connection.prepare(Self.begin, "BEGIN", doing: "preparing to begin")
        try connection.prepare(Self.commit, "COMMIT", doing: "preparing to commit")
        let update = """
            UPDATE tandem.stream SET applied_lsn = $1::pg_lsn WHERE stream = $3
            RETURNING pg_replication_origin_xact_setup($1::pg_lsn, CASE WHEN $2::int8 IS NULL THEN clock_timestamp()
                ELSE '2000-01-01 00:00:00+00'::timestamptz + ($2::int8 * '1 microsecond'::interval) END)
            """
        try connection.script(
            """
            PREPARE \(Self.progress) (pg_lsn, int8, text) AS \(update);
            PREPARE \(Self.assertedProgress) (pg_lsn, int8, text) AS
                WITH touched AS (\(update)) SELECT 1 / (count(*) = 1)::int4 FROM touched
            """, doing: "preparing to record progress")
    }

    func plan(_ batch: Batch) -> [PlannedStatement] {
        let statements = SegmentStatements(mappings, hasTwins: hasTwins)
        return batch.segments.flatMap { statements.plan($0) } + statements.notes(batch)
    }

    func queue(_ batch: Batch) throws(PostgresError) {
        for statement in plan(batch) { try queue(statement) }
    }

    /// A batch as one group without BEGIN and COMMIT: all up to a sync is a transaction by itself, which the sync commits. Whatever
    /// does not come out as it must fails on the server, and nothing of it stays. Only for statements that can tell by themselves.
    func queueWhole(
        _ statements: [PlannedStatement], progress end: LSN, at time: ServerTime?, more: () throws -> Void
    ) throws {
        try queueFirst()
        try queueProgress(end, time, asserted: true)
        for case .rows(let group) in statements { try queue(group, asserted: true) }
        try more()
        Failpoint.pass(.beforeTargetCommit)
        try queueSync()
    }

    /// A batch beside one that has not committed, which holds the row of progress.
    func queueBeside(_ statements: [PlannedStatement]) throws(PostgresError) {
        try queueBegin()
        for statement in statements { try queue(statement) }
        try queueSync()
    }

    func queue(_ statement: PlannedStatement) throws(PostgresError) {
        switch statement {
        case .truncate(let sql, let tables):
            try connection.queue(sql)
            expectations.append(.truncate(tables.first?.table.name ?? QualifiedName(schema: "", name: "")))
            if tables.contains(where: \.table.firesTriggers) { try queuePinning() }
        case .rows(let group): try queue(group)
        }
    }

    func queue(_ group: RowGroup, text: Bool = false, asserted: Bool = false) throws(PostgresError) {
        let mapping = group.mapping
        let asserts = asserted && expected(group) != nil
        let isSingle = asserted && group.isOneRow
        let key = StatementBook.Key(
            shape: mapping.shape.number, operation: group.operation, isText: text, isAsserted: asserts,
            isSingle: isSingle)
        let name: String
        switch book.look(up: key) {
        case .ready(let known): name = known
        case .new(let made):
            let single = isSingle ? mapping.single(group.operation) : nil
            let plain = single ?? mapping.statement(group.operation, of: stream)
            let statement = asserts ? plain.asserted : plain
            try connection.queuePrepare(made, statement.sql, types: statement.parameterTypes)
            expectations.append(.prepare(key))
            name = made
        }
        let given = isSingle ? group.onlyRow : group.parameters
        // The server would cut the connection without a word, again and again.
        guard !given.isTooLarge else {
            throw PostgresError(
                .server("54000"),
                "a row of \(mapping.table.name) is larger than the 1 GB that \(stream.target) takes in one message",
                doing: "changing \(mapping.table.name)")
        }
        if asserts {
            try withUnsafeBytes(of: Int64(group.expected).bigEndian) { count throws(PostgresError) in
                var parameters = given
                parameters.append(count)
                try connection.queue(prepared: name, parameters)
            }
            return expectations.append(.rows(mapping, expected: nil))
        }
        try connection.queue(prepared: name, given)
        switch group.operation {
        case .probe: expectations.append(.answer(mapping.table.name))
        case .shared(let key): expectations.append(.unshared(mapping, mapping.uncheckedKeys[key].index))
        default: expectations.append(.rows(mapping, expected: expected(group)))
        }
        if mapping.table.firesTriggers { try queuePinning() }
    }

    /// After triggers ran: their functions may have set what the next statement must not see.
    private func queuePinning() throws(PostgresError) {
        for sql in pinning { try queue(control: sql, doing: "restoring the session's settings") }
    }

    /// How many rows must be touched; nil where the number proves nothing.
    private func expected(_ group: RowGroup) -> Int? {
        if group.mapping.table.mayChangeRows || !group.isCounted { return nil }
        if group.operation == .place || group.operation == .placeMissing { return nil }
        if group.operation == .insert && !group.mapping.keyIsUnchecked { return nil }
        return group.expected
    }

    func queue(check index: TargetTable.Index, of mapping: TableMapping) throws(PostgresError) {
        try connection.queue(mapping.sharedAnywhere(index))
        expectations.append(.unshared(mapping, index))
    }

    func queueCommit() throws(PostgresError) {
        try connection.queue(prepared: Self.commit, BinaryParameters())
        expectations.append(.control("committing"))
        try queueSync()
    }

    func queueSync() throws(PostgresError) {
        try connection.queueSync()
        openGroups += 1
    }

    // MARK: answers

    enum Outcome {
        case done
        case failed(ApplyFailure)
    }

    /// The outcome of the oldest open group, if it is here.
    func poll() throws(PostgresError) -> Outcome? {
        while true {
            switch connection.answer() {
            case .notYet: return nil
            case .result(let result): try take(result)
            case .synced:
                openGroups -= 1
                defer { failure = nil }
                compact()
                return failure.map { .failed($0) } ?? .done
            }
        }
    }

    /// Waits for the oldest open group.
    func wait(doing: String) throws(PostgresError) -> Outcome {
        while true {
            if let outcome = try poll() { return outcome }
            _ = try connection.push(doing: doing)
            try connection.waitBriefly(doing: doing)
        }
    }

    private func compact() {
        guard next == expectations.count else { return }
        expectations.removeAll(keepingCapacity: true)
        next = 0
    }

    private func take(_ result: Result) throws(PostgresError) {
        guard next < expectations.count else {
            // A group without COMMIT of its own may still fail where its sync commits it.
            if openGroups > 0, let error = result.failure(doing: "committing") { return fail(error, nil) }
            throw PostgresError(.unexpected, "an answer nobody asked for", doing: "applying")
        }
        let expectation = expectations[next]
        next += 1
        if result.wasSkipped {
            if case .prepare(let key) = expectation { book.forget(key) }
            return
        }
        switch expectation {
        case .control(let doing): fail(result.failure(doing: doing), nil)
        case .progress:
            fail(result.failure(doing: "recording progress"), nil)
            guard result.affected != 1 else { return }
            fail(
                PostgresError(
                    .unexpected, "\(stream.target) has lost its record of \(stream)", doing: "recording progress"), nil)
        case .prepare(let key):
            guard let error = result.failure(doing: "preparing a statement") else { return }
            book.forget(key)
            fail(error, mappings.mapping(ofShape: key.shape)?.table.name)
        case .truncate(let table): fail(result.failure(doing: "truncating \(table)"), table)
        case .unshared(let mapping, let index):
            let table = mapping.table.name
            if let error = result.failure(doing: "checking key \(index.name) of \(table)") { return fail(error, table) }
            guard failure == nil, (result.int(0, 0) ?? 0) > 0 else { return }
            failure = .sharedKey(table: table, key: index.name)
        case .answer(let table):
            lastAnswer = result
            fail(result.failure(doing: "looking for a row"), table)
        case .rows(let mapping, let expected):
            let table = mapping.table.name
            if let error = result.failure(doing: "changing \(table)") { return fail(error, table) }
            guard failure == nil, let expected, let touched = result.affected, touched != expected else { return }
            failure = .rowCount(table: table, expected: expected, touched: touched)
        }
    }

    private func fail(_ error: PostgresError?, _ table: QualifiedName?) {
        guard let error, failure == nil else { return }
        failure = .server(error, table: table)
    }

    // MARK: one after another

    /// Runs what was queued so far as one group.
    func finishGroup(doing: String) throws(PostgresError) -> ApplyFailure? {
        try queueSync()
        if case .failed(let failure) = try wait(doing: doing) { return failure }
        return nil
    }

    func rollback() throws(PostgresError) {
        try queue(control: "ROLLBACK", doing: "rolling back")
        _ = try finishGroup(doing: "rolling back")
    }

    /// The number a probe counted.
    func count(_ probe: RowGroup, text: Bool = false) throws(PostgresError) -> (count: Int, failure: ApplyFailure?) {
        lastAnswer = nil
        try queue(probe, text: text)
        let failure = try finishGroup(doing: "looking for a row")
        return (lastAnswer?.int(0, 0) ?? 0, failure)
    }

    /// Leaves the pipeline for something that does not go through it; every group must be closed.
    func outsidePipeline<Value>(_ body: () throws -> Value) throws -> Value {
        try connection.leavePipeline()
        let value = Swift.Result { try body() }
        try connection.enterPipeline()
        return try value.get()
    }
}
