// Compares all rows of one table and mends what differs: rows that the read side no longer has, and rows whose timestamp did
// not tell that they changed. Both sides hash ranges of keys, the written side first, so that a row which appears meanwhile
// is never taken for one that is gone. Only ranges that differ are listed, key by key; rows are read again by key, all as of
// one moment, which also decides what is deleted; and only rows that still are what they were when they were listed go.
// On the read side every statement is short and scans a range of an index; where its order of keys is another one, the
// whole table is one range.

internal import Apply
internal import Failpoints
internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Threading

struct TableComparison {
    private let session: BatchSession
    private let layout: DerivedLayout
    private let orders: (source: KeyRanges.Order, target: KeyRanges.Order)
    private let name: QualifiedName
    private var report = ComparisonReport()
    /// Rows in a range.
    private let step: Int
    /// Ranges that are hashed by one statement.
    private static let together = 16
    /// Keys that are given to one statement.
    private static let chunk = 5000

    /// How many of each kind, and a few keys, without mending anything.
    struct Difference {
        var onlyThere = 0
        var onlyHere = 0
        var changed = 0
        var keys: [String] = []
        /// On the side that gives.
        var rows = 0

        var isNone: Bool { onlyThere + onlyHere + changed == 0 }
    }

    init(_ session: BatchSession, _ layout: DerivedLayout, step: Int = 10_000) throws {
        (self.session, self.layout, self.step, name) = (session, layout, step, layout.table.name)
        if let key = layout.key.first.map({ _ in layout.key }) {
            orders = (
                KeyRanges.Order(columns: key.map { ($0.name, $0.sourceType) }),
                KeyRanges.Order(columns: key.map { ($0.name, $0.targetType) })
            )
        } else if let stamp = layout.stamp {
            let columns = [(name: stamp.column, type: HighMark.type(stamp.type))]
            orders = (KeyRanges.Order(columns: columns), KeyRanges.Order(columns: columns))
        } else {
            orders = (KeyRanges.Order(columns: []), KeyRanges.Order(columns: []))
        }
    }

    // MARK: mending

    /// `mark`: rows with a later timestamp come with batches and are no findings.
    mutating func run(mark: String?) throws -> ComparisonReport {
        let began = Monotonic.now
        let differing = try differingRanges()
        report.differing = differing.count
        if differing.isEmpty {
            try session.state.recordComparison(name)
        } else if layout.key.isEmpty {
            try replace(differing)
        } else {
            try mend(differing, mark)
        }
        report.seconds = began.age
        return report
    }

    private mutating func mend(_ ranges: [KeyRanges.Range], _ mark: String?) throws {
        let (session, name) = (session, name)
        var counted = report
        try session.marked {
            try session.inTransaction(name) {
                counted.bytes += try list(ranges, &counted)
                try session.write(layout.stage.create, name)
                try session.inSnapshot(name) { try fetch(&counted) }
                Failpoint.pass(.duringComparison)
                try weigh(mark, &counted)
                counted.deleted = try session.write(deleteGone, name)
                try session.write(layout.stage.removeChanged, name)
                try session.write(layout.stage.insertMissing, name)
                try session.state.recordComparison(name)
            }
        }
        report = counted
    }

    // MARK: ranges

    private mutating func differingRanges() throws -> [KeyRanges.Range] {
        let ranges = try makeRanges()
        report.ranges = ranges.count
        var differing: [KeyRanges.Range] = []
        var first = 0
        if ranges.count > 1 {
            try session.source.script("SET enable_seqscan = off", doing: "comparing \(name)")
        }
        while first < ranges.count {
            let some = Array(ranges[first..<min(first + Self.together, ranges.count)])
            let here = try hashes(some, orders.target, layout.target, session.target)
            let there = try hashes(some, orders.source, layout.source, session.source)
            report.readOnSource += there.reduce(0) { $0 + (Int($1[0]) ?? 0) }
            report.bytes += there.reduce(0) { $0 + $1[0].utf8.count + $1[1].utf8.count }
            for (place, range) in some.enumerated() where here[place] != there[place] { differing.append(range) }
            first += some.count
        }
        try session.source.script("RESET enable_seqscan", doing: "comparing \(name)")
        return differing
    }

    private func makeRanges() throws -> [KeyRanges.Range] {
        guard !orders.target.columns.isEmpty else { return [KeyRanges.Range(after: nil, upTo: nil)] }
        let isKey = !layout.key.isEmpty
        let whole = [KeyRanges.Range(after: nil, upTo: nil)]
        guard isKey || layout.stamp?.isIndexed == true else { return whole }
        let doing = "comparing \(name) on \(session.target.label)"
        let rows = try session.target.query(orders.target.bounds(of: layout.target, every: step), doing: doing)
        let bounds = (0..<rows.rows).map { row in (0..<rows.columns).map { rows.string(row, $0) } }
        guard !bounds.isEmpty else { return whole }
        let agrees = try session.source.script(
            orders.source.isAscending(bounds), doing: "comparing \(name) on \(session.source.label)"
        ).bool(0, 0)
        return agrees ? KeyRanges(bounds: bounds, null: !isKey).all : whole
    }

