// One batch of one table: what has changed since the mark, or all of it, or a view filled anew. All rows of a batch, the
// mark that says how far it goes, and the origin are one transaction of the written side: killed anywhere, the next batch
// begins where this one did.

internal import Apply
internal import Failpoints
internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

struct TableBatch {
    let session: BatchSession
    let table: DerivedTable
    /// Makes keys and indexes of a table whose schema tandem itself is making; nil when nobody does.
    let finish: ((QualifiedName) throws -> Void)?
    /// Rows that one batch of a table without a mark may have before it is cut: a long snapshot holds back vacuum.
    var slice = 2_000_000

    private var name: QualifiedName { table.name }
    private var plan: DataBPlan { session.plan }

    init(_ session: BatchSession, _ table: DerivedTable, finish: ((QualifiedName) throws -> Void)? = nil) {
        (self.session, self.table, self.finish) = (session, table, finish)
    }

    /// Everything that is due, in one or several batches.
    func run() throws -> BatchReport {
        let began = Monotonic.now
        var report = BatchReport()
        switch table.way {
        case .full: try refresh(&report)
        case .modified(_, let margin): try follow(margin, &report)
        }
        report.seconds = began.age
        return report
    }

    // MARK: rows that have changed

    private func follow(_ margin: Double, _ report: inout BatchReport) throws {
        var limit = slice
        while true {
            let state = try session.state.progress(name)
            let asOf = try session.state.now()
            guard let stamp = try stampToProbe(state.mark) else {
                throw DataBError.impossible(
                    "\(name) is a materialized view on \(session.target.label): it has no rows of its own to follow",
                    hint: "`refresh: full`")
            }
            let high = try HighMark.take(
                on: session.source, stamp.type, margin: margin, previous: state.mark, own: "\(plan.stream) ")
            (report.mark, report.heldBy) = (high.value, high.heldBy)
            if let mark = state.mark, try !hasChanged(stamp, since: mark) {
                return try session.state.record(name, mark: high.value, asOf: asOf)
            }
            let before = report.read
            switch try carry(since: state.mark, high, asOf, limit, &report) {
            case .whole: return
            case .slice: limit = slice
            case .stuck: limit = limit.multipliedReportingOverflow(by: 4).partialValue
            }
            session.log.debug("batch", [.relation: name, .rows: report.read - before])
            if session.stop.isRaised {
                throw PostgresError(.interrupted, "stopped on request", doing: "carrying \(name)")
            }
        }
    }

    private enum Reach {
        case whole
        /// There is more.
        case slice
        /// All rows that fit bear the same timestamp.
        case stuck
    }

    /// What a look for changes asks.
    private struct Probe {
        let column: String
        let type: RelationFacts.Stamp
        /// As statements name the table, children left out.
        let relation: String
        let isIndexed: Bool
    }

    private func stampToProbe(_ mark: String?) throws -> Probe? {
        guard let column = table.column, let facts = try RelationFacts.read(name, on: session.source) else {
            throw DataBError.impossible("\(name) is not there on \(session.source.label)", hint: nil)
        }
        guard let found = facts.column(column), let type = found.stamp else {
            // The layout says what is wrong with it.
            return try layout().flatMap { layout in
                layout.stamp.map {
                    Probe(column: $0.column, type: $0.type, relation: layout.source, isIndexed: $0.isIndexed)
                }
            }
        }
        return Probe(column: column, type: type, relation: facts.sql(name), isIndexed: found.isIndexed)
    }

    /// One probe of an index: its last entry. (A comparison in WHERE would cost two, because the planner looks at that entry
    /// as well, to guess how many rows lie beyond the mark.)
    private func hasChanged(_ probe: Probe, since mark: String) throws(PostgresError) -> Bool {
        let column = quoted(probe.column)
        let sql =
            probe.isIndexed
            ? "SELECT coalesce(max(\(column)) >= \(literal(mark)), false) FROM \(probe.relation)"
            : "SELECT EXISTS (SELECT FROM \(probe.relation) WHERE \(column) >= \(literal(mark)))"
        return try session.source.query(
            sql, doing: "looking for changes of \(name) on \(session.source.label)"
        ).bool(0, 0)
    }

