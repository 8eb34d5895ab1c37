// A calm stream is left to the applying thread, which reads it in place of the receiving one (`Shortcut`): when that begins, and
// what it does then. Everything here happens under the shortcut's lock.

internal import Apply
internal import Assembly
internal import Glibc
internal import Postgres
internal import Threading

extension Receiver {
    /// Where so little comes that one thread can do it all.
    func openShortcut(after messages: Int) -> Bool {
        guard messages > 0, isCalm, muchAt.age > Self.calm, setup.isAdmitted(), queue.bytes < Self.handful else {
            return false
        }
        guard shortcut.open(connection.socket) else { return false }
        (readInPlaceAt, muchInPlace) = (Monotonic.now, 0)
        // It may have gone to sleep without knowing.
        queue.filled.raise()
        return true
    }

    private var isCalm: Bool { !hasEnded && restsUntil == nil && nextSpillTry == nil && assembler.openMemory == 0 }

    /// On the applying thread; false when the receiving one is to go on.
    func readInPlace() -> Bool {
        connection.continueHere()
        isInPlace = true
        defer { (isInPlace, readInPlaceAt) = (false, Monotonic.now) }
        do {
            return try readAllInPlace()
        } catch {
            failure = error
            return false
        }
    }

    private func readAllInPlace() throws -> Bool {
        for _ in 0..<Self.looks {
            guard failure == nil, try mayRead() else { return false }
            let messages = try read()
            muchInPlace = restsUntil == nil ? 0 : muchInPlace + 1
            if muchInPlace <= Self.oftenMuch { restsUntil = nil }
            guard isCalm else {
                deliver()
                return false
            }
            if assembler.isBetweenTransactions { break }
            if messages == 0 { sched_yield() }
        }
        deliver()
        try feedBack()
        return true
    }

    var isReadable: Bool { !Poll.wait(for: [.readable(connection.socket)], until: .now).isEmpty }

    /// Seconds without a read that brought much.
    private static let calm = 0.05
    /// So many reads in a row that bring much are still the applying thread's.
    private static let oftenMuch = 1
    /// Seconds after which what lies in the socket is not left to the applying thread any more.
    static let leftAlone = 1.0
}
