// Many statements without waiting for each: queued, sent while the server works, answered in order. What is in flight
// is bounded by the caller, who queues one batch at a time.

internal import CLibPQ

/// A parameter in PostgreSQL's binary form.
package struct BinaryParameters {
    var values: [UnsafePointer<CChar>?] = []
    var lengths: [Int32] = []
    var formats: [Int32] = []

    package init() {}

    /// What a server takes in one message, less what stands around the values.
    package static let most = (1 << 30) - (1 << 17)

    package var isTooLarge: Bool { lengths.reduce(0) { $0 + Int($1) } > Self.most }

    /// The bytes must live until the statement was queued; nil is NULL.
    package mutating func append(_ bytes: UnsafeRawBufferPointer?) {
        values.append(bytes?.baseAddress?.assumingMemoryBound(to: CChar.self))
        lengths.append(Int32(clamping: bytes?.count ?? 0))
        formats.append(1)
    }
}

package enum PipelineAnswer {
    case result(Result)
    /// Everything up to a sync was answered.
    case synced
    /// Nothing to read yet.
    case notYet
}

extension Connection {
    package var isInPipeline: Bool { PQpipelineStatus(raw) != PQ_PIPELINE_OFF }

    package func enterPipeline() throws(PostgresError) {
        onOwnThread()
        guard PQenterPipelineMode(raw) == 1 else { throw lost("starting a pipeline on \(label)") }
    }

    /// Only when everything was answered.
    package func leavePipeline() throws(PostgresError) {
        onOwnThread()
        guard PQexitPipelineMode(raw) == 1 else { throw lost("ending a pipeline on \(label)") }
    }

    package func queuePrepare(_ name: String, _ sql: String, types: [UInt32]) throws(PostgresError) {
        onOwnThread()
        guard PQsendPrepare(raw, name, sql, Int32(types.count), types) == 1 else { throw lost("preparing a statement") }
    }

    package func queue(prepared name: String, _ parameters: BinaryParameters) throws(PostgresError) {
        onOwnThread()
        let sent = PQsendQueryPrepared(
            raw, name, Int32(parameters.values.count), parameters.values, parameters.lengths, parameters.formats, 0)
        guard sent == 1 else { throw lost("sending a statement") }
    }

    package func queue(_ sql: String, _ parameters: [String?] = []) throws(PostgresError) {
        onOwnThread()
        let values = CStrings(parameters)
        guard PQsendQueryParams(raw, sql, Int32(parameters.count), nil, values.pointers, nil, nil, 0) == 1 else {
            throw lost("sending a statement")
        }
    }

    /// Ends a group of statements: an error skips what follows up to here, not further.
    package func queueSync() throws(PostgresError) {
        onOwnThread()
        guard PQpipelineSync(raw) == 1 else { throw lost("ending a group of statements") }
    }

    /// Pushes out what fits into the socket now; true when nothing is left to send.
    package func push(doing: String) throws(PostgresError) -> Bool {
        onOwnThread()
        switch PQflush(raw) {
        case 0: return true
        case 1: return false
        default: throw lost(doing)
        }
    }

    /// Reads what has come without waiting.
    package func pull(doing: String) throws(PostgresError) {
        onOwnThread()
        guard PQconsumeInput(raw) == 1 else { throw lost(doing) }
    }

    /// Waits until there is something to read (or room to write what is left), reads it, and honours a request to stop.
    package func waitBriefly(doing: String) throws(PostgresError) {
        onOwnThread()
        if PQflush(raw) == 1 { try flush(doing: doing) } else { try waitForServer(doing: doing) }
    }

    /// The next answer, if it is here. Errors come back as results so that the pipeline stays in step.
    package func answer() -> PipelineAnswer {
        onOwnThread()
        while PQisBusy(raw) == 0 {
            guard let next = PQgetResult(raw) else {
                // The end of one statement's results, or nothing was queued.
                if endedStatement { return .notYet }
                endedStatement = true
                continue
            }
            endedStatement = false
            let result = Result(next)
            return result.status == PGRES_PIPELINE_SYNC ? .synced : .result(result)
        }
        return .notYet
    }
}

extension Result {
    /// The error this answer is, if it is one. What was being done is only put into words then.
    package func failure(doing: @autoclosure () -> String) -> PostgresError? {
        guard isError else { return nil }
        return error(doing: doing())
    }

    /// Skipped because an earlier statement of its group failed.
    package var wasSkipped: Bool { status == PGRES_PIPELINE_ABORTED }
}
