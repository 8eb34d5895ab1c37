// What people do in a bookshop, and how often.

internal import Model

package enum Operation: String, Sendable, CaseIterable {
    /// Looks around: books, stock, an account, the counter, orders of one's own. Reads only.
    case browse
    /// Buys one to three books: stock and balance are read under a lock and go down.
    case order
    /// An order of one's own goes on: paid, shipped.
    case settle
    /// An order of one's own is deleted with its lines, and everything given back.
    case cancel
    /// Writes, changes or deletes a review.
    case review
    /// Reads a book, changes it, writes it back: price and details, now and then a long description.
    case edit
    /// Takes a book off the shelves, or puts it back; the row stays.
    case retire
    /// Adds to stock and to an account, without reading first.
    case restock
    /// From one account to another.
    case transfer
    /// One more account.
    case signup
    /// A document in JSON with a long text: new, changed in part, rewritten, deleted.
    case document
    /// One row that everybody counts up.
    case tally
    /// Thousands of rows in one transaction.
    case `import`
    /// Rows of the table without a key.
    case visit

    var reads: Bool { self == .browse }

    var usualWeight: Double {
        switch self {
        case .browse: 30
        case .order: 24
        case .settle: 8
        case .edit, .review: 7
        case .restock, .tally: 6
        case .cancel, .transfer, .document: 4
        case .retire, .signup: 1.5
        case .import: 0.05
        case .visit: 5
        }
    }
}

/// How often each happens, relative to the others.
package struct Mix: Sendable {
    private let parts: [(operation: Operation, upTo: Double)]

    /// `order=50,browse=50`: the others do not happen. `import=0` changes nothing but that.
    package init(_ text: String?, hasKeyless: Bool) throws(BookstoreError) {
        var weights: [Operation: Double] = [:]
        for operation in Operation.allCases { weights[operation] = operation.usualWeight }
        let given = try text.map { text throws(BookstoreError) in try Self.parse(text) } ?? [:]
        if given.values.contains(where: { $0 > 0 }) { weights = [:] }
        weights.merge(given) { $1 }
        if !hasKeyless {
            if given[.visit] ?? 0 > 0 {
                throw BookstoreError(
                    "this bookstore has no table without a key for `visit`",
                    hint: "`tandem bookstore load --keyless` makes one", .usage)
            }
            weights[.visit] = 0
        }
        var sum = 0.0
        var parts: [(Operation, Double)] = []
        for operation in Operation.allCases {
            guard let weight = weights[operation], weight > 0 else { continue }
            sum += weight
            parts.append((operation, sum))
        }
        guard sum > 0 else { throw BookstoreError("in this mix nothing happens", .usage) }
        self.parts = parts
    }

    private static func parse(_ text: String) throws(BookstoreError) -> [Operation: Double] {
        var given: [Operation: Double] = [:]
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard let operation = Operation(rawValue: words[0]) else {
                let all = Operation.allCases.map(\.rawValue)
                throw BookstoreError(
                    "nothing in a bookstore is called \(mention(words[0]))",
                    hint: nearest(to: words[0], among: all).map { "did you mean `\($0)`?" }
                        ?? "there are: \(all.joined(separator: ", "))", .usage)
            }
            guard words.count == 2, let weight = Double(words[1]), weight >= 0, weight.isFinite else {
                throw BookstoreError("\(mention(String(part))) is no share", hint: "write it like `order=40`", .usage)
            }
            given[operation] = weight
        }
        return given
    }

    func next(_ chance: inout Chance) -> Operation {
        let place = Double(chance.next() % 1_000_000) / 1_000_000 * (parts.last?.upTo ?? 0)
        return parts.first { place < $0.upTo }?.operation ?? .browse
    }
}