    private func hashes(
        _ ranges: [KeyRanges.Range], _ order: KeyRanges.Order, _ relation: String, _ connection: Connection
    ) throws(PostgresError) -> [[String]] {
        let parts = ranges.enumerated().map { number, range in
            "(SELECT \(number) AS n, f.* FROM ("
                + StageStatements.fingerprint(layout.names, of: relation, where: order.condition(range))
                + ") AS f(rows, sum))"
        }
        let rows = try connection.script(
            parts.joined(separator: " UNION ALL ") + " ORDER BY n", doing: "comparing \(name) on \(connection.label)")
        return (0..<rows.rows).map { [rows.string($0, 1), rows.string($0, 2)] }
    }

    // MARK: keys of ranges that differ

    private static let here = "pg_temp.tandem_b_here"
    private static let there = "pg_temp.tandem_b_there"
    private static let wanted = "pg_temp.tandem_b_wanted"

    private var keyList: String { layout.key.map { quoted($0.name) }.joined(separator: ", ") }

    private func meets(_ one: String, _ other: String) -> String {
        layout.key.map { "\(one).\(quoted($0.name)) = \(other).\(quoted($0.name))" }.joined(separator: " AND ")
    }

    /// Columns of ours beside the key's, which has none of such names.
    private func beside(_ wanted: String) -> String {
        var name = wanted
        while layout.key.contains(where: { sameName($0.name, name) }) { name += "_" }
        return quoted(name)
    }
    private var hashColumn: String { beside("row_hash") }
    private var hashHere: String { beside("hash_here") }
    private var hashThere: String { beside("hash_there") }

    /// Keys and hashes of both sides side by side, here first; how many bytes came from there.
    private func list(_ ranges: [KeyRanges.Range], _ counted: inout ComparisonReport) throws -> Int {
        var bytes = 0
        for place in ["tandem_b_here", "tandem_b_there"] {
            try session.write(
                "CREATE TEMP TABLE \(place) ON COMMIT DROP AS SELECT \(keyList), 0::int8 AS \(hashColumn) FROM"
                    + " \(layout.target) WITH NO DATA", name)
        }
        let hash = StageStatements.hash(layout.names, of: "t")
        for range in ranges {
            let (own, other) = (orders.target.condition(range), orders.source.condition(range))
            try session.write(
                "INSERT INTO \(Self.here) SELECT \(keyList), \(hash) FROM \(layout.target) AS t"
                    + (own.map { " WHERE \($0)" } ?? ""), name)
            let listed = try session.pipe(
                name,
                from: "COPY (SELECT \(keyList), \(hash) FROM \(layout.source) AS t"
                    + (other.map { " WHERE \($0)" } ?? "") + ") TO STDOUT", to: "COPY \(Self.there) FROM STDIN")
            counted.readOnSource += listed.rows
            bytes += listed.bytes
        }
        try session.write(
            """
            CREATE TEMP TABLE tandem_b_wanted ON COMMIT DROP AS
            SELECT \(keyList), h.\(hashColumn) AS \(hashHere), t.\(hashColumn) AS \(hashThere)
              FROM \(Self.here) AS h FULL JOIN \(Self.there) AS t USING (\(keyList))
             WHERE h.\(hashColumn) IS DISTINCT FROM t.\(hashColumn)
            """, name)
        return bytes
    }

    /// Rows of these keys as they are there now; what does not come is gone.
    private func fetch(_ counted: inout ComparisonReport) throws {
        let texts = layout.key.map { "pg_catalog.format('%s', \(quoted($0.name)))" }.joined(separator: ", ")
        let keys = try session.target.query(
            "SELECT \(texts) FROM \(Self.wanted)", doing: "reading what differs of \(name)")
        var first = 0
        while first < keys.rows {
            let rows = first..<min(first + Self.chunk, keys.rows)
            let arrays = layout.key.indices.map { column in
                literal(arrayText(rows.map { keys.string($0, column) })) + "::pg_catalog.text[]"
            }
            let given = layout.key.indices.map { "u.k\($0)::\(layout.key[$0].sourceType)" }.joined(separator: ", ")
            let names = layout.key.indices.map { "k\($0)" }.joined(separator: ", ")
            let carried = try session.pipe(
                name,
                layout.statements.read(
                    from: layout.source,
                    where:
                        "(\(keyList)) IN (SELECT \(given) FROM ROWS FROM (unnest(\(arrays.joined(separator: ", ")))) AS"
                        + " u(\(names)))"), to: layout.statements.write(into: StageStatements.place))
            counted.readOnSource += carried.rows
            counted.bytes += carried.bytes
            first = rows.upperBound
        }
    }