    func layout() throws -> DerivedLayout? {
        try DerivedLayout.look(table, plan, source: session.source, target: session.target, stop: session.stop)
    }

    private func carry(
        since mark: String?, _ high: HighMark, _ asOf: String, _ limit: Int, _ report: inout BatchReport
    ) throws -> Reach {
        guard var layout = try layout(), let stamp = layout.stamp else {
            throw DataBError.notYet("\(name) has changed")
        }
        if mark == nil, try isEmpty(layout) {
            if try layout.lacksKey || estimate(layout, nil) <= slice || !stamp.isIndexed {
                try load(layout, mark: high.value, asOf, &report)
                return .whole
            }
        }
        if layout.lacksKey { layout = try made(layout) }
        let part = try part(layout, stamp, since: mark, limit)
        return try session.marked {
            try session.inSnapshot(name) {
                try session.inTransaction(name) {
                    let rows = try stage(layout, where: part.condition, part.ending, &report)
                    report.written += try layBatch(layout, since: mark)
                    var (reach, value) = (Reach.whole, high.value)
                    if part.isLimited, rows == limit { (reach, value) = try bound(stamp, high, mark) }
                    if part.isNulls { (reach, value) = (.slice, "-infinity") }
                    try session.state.record(name, mark: value, asOf: asOf)
                    return reach
                }
            }
        }
    }

    /// Without a key on the written side rows cannot be found there: those of the slice make way.
    private func layBatch(_ layout: DerivedLayout, since mark: String?) throws -> Int {
        Failpoint.pass(.duringBatch)
        guard layout.key.isEmpty else { return try session.write(layout.stage.upsert, name) }
        let condition = mark.flatMap { mark in table.column.map { "\(quoted($0)) >= \(literal(mark))" } }
        return try replace(layout, where: condition)
    }

    /// Which rows, and whether they may be too many for one batch.
    private func part(
        _ layout: DerivedLayout, _ stamp: (column: String, type: RelationFacts.Stamp, isIndexed: Bool),
        since mark: String?, _ limit: Int
    ) throws -> (condition: String?, ending: String, isLimited: Bool, isNulls: Bool) {
        let column = quoted(stamp.column)
        let condition = mark.map { "\(column) >= \(literal($0))" }
        guard !layout.key.isEmpty, stamp.isIndexed, try estimate(layout, condition) > slice else {
            return (condition, "", false, false)
        }
        guard mark != nil else { return ("\(column) IS NULL", "", false, true) }
        return (condition, " ORDER BY \(column) LIMIT \(limit)", true, false)
    }

    private func estimate(_ layout: DerivedLayout, _ condition: String?) throws(PostgresError) -> Int {
        let plan = try session.source.query(
            "EXPLAIN SELECT FROM \(layout.source)" + (condition.map { " WHERE \($0)" } ?? ""),
            doing: "asking how much of \(name) has changed on \(session.source.label)"
        ).string(0, 0)
        guard let found = plan.range(of: "rows=") else { return 0 }
        return Int(plan[found.upperBound...].prefix { $0.isASCII && $0.isNumber }) ?? 0
    }

    /// A batch that was cut is whole up to its last timestamp, whose other rows the next one reads again.
    private func bound(
        _ stamp: (column: String, type: RelationFacts.Stamp, isIndexed: Bool), _ high: HighMark, _ mark: String?
    ) throws(PostgresError) -> (Reach, String?) {
        let type = HighMark.type(stamp.type)
        let row = try session.target.query(
            """
            SELECT m, m = $2::\(type)
              FROM (SELECT least(max(\(quoted(stamp.column)))::\(type), $1::\(type)) FROM \(StageStatements.place)) AS x(m)
            """, [high.value, mark], doing: "looking how far \(name) has come")
        guard high.value != nil else { return (.stuck, mark) }
        return (row.bool(0, 1) ? .stuck : .slice, row.text(0, 0))
    }

