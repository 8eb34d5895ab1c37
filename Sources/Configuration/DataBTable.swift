// A table of Data B: derived data that batches carry, never the stream.

internal import Model

package struct DataBTable: Hashable, Sendable {
    package enum Refresh: Hashable, Sendable {
        /// Rows whose column has moved on.
        case modified(column: String)
        /// All of it.
        case full
    }

    package let pattern: TablePattern
    package let refresh: Refresh
    /// Seconds between batches.
    package let every: Double
    /// Seconds between comparisons of the row sets, which find physical deletes; nil when there are none to be found.
    package let deletes: Double?
    /// Seconds that the clocks which write `modified` may be behind old's.
    package let margin: Double

    package static let usualMargin = 5.0

    package var place: Place { pattern.place }
}

enum DataBKey: String, CaseIterable { case table, modified, refresh, every, deletes, margin }

private enum RefreshWord: String, CaseIterable { case full }

extension Field {
    func dataB() throws(ConfigurationError) -> [DataBTable] {
        var tables: [DataBTable] = []
        for field in try list() {
            let table = try field.dataBTable()
            if let first = tables.first(where: { $0.pattern.means(table.pattern) }) {
                throw field.error(
                    "\(label) lists \(mention(table.pattern.text)) twice, first at \(first.place.line):\(first.place.column)"
                )
            }
            tables.append(table)
        }
        return tables
    }

    private func dataBTable() throws(ConfigurationError) -> DataBTable {
        let section = try Section<DataBKey>(self)
        let name = try section.required(.table)
        let pattern = try name.pattern()
        guard pattern.isLiteral else {
            throw name.error(
                "`table` names one table, and \(mention(pattern.text)) is a pattern",
                hint: "each table of Data B has its own column and interval: list them one by one")
        }
        let (modified, refresh) = (section.optional(.modified), section.optional(.refresh))
        guard (modified == nil) != (refresh == nil) else {
            throw error(
                modified == nil
                    ? "how \(mention(pattern.text)) is brought along is missing"
                    : "`modified` and `refresh` exclude each other",
                hint: "`modified: COLUMN` carries rows whose timestamp moved on, `refresh: full` the whole table")
        }
        if let refresh { _ = try refresh.choice(RefreshWord.self) }
        let deletes = section.optional(.deletes)
        if let deletes, modified == nil {
            throw deletes.error("`deletes` goes with `modified`; a full refresh needs none")
        }
        let margin = section.optional(.margin)
        if let margin, modified == nil {
            throw margin.error("`margin` goes with `modified`; a full refresh needs none")
        }
        var how = DataBTable.Refresh.full
        if let modified { how = .modified(column: try modified.columnName()) }
        return DataBTable(
            pattern: pattern, refresh: how, every: try section.required(.every).interval(),
            deletes: try deletes?.interval(), margin: try margin?.seconds() ?? DataBTable.usualMargin)
    }

    private func columnName() throws(ConfigurationError) -> String {
        let text = try nonEmptyText()
        guard text.value.utf8.count <= StreamName.longest else {
            throw error(
                "\(label) has \(text.value.utf8.count) bytes",
                hint: "PostgreSQL's names have at most \(StreamName.longest)")
        }
        return text.value
    }

    /// At least a second.
    private func interval() throws(ConfigurationError) -> Double {
        let text = try text()
        guard let seconds = duration(text.value) else {
            throw error(
                "\(label) must be a duration, not \(text.mentioned)",
                hint: "a number with s, m, h or d right after it: 15m")
        }
        guard seconds >= 1 else { throw error("\(label) must be at least 1s") }
        return seconds
    }
}
