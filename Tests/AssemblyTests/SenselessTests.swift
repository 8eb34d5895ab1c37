// Sequences that no source sends: an error, at the message where they stop making sense.

import Testing

@testable import Assembly

@Suite struct SenselessTests {
    static let sequences: [[Sent]] = [
        [.begin(1), .begin(2)],
        [.commit(10)],
        [.begin(1), .commit(10), .commit(20)],
        [.begin(1), .table(), .commit(10), .insert("a")],
        [.begin(1), .table(), .commit(10), .truncate([1])],
        [.begin(1), .insert("a")],
        [.begin(1), .truncate([1])],
        [.begin(1), .block(2, first: true)],
        [.begin(1), .abort(2)],
        [.begin(1), .commit(streamed: 2, 10)],
        [.commit(streamed: 2, 10)],
        [.block(2)],
        [.block(2, first: true), .stop, .abort(2), .block(2)],
        [.block(2, first: true), .begin(3)],
        [.block(2, first: true), .commit(10)],
        [.block(2, first: true), .commit(streamed: 2, 10)],
        [.block(2, first: true), .abort(2)],
        [.block(2, first: true), .stop, .commit(streamed: 2, 10), .commit(streamed: 2, 20)],
    ]

    @Test(arguments: sequences.indices)
    func isAnError(_ index: Int) throws {
        let desk = try Desk()
        try desk.take(Self.sequences[index].dropLast().map { $0 })
        let error = try #require(throws: AssemblyError.self) { try desk.take([Self.sequences[index].last!]) }
        #expect(error.hint != nil)
    }
}