    // MARK: loading and staging

    private func isEmpty(_ layout: DerivedLayout) throws(PostgresError) -> Bool {
        try session.target.query(layout.stage.isEmpty, doing: "looking for rows of \(name) on \(session.target.label)")
            .bool(0, 0)
    }

    /// Everything into an empty table, and its keys after it, where tandem makes them.
    private func load(
        _ layout: DerivedLayout, mark: String?, _ asOf: String, _ report: inout BatchReport
    ) throws {
        let carried = try session.marked {
            try session.inSnapshot(name) {
                try session.inTransaction(name) {
                    let carried = try session.pipe(
                        name, layout.statements.read(from: layout.source, where: nil), to: layout.statements.write)
                    Failpoint.pass(.duringBatch)
                    try session.state.record(name, mark: mark, asOf: asOf)
                    return carried
                }
            }
        }
        report.read += carried.rows
        report.written += carried.rows
        report.bytes += carried.bytes
        if layout.lacksKey { _ = try made(layout) }
        try session.write("ANALYZE \(name.sql)", name)
    }

    /// With the keys that the other side has.
    private func made(_ layout: DerivedLayout) throws -> DerivedLayout {
        guard let finish else { return layout }
        try finish(name)
        return try self.layout() ?? layout
    }

    private func stage(
        _ layout: DerivedLayout, where condition: String?, _ ending: String, _ report: inout BatchReport
    ) throws -> Int {
        try session.write(layout.stage.create, name)
        let carried = try session.pipe(
            name, layout.statements.read(from: layout.source, where: condition, ending),
            to: layout.statements.write(into: StageStatements.place))
        report.read += carried.rows
        report.bytes += carried.bytes
        return carried.rows
    }

    // MARK: all of it

    private func refresh(_ report: inout BatchReport) throws {
        let asOf = try session.state.now()
        guard var layout = try layout() else {
            report.isRefresh = true
            return try ViewRefresh(session, table).run(asOf: asOf)
        }
        if try isEmpty(layout) { return try load(layout, mark: nil, asOf, &report) }
        if layout.lacksKey { layout = try made(layout) }
        let ready = layout
        try session.marked {
            try session.inSnapshot(name) {
                try session.inTransaction(name) {
                    _ = try stage(ready, where: nil, "", &report)
                    Failpoint.pass(.duringBatch)
                    report.written += try layWhole(ready)
                    try session.state.record(name, mark: nil, asOf: asOf)
                }
            }
        }
    }

    /// Readers see the rows as they were until all are as they shall be.
    private func layWhole(_ layout: DerivedLayout) throws -> Int {
        guard !layout.key.isEmpty else { return try replace(layout, where: nil) }
        let removed = try session.write(layout.stage.removeUnlike, name)
        return max(removed, try session.write(layout.stage.insertMissing, name))
    }

    /// Rows without a key, as a whole, and only when they are not the same already.
    func replace(_ layout: DerivedLayout, where condition: String?) throws -> Int {
        let given = try fingerprint(StageStatements.place, layout, nil)
        if given == (try fingerprint(layout.target, layout, condition)) { return 0 }
        let removed = try session.write(layout.stage.remove(where: condition), name)
        return max(removed, try session.write(layout.stage.insertAll, name))
    }

    private func fingerprint(
        _ relation: String, _ layout: DerivedLayout, _ condition: String?
    ) throws(PostgresError) -> [String] {
        let row = try session.target.query(
            StageStatements.fingerprint(layout.names, of: relation, where: condition),
            doing: "comparing \(name) on \(session.target.label)")
        return [row.string(0, 0), row.string(0, 1)]
    }
}
