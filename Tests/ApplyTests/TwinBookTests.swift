// What is open, up to which mark, and what a crash may forget.

import Model
import Testing

@testable import Apply

@Suite struct TwinBookTests {
    private static func row(_ key: String) -> TouchedRow {
        TouchedRow(table: QualifiedName(schema: "public", name: "t"), columns: ["id"], key: [key])
    }

    @Test func nothingIsRecordedPastWhatIsOpen() {
        let book = TwinBook()
        #expect(book.closeMark() == 1 && book.settledThrough == 1)
        book.touch(Self.row("a"), isForeign: false)
        #expect(book.closeMark() == 2 && book.settledThrough == 1)
        book.touch(Self.row("b"), isForeign: true)
        #expect(book.closeMark() == 3 && book.settledThrough == 1)
        #expect(book.open(through: 2, passed: .zero, most: 10).map(\.row) == [Self.row("a")])
        #expect(book.settle(Self.row("a"), through: 2)?.isForeign == false)
        #expect(book.settledThrough == 2 && book.count == 1)
        #expect(book.settle(Self.row("b"), through: 2) == nil)
        #expect(book.settle(Self.row("b"), through: 3)?.isForeign == true)
        #expect(book.settledThrough == 3 && book.count == 0)
    }

    /// Touched again after the mark it is settled for: that part of it stays open. It is looked at from the first touch on, and what
    /// comes before the last one may be recorded, for whoever reads on from there meets that one.
    @Test func whatIsTouchedAgainStaysOpen() {
        let book = TwinBook()
        book.touch(Self.row("a"), isForeign: false)
        _ = book.closeMark()
        book.touch(Self.row("a"), isForeign: false)
        _ = book.closeMark()
        #expect(book.settledThrough == 1 && book.open(through: 1, passed: .zero, most: 10).count == 1)
        #expect(book.settle(Self.row("a"), through: 1) != nil)
        #expect(book.settledThrough == 1 && book.count == 1)
        #expect(book.open(through: 1, passed: .zero, most: 10).isEmpty)
        #expect(book.open(through: 2, passed: .zero, most: 10).count == 1)
        #expect(book.settle(Self.row("a"), through: 2) != nil)
        #expect(book.settledThrough == 2)
    }

    /// Whose it is told of: who wrote it last; and that other replication wrote it once.
    @Test func whoWroteItIsKnown() {
        let book = TwinBook()
        book.touch(Self.row("a"), isForeign: false, by: 1)
        book.touch(Self.row("a"), isForeign: true, by: 2)
        _ = book.closeMark()
        book.touch(Self.row("a"), isForeign: false, by: 3)
        _ = book.closeMark()
        let first = book.settle(Self.row("a"), through: 1)
        #expect(first?.isForeign == true && first?.writer == 3)
        #expect(book.settle(Self.row("a"), through: 2)?.writer == 3)
    }

    /// Of a whole table nobody looks at rows: nothing is recorded before it is told of.
    @Test func aWholeTableIsToldOf() {
        let book = TwinBook()
        let table = QualifiedName(schema: "public", name: "t")
        book.touch(whole: table)
        #expect(book.closeMark() == 1 && book.settledThrough == 0 && book.count == 1)
        #expect(book.wholeTables == [table: 1])
        book.touch(whole: table)
        book.tell(table, through: 1)
        #expect(book.closeMark() == 2 && book.settledThrough == 1, "again, and not told of yet")
        book.tell(table, through: 2)
        #expect(book.settledThrough == 2 && book.count == 0)
    }

    /// One that is never found the same, because everybody writes it: others are not kept waiting, and it is not forgotten.
    @Test func aRowThatNeverStandsStillKeepsNobodyWaiting() {
        let book = TwinBook()
        for mark in 1...100 {
            book.touch(Self.row("hot"), isForeign: false)
            book.touch(Self.row("\(mark)"), isForeign: false)
            _ = book.closeMark()
            for (row, _) in book.open(through: mark, passed: .zero, most: 10) where row != Self.row("hot") {
                #expect(book.settle(row, through: mark) != nil)
            }
            #expect(book.settledThrough == mark - 1 && book.count == 1)
        }
        #expect(book.open(through: 1, passed: .zero, most: 10).map(\.row) == [Self.row("hot")])
        _ = book.closeMark()
        #expect(book.settledThrough == 99, "its last touch is still to be looked at")
        #expect(book.settle(Self.row("hot"), through: 100) != nil)
        #expect(book.settledThrough == 101)
        for key in ["x", "y"] { book.touch(Self.row(key), isForeign: false) }
        book.giveUp(Self.row("x"))
        #expect(book.settledThrough == 101)
        book.giveUp(Self.row("y"))
        #expect(book.closeMark() == 102 && book.settledThrough == 102)
    }

    /// Those open longest first, and of one mark those that were not looked at the last time; each once, and none before its position.
    @Test func whoWasTouchedFirstIsLookedAtFirst() {
        let book = TwinBook()
        for name in ["a", "b", "c"] { book.touch(Self.row(name), isForeign: false) }
        _ = book.closeMark()
        #expect(book.open(through: 1, passed: .zero, most: 2).map { $0.row.key[0] } == ["a", "b"])
        #expect(book.settle(Self.row("a"), through: 1) != nil)
        book.touch(Self.row("a"), isForeign: false)
        _ = book.closeMark()
        book.note(Self.row("b")) { $0.after = LSN(100) }
        #expect(book.open(through: 2, passed: LSN(99), most: 10).map { $0.row.key[0] } == ["c", "a"])
        #expect(book.open(through: 2, passed: LSN(100), most: 10).map { $0.row.key[0] } == ["c", "b", "a"])
        book.giveUp(Self.row("b"))
        #expect(book.open(through: 2, passed: LSN(100), most: 10).count == 2)
    }
}
