// Rows of a side that applications write beside the one in charge, as its log tells of them: each is touched, waits until
// whoever wrote then has ended, and is looked at until both sides have the same. Filled by the watching thread, emptied by the
// one that repairs. What is touched goes to the mark that is open; the watch closes a mark each time it would record its
// progress, and records no further than to the last mark below which nothing is open. So what a crash loses is read again.
//
// A row that is touched again is open from the first of these on, for looking at it, and from the last on for recording: whoever
// reads the log again from between them meets it once more. Otherwise a row that everybody writes, and that is seldom found the same
// for that, would keep everything behind it from being recorded.

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

    /// Keys tell rows apart well enough.
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

package final class TwinBook: Sendable {
    package struct Touch: Sendable {
        /// The first mark in which it is still open, and the last in which it was touched.
        package fileprivate(set) var oldest: Int
        package fileprivate(set) var newest: Int
        /// By another replication than tandem's.
        package fileprivate(set) var isForeign: Bool
        /// Who touched it last, as its transaction told, by number; 0 when it did not.
        package fileprivate(set) var writer: Int
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
        /// By the first mark in which they are open; what is settled, or in a later one by now, leaves when it is met. So what may
        /// not be looked at yet costs nothing, however much it is.
        var buckets: [Int: [TouchedRow]] = [:]
        /// How many of each bucket are.
        var counts: [Int: Int] = [:]
        /// How many were touched last in that mark.
        var last: [Int: Int] = [:]
        /// Tables of which nobody can say which rows to look at, by the mark in which that was seen last.
        var tables: [QualifiedName: Int] = [:]

        /// The first mark that may not be recorded yet.
        var firstOpen: Int { min(last.keys.min() ?? open, tables.values.min() ?? open) }

        mutating func enter(_ row: TouchedRow, _ mark: Int) {
            buckets[mark, default: []].append(row)
            counts[mark, default: 0] += 1
        }

        mutating func leave(_ mark: Int) {
            counts[mark, default: 1] -= 1
            if counts[mark] == 0 { (counts[mark], buckets[mark]) = (nil, nil) }
        }

        mutating func touchedLast(in mark: Int?, before: Int?) {
            if let before {
                last[before, default: 1] -= 1
                if last[before] == 0 { last[before] = nil }
            }
            if let mark { last[mark, default: 0] += 1 }
        }
    }

    private let page = Monitor(Page())
    /// More is not taken in before some of it is settled.
    package static let most = 200_000

    package init() {}

    package var count: Int { page.withLock { $0.touches.count + $0.tables.count } }
    var isFull: Bool { count >= Self.most }

    // MARK: the watching thread

    func touch(_ row: TouchedRow, isForeign: Bool, by writer: Int = 0) {
        page.withLock { page in
            guard var touch = page.touches[row] else {
                page.touches[row] = Touch(
                    oldest: page.open, newest: page.open, isForeign: isForeign, writer: writer)
                page.enter(row, page.open)
                page.touchedLast(in: page.open, before: nil)
                return
            }
            page.touchedLast(in: page.open, before: touch.newest)
            touch.newest = page.open
            touch.isForeign = touch.isForeign || isForeign
            touch.writer = writer
            page.touches[row] = touch
        }
    }

    /// TRUNCATE: all rows that it had.
    func touch(whole table: QualifiedName) { page.withLock { $0.tables[table] = $0.open } }

    /// The number of the mark that ends here.
    func closeMark() -> Int {
        page.withLock { page in
            page.open += 1
            return page.open - 1
        }
    }

    /// Up to this mark nothing is open that is not touched again behind it.
    var settledThrough: Int {
        page.withLock { page in page.firstOpen - 1 }
    }

    // MARK: the repairing thread

    package var lastClosed: Int { page.withLock { $0.open - 1 } }

    /// Some of the rows that are open up to that mark, those open longest first.
    package func open(through mark: Int, passed position: LSN, most: Int) -> [(row: TouchedRow, touch: Touch)] {
        page.withLock { page in
            var due: [(row: TouchedRow, touch: Touch)] = []
            for bucket in page.buckets.keys.filter({ $0 <= mark }).sorted() where due.count < most {
                guard let rows = page.buckets.removeValue(forKey: bucket) else { continue }
                var (there, place) = ([TouchedRow](), 0)
                while place < rows.count, due.count < most {
                    let row = rows[place]
                    place += 1
                    guard let touch = page.touches[row], touch.oldest == bucket else { continue }
                    there.append(row)
                    if touch.after <= position { due.append((row, touch)) }
                }
                // Where not all were looked at, the others come first the next time.
                page.buckets[bucket] = rows[place...] + there
            }
            return due
        }
    }

    /// Found the same when whoever wrote up to that mark had ended. Nil when it was settled before.
    package func settle(_ row: TouchedRow, through mark: Int) -> Touch? {
        page.withLock { page in
            guard let touch = page.touches[row], touch.oldest <= mark else { return nil }
            page.leave(touch.oldest)
            if touch.newest <= mark {
                page.touches[row] = nil
                page.touchedLast(in: nil, before: touch.newest)
            } else {
                var rest = Touch(
                    oldest: mark + 1, newest: touch.newest, isForeign: touch.isForeign, writer: touch.writer)
                rest.after = touch.after
                page.touches[row] = rest
                page.enter(row, mark + 1)
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

    package var wholeTables: [QualifiedName: Int] { page.withLock { $0.tables } }

    /// It is on record up to that mark.
    package func tell(_ table: QualifiedName, through mark: Int) {
        page.withLock { page in
            if page.tables[table] == mark { page.tables[table] = nil }
        }
    }

    /// It cannot be looked at by its key.
    package func giveUp(_ row: TouchedRow) {
        page.withLock { page in
            guard let touch = page.touches.removeValue(forKey: row) else { return }
            page.leave(touch.oldest)
            page.touchedLast(in: nil, before: touch.newest)
        }
    }
}
