// One query asked again and again until its answer is there, in one psql that stays: starting one costs both processors more
// than many questions do. It begins anew when the server has gone. One thread at a time uses it.

final class Lookout {
    private let database: Database
    private let query: String
    private var session: Session?

    init(_ query: String, in database: Database) {
        self.database = database
        self.query = query
    }

    /// The first column of the first row; nil when it is NULL, or when there is no row.
    func value() throws -> String? {
        do {
            let end = query.hasSuffix(";") ? "" : "\n;"
            return try Self.firstValue(of: kept().send("\(query)\(end)\n\\echo end"))
        } catch {
            session?.close()
            session = nil
            throw error
        }
    }

    private func kept() throws -> Session {
        if let session { return session }
        let session = try database.session(applicationName: "lookout")
        try session.send("\\pset null '\(Self.null)'\n\\pset fieldsep '\(Self.column)'\n\\pset recordsep '\(Self.row)'")
        self.session = session
        return session
    }

    /// Rows end with a line break, also a single empty value; no row is nothing before the last line.
    private static func firstValue(of output: String) -> String? {
        guard let end = output.lastIndex(of: "\n") else { return nil }
        let row = output[..<end].split(separator: Self.row, maxSplits: 1, omittingEmptySubsequences: false)[0]
        let value = row.split(separator: Self.column, maxSplits: 1, omittingEmptySubsequences: false)[0]
        return value == Self.null ? nil : String(value)
    }

    private static let null = "\u{1d}NULL\u{1d}"
    private static let column: Character = "\u{1f}"
    private static let row: Character = "\u{1e}"
}
