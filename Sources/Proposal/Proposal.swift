// What a table should be, as far as facts tell, and why. It proposes; a person decides. Where a hint is weak it says so and
// decides nothing. Pure.

internal import Model

package struct Proposal: Sendable {
    package enum Place: Int, Sendable, Comparable {
        case dataA, dataB, excluded, undecided

        package static func < (left: Place, right: Place) -> Bool { left.rawValue < right.rawValue }
    }

    package let facts: TableFacts
    package let place: Place
    /// Why, in a few words.
    package let reason: String
    /// For Data B: the column, nil when all of it is carried each time.
    package let column: String?
    package let every: String

    package init(_ facts: TableFacts) {
        self.facts = facts
        let stamp = facts.movingTimestamp
        column = facts.kind == .materializedView ? nil : stamp?.column
        every = facts.kind == .materializedView || stamp == nil ? "1h" : "60s"
        let judged = Self.judge(facts, stamp)
        (place, reason) = (judged.0, judged.1)
    }

    /// All that is known, on one line: how heavy it is, why it is where it is, when its rows were written, who uses it.
    package var said: String {
        let stamp = facts.kind == .materializedView || place == .dataB && column != nil ? nil : facts.stampSaid
        return ([facts.weight, reason] + [stamp, facts.use].compactMap { $0 }).joined(separator: "; ")
    }

    /// What keeps a table from being of the stream, whatever somebody has decided.
    package static func obstacle(to facts: TableFacts) -> String? {
        if facts.kind == .materializedView { return "it is a materialized view, which is refreshed, not streamed" }
        if facts.isUnlogged { return "it is unlogged: nothing of it is in the log" }
        if facts.identity == nil { return "nothing tells its rows apart: no primary key, no replica identity" }
        return nil
    }

    private static func judge(_ facts: TableFacts, _ stamp: TableFacts.Timestamp?) -> (Place, String) {
        if let name = facts.extension {
            return (.excluded, "belongs to extension \(visiblyQuoted(name)), which brings it along")
        }
        if facts.isUnlogged { return (.excluded, "unlogged: its writes are not in the log, so nothing can carry them") }
        if facts.kind == .materializedView { return (.dataB, "materialized view: refreshed as a whole") }
        let isRelated = facts.referredToBy > 0
        let batches = !isRelated && facts.isWrittenByBatches
        if !isRelated, let sign = facts.sign(of: TableFacts.derived) {
            guard let stamp else {
                return (
                    .undecided,
                    "\(sign) sounds derived, but no timestamp tells which rows moved: data_b with `refresh: full`, or data_a?"
                )
            }
            if stamp.isMaintained || facts.updates == 0 {
                return (.dataB, "\(sign) sounds derived; \(stamp.said(facts))")
            }
            return (
                .undecided,
                "\(sign) sounds derived, but nothing keeps \(stamp.column) current on updates: data_a or data_b?"
            )
        }
        if !isRelated, let sign = facts.sign(of: TableFacts.leftover) {
            return (.undecided, "\(sign) sounds like something left over: exclude, or data_a?")
        }
        if batches, let stamp, stamp.isMaintained || facts.updates == 0 {
            return (.dataB, "its writers sound like batches; \(stamp.said(facts))")
        }
        if batches {
            return (
                .undecided,
                "its writers sound like batches, but no timestamp that is kept current tells which rows moved: data_b with"
                    + " `refresh: full`, or data_a?"
            )
        }
        guard facts.identity != nil else {
            let harm =
                facts.updates + facts.deletes > 0
                ? "it is updated, and would refuse that once published" : "updates would fail once it is published"
            return (
                .undecided,
                "nothing tells its rows apart (\(harm)): give it a primary key or REPLICA IDENTITY FULL for data_a, or exclude it"
            )
        }
        return (.dataA, "key \(facts.identity ?? "")")
    }
}

extension TableFacts {
    /// The column that says when a row was last written, the most likely one.
    var movingTimestamp: Timestamp? {
        let words = ["updated", "modified", "changed", "refreshed", "computed", "last"]
        let named = timestamps.filter { stamp in words.contains { stamp.column.lowercased().contains($0) } }
        return (named.isEmpty ? timestamps.filter { $0.isMaintained } : named).max { left, right in
            (left.isMaintained ? 2 : 0) + (left.isIndexed ? 1 : 0) < (right.isMaintained ? 2 : 0)
                + (right.isIndexed ? 1 : 0)
        }
    }

    static let derived: Set<String> = [
        "stats", "statistics", "stat", "daily", "hourly", "weekly", "monthly", "summary", "summaries", "aggregate",
        "aggregates",
        "agg", "rollup", "rollups", "report", "reports", "reporting", "totals", "analytics", "metrics", "warehouse",
        "dw", "mart",
        "olap", "ranking", "rankings", "leaderboard",
    ]
    static let leftover: Set<String> = [
        "tmp", "temp", "bak", "backup", "old", "copy", "obsolete", "deprecated", "unused", "trash",
    ]

    /// The word in its name, or in that of its schema, that is one of these.
    func sign(of words: Set<String>) -> String? {
        for (part, what) in [(name.schema, "schema"), (name.name, "name")] {
            let found = part.lowercased().split { !$0.isLetter }.first { words.contains(String($0)) }
            if let found { return "\(what) (\(found))" }
        }
        return nil
    }

    /// Rows, size, writes and reads, as a person weighs them.
    package var weight: String {
        var parts: [String] = []
        if kind != .table { parts.append(kind.rawValue) }
        parts.append(rows.map { $0 == 1 ? "1 row" : "\(Self.short($0)) rows" } ?? "rows not counted (never analyzed)")
        parts.append(Self.size(bytes))
        if kind != .materializedView {
            parts.append(rate(inserts + updates + deletes, "writes"))
            if indexScans + wholeScans > 0 {
                let share = indexScans > wholeScans ? "mostly by index" : "mostly whole"
                parts.append(rate(indexScans + wholeScans, "reads") + " \(share)")
            }
        }
        return parts.joined(separator: ", ")
    }

    private func rate(_ count: Int, _ what: String) -> String {
        if count == 0 { return "no \(what) seen" }
        func said(_ number: Int) -> String { "\(Self.short(number)) \(number == 1 ? String(what.dropLast()) : what)" }
        guard let days, days > 0.04 else { return said(count) + " since statistics began" }
        return said(Int(Double(count) / days)) + " a day"
    }

    private static func short(_ number: Int) -> String {
        switch number {
        case ..<10_000: "\(number)"
        case ..<10_000_000: "\(number / 1000) k"
        default: "\(number / 1_000_000) M"
        }
    }

    private static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<(10 << 10): "\(bytes) B"
        case ..<(10 << 20): "\(bytes >> 10) kB"
        case ..<(10 << 30): "\(bytes >> 20) MB"
        default: "\(bytes >> 30) GB"
        }
    }
}

extension TableFacts.Timestamp {
    func said(_ facts: TableFacts) -> String {
        let kept =
            isMaintained
            ? "kept current by a trigger" : facts.updates == 0 ? "rows are never updated" : "not kept current"
        return "\(visiblyQuoted(column)) \(isIndexed ? "is indexed" : "is NOT indexed"), \(kept)"
    }
}
