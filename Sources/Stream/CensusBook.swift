// What one side's log tells of its writers: who, in which mode, when last, how many transactions. Filled by the receiving
// thread from the messages that the side's triggers leave in each transaction, written down once a second. Nothing is lost by
// forgetting: who writes again is seen again.

internal import Foundation
package import Model
package import State
internal import Threading

/// What has been written down since the runner has the stream. A session that fails and begins again reads the same transactions
/// again, and an instance that has stopped would be seen writing for as long as that goes on. Only what is written down counts as
/// told: what a session took with it when it failed is counted when it is read again.
package final class CensusMemory: Sendable {
    private let written = Monitor<Set<LSN>>([])
    private static let most = 200_000

    package init() {}

    func has(_ position: LSN) -> Bool { written.withLock { $0.contains(position) } }

    func add(_ positions: Set<LSN>) {
        written.withLock { written in
            if written.count >= Self.most { written = [] }
            written.formUnion(positions)
        }
    }
}

package final class CensusBook: Sendable {
    private struct Page {
        var seen: [Writer: Int] = [:]
        /// Of the messages that told of these.
        var positions: Set<LSN> = []
        /// Applications by the order in which they were first met, counted from 1.
        var numbers: [String: Int] = [:]
        var names: [String] = []
    }

    private let page = Monitor(Page())

    /// More than so many at once is no fleet; what comes beyond is not noted.
    private static let most = 2000

    private let memory: CensusMemory

    package init(_ memory: CensusMemory) { self.memory = memory }

    private struct Told: Decodable {
        let application: String
        let role: String
        let mode: String
    }

    /// The content of a message with tandem's prefix. One that nobody here has written is passed over. The number of the
    /// application that told it.
    package func note(_ content: UnsafeRawBufferPointer, at position: LSN) -> Int {
        guard let told = try? JSONDecoder().decode(Told.self, from: Data(content)) else { return 0 }
        let writer = Writer(
            application: String(told.application.prefix(63)), role: String(told.role.prefix(63)),
            mode: String(told.mode.prefix(20)))
        let isWritten = memory.has(position)
        return page.withLock { page in
            if !isWritten, page.positions.insert(position).inserted,
                page.seen[writer] != nil || page.seen.count < Self.most
            {
                page.seen[writer, default: 0] += 1
            }
            if let number = page.numbers[writer.application] { return number }
            guard page.names.count < Self.most else { return 0 }
            page.names.append(writer.application)
            page.numbers[writer.application] = page.names.count
            return page.names.count
        }
    }

    /// Hands over what was seen since, and remembers that it was, once it is written down.
    package func write(_ body: ([Writer: Int]) throws -> Void) rethrows {
        let (seen, positions) = page.withLock { page in
            defer { (page.seen, page.positions) = ([:], []) }
            return (page.seen, page.positions)
        }
        guard !seen.isEmpty else { return }
        try body(seen)
        memory.add(positions)
    }

    /// Empty for who told nothing.
    package func application(_ number: Int) -> String {
        page.withLock { $0.names.indices.contains(number - 1) ? $0.names[number - 1] : "" }
    }
}
