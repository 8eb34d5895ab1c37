// What came of comparing one table.

package import Model

package struct RowDifference: Sendable, Equatable {
    package enum Kind: String, Sendable { case missing, extra, different, count }

    /// Of the key's columns, as the server writes them; empty for tables without a key.
    package let key: [String]
    /// Hashes of all rows of this key on either side.
    package let old: [Int64]
    package let new: [Int64]

    package var kind: Kind {
        if new.isEmpty { return .missing }
        if old.isEmpty { return .extra }
        return old.count == new.count ? .different : .count
    }

    package static func text(_ hashes: [Int64]) -> String {
        guard !hashes.isEmpty else { return "no row" }
        return hashes.map { hash in
            let digits = String(UInt64(bitPattern: hash), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined(separator: "+")
    }
}

package struct TableReport: Sendable {
    package let table: QualifiedName
    package let key: [String]
    /// What was read, each part at its own moment.
    package var old = TableDigest()
    package var new = TableDigest()
    package var differences: [RowDifference] = []
    /// Keys of rows that changed too fast, or that nobody could wait for.
    package var unsettled: [[String]] = []
    package var reason: String?
    /// So many differ that not all were named.
    package var hasMore = false
    /// Rows that were not the same when first read, and turned out to be.
    package var settled = 0
    /// Where either server stood when the comparison began.
    package var oldPosition = LSN.zero
    package var newPosition = LSN.zero
    package var seconds = 0.0

    package init(table: QualifiedName, key: [String]) {
        self.table = table
        self.key = key
    }

    package var isEqual: Bool { differences.isEmpty && unsettled.isEmpty && !hasMore }

    /// As a reader expects it: numbers by size, all else by its letters.
    static func precedes(_ left: [String], _ right: [String]) -> Bool {
        for (one, other) in zip(left, right) where one != other {
            switch (Int(one), Int(other)) {
            case (let left?, let right?): return left < right
            case (.some, nil): return true
            case (nil, .some): return false
            case (nil, nil): return one < other
            }
        }
        return left.count < right.count
    }

    mutating func add(old left: TableDigest, new right: TableDigest) {
        old += left
        new += right
    }
}
