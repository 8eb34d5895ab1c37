// Makes rows on new what they are on old, which is where truth is: only those that were found different, in small
// transactions, each row guarded by the version that was seen, so that a write of the stream in between wins. Under an origin
// of tandem's own, in a session that fires no user's trigger and checks no foreign key. Columns that old lacks stay as they
// are. Whoever repairs looks again afterwards.

internal import Failpoints
internal import Model
internal import Postgres

/// A row of old, as text.
struct WholeRow: Sendable {
    let hash: Int64
    let values: [String?]
}

/// A row of new that has no equal on old any more.
struct Surplus {
    let version: String
    let hash: Int64
}

struct TableRepair: Sendable {
    let table: ComparedTable
    private var onOld: ReadStatements { ReadStatements(table: table, side: .old) }
    private var onNew: ReadStatements { ReadStatements(table: table, side: .new) }

    init(_ table: ComparedTable) { self.table = table }

    enum Act {
        case delete(String)
        case update(String, [String?])
        /// Unless there is one of its key by now.
        case insert([String?], onlyFirst: Bool)

        var place: Int {
            switch self {
            case .delete: 0
            case .update: 1
            case .insert: 2
            }
        }
    }

    /// Columns that are written: what new computes it computes.
    private var written: [Int] {
        table.columns.indices.filter { table.sides.new.column(table.columns[$0])?.isGenerated == false }
    }

    /// Rows with these keys, once; what failed, without values.
    func run(_ keys: [[String]], _ desks: BothDesks, writer: SideDesk) throws -> [String] {
        var failures: [String] = []
        var rest = keys[...]
        while !rest.isEmpty {
            let some = Array(rest.prefix(100))
            rest = rest.dropFirst(100)
            do { try repair(some, desks, writer) } catch let error as PostgresError {
                guard error.sqlState != nil, !error.isConnectionLost else { throw error }
                // One of them is in the way: each by itself, the others are repaired.
                for key in some {
                    do { try repair([key], desks, writer) } catch let error as PostgresError {
                        guard error.sqlState != nil, !error.isConnectionLost else { throw error }
                        failures.append(
                            error.message + (error.constraint.map { " (constraint \($0))" } ?? "")
                                + " [\(error.sqlState?.code ?? "")]")
                    }
                }
            }
        }
        return failures
    }

    private func repair(_ keys: [[String]], _ desks: BothDesks, _ writer: SideDesk) throws {
        // New first: what the stream writes after this has another version, and is left alone.
        let onNew = onNew
        let there = try desks.new.ask { try onNew.read(keys: keys, $0) }
        let truth = try desks.old.ask { try whole(keys, $0) }
        var needed: [Act] = []
        for key in keys {
            let own = acts(truth[key] ?? [], there[key] ?? RowState())
            needed += try renamed(key, own, beside: keys, desks) ?? own
        }
        // What goes makes room for what comes.
        let ordered = needed.sorted { $0.place < $1.place }
        guard !ordered.isEmpty else { return }
        let statements = ordered.map(statement)
        let name = table.new
        try writer.ask { connection in
            let doing = "repairing \(name) on \(connection.label)"
            try connection.script("BEGIN", doing: doing)
            do {
                for statement in statements { try connection.query(statement.sql, statement.parameters, doing: doing) }
                Failpoint.pass(.duringVerifyRepair)
                try connection.script("COMMIT", doing: doing)
            } catch {
                if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
                throw error
            }
        }
        Failpoint.pass(.afterVerifyRepair)
    }

    /// A row whose key old has in a form that is equal and not the same is no row too many: it gets old's. Nil where it is none.
    private func renamed(_ key: [String], _ acts: [Act], beside keys: [[String]], _ desks: BothDesks) throws -> [Act]? {
        guard acts.count == 1, case .delete(let version) = acts[0], isInexact else { return nil }
        let equal = try desks.old.ask { try whole([key], $0) }
        guard equal.count == 1, let other = equal.first, other.value.count == 1, !keys.contains(other.key) else {
            return nil
        }
        return [.update(version, other.value[0].values)]
    }

    private var isInexact: Bool {
        !table.isKeyless && !table.key.allSatisfy { equalIsSame(table.sides.new.column($0)?.type ?? 0) }
    }

    func whole(
        _ keys: [[String]], _ connection: Connection, locking: Bool = false
    ) throws -> [[String]: [WholeRow]] {
        let statement = locking ? onOld.wholeRows(keys).locking(.update) : onOld.wholeRows(keys)
        let rows = try connection.query(
            statement.sql, statement.parameters, doing: "reading rows of \(table.old) on \(connection.label)")
        let keyed = table.isKeyless ? 0 : table.key.count
        var (found, seen): ([[String]: [WholeRow]], Set<String>) = ([:], [])
        for row in 0..<rows.rows {
            guard let hash = Int64(rows.string(row, 0)), seen.insert(rows.string(row, 1)).inserted else { continue }
            let key = table.isKeyless ? ["\(hash)"] : (2..<2 + keyed).map { rows.string(row, $0) }
            let values = (2 + keyed..<rows.columns).map { rows.text(row, $0) }
            found[key, default: []].append(WholeRow(hash: hash, values: values))
        }
        return found
    }

