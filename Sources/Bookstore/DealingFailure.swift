// Why one attempt at a transaction did not come through, and whether another one may.

internal import Postgres

enum DealingFailure: Error {
    /// A statement failed, or COMMIT did, and nothing remains of the attempt on the side that counts.
    case server(PostgresError, Side)
    /// Both sides, or neither: they did not touch as many rows.
    case countsDiffer
    /// The shop says no: sold out, no money, gone. Nobody's error.
    case declined(String)
    /// COMMIT was sent, and whether it took place is not known.
    case inDoubt(PostgresError, Side)
    case ledger(BookstoreError)

    /// What it is counted as: a SQLSTATE, or a word where there is none.
    var state: String {
        switch self {
        case .server(let error, _), .inDoubt(let error, _):
            switch error.kind {
            case .server(let state): state.code
            case .cannotConnect: error.refusal?.code ?? "no-connection"
            case .connectionLost: "connection-lost"
            case .interrupted: "interrupted"
            case .unexpected: "unexpected"
            }
        case .countsDiffer: "counts-differ"
        case .declined(let reason): reason
        case .ledger: "ledger"
        }
    }

    enum Remedy { case again, elsewhere, none }

    func remedy(_ mode: InstanceMode, _ strategy: Strategy) -> Remedy {
        switch self {
        case .declined, .inDoubt, .ledger: .none
        case .countsDiffer: .again
        case .server(let error, let side): Self.remedy(error, side, mode, strategy)
        }
    }

    private static func remedy(
        _ error: PostgresError, _ side: Side, _ mode: InstanceMode, _ strategy: Strategy
    ) -> Remedy {
        if error.kind == .interrupted { return .none }
        if error.isConnectionLost || error.sqlState?.class == "08" { return .again }
        guard let state = error.sqlState else { return .none }
        // Deadlock, serialization, a lock that did not come in time.
        if ["40001", "40P01", "55P03"].contains(state) { return .again }
        // Its twin may lag: what a key refers to is not there yet, or what it replaces still is.
        if ["23503", "23505"].contains(state), mode.mayLag(side) { return .again }
        // Nobody writes here now. An application that knows one address asks there again; one that declares its mode has been
        // told that this mode is over, and fails loudly.
        if state == "25006" { return strategy == .pause ? .elsewhere : .none }
        return .none
    }
}
