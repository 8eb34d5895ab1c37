// COPY in both directions of travel, and the CopyBoth of a replication stream. Never inside a pipeline.

internal import CLibPQ

/// One message of a replication stream, or one row of a COPY, freed when dropped.
package struct CopyMessage: ~Copyable {
    private let buffer: UnsafeMutablePointer<CChar>
    private let length: Int

    fileprivate init(_ buffer: UnsafeMutablePointer<CChar>, _ length: Int) {
        self.buffer = buffer
        self.length = length
    }

    deinit { PQfreemem(buffer) }

    /// Valid while the message lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer, count: length) }
}

extension Connection {
    /// Starts COPY … FROM STDIN or START_REPLICATION.
    package func startCopy(_ sql: String, doing: String) throws(PostgresError) {
        onOwnThread()
        guard PQsendQuery(raw, sql) == 1 else { throw lost(doing) }
        let result = try finish(doing: doing)
        guard result.status == PGRES_COPY_BOTH || result.status == PGRES_COPY_IN else {
            throw PostgresError(.unexpected, "the server did not start to copy", doing: doing)
        }
    }

    /// Starts COPY … TO STDOUT.
    package func startCopyOut(_ sql: String, doing: String) throws(PostgresError) {
        onOwnThread()
        guard PQsendQuery(raw, sql) == 1 else { throw lost(doing) }
        guard try finish(doing: doing).status == PGRES_COPY_OUT else {
            throw PostgresError(.unexpected, "the server did not start to copy", doing: doing)
        }
    }

    /// The next row of COPY … TO STDOUT, waiting for it; nil at the end, which the server must have confirmed.
    package func nextCopyRow(doing: String) throws(PostgresError) -> CopyMessage? {
        onOwnThread()
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(raw, &buffer, 1)
            if let buffer { return CopyMessage(buffer, Int(length)) }
            switch length {
            case 0: try waitForServer(doing: doing)
            case -1:
                _ = try finish(doing: doing)
                return nil
            default: throw lost(doing)
            }
        }
    }

    /// Ends COPY … FROM STDIN without keeping anything of it; the server's error is the expected answer.
    package func abandonCopy(doing: String) {
        onOwnThread()
        guard PQputCopyEnd(raw, "given up") == 1 else { return }
        _ = try? finish(doing: doing)
    }

    /// In messages of a size that a server takes: where they end means nothing to it.
    package func putCopy(_ bytes: UnsafeRawBufferPointer, doing: String) throws(PostgresError) {
        onOwnThread()
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, Self.longestMessage)
            switch PQputCopyData(raw, start + done, Int32(count)) {
            case 1: done += count
            case 0: break
            default: throw lost(doing)
            }
            try flush(doing: doing)
        }
    }

    private static let longestMessage = 4 << 20

    /// A part that is sent as far as the socket takes it; the rest of it waits here, and goes with what comes next. What is
    /// large is sent whole.
    package func addCopy(_ bytes: UnsafeRawBufferPointer, doing: String) throws(PostgresError) {
        onOwnThread()
        guard bytes.count <= Self.mostThatWaits else { return try putCopy(bytes, doing: doing) }
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        while true {
            switch PQputCopyData(raw, start, Int32(bytes.count)) {
            case 1: return _ = try push(doing: doing)
            case 0: try flush(doing: doing)
            default: throw lost(doing)
            }
        }
    }

    private static let mostThatWaits = 1 << 20

    /// Ends COPY … FROM STDIN; how many rows the server took.
    package func endCopy(doing: String) throws(PostgresError) -> Int {
        onOwnThread()
        while true {
            switch PQputCopyEnd(raw, nil) {
            case 1: return try finish(doing: doing).affected ?? 0
            case 0: try flush(doing: doing)
            default: throw lost(doing)
            }
        }
    }

    /// libpq reads from the socket into a buffer that only grows when a message needs it, and never shrinks: one large row
    /// now makes every later read a large one. (A larger one still costs more than it brings: the server sends it 8 kB at a time.)
    package func growReadBuffer() throws(PostgresError) {
        try script("SELECT pg_catalog.repeat('x', 262144)", doing: "preparing to receive from \(label)")
    }

    /// The next message of the replication stream, if it is here; does not wait. The server ending the stream throws.
    package func receiveCopy(doing: String) throws(PostgresError) -> CopyMessage? {
        onOwnThread()
        var buffer: UnsafeMutablePointer<CChar>?
        let length = PQgetCopyData(raw, &buffer, 1)
        if let buffer { return CopyMessage(buffer, Int(length)) }
        switch length {
        case 0: return nil
        case -1:
            try endOfStream(doing: doing)
            throw PostgresError(.connectionLost, "the server ended the stream", doing: doing)
        default: throw lost(doing)
        }
    }

    private func endOfStream(doing: String) throws(PostgresError) {
        while let result = PQgetResult(raw).map({ Result($0) }) {
            if result.isError { throw result.error(doing: doing) }
            if result.status == PGRES_COPY_BOTH || result.status == PGRES_COPY_IN { break }
        }
    }

    /// Sends one message into the replication stream; false when it could only be buffered in part.
    @discardableResult
    package func sendCopy(_ bytes: UnsafeRawBufferPointer, doing: String) throws(PostgresError) -> Bool {
        onOwnThread()
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard PQputCopyData(raw, start, Int32(clamping: bytes.count)) != -1 else { throw lost(doing) }
        return try push(doing: doing)
    }
}
