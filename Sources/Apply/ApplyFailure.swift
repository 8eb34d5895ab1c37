// Why a batch did not go in, and what that calls for: waiting and trying again, an exact replay, or an operator.

internal import Batching
internal import Model
internal import Postgres
internal import State

/// The target is further than it was when the stream's starting point was read: the stream must start again from there.
struct ProgressMoved: Explained {
    let target: Side
    var description: String { "another runner's last transaction has just arrived on \(target)" }
}

enum ApplyFailure {
    case server(PostgresError, table: QualifiedName?)
    /// A statement touched more or fewer rows than the source changed.
    case rowCount(table: QualifiedName, expected: Int, touched: Int)
    /// Rows would share a key that nobody checks.
    case sharedKey(table: QualifiedName, key: String)
    case batch(BatchError, table: QualifiedName)
    case mapping(MappingProblem)
    /// The source has to be asked for a row whose commit is in its log and cannot be seen there yet.
    case unseen(table: QualifiedName)

    /// Trying the very same again may succeed.
    var isTransient: Bool {
        switch self {
        case .server(let error, _): error.isTransient
        case .unseen: true
        case .rowCount, .sharedKey, .batch, .mapping: false
        }
    }

    var sqlState: SQLState? {
        switch self {
        case .server(let error, _): error.sqlState
        case .sharedKey: "23505"
        case .rowCount, .batch, .mapping, .unseen: nil
        }
    }

    /// A table of new, or a right to it, is not what it was when it was looked at.
    var mayBeOutdated: Bool { sqlState?.class == "42" }

    /// A row is not where it was looked for, or does not belong where it was to go.
    var mayBeMisplaced: Bool { if case .rowCount = self { true } else { sqlState == "23514" } }

    /// Somebody else had a row first.
    var isAboutLocks: Bool { sqlState == "55P03" || sqlState == "40P01" }

    /// Another row of the same table is in the way.
    var isConflict: Bool { sqlState == "23505" || sqlState == "23P01" }

    var table: QualifiedName? {
        switch self {
        case .server(_, let table): table
        case .rowCount(let table, _, _), .batch(_, let table), .sharedKey(let table, _), .unseen(let table): table
        case .mapping(let problem): problem.table
        }
    }

    func message(_ stream: StreamName) -> String {
        switch self {
        case .server(let error, let table):
            (table.map { "\($0): " } ?? "") + error.message + (error.constraint.map { " (constraint \($0))" } ?? "")
        case .rowCount(let table, let expected, let touched):
            "\(table): a change of \(expected) rows would touch \(touched)"
        case .sharedKey(let table, let key):
            "\(table): rows on \(stream.target) would share a key (constraint \(key)), which is deferrable and unchecked in"
                + " replication"
        case .batch(.noIdentity, let table):
            "\(table): an update or delete came without saying which row it means"
        case .batch(.unreadable, let table): "\(table): a row does not fit the table's description"
        case .batch(.noPlan, let table): "\(table): the table was never described"
        case .batch(.truncatesPart, let table):
            "\(table): TRUNCATE of a partition that \(stream.target) does not have, or has with other bounds; its rows are"
                + " in \(stream.target)'s table of the root's name"
        case .mapping(let problem): problem.description
        case .unseen(let table):
            "\(table): something is in the way, and what \(stream.source) has there now is committed and cannot be seen yet"
        }
    }

    func hint(_ stream: StreamName) -> String? {
        let (from, to) = (stream.source, stream.target)
        return switch self {
        case .mapping(let problem): problem.hint
        case .unseen: nil
        case .batch(.noIdentity, let table):
            "give \(table) on \(from) a primary key or REPLICA IDENTITY FULL; for what was written already: tandem set-aside"
        case .rowCount(let table, _, _):
            "rows of \(table) on \(to) are not unique by \(from)'s key: add the unique index that \(from) has"
        case .sharedKey(let table, _):
            "a row on \(to) that \(from) does not have is in the way: remove or correct it; or `tandem set-aside '\(table)'` to"
                + " let all other tables go on"
        case .batch(.truncatesPart, let table):
            "delete its rows on \(to) and create an empty table \(table) there, which then takes what comes for it, or give"
                + " \(to)'s partition of that name the bounds it has on \(from); or"
                + " `tandem set-aside '\(table)'`"
        case .batch: "report this as a bug in tandem"
        case .server(let error, let table): Self.hint(error, table, from: from, to: to)
        }
    }

    private static func hint(_ error: PostgresError, _ table: QualifiedName?, from: Side, to: Side) -> String {
        let aside =
            table.map { "; or `tandem set-aside \(shellQuoted($0.description))` to let all other tables go on" } ?? ""
        let cause: String
        switch error.sqlState {
        case "23505", "23P01": cause = "a row on \(to) that \(from) does not have is in the way: remove or correct it"
        // A partition that is missing is the only violation of no constraint.
        case "23514" where error.constraint == nil:
            cause = "make the partition on \(to): CREATE TABLE … PARTITION OF …"
        case "23514", "23502":
            cause = "\(to) has a constraint that \(from)'s row violates: drop it on \(to) or correct \(from)'s row"
        case "23503":
            cause = "a foreign key on \(to) fires for replication: ALTER TABLE … ENABLE TRIGGER (not ALWAYS)"
        case "42P01", "42883", "42704":
            cause =
                "\(to) lacks it, or a trigger there names it without its schema: ALTER FUNCTION … SET search_path = …"
        case "42501" where error.function == "check_enable_rls":
            cause = "give tandem's role on \(to) BYPASSRLS"
        case "42501" where error.message.contains("pg_replication_origin_xact_setup"):
            cause =
                "grant the missing privilege to tandem's role on \(to): GRANT EXECUTE ON FUNCTION"
                + " pg_catalog.pg_replication_origin_xact_setup(pg_lsn, timestamptz) TO …"
        case "42501":
            let grant =
                table.map {
                    ": GRANT USAGE ON SCHEMA \(visiblyQuoted($0.schema)) TO …;"
                        + " GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \($0.pasteable) TO …"
                } ?? ""
            cause = "grant the missing privilege to tandem's role on \(to)\(grant)"
        case "0A000" where error.function == "heap_truncate_check_FKs":
            cause =
                "a table on \(to) that is not replicated refers to it: empty or drop that reference, tandem never cascades"
        case "22001", "22003":
            cause = "\(to)'s column is narrower than \(from)'s: widen it with ALTER TABLE … ALTER COLUMN … TYPE"
        default: cause = error.serverHint ?? "correct the cause on \(to); replication goes on by itself"
        }
        return cause + aside
    }
}
