// What is counted of writers, and how often.

import Model
import Stream
import Testing

@Suite struct CensusBookTests {
    private func note(_ book: CensusBook, _ position: UInt64) -> Int {
        let told = Array(#"{"application":"web-1","role":"app","mode":"3"}"#.utf8)
        return told.withUnsafeBytes { book.note($0, at: LSN(position)) }
    }

    /// A session that fails reads the same transactions again.
    @Test func whatIsReadAgainIsNotCountedAgain() {
        let memory = CensusMemory()
        let first = CensusBook(memory)
        #expect(note(first, 100) == 1 && note(first, 90) == 1)
        #expect(Array(first.take().values) == [2])
        let second = CensusBook(memory)
        // Whose it is is told all the same.
        #expect(note(second, 100) == 1 && note(second, 90) == 1)
        #expect(second.take().isEmpty)
        #expect(note(second, 110) == 1)
        #expect(Array(second.take().values) == [1])
    }
}
