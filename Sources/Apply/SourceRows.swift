// Asks the source what the stream does not tell: single rows again, by key, as text; the root of a partition. The connection is opened when first needed.

internal import Batching
internal import Bytes
internal import Model
internal import PGOutput
internal import Postgres
internal import State
internal import Threading

/// A row read again: its columns point into memory it owns.
final class SourceRow {
    private let bytes = ByteBuffer()
    private(set) var tuple = Tuple()

    init(_ result: Result, row: Int = 0, columns: Int, carried: [Int]) throws {
        bytes.append(bigEndian: Int16(columns))
        for column in 0..<columns {
            guard let place = carried.firstIndex(of: column), let value = result.bytes(row, place) else {
                bytes.append(bigEndian: ColumnState.null.rawValue)
                continue
            }
            bytes.append(bigEndian: ColumnState.text.rawValue)
            bytes.append(bigEndian: Int32(value.count))
            bytes.append(value)
        }
        var cursor = bytes.cursor()
        try tuple.read(&cursor)
    }
}

final class SourceRows {
    private let setup: ApplySetup
    private let stop: StopSignal
    private var connection: Connection?
    /// Nothing may be asked just now: somebody on the source may hold a lock that an answer would wait for.
    private var isSpared = false

    init(_ setup: ApplySetup, stop: StopSignal) {
        self.setup = setup
        self.stop = stop
    }

    func row(_ key: Tuple, _ mapping: TableMapping) throws -> SourceRow? {
        let connection = try open()
        let group = RowGroup(mapping, .delete)
        group.append(key)
        do {
            let result = try connection.query(
                binary: mapping.reread, group.parameters,
                types: mapping.keyColumns.map { mapping.column($0).arrayType },
                doing: "reading a row of \(mapping.shape.name) again on \(connection.label)")
            guard result.rows > 0 else { return nil }
            return try SourceRow(result, columns: mapping.shape.columns.count, carried: mapping.plan.carried)
        } catch {
            if connection.isBroken { self.connection = nil }
            throw error
        }
    }

    /// Everything read within comes from one moment.
    func atOneMoment<Value>(_ body: () throws -> Value) throws -> Value {
        let connection = try open()
        let doing = "reading rows again on \(connection.label)"
        do {
            try connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: doing)
            let value = try body()
            try connection.script("COMMIT", doing: doing)
            return value
        } catch {
            if connection.isBroken {
                self.connection = nil
            } else {
                _ = try? connection.script("ROLLBACK", doing: doing)
            }
            throw error
        }
    }

    var stream: StreamName { setup.stream }

    /// Without asking the source anything: what would have to be asked throws `SourceSpared`.
    func sparing(_ body: () throws -> Void) rethrows {
        isSpared = true
        defer { isSpared = false }
        try body()
    }

    /// The columns that the source generates; nil when the table is gone by now.
    func generatedColumns(of shape: RelationShape) throws -> [GeneratedColumn]? {
        let connection = try open()
        do {
            let rows = try connection.query(
                """
                SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)
                  FROM pg_class c LEFT JOIN pg_attribute a
                    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
                  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE c.oid = $1::oid
                """, ["\(shape.oid)"], doing: "looking up generated columns of \(shape.name) on \(connection.label)")
            guard rows.rows > 0 else { return nil }
            return (0..<rows.rows).filter { !rows.isNull($0, 0) }.map {
                GeneratedColumn(name: rows.string($0, 0), type: rows.string($0, 1), expression: rows.string($0, 2))
            }
        } catch {
            if connection.isBroken { self.connection = nil }
            throw error
        }
    }

    /// The partitioned table at the top of the one that holds these rows; nil when it is no partition, or gone by now.
    func root(of shape: RelationShape) throws -> (name: QualifiedName, leaves: Int, bounds: String)? {
        let connection = try open()
        do {
            let rows = try connection.query(
                """
                SELECT n.nspname, r.relname,
                       (SELECT count(*) FROM pg_catalog.pg_partition_tree(r.oid) p WHERE p.isleaf),
                       \(TargetCatalog.bounds)
                  FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(c.oid) AND r.oid <> c.oid
                  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
                 WHERE c.oid = $1::oid
                """, ["\(shape.oid)"], doing: "looking up the root of \(shape.name) on \(connection.label)")
            guard rows.rows == 1 else { return nil }
            return (
                QualifiedName(schema: rows.string(0, 0), name: rows.string(0, 1)), rows.int(0, 2) ?? 0,
                rows.string(0, 3)
            )
        } catch {
            if connection.isBroken { self.connection = nil }
            throw error
        }
    }

    /// Defaults of the table's columns as they are now, by name.
    func defaults(of shape: RelationShape) throws -> [String: AddedColumn.Defaults] {
        let rows = try open().query(
            """
            SELECT a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
                   CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1] END
              FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attgenerated = '' AND a.attidentity = ''
            """, ["\(shape.oid)"], doing: "reading the defaults of \(shape.name)")
        var found: [String: AddedColumn.Defaults] = [:]
        for row in 0..<rows.rows {
            found[rows.string(row, 0)] = AddedColumn.Defaults(
                isNotNull: rows.bool(row, 1), standard: rows.text(row, 2), missing: rows.text(row, 3))
        }
        return found
    }

    /// Waits until what that transaction wrote can be seen. Decoding shows a commit as soon as it is in the log, a moment
    /// before others see it; and where old waits for us with every commit, they do not see it before we have applied it.
    func sees(_ transaction: UInt32) throws -> Bool {
        let connection = try open()
        for _ in 0..<300 {
            let running = try connection.query(
                """
                SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'transactionid'
                    AND transactionid = $1::text::xid AND mode = 'ExclusiveLock')
                """, ["\(transaction)"], doing: "waiting for transaction \(transaction) on \(connection.label)")
            if !running.bool(0, 0) { return true }
            stop.wait(seconds: 0.01)
        }
        return false
    }

    /// What can be seen on the source now.
    func snapshot() throws -> TransactionSnapshot {
        let connection = try open()
        do { return try SourceSide(connection, setup.stream).snapshot() } catch {
            if connection.isBroken { self.connection = nil }
            throw error
        }
    }

    /// Of the source, for types that only it knows.
    func catalog() throws -> TargetCatalog { TargetCatalog(connection: try open()) }

    private func open() throws -> Connection {
        if isSpared { throw SourceSpared() }
        if let connection, !connection.isBroken { return connection }
        let opened = try Connection(
            to: setup.source, for: .control, as: setup.applicationName("reread"), stop: stop)
        connection = opened
        return opened
    }
}

/// Not known without the source, which is not asked just now.
struct SourceSpared: Error {}