    /// What makes new's rows of one key the same as old's: pairs that are equal already fall out.
    func acts(_ truth: [WholeRow], _ there: RowState) -> [Act] {
        var missing = truth
        var surplus: [Surplus] = []
        for row in there.rows {
            if let same = missing.firstIndex(where: { $0.hash == row.hash }) {
                missing.remove(at: same)
            } else {
                surplus.append(Surplus(version: row.version, hash: row.hash))
            }
        }
        var acts: [Act] = []
        while !table.isKeyless, let row = missing.last, let old = surplus.last {
            acts.append(.update(old.version, row.values))
            missing.removeLast()
            surplus.removeLast()
        }
        acts += surplus.map { .delete($0.version) }
        let isFirst = !table.isKeyless && there.rows.isEmpty && truth.count == 1
        return acts + missing.map { .insert($0.values, onlyFirst: isFirst) }
    }

    // MARK: statements

    private var relation: String { (table.sides.new.kind == "r" ? "ONLY " : "") + table.new.sql }

    func statement(_ act: Act) -> ReadStatements.Statement {
        switch act {
        case .delete(let version):
            let guarded = guarding(version, after: 0)
            return .init(sql: "DELETE FROM \(relation) r WHERE \(guarded.sql)", parameters: guarded.parameters)
        case .update(let version, let values):
            if written.contains(where: isFixed) { return rewriting(version, values) }
            // An identity that is GENERATED ALWAYS cannot be set by UPDATE; where it is the key it is the same.
            let set = written.filter { table.sides.new.column(table.columns[$0])?.isIdentityAlways == false }
            let guarded = guarding(version, after: set.count)
            let list = set.enumerated().map { "\(quoted(table.columns[$1])) = \(value($1, $0 + 1))" }
            return .init(
                sql: "UPDATE \(relation) r SET \(list.joined(separator: ", ")) WHERE \(guarded.sql)",
                parameters: set.map { values[$0] } + guarded.parameters)
        case .insert(let values, let onlyFirst): return insertion(values, onlyFirst: onlyFirst)
        }
    }

    /// GENERATED ALWAYS AS IDENTITY, and not of the key: it may differ, and UPDATE cannot set it.
    private func isFixed(_ place: Int) -> Bool {
        let name = table.columns[place]
        return table.sides.new.column(name)?.isIdentityAlways == true
            && !table.key.contains { sameName($0, name) }
    }

    /// The row is taken out and put back; what only new has of it stays as it is.
    private func rewriting(_ version: String, _ values: [String?]) -> ReadStatements.Statement {
        let written = written
        let given = Set(written.map { Array(table.columns[$0].utf8) })
        let own = table.sides.new.columns.filter { !$0.isGenerated && !given.contains(Array($0.name.utf8)) }
            .map { quoted($0.name) }
        let guarded = guarding(version, after: written.count)
        let names = written.map { quoted(table.columns[$0]) } + own
        let list = written.enumerated().map { value($1, $0 + 1) } + own.map { "gone.\($0)" }
        return .init(
            sql: "WITH gone AS (DELETE FROM \(relation) r WHERE \(guarded.sql) RETURNING r.*)"
                + " INSERT INTO \(table.new.sql) (\(names.joined(separator: ", "))) OVERRIDING SYSTEM VALUE"
                + " SELECT \(list.joined(separator: ", ")) FROM gone",
            parameters: written.map { values[$0] } + guarded.parameters)
    }

    private func insertion(_ values: [String?], onlyFirst: Bool) -> ReadStatements.Statement {
        let written = written
        guard !written.isEmpty else {
            return .init(sql: "INSERT INTO \(table.new.sql) DEFAULT VALUES", parameters: [])
        }
        let columns = written.map { quoted(table.columns[$0]) }.joined(separator: ", ")
        let list = written.enumerated().map { value($1, $0 + 1) }.joined(separator: ", ")
        var condition = ""
        if onlyFirst {
            let same = zip(table.key, onNew.equalities).compactMap { name, equals -> String? in
                guard let place = written.firstIndex(where: { sameName(table.columns[$0], name) }) else { return nil }
                return "r.\(quoted(name)) \(equals) \(value(written[place], place + 1))"
            }
            condition = " WHERE NOT EXISTS (SELECT FROM \(relation) r WHERE \(same.joined(separator: " AND ")))"
        }
        return .init(
            sql: "INSERT INTO \(table.new.sql) (\(columns)) OVERRIDING SYSTEM VALUE SELECT \(list)\(condition)",
            parameters: written.map { values[$0] })
    }

    /// The column's own input reads it, without its length: what is too long is an error and is not cut off.
    private func value(_ column: Int, _ place: Int) -> String {
        "$\(place)::" + (table.sides.new.column(table.columns[column])?.typeName ?? "pg_catalog.text")
    }

    private func guarding(_ version: String, after count: Int) -> ReadStatements.Statement {
        ReadStatements.Statement(
            sql: "r.tableoid = $\(count + 1)::pg_catalog.oid AND r.ctid = $\(count + 2)::pg_catalog.tid"
                + " AND r.xmin = $\(count + 3)::pg_catalog.xid",
            parameters: version.split(separator: ":").map(String.init))
    }
}
