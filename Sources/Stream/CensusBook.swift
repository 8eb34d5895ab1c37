// What one side's log tells of its writers: who, in which mode, when last, how many transactions. Filled by the receiving
// thread from the messages that the side's triggers leave in each transaction, written down once a second. Nothing is lost by
// forgetting: who writes again is seen again.

internal import Foundation
package import State
internal import Threading

package final class CensusBook: Sendable {
    private struct Page {
        var seen: [Writer: Int] = [:]
        /// Applications by the order in which they were first met, counted from 1.
        var numbers: [String: Int] = [:]
        var names: [String] = []
    }

    private let page = Monitor(Page())

    /// More than so many at once is no fleet; what comes beyond is not noted.
    private static let most = 2000

    package init() {}

    private struct Told: Decodable {
        let application: String
        let role: String
        let mode: String
    }

    /// The content of a message with tandem's prefix. One that nobody here has written is passed over. The number of the
    /// application that told it.
    package func note(_ content: UnsafeRawBufferPointer) -> Int {
        guard let told = try? JSONDecoder().decode(Told.self, from: Data(content)) else { return 0 }
        let writer = Writer(
            application: String(told.application.prefix(63)), role: String(told.role.prefix(63)),
            mode: String(told.mode.prefix(20)))
        return page.withLock { page in
            if page.seen[writer] != nil || page.seen.count < Self.most { page.seen[writer, default: 0] += 1 }
            if let number = page.numbers[writer.application] { return number }
            guard page.names.count < Self.most else { return 0 }
            page.names.append(writer.application)
            page.numbers[writer.application] = page.names.count
            return page.names.count
        }
    }

    package func take() -> [Writer: Int] {
        page.withLock { page in
            defer { page.seen = [:] }
            return page.seen
        }
    }

    /// Empty for who told nothing.
    package func application(_ number: Int) -> String {
        page.withLock { $0.names.indices.contains(number - 1) ? $0.names[number - 1] : "" }
    }
}
