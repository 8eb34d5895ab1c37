// The stream that settling waits for: how long new may stand at one position before nobody waits for it any more. Where it was
// found standing once, whoever comes next waits only a moment, so that many tables with many rows do not each wait in vain.

internal import Model
internal import Threading

final class FollowedStream: Sendable {
    let name: StreamName
    private let stoodAt = Monitor<LSN?>(nil)

    init(_ name: StreamName) { self.name = name }

    /// When last waited for.
    var stands: Bool { stoodAt.withLock { $0 != nil } }

    func wait() -> Wait { Wait(self) }

    func hasMoved() { stoodAt.withLock { $0 = nil } }

    struct Wait {
        private let stream: FollowedStream
        private var position: LSN?
        private var since = Monotonic.now

        fileprivate init(_ stream: FollowedStream) { self.stream = stream }

        /// A runner may be busy with one large transaction, or try again what failed; without one there is nothing to wait for.
        mutating func goesOn(at applied: LSN, isDriven: () throws -> Bool) rethrows -> Bool {
            if applied != position {
                // Where it stood before, the first look is no move.
                if let known = stream.stoodAt.withLock({ $0 }), known != applied { stream.hasMoved() }
                (position, since) = (applied, .now)
            }
            guard since.age > 3 else { return true }
            if !stream.stands, since.age <= 60, try isDriven() { return true }
            stream.stoodAt.withLock { $0 = applied }
            return false
        }
    }
}
