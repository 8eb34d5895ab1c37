// Who reads and writes a table, as far as rights and statistics tell: users, one row at a time, or batches. Hints, never
// proof, and said as such. Pure.

internal import Model

extension TableFacts {
    private static let batchWords: Set<String> = [
        "batch", "batches", "etl", "elt", "cron", "job", "jobs", "loader", "load", "importer", "import", "dwh",
        "warehouse",
        "airflow", "dbt", "scheduler", "nightly",
    ]

    static func soundsLikeBatches(_ role: String) -> Bool {
        role.lowercased().split { !$0.isLetter }.contains { batchWords.contains(String($0)) }
    }

    /// Whoever was granted to write it sounds like a batch; without such grants, its owner does.
    var isWrittenByBatches: Bool {
        (writers.isEmpty ? [owner] : writers).allSatisfy(Self.soundsLikeBatches)
    }

    /// Its rows came and went several times over, as when all of it is made afresh.
    var isRewritten: Bool {
        guard let rows, rows > 0 else { return false }
        return deletes >= 2 * rows && inserts >= 2 * rows
    }

    /// Nil when there is nothing to tell.
    var use: String? {
        var parts: [String] = []
        if isWrittenByBatches {
            parts.append("written by batches, by the name of role \(roles(writers.isEmpty ? [owner] : writers))")
        } else if !writers.isEmpty {
            parts.append("written by role \(roles(writers))")
        }
        if isRewritten { parts.append("rewritten as a whole, as batches do") }
        if !readers.isEmpty { parts.append("read by role \(roles(readers))") }
        if kind != .materializedView, indexScans + wholeScans > 0, indexScans == 0, (rows ?? 0) > 1000 {
            parts.append("always read whole, as reports do")
        }
        if indexScans > 100, indexScans > 10 * wholeScans { parts.append("read row by row, as users do") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private func roles(_ names: [String]) -> String {
        let shown = names.prefix(3).map { visiblyQuoted($0) }.joined(separator: ", ")
        return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
    }

    /// The column that tells when a row was written, and what is known of it.
    var stampSaid: String {
        if let stamp = movingTimestamp { return stamp.said(self) }
        guard let other = timestamps.first else { return "no timestamp column" }
        return "timestamp \(visiblyQuoted(other.column)) \(other.isIndexed ? "is indexed" : "is NOT indexed"), set "
            + (other.hasDefault ? "once, by its default" : "by whoever writes")
    }
}
