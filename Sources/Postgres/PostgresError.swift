// What can go wrong between us and a server, and whether trying again may help. Carries the server's primary message
// and SQLSTATE; never its DETAIL, which quotes row values, and never a connection string.

internal import Model

package struct SQLState: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let code: String

    package init(_ code: String) { self.code = code }
    package init(stringLiteral code: String) { self.code = code }

    package var description: String { code }
    package var `class`: Substring { code.prefix(2) }
}

package struct PostgresError: Explained, Sendable {
    package enum Kind: Sendable, Equatable {
        case cannotConnect
        case connectionLost
        case server(SQLState)
        /// We gave up on purpose: asked to stop, or a deadline of our own passed.
        case interrupted
        /// The server answered something that makes no sense here.
        case unexpected
    }

    /// What answers, and could be connected to, but is not what tandem needs.
    package enum Stranger: Sendable { case pooler, standby, primary }

    package let kind: Kind
    package let message: String
    /// What we were doing, for the operator.
    package let doing: String
    package let constraint: String?
    package let serverHint: String?
    /// Why the server refused the connection, when it was the server that did.
    package let refusal: SQLState?
    /// The function of the server's source that raised it: tells apart what shares a SQLSTATE, in every language.
    package let function: String?
    package let stranger: Stranger?

    package init(
        _ kind: Kind, _ message: String, doing: String, constraint: String? = nil, serverHint: String? = nil,
        refusal: SQLState? = nil, function: String? = nil, stranger: Stranger? = nil
    ) {
        self.stranger = stranger
        self.kind = kind
        self.refusal = refusal
        self.function = function
        self.message = message
        self.doing = doing
        self.constraint = constraint
        self.serverHint = serverHint
    }

    package var sqlState: SQLState? { if case .server(let state) = kind { state } else { nil } }

    package var description: String {
        let state = sqlState.map { " [\($0)]" } ?? ""
        return "\(doing): \(withoutControls(message))\(state)"
    }

    package var hint: String? { serverHint }

    /// Also that of a refusal.
    package var sqlstate: String? { (sqlState ?? refusal)?.code }

    /// The same with what gives the privilege, when it is one that is missing.
    package func needing(_ grant: String) -> PostgresError {
        guard sqlState == "42501" else { return self }
        // What another role made is no matter of grants.
        let grant =
            message.contains("must be owner")
            ? "run tandem as the role that made it, or as a member of that role" : grant
        return PostgresError(kind, message, doing: doing, constraint: constraint, serverHint: grant, function: function)
    }

    /// The same thing done again later may succeed without anybody changing anything.
    package var isTransient: Bool {
        switch kind {
        case .cannotConnect, .connectionLost: true
        case .interrupted, .unexpected: false
        case .server(let state): Self.transient.contains(state) || Self.transientClasses.contains(state.class)
        }
    }

    /// A value, or what the server keeps of one, is the matter, and not how we connect or what we may do.
    package var isAboutContent: Bool { ["22", "54", "XX"].contains(sqlState?.class) }

    /// A message that would come to more than what a server can have in one piece.
    package var isTooLargeToSend: Bool { sqlState == "54000" && function == "enlargeStringInfo" }

    package var isConnectionLost: Bool {
        switch kind {
        case .cannotConnect, .connectionLost: true
        case .server(let state): ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04"].contains(state)
        case .interrupted, .unexpected: false
        }
    }

    /// A session that was there is not any more.
    var isSessionEnded: Bool { kind == .connectionLost || kind != .cannotConnect && isConnectionLost }

    /// As the answer to COMMIT: whether it took place is not known. A server that is being shut down may have committed and
    /// not say so.
    package var leavesCommitOpen: Bool {
        switch kind {
        case .connectionLost, .interrupted, .unexpected: true
        case .cannotConnect: false
        case .server(let state): ["08", "57", "58", "XX"].contains(state.class)
        }
    }

    /// deadlock, serialization, lock and statement timeouts, idle timeout, read-only, shutting down or starting up
    private static let transient: Set<SQLState> = [
        "40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "25006", "55006",
    ]
    /// connection exceptions, insufficient resources
    private static let transientClasses: Set<Substring> = ["08", "53"]
}
