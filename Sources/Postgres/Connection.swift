// One connection: used on one thread, the one that made it or was given it, and it crashes at once when another touches it.
// Everything that waits does so in `poll` on the socket beside the stop signal, so that nothing here outlasts a request to stop.

internal import CLibPQ
internal import Glibc
internal import Model
package import Threading

package final class Connection {
    /// Set once more at most, before anybody else has the connection.
    @exclusivity(unchecked) private(set) var raw: OpaquePointer
    package let label: String
    @exclusivity(unchecked) private var owner = Thread.current
    private(set) var stop: StopSignal?
    /// In a pipeline: the last thing read was the NULL that ends one statement.
    var endedStatement = false
    /// Where the session does not say otherwise for all statements.
    private let plansAnew: Bool
    /// Names of the statements this session has planned.
    private var planned: [String: String] = [:]
    private let warnings = Warnings()

    package convenience init(
        to target: ConnectionTarget, for purpose: SessionPurpose, as application: String, stop: StopSignal? = nil
    ) throws(PostgresError) {
        try self.init(UpcomingConnection(to: target, for: purpose, as: application, stop: stop))
    }

    package init(_ upcoming: UpcomingConnection) throws(PostgresError) {
        let (target, purpose) = (upcoming.target, upcoming.purpose)
        label = target.label
        stop = upcoming.stop
        plansAnew = purpose != .apply
        let doing = "connecting to \(target.label)"
        raw = try Self.connect(upcoming, doing: doing)
        warnings.listen(to: raw)
        guard purpose != .application else { return }
        // A connection that has broken does not tell it any more.
        let version = Int(PQserverVersion(raw))
        // Complete from here on: when this throws, `deinit` closes.
        do { try settle(purpose, doing: doing) } catch {
            guard error.isSessionEnded else { throw error }
            // Limits of the role ended it before they could be put off.
            let again = try Self.connect(
                UpcomingConnection(
                    to: target, for: purpose, as: upcoming.application, stop: stop,
                    lifting: Self.limits(raw, version)), doing: doing)
            PQfinish(raw)
            raw = again
            warnings.listen(to: raw)
            try settle(purpose, doing: doing)
        }
    }

    private func settle(_ purpose: SessionPurpose, doing: String) throws(PostgresError) {
        try beforeLimitsAreLifted { () throws(PostgresError) in try checkServer(purpose, doing: doing) }
        try beforeLimitsAreLifted { () throws(PostgresError) in
            _ = try script("SET statement_timeout = 0", doing: "preparing the session on \(label)")
        }
        try pin(purpose)
    }

    /// What puts off a role's limits with the connection itself, beside what the user gave it. Not at first: a pooler that
    /// does not know such options would refuse them before it is known for one.
    private static func limits(_ session: OpaquePointer, _ version: Int) -> String {
        let lifted = SessionPurpose.limits.filter { version >= $0.since }.map { "-c \($0.name)=\($0.value)" }
        let given = PQoptions(session).map { String(cString: $0) } ?? ""
        return ([given] + lifted).joined(separator: " ")
    }

    deinit { PQfinish(raw) }

    static func options(
        _ target: ConnectionTarget, _ purpose: SessionPurpose, _ application: String, lifting limits: String?,
        doing: String
    ) throws(PostgresError) -> [(String, String)] {
        // What follows would be cut off, without a word.
        guard !target.conninfo.utf8.contains(0) else {
            throw PostgresError(.cannotConnect, "the connection string has a NUL character in it", doing: doing)
        }
        // Later entries win: the user's string may set the timeouts, not the encoding or the name.
        var options: [(String, String)] = Patience(purpose: purpose).options
        options += [
            ("dbname", target.conninfo), ("client_encoding", "UTF8"),
            ("application_name", application), ("fallback_application_name", "tandem"),
        ]
        if purpose == .replication { options.append(("replication", "database")) }
        if let limits { options.append(("options", limits)) }
        return options
    }

    private static func connect(
        _ upcoming: UpcomingConnection, doing: String
    ) throws(PostgresError) -> OpaquePointer {
        let answer = try upcoming.answer(doing: doing)
        let raw = answer.raw
        if PQstatus(raw) != CONNECTION_OK {
            defer { PQfinish(raw) }
            throw refusal(answer, upcoming.target, upcoming.purpose, doing: doing)
        }
        PQsetnonblocking(raw, 1)
        // The server has cut them off, and may have found another database or role that way.
        for name in [PQdb(raw), PQuser(raw)] {
            guard let name, strlen(name) >= 64 else { continue }
            PQfinish(raw)
            throw PostgresError(
                .cannotConnect, "the name of database or role is longer than the 63 bytes that PostgreSQL's names have",
                doing: doing)
        }
        return raw
    }

    private static func refusal(
        _ answer: ConnectionAnswer, _ target: ConnectionTarget, _ purpose: SessionPurpose, doing: String
    ) -> PostgresError {
        func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
        let (raw, message) = (answer.raw, answer.firstRefusal)
        let cause = RefusalCause.isServers(message) ? RefusalCause(verbose: text(PQerrorMessage(raw))) : nil
        let refusal = ConnectionRefusal(
            message, cause, conninfo: target.conninfo, password: text(PQpass(raw)), role: text(PQuser(raw)),
            database: text(PQdb(raw)), replicating: purpose == .replication)
        return PostgresError(
            .cannotConnect, refusal.message.trimmedLine, doing: doing, serverHint: refusal.hint, refusal: cause?.state)
    }

    /// A role's own statement_timeout may be shorter than the statement that lifts it takes on a busy machine.
    private func beforeLimitsAreLifted(_ act: () throws(PostgresError) -> Void) throws(PostgresError) {
        for _ in 1..<50 {
            do { return try act() } catch { guard error.sqlState == "57014" else { throw error } }
        }
        try act()
    }

    private func pin(_ purpose: SessionPurpose) throws(PostgresError) {
        // Not quoted: it is a list. Temporary tables come last, or they would stand in for catalogs.
        let path = "; SET search_path = \(Self.searchPath)"
        var all = settings(purpose).map { "SET \($0.name) = \(literal($0.value))" }
        // Such a database does not know what its bytes mean. They pass as they are, and the other side judges them;
        // in UTF8 its walsender would fail over a bad one without saying which table it is in.
        if PQparameterStatus(raw, "server_encoding").map({ String(cString: $0) }) == "SQL_ASCII" {
            all.append("SET client_encoding = 'SQL_ASCII'")
        }
        // Last, because its operators are looked for in that path.
        let statements = all.joined(separator: "; ") + path + "; " + Patience(purpose: purpose).statement
        do { try script(statements, doing: "preparing the session on \(label)") } catch {
            let remedy =
                serverMajor >= 15
                ? "GRANT SET ON PARAMETER session_replication_role TO \(visiblyQuoted(role));"
                : "before PostgreSQL 15 only a superuser may set session_replication_role"
            throw purpose.writesRows ? error.needing(remedy) : error
        }
    }

    private func settings(_ purpose: SessionPurpose) -> [(name: String, value: String, since: Int)] {
        purpose.settings.filter { serverVersion >= $0.since }
    }

    private static var searchPath: String { "pg_catalog, pg_temp" }

    /// Statements that give the session back what others' functions may have taken from it.
    package func pinning(_ purpose: SessionPurpose) -> [String] {
        let all = [("search_path", Self.searchPath, 0)] + settings(purpose)
        let calls = all.map { "pg_catalog.set_config('\($0.0)', \(literal($0.1)), false)" }
        return ["RESET ROLE", "SELECT " + calls.joined(separator: ", ")]
    }

    /// Whether the server has sent such a warning since the connection was made.
    package func hasWarned(_ state: SQLState) -> Bool { warnings.states.contains(state) }

    /// Nobody's until it is taken: for a thread that is about to begin.
    package func give() -> GivenConnection {
        onOwnThread()
        owner = 0
        return GivenConnection(connection: self)
    }

    fileprivate func take(as application: String, stop: StopSignal) throws(PostgresError) {
        owner = Thread.current
        self.stop = stop
        try script("SET application_name = \(literal(application))", doing: "preparing the session on \(label)")
    }

    /// For threads that take turns under a lock: it is the caller's from here on.
    package func continueHere() { owner = Thread.current }

    func onOwnThread() {
        precondition(Thread.current == owner, "a connection is used on the thread that has it")
    }

    /// 150004 for 15.4.
    package var serverVersion: Int { Int(PQserverVersion(raw)) }
    package var serverMajor: Int { serverVersion / 10_000 }
    package var backendPID: Int { Int(PQbackendPID(raw)) }
    package var role: String { PQuser(raw).map { String(cString: $0) } ?? "" }
    package var database: String { PQdb(raw).map { String(cString: $0) } ?? "" }
    /// For people who have to find it themselves: database, host and port.
    package var whereabouts: String {
        let (host, port) = (
            PQhost(raw).map { String(cString: $0) } ?? "", PQport(raw).map { String(cString: $0) } ?? ""
        )
        return visiblyQuoted(database)
            + (host.isEmpty ? "" : " at \(withoutControls(host))" + (port.isEmpty ? "" : ":\(port)"))
    }
    package var socket: Int32 { PQsocket(raw) }
    package var isBroken: Bool { PQstatus(raw) != CONNECTION_OK }

    // MARK: statements

    /// Several statements in one go, without parameters; the last result.
    @discardableResult
    package func script(_ sql: String, doing: String) throws(PostgresError) -> Result {
        onOwnThread()
        guard PQsendQuery(raw, sql) == 1 else { throw lost(doing) }
        return try finish(doing: doing)
    }

    /// One statement with text parameters.
    @discardableResult
    package func query(_ sql: String, _ parameters: [String?] = [], doing: String) throws(PostgresError) -> Result {
        onOwnThread()
        let values = CStrings(parameters)
        guard PQsendQueryParams(raw, sql, Int32(parameters.count), nil, values.pointers, nil, nil, 0) == 1 else {
            throw lost(doing)
        }
        return try finish(doing: doing)
    }

    /// The same for what is asked again and again: planned once a session, where planning is most of the work.
    package func query(planned sql: String, _ parameters: [String?], doing: String) throws(PostgresError) -> Result {
        onOwnThread()
        let name = try plan(sql, doing: doing)
        if plansAnew && !parameters.isEmpty { return try executeAsPlanned(name, parameters, doing: doing) }
        let values = CStrings(parameters)
        guard PQsendQueryPrepared(raw, name, Int32(parameters.count), values.pointers, nil, nil, 0) == 1 else {
            throw lost(doing)
        }
        return try finish(doing: doing)
    }

    /// The server believes to know better each time it sees the parameters, and of a catalog planning takes longer than the
    /// answer. Only for this statement, or what is left of its transaction: of users' tables it may well know better.
    private func executeAsPlanned(
        _ name: String, _ parameters: [String?], doing: String
    ) throws(PostgresError) -> Result {
        let values = parameters.map { $0.map(literal) ?? "NULL" }.joined(separator: ", ")
        return try script(
            "SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE \(name)(\(values))", doing: doing)
    }

    private func plan(_ sql: String, doing: String) throws(PostgresError) -> String {
        if let name = planned[sql] { return name }
        let name = "planned\(planned.count + 1)"
        try prepare(name, sql, doing: doing)
        planned[sql] = name
        return name
    }

    /// For `queue(prepared:)`, outside a pipeline.
    package func prepare(_ name: String, _ sql: String, doing: String) throws(PostgresError) {
        onOwnThread()
        guard PQsendPrepare(raw, name, sql, 0, nil) == 1 else { throw lost(doing) }
        _ = try finish(doing: doing)
    }

    /// One statement with parameters in binary form; the answer is text.
    package func query(
        binary sql: String, _ parameters: BinaryParameters, types: [UInt32], doing: String
    ) throws(PostgresError) -> Result {
        onOwnThread()
        let sent = PQsendQueryParams(
            raw, sql, Int32(types.count), types, parameters.values, parameters.lengths, parameters.formats, 0)
        guard sent == 1 else { throw lost(doing) }
        return try finish(doing: doing)
    }

    /// Reads results to the end of the command; the last one counts, the first error wins.
    func finish(doing: String) throws(PostgresError) -> Result {
        var last: Result?
        var failure: PostgresError?
        while let result = try nextResult(doing: doing) {
            if result.isError && failure == nil { failure = result.error(doing: doing) }
            last = result
            // In COPY state libpq repeats this result for ever: the caller takes over.
            let status = result.status
            if status == PGRES_COPY_BOTH || status == PGRES_COPY_IN || status == PGRES_COPY_OUT { break }
        }
        if let failure { throw failure }
        guard let last else { throw lost(doing) }
        return last
    }

    /// The next result, waiting for it; nil at the end of a command.
    package func nextResult(doing: String) throws(PostgresError) -> Result? {
        while true {
            try flush(doing: doing)
            if PQisBusy(raw) == 0 { return PQgetResult(raw).map { Result($0) } }
            try waitForServer(doing: doing)
        }
    }

    /// One wait for the socket, reading what came. Asked to stop, it cancels what runs and throws.
    func waitForServer(doing: String) throws(PostgresError) {
        let interests = [Poll.Interest.readable(socket)] + (stop.map { [.readable($0.descriptor)] } ?? [])
        let ready = Poll.wait(for: interests, until: nil)
        if ready.contains(1) {
            cancel()
            throw PostgresError(.interrupted, "stopped on request", doing: doing)
        }
        guard PQconsumeInput(raw) == 1 else { throw lost(doing) }
    }

    /// Sends what is buffered, reading meanwhile so that neither side waits for the other.
    package func flush(doing: String) throws(PostgresError) {
        while true {
            switch PQflush(raw) {
            case 0: return
            case 1:
                let interests = [Poll.Interest.both(socket)] + (stop.map { [.readable($0.descriptor)] } ?? [])
                if Poll.wait(for: interests, until: nil).contains(1) {
                    cancel()
                    throw PostgresError(.interrupted, "stopped on request", doing: doing)
                }
                guard PQconsumeInput(raw) == 1 else { throw lost(doing) }
            default: throw lost(doing)
            }
        }
    }

    func lost(_ doing: String) -> PostgresError {
        let message = String(cString: PQerrorMessage(raw)).trimmedLine
        return PostgresError(.connectionLost, message.isEmpty ? "the connection was lost" : message, doing: doing)
    }
}

/// A connection on its way to another thread, whose alone it is once taken.
package struct GivenConnection: @unchecked Sendable {  // whoever gave it cannot use it any more
    fileprivate let connection: Connection

    /// Once; from then on it has the name and the request to stop of whoever takes it.
    package func take(as application: String, stop: StopSignal) throws(PostgresError) -> Connection {
        try connection.take(as: application, stop: stop)
        return connection
    }
}
