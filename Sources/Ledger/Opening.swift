// What the shop opened with, which no ledger tells of: so many books, pieces of each, accounts with so much on each. Pure.

package struct Opening: Sendable, Equatable {
    package var books: Int
    package var accounts: Int
    /// Pieces of each book.
    package var pieces: Int
    /// Cents on each account.
    package var cents: Int
    /// There is a table without a key.
    package var hasKeyless: Bool

    package static let counters = ["orders"]

    package init(books: Int, accounts: Int, pieces: Int, cents: Int, hasKeyless: Bool = false) {
        (self.books, self.accounts, self.pieces, self.cents) = (books, accounts, pieces, cents)
        self.hasKeyless = hasKeyless
    }

    /// What is counted in that row as the shop opens, at version 0; nil when there is no such row then.
    package func amount(of key: String) -> Int? {
        let parts = key.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        func isUp(to count: Int) -> Bool {
            Int(parts[1]).map { (1...max(1, count)).contains($0) && count > 0 } ?? false
        }
        switch parts[0] {
        case "book": return isUp(to: books) ? 0 : nil
        case "stock": return isUp(to: books) ? pieces : nil
        case "account": return isUp(to: accounts) ? cents : nil
        case "counter": return Self.counters.contains(String(parts[1])) ? 0 : nil
        default: return nil
        }
    }

    /// Every row that is there as the shop opens.
    package var keys: [String] {
        let books = books > 0 ? Array(1...books) : []
        let accounts = accounts > 0 ? Array(1...accounts) : []
        return books.flatMap { ["book:\($0)", "stock:\($0)"] } + accounts.map { "account:\($0)" }
            + Self.counters.map { "counter:\($0)" }
    }

    package var line: String {
        "opening books=\(books) accounts=\(accounts) pieces=\(pieces) cents=\(cents) keyless=\(hasKeyless ? 1 : 0)"
    }

    package init?(line: some StringProtocol) {
        var words = line.split(whereSeparator: \.isWhitespace)
        guard words.first == "opening" else { return nil }
        words.removeFirst()
        var values: [Substring: Int] = [:]
        for word in words {
            let parts = String(word).split(separator: "=")
            guard parts.count == 2, let value = Int(parts[1]) else { return nil }
            values[parts[0]] = value
        }
        guard let books = values["books"], let accounts = values["accounts"], let pieces = values["pieces"],
            let cents = values["cents"]
        else { return nil }
        self.init(
            books: books, accounts: accounts, pieces: pieces, cents: cents, hasKeyless: values["keyless"] == 1)
    }
}
