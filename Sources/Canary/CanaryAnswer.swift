// What a side answered, as far as it is kept: names of columns, and a digest of each row. Never the rows, which may be many and are
// nobody's business.

internal import Configuration
internal import Digest
internal import Postgres

struct CanaryAnswer {
    let columns: [String]
    let rows: [SHA256Digest]

    init(columns: [String], rows: [SHA256Digest]) { (self.columns, self.rows) = (columns, rows) }

    init(_ result: Result) {
        columns = (0..<result.columns).map(result.columnName)
        rows = (0..<result.rows).map { row in
            var text: [UInt8] = []
            for column in 0..<result.columns {
                let value = result.bytes(row, column)
                // Its length stands before it: two rows are never one text.
                text += Array((value.map { "\($0.count):" } ?? "-").utf8)
                if let value { text += value }
            }
            return SHA256Digest(of: text)
        }
    }

    /// Two answers with the same one agree, by that rule.
    func digest(_ rule: CanaryProbe.Comparison) -> SHA256Digest {
        let names = columns.map { "\($0.utf8.count):\($0)" }.joined()
        func all(_ rows: [String]) -> SHA256Digest { SHA256Digest(of: ([names] + rows).joined(separator: ";")) }
        switch rule {
        case .ignored: return .zero
        case .count: return all(["\(rows.count)"])
        case .ordered: return all(rows.map(\.description))
        case .same: return all(rows.map(\.description).sorted())
        }
    }

    /// How two that do not agree differ, in words. Never a value.
    static func difference(old: CanaryAnswer, new: CanaryAnswer, _ rule: CanaryProbe.Comparison) -> String {
        if old.columns != new.columns {
            return "not the same columns: \(old.columns.joined(separator: ", ")) on old,"
                + " \(new.columns.joined(separator: ", ")) on new"
        }
        if old.rows.count != new.rows.count { return "\(rows(old.rows.count)) on old, \(rows(new.rows.count)) on new" }
        if rule == .ordered, old.digest(.same) == new.digest(.same) {
            return "the same \(rows(old.rows.count)) in another order"
        }
        var left = Dictionary(old.rows.map { ($0, 1) }, uniquingKeysWith: +)
        for row in new.rows { left[row, default: 0] -= 1 }
        let differing = left.values.reduce(0) { $0 + max(0, $1) }
        return "\(differing) of \(rows(old.rows.count)) not the same"
    }

    private static func rows(_ count: Int) -> String { count == 1 ? "1 row" : "\(count) rows" }
}
