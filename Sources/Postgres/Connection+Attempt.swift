// A statement that is waited for only so long, also when somebody has asked tandem to stop: for what is to be undone, and for asking
// whether anybody is at the other end. A network that swallows everything says nothing for half a minute.

internal import CLibPQ
internal import Threading

extension Connection {
    /// Whether the server has done it in time. When it has not, the connection is of no more use: the answer may still come.
    package func attempt(_ sql: String, within seconds: Double) -> Bool {
        onOwnThread()
        let deadline = Monotonic.now.adding(seconds: seconds)
        // What was given up before may have left an answer.
        guard answered(until: deadline) != nil, PQsendQuery(raw, sql) == 1 else { return false }
        return answered(until: deadline) == true
    }

    /// Nil when the connection is lost or time is up; otherwise whether none of the results was an error.
    private func answered(until deadline: Monotonic) -> Bool? {
        var isGood = true
        while !isBroken {
            let isSent = PQflush(raw)
            guard isSent >= 0 else { return nil }
            if isSent == 0, PQisBusy(raw) == 0 {
                guard let result = PQgetResult(raw).map({ Result($0) }) else { return isBroken ? nil : isGood }
                isGood = isGood && !result.isError
                continue
            }
            let interest = isSent == 0 ? Poll.Interest.readable(socket) : .both(socket)
            guard !Poll.wait(for: [interest], until: deadline).isEmpty, PQconsumeInput(raw) == 1 else { return nil }
        }
        return nil
    }
}
