// What one side's log tells of its writers: who, in which mode, when last, how many transactions. Filled by the receiving
// thread from the messages that the side's triggers leave in each transaction, written down once a second. Nothing is lost by
// forgetting: who writes again is seen again.

internal import Foundation
package import Model
package import State
internal import Threading

/// What has been counted since the runner has the stream. A session that fails and begins again reads the same transactions again, and
/// an instance that has stopped would be seen writing for as long as that goes on.
package final class CensusMemory: Sendable {
    private let counted = Monitor<Set<LSN>>([])
    private static let most = 200_000

    package init() {}

    /// False where it was there already.
    func add(_ position: LSN) -> Bool {
        counted.withLock { counted in
            if counted.count >= Self.most { counted = [] }
            return counted.insert(position).inserted
        }
    }
}

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
        let isNew = memory.add(position)
        return page.withLock { page in
            if isNew, page.seen[writer] != nil || page.seen.count < Self.most { page.seen[writer, default: 0] += 1 }
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
