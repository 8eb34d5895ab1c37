// What is counted of writers, and how often.

import Model
import Stream
import Testing

@Suite struct CensusBookTests {
    private struct Lost: Error {}

    private func note(_ book: CensusBook, _ position: UInt64) -> Int {
        let told = Array(#"{"application":"web-1","role":"app","mode":"3"}"#.utf8)
        return told.withUnsafeBytes { book.note($0, at: LSN(position)) }
    }

    private func counted(_ book: CensusBook) -> [Int] {
        var counts: [Int] = []
        book.write { counts = Array($0.values) }
        return counts
    }

    /// A session that fails reads the same transactions again.
    @Test func whatIsReadAgainIsNotCountedAgain() {
        let memory = CensusMemory()
        let first = CensusBook(memory)
        #expect(note(first, 100) == 1 && note(first, 90) == 1)
        #expect(counted(first) == [2])
        let second = CensusBook(memory)
        // Whose it is is told all the same.
        #expect(note(second, 100) == 1 && note(second, 90) == 1)
        #expect(counted(second) == [])
        #expect(note(second, 110) == 1)
        #expect(counted(second) == [1])
    }

    /// Nobody is forgotten who was not written down: the gate would take him for gone.
    @Test func whatWasNotWrittenDownIsCountedWhenItIsReadAgain() {
        let memory = CensusMemory()
        let first = CensusBook(memory)
        #expect(note(first, 100) == 1)
        #expect(throws: Lost.self) { try first.write { _ in throw Lost() } }
        let second = CensusBook(memory)
        #expect(note(second, 90) == 1)
        let third = CensusBook(memory)
        #expect(note(third, 90) == 1 && note(third, 100) == 1)
        #expect(counted(third) == [2])
    }
}
