// What libpq can only do by blocking: connecting, which resolves a name first, and cancelling. Each on a thread that is
// left behind when it takes too long, so that no dead network keeps anybody from stopping.

internal import CLibPQ
internal import Threading

/// A pointer that one thread hands over to another, who owns it from then on.
private struct Handed: @unchecked Sendable {
    let pointer: OpaquePointer?
}

extension Connection {
    /// Connected or refused: the caller looks which, and closes it.
    static func open(
        _ options: [(String, String)], _ stop: StopSignal?, doing: String
    ) throws(PostgresError) -> OpaquePointer {
        if stop?.isRaised == true { throw PostgresError(.interrupted, "stopped on request", doing: doing) }
        let handed = try errand("connect", stop, doing: doing, left: { PQfinish($0.pointer) }) {
            let keys = CStrings(options.map(\.0))
            let values = CStrings(options.map(\.1))
            return Handed(pointer: PQconnectdbParams(keys.pointers, values.pointers, 1))
        }
        guard let handed else { throw PostgresError(.interrupted, "stopped on request", doing: doing) }
        guard let raw = handed.pointer else { throw PostgresError(.cannotConnect, "out of memory", doing: doing) }
        return raw
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

    private static func errand<Value: Sendable>(
        _ name: String, _ stop: StopSignal?, doing: String, left: @escaping @Sendable (Value) -> Void,
        _ work: @escaping @Sendable () -> Value
    ) throws(PostgresError) -> Value? {
        do { return try Errand.run(name, stop: stop, left: left, work) } catch {
            throw PostgresError(.cannotConnect, "\(error)", doing: doing)
        }
    }
}
