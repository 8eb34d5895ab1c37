// The rows of one statement as they come, each handed on and forgotten: libpq would otherwise gather all of them.

internal import CLibPQ

extension Connection {
    /// Values are in binary. When this throws, rows may be on their way still, and the connection is of no more use.
    package func eachRow(inBinary sql: String, doing: String, _ body: (Result) throws -> Void) throws {
        onOwnThread()
        guard PQsendQueryParams(raw, sql, 0, nil, nil, nil, nil, 1) == 1, PQsetSingleRowMode(raw) == 1 else {
            throw lost(doing)
        }
        while let result = try nextResult(doing: doing) {
            if result.isError { throw result.error(doing: doing) }
            if result.status == PGRES_SINGLE_TUPLE { try body(result) }
        }
    }
}
