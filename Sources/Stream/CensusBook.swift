// What one side's log tells of its writers: who, in which mode, when last, how many transactions. Filled by the receiving
// thread from the messages that the side's triggers leave in each transaction, written down once a second. Nothing is lost by
// forgetting: who writes again is seen again.

internal import Foundation
package import State
internal import Threading

package final class CensusBook: Sendable {
    private let seen = Monitor<[Writer: Int]>([:])

    /// More than so many at once is no fleet; what comes beyond is not noted.
    private static let most = 2000

    package init() {}

    private struct Told: Decodable {
        let application: String
        let role: String
        let mode: String
    }

    /// The content of a message with tandem's prefix. One that nobody here has written is passed over.
    package func note(_ content: UnsafeRawBufferPointer) {
        guard let told = try? JSONDecoder().decode(Told.self, from: Data(content)) else { return }
        let writer = Writer(
            application: String(told.application.prefix(63)), role: String(told.role.prefix(63)),
            mode: String(told.mode.prefix(20)))
        seen.withLock { seen in
            guard seen[writer] != nil || seen.count < Self.most else { return }
            seen[writer, default: 0] += 1
        }
    }

    package func take() -> [Writer: Int] {
        seen.withLock { seen in
            defer { seen = [:] }
            return seen
        }
    }
}