    /// What a batch would have brought anyway is told from what nothing else would have found.
    private func weigh(_ mark: String?, _ counted: inout ComparisonReport) throws(PostgresError) {
        var isLate = "false"
        if let mark, let stamp = layout.stamp {
            isLate = "coalesce(s.\(quoted(stamp.column)) >= \(literal(mark)), false)"
        }
        let row = try session.target.query(
            """
            SELECT count(*) FILTER (WHERE NOT late), count(*) FILTER (WHERE late) FROM (
                SELECT \(isLate) AS late FROM \(StageStatements.place) AS s
                  LEFT JOIN \(Self.here) AS h ON \(meets("h", "s"))
                 WHERE h.\(hashColumn) IS DISTINCT FROM \(StageStatements.hash(layout.names, of: "s"))) AS x
            """, doing: "weighing what differs of \(name)")
        counted.untold = row.int(0, 0) ?? 0
        counted.late = row.int(0, 1) ?? 0
    }

    /// Not there any more, and here still what was listed.
    private var deleteGone: String {
        """
        DELETE FROM \(layout.target) AS t USING \(Self.wanted) AS w
         WHERE \(meets("w", "t")) AND w.\(hashHere) = \(StageStatements.hash(layout.names, of: "t"))
           AND NOT EXISTS (SELECT FROM \(StageStatements.place) AS s WHERE \(meets("s", "t")))
        """
    }

    // MARK: without a key

    /// Ranges that differ are replaced as wholes: nothing else tells their rows apart.
    private mutating func replace(_ ranges: [KeyRanges.Range]) throws {
        let (session, name, layout) = (session, name, layout)
        var counted = report
        try session.marked {
            try session.inSnapshot(name) {
                try session.inTransaction(name) {
                    try session.write(layout.stage.create, name)
                    var removed = 0
                    for range in ranges {
                        removed += try session.write(
                            layout.stage.remove(where: orders.target.condition(range)), name)
                        let other = orders.source.condition(range)
                        let carried = try session.pipe(
                            name, layout.statements.read(from: layout.source, where: other),
                            to: layout.statements.write(into: StageStatements.place))
                        counted.readOnSource += carried.rows
                        counted.bytes += carried.bytes
                    }
                    Failpoint.pass(.duringComparison)
                    let inserted = try session.write(layout.stage.insertAll, name)
                    counted.deleted = max(0, removed - inserted)
                    counted.untold = max(0, inserted - removed)
                    try session.state.recordComparison(name)
                }
            }
        }
        report = counted
    }

    // MARK: only looking

    /// What differs, byte for byte, and nothing is changed.
    mutating func look() throws -> Difference {
        let ranges = try differingRanges()
        var difference = Difference()
        difference.rows = report.readOnSource
        guard !ranges.isEmpty else { return difference }
        var counted = report
        try session.target.script("BEGIN", doing: "comparing \(name)")
        defer { session.giveUp() }
        guard !layout.key.isEmpty else { return try lookWithoutKey() }
        _ = try list(ranges, &counted)
        let row = try session.target.query(
            """
            SELECT count(*) FILTER (WHERE \(hashHere) IS NULL), count(*) FILTER (WHERE \(hashThere) IS NULL),
                   count(*) FILTER (WHERE \(hashHere) <> \(hashThere)) FROM \(Self.wanted)
            """, doing: "comparing \(name)")
        difference.onlyThere = row.int(0, 0) ?? 0
        difference.onlyHere = row.int(0, 1) ?? 0
        difference.changed = row.int(0, 2) ?? 0
        let keys = try session.target.query(
            "SELECT ROW(\(keyList))::text FROM \(Self.wanted) ORDER BY \(keyList) LIMIT 5", doing: "comparing \(name)")
        difference.keys = (0..<keys.rows).map { keys.string($0, 0) }
        return difference
    }

    private func lookWithoutKey() throws -> Difference {
        let hash = StageStatements.hash(layout.names, of: "t")
        try session.write(
            "CREATE TEMP TABLE tandem_b_there ON COMMIT DROP AS SELECT 0::int8 AS h WITH NO DATA", name)
        _ = try session.pipe(
            name, from: "COPY (SELECT \(hash) FROM \(layout.source) AS t) TO STDOUT",
            to: "COPY \(Self.there) FROM STDIN")
        let row = try session.target.query(
            """
            SELECT coalesce(sum(n) FILTER (WHERE n > 0), 0), coalesce(-sum(n) FILTER (WHERE n < 0), 0) FROM (
                SELECT sum(n) AS n FROM (SELECT h, 1 AS n FROM \(Self.there)
                    UNION ALL SELECT \(hash), -1 FROM \(layout.target) AS t) AS x GROUP BY h) AS y
            """, doing: "comparing \(name)")
        var difference = Difference()
        difference.rows = report.readOnSource
        difference.onlyThere = row.int(0, 0) ?? 0
        difference.onlyHere = row.int(0, 1) ?? 0
        return difference
    }
}
