// What libpq can only do by blocking: connecting, which resolves a name first, and cancelling. Each on a thread that is
// left behind when it takes too long, so that no dead network keeps anybody from stopping.

internal import CLibPQ
package import Threading

/// A pointer that one thread hands over to another, who owns it from then on.
struct Handed: @unchecked Sendable {
    let pointer: OpaquePointer?
    var message = ""
}

/// Connected or refused: whoever gets it looks which, and closes it.
struct ConnectionAnswer {
    let raw: OpaquePointer
    let firstRefusal: String
}

/// A connection that is being made while whoever wants it does something else. Taken once, on the thread that will use it; or
/// forgotten, and closed by itself.
package final class UpcomingConnection {
    let target: ConnectionTarget
    let purpose: SessionPurpose
    let application: String
    let stop: StopSignal?
    private let errand: Swift.Result<Errand<Handed>, PostgresError>

    package convenience init(
        to target: ConnectionTarget, for purpose: SessionPurpose, as application: String, stop: StopSignal? = nil
    ) { self.init(to: target, for: purpose, as: application, stop: stop, lifting: nil) }

    init(
        to target: ConnectionTarget, for purpose: SessionPurpose, as application: String, stop: StopSignal?,
        lifting limits: String?
    ) {
        (self.target, self.purpose, self.application, self.stop) = (target, purpose, application, stop)
        let doing = "connecting to \(target.label)"
        errand = Swift.Result { () throws(PostgresError) in
            if stop?.isRaised == true { throw PostgresError(.interrupted, "stopped on request", doing: doing) }
            let options = try Connection.options(target, purpose, application, lifting: limits, doing: doing)
            return try Connection.dial(options, doing: doing)
        }
    }

    func answer(doing: String) throws(PostgresError) -> ConnectionAnswer {
        guard let handed = try errand.get().wait(stop: stop) else {
            throw PostgresError(.interrupted, "stopped on request", doing: doing)
        }
        guard let raw = handed.pointer else { throw PostgresError(.cannotConnect, "out of memory", doing: doing) }
        return ConnectionAnswer(raw: raw, firstRefusal: handed.message)
    }
}

extension Connection {
    fileprivate static func dial(
        _ options: [(String, String)], doing: String
    ) throws(PostgresError) -> Errand<Handed> {
        do throws(NoMoreThreads) {
            return try Errand("connect", left: { PQfinish($0.pointer) }) {
                let keys = CStrings(options.map(\.0))
                let values = CStrings(options.map(\.1))
                let raw = PQconnectdbParams(keys.pointers, values.pointers, 1)
                return Handed(pointer: raw, message: askAgain(raw))
            }
        } catch { throw PostgresError(.cannotConnect, "\(error)", doing: doing) }
    }

    /// What was said when the connection was refused. libpq shows the SQLSTATE of a refusal only to those who had asked for
    /// it before, and words are no ground to decide on: a server may say them in any language. So it is asked once more,
    /// and may accept now.
    private static func askAgain(_ raw: OpaquePointer?) -> String {
        guard let raw, PQstatus(raw) != CONNECTION_OK else { return "" }
        let message = PQerrorMessage(raw).map { String(cString: $0) } ?? ""
        guard RefusalCause.isServers(message) else { return message }
        PQsetErrorVerbosity(raw, PQERRORS_VERBOSE)
        PQreset(raw)
        PQsetErrorVerbosity(raw, PQERRORS_DEFAULT)
        return message
    }

    /// Asks the server to give up the running statement; the connection is not used further. Where the network is dead
    /// nobody hears it, and the server notices by itself.
    package func cancel() {
        let handle = Handed(pointer: PQgetCancel(raw))
        guard handle.pointer != nil else { return }
        let cancelled = try? Errand.run("cancel", stop: nil, seconds: Patience.cancelling) {
            var message = [CChar](repeating: 0, count: 256)
            PQcancel(handle.pointer, &message, Int32(message.count))
            PQfreeCancel(handle.pointer)
            return true
        }
        _ = cancelled
    }
}
