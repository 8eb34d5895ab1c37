// Rows of a side that applications write beside the one in charge, as its log tells of them: each is touched, waits until
// whoever wrote then has ended, and is looked at until both sides have the same. Filled by the watching thread, emptied by the
// one that repairs. What is touched goes to the mark that is open; the watch closes a mark each time it would record its
// progress, and records no further than to the last mark below which nothing is open. So what a crash loses is read again.

package import Model
internal import Threading

package struct TouchedRow: Hashable, Sendable {
    package let table: QualifiedName
    /// What tells rows apart, by name; values as text.
    package let columns: [String]
    package let key: [String]

    package init(table: QualifiedName, columns: [String], key: [String]) {
        (self.table, self.columns, self.key) = (table, columns, key)
    }
}

package final class TwinBook: Sendable {
    package struct Touch: Sendable {
        /// The first mark in which it is still open, and the last in which it was touched.
        package fileprivate(set) var oldest: Int
        package fileprivate(set) var newest: Int
        /// By another replication than tandem's.
        package fileprivate(set) var isForeign: Bool
        /// How often it was found different.
        package var looks = 0
        package var writes = 0
        /// Not before the applying stream has come so far.
        package var after = LSN.zero
        /// Whoever repairs says what became of it: rows that truth lacks are orphans.
        package var wasOrphan = false
    }

    private struct Page {
        var open = 1
        var touches: [TouchedRow: Touch] = [:]
        /// Those that are open, in the order in which they were first touched; settled ones leave it later.
        var order: [TouchedRow] = []
    }

    private let page = Monitor(Page())
    /// More is not taken in before some of it is settled.
    package static let most = 200_000

    package init() {}

    package var count: Int { page.withLock { $0.touches.count } }
    var isFull: Bool { count >= Self.most }

    // MARK: the watching thread

    func touch(_ row: TouchedRow, isForeign: Bool) {
        page.withLock { page in
            guard var touch = page.touches[row] else {
                page.touches[row] = Touch(oldest: page.open, newest: page.open, isForeign: isForeign)
                page.order.append(row)
                return
            }
            touch.newest = page.open
            touch.isForeign = touch.isForeign || isForeign
            page.touches[row] = touch
        }
    }

    /// The number of the mark that ends here.
    func closeMark() -> Int {
        page.withLock { page in
            page.open += 1
            return page.open - 1
        }
    }

    /// Up to this mark nothing is open.
    var settledThrough: Int {
        page.withLock { page in (page.touches.values.map(\.oldest).min() ?? page.open) - 1 }
    }

    // MARK: the repairing thread

    package var lastClosed: Int { page.withLock { $0.open - 1 } }

    /// Some of the rows that are open up to that mark, those open longest first.
    package func open(through mark: Int, passed position: LSN, most: Int) -> [(row: TouchedRow, touch: Touch)] {
        page.withLock { page in
            var due: [(row: TouchedRow, touch: Touch)] = []
            var (kept, place) = ([TouchedRow](), 0)
            var seen = Set<TouchedRow>()
            while place < page.order.count, due.count < most {
                let row = page.order[place]
                place += 1
                // Settled meanwhile, and perhaps touched again: then it is in the order a second time.
                guard let touch = page.touches[row], seen.insert(row).inserted else { continue }
                kept.append(row)
                if touch.oldest <= mark && touch.after <= position { due.append((row, touch)) }
            }
            page.order.replaceSubrange(0..<place, with: kept)
            return due
        }
    }

    /// Found the same when whoever wrote up to that mark had ended. Nil when it was settled before.
    package func settle(_ row: TouchedRow, through mark: Int) -> Touch? {
        page.withLock { page in
            guard let touch = page.touches[row], touch.oldest <= mark else { return nil }
            if touch.newest <= mark {
                page.touches[row] = nil
            } else {
                var rest = Touch(oldest: mark + 1, newest: touch.newest, isForeign: touch.isForeign)
                rest.after = touch.after
                page.touches[row] = rest
            }
            return touch
        }
    }

    package func note(_ row: TouchedRow, _ change: (inout Touch) -> Void) {
        page.withLock { page in
            guard var touch = page.touches[row] else { return }
            change(&touch)
            page.touches[row] = touch
        }
    }

    /// It cannot be looked at by its key.
    package func giveUp(_ row: TouchedRow) { page.withLock { $0.touches[row] = nil } }
}
