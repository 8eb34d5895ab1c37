// Page by page: for tables without a key, or with one that the two servers order differently. Either side goes through its
// own pages; only the sums of the whole table can be compared, so its buckets are many, and those that differ are listed in
// a second round.

internal import Model
internal import Postgres
internal import Threading

extension TableComparison {
    func byPages() throws {
        let rows = max(table.sides.old.rows, table.sides.new.rows, table.sides.old.pages * 20)
        var buckets = 256
        while buckets < 65536, buckets * 2000 < rows { buckets *= 2 }
        let count = buckets
        let (settings, stop, statements) = (settings, stop, statements)
        let walks = PerSide(old: walk(.old), new: walk(.new))
        let tallies = try desks.both { side, connection in
            try walks[side].go(connection, settings, stop) { part in
                try statements[side].read(tally: statements[side].tally(part, buckets: count), connection)
            }.reduce(into: Tally()) { $0.add($1) }
        }
        report.add(old: tallies.old.total, new: tallies.new.total)
        try look(into: tallies.old, tallies.new) { statements, wanted, connection in
            try walks[statements.side].go(connection, settings, stop) { part in
                try statements.read(list: statements.list(part, buckets: count, wanted), connection)
            }.flatMap { $0 }
        }
    }

    private func walk(_ side: Side) -> PageWalk { PageWalk(leaves: table.sides[side].leaves, table: table.name(side)) }
}

/// One side's relations, cut into runs of pages of about a second each.
struct PageWalk: Sendable {
    let leaves: [SideTable.Leaf]
    let table: QualifiedName

    func go<Outcome>(
        _ connection: Connection, _ settings: ComparisonSettings, _ stop: StopSignal,
        _ read: (PagePart) throws -> Outcome
    ) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        // Before 14 a condition on pages reads the whole table all the same.
        let isCut = connection.serverMajor >= 14
        var step = 4096
        for leaf in leaves {
            var page = 0
            repeat {
                guard !stop.isRaised else {
                    throw PostgresError(.interrupted, "stopped on request", doing: "comparing \(table)")
                }
                let (first, end) = (page, page + step)
                let isLast = !isCut || end >= leaf.pages
                let begun = Monotonic.now
                outcomes.append(try read(part(leaf, from: page, to: isLast ? nil : end)))
                let seconds = begun.age
                page = isLast ? leaf.pages : end
                step = max(64, min(step * 4, Int(Double(step) * settings.seconds / max(seconds, 0.001))))
                settings.rest(after: seconds, bytes: Double((isLast ? leaf.pages : end) - first) * 8192, stop)
            } while page < leaf.pages
        }
        return outcomes
    }

    private func part(_ leaf: SideTable.Leaf, from first: Int, to end: Int?) -> PagePart {
        var conditions: [String] = []
        if first > 0 { conditions.append("r.ctid >= '(\(first),0)'::pg_catalog.tid") }
        if let end { conditions.append("r.ctid < '(\(end),0)'::pg_catalog.tid") }
        return PagePart(
            relation: "ONLY " + leaf.name.sql,
            condition: conditions.isEmpty ? "true" : conditions.joined(separator: " AND "),
            pages: (end ?? leaf.pages) - first)
    }
}
