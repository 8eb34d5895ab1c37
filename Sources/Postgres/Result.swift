// One PGresult: its rows, its status, freed with the last reference. Values are read by place; text is copied out.

internal import CLibPQ
internal import Foundation

package final class Result {
    private let raw: OpaquePointer

    init(_ raw: OpaquePointer) { self.raw = raw }

    deinit { PQclear(raw) }

    var status: ExecStatusType { PQresultStatus(raw) }

    /// It is an answer of rows, even if of none; not the mere end of a command.
    package var isRows: Bool { status == PGRES_TUPLES_OK }
    package var rows: Int { Int(PQntuples(raw)) }
    package var columns: Int { Int(PQnfields(raw)) }

    package func columnName(_ column: Int) -> String { String(cString: PQfname(raw, Int32(column))) }

    package func isNull(_ row: Int, _ column: Int) -> Bool { PQgetisnull(raw, Int32(row), Int32(column)) == 1 }

    package func text(_ row: Int, _ column: Int) -> String? {
        isNull(row, column) ? nil : String(cString: PQgetvalue(raw, Int32(row), Int32(column)))
    }

    package func string(_ row: Int, _ column: Int) -> String { text(row, column) ?? "" }
    package func int(_ row: Int, _ column: Int) -> Int? { text(row, column).flatMap { Int($0) } }
    package func bool(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    package func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard !isNull(row, column) else { return nil }
        let length = Int(PQgetlength(raw, Int32(row), Int32(column)))
        return UnsafeRawBufferPointer(start: PQgetvalue(raw, Int32(row), Int32(column)), count: length)
    }

    /// What the server says it has done: `COMMIT`, or `ROLLBACK` where a transaction had failed before.
    package var command: String { String(cString: PQcmdStatus(raw)) }

    /// How many rows the command touched; nil for commands that do not count.
    package var affected: Int? { Int(String(cString: PQcmdTuples(raw))) }

    var isError: Bool {
        switch status {
        case PGRES_BAD_RESPONSE, PGRES_FATAL_ERROR, PGRES_PIPELINE_ABORTED: true
        default: false
        }
    }

    func error(doing: String) -> PostgresError {
        func field(_ code: Character) -> String? {
            PQresultErrorField(raw, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        guard let state = field("C") else {
            let message = String(cString: PQresultErrorMessage(raw)).trimmedLine
            return PostgresError(.connectionLost, message.isEmpty ? "the connection was lost" : message, doing: doing)
        }
        return PostgresError(
            .server(SQLState(state)), withoutValues(field("M") ?? "", state: state), doing: doing,
            constraint: field("n"), serverHint: field("H"), function: field("R"))
    }

    /// Data exceptions quote the offending value, and so do the parsers of some types, which report a syntax error. Where
    /// it stands and which quotation marks are around it depends on the server's language: so from the first to the last.
    private func withoutValues(_ message: String, state: String) -> String {
        // What encodings lack is named by its bytes; only the encodings stand in quotes.
        guard state.hasPrefix("22") && !["22021", "22P05"].contains(state) || state == "42601" else { return message }
        guard let first = message.firstIndex(where: Self.quotes.contains),
            let last = message.lastIndex(where: Self.quotes.contains)
        else { return message }
        return message[..<first] + "(value not shown)" + message[message.index(after: last)...]
    }

    private static let quotes: Set<Character> = [
        "\"", "'", "`", "«", "»", "‹", "›", "„", "“", "”", "‚", "‘", "’", "「", "」", "『", "』",
    ]
}

extension String {
    /// libpq's messages end in a newline and may have several lines.
    var trimmedLine: String {
        split(whereSeparator: \.isNewline).map { $0.trimmed }.joined(separator: "; ")
    }
}

extension Substring {
    var trimmed: String {
        var part = self
        while part.first?.isWhitespace == true { part.removeFirst() }
        while part.last?.isWhitespace == true { part.removeLast() }
        return String(part)
    }
}
