// Orders, from the till to the post, and back.

internal import Foundation
internal import Ledger
internal import Postgres

extension Clerk {
    func perform(_ operation: Operation, _ dealing: Dealing) throws(DealingFailure) {
        switch operation {
        case .browse: break
        case .order: try placeOrder(dealing)
        case .settle: try settleOrder(dealing)
        case .cancel: try cancelOrder(dealing)
        case .review: try review(dealing)
        case .edit: try editBook(dealing)
        case .retire: try retireBook(dealing)
        case .restock: try restock(dealing)
        case .transfer: try transfer(dealing)
        case .signup: try signUp(dealing)
        case .document: try file(dealing)
        case .tally: try tally(dealing)
        case .import: try importTitles(dealing)
        case .visit: try visit(dealing)
        }
    }

    private func placeOrder(_ dealing: Dealing) throws(DealingFailure) {
        let account = chance.popular(opening.accounts)
        let books = Set((0...chance.below(3)).map { _ in chance.popular(opening.books) }).sorted()
        let pieces = books.map { _ in chance.within(1...3) }
        let numbers = try dealing.numbers(
            "SELECT pg_catalog.nextval('bookstore.orders_id_seq'), pg_catalog.nextval('bookstore.receipt_number')")
        guard let id = numbers.int(0, 0) else { throw .declined("no-number") }
        let prices = try dealing.look(
            "SELECT price FROM bookstore.books WHERE id = ANY ($1::bigint[]) AND retired_at IS NULL ORDER BY id",
            [array(books)])
        guard prices.rows == books.count else { throw .declined("retired") }
        let each = books.indices.map { prices.int($0, 0) ?? 0 }
        let total = books.indices.reduce(0) { $0 + each[$1] * pieces[$1] }
        try reserve(books, pieces, dealing)
        let purse = try dealing.run(
            "SELECT balance FROM bookstore.accounts WHERE id = $1::bigint" + dealing.locked("NO KEY UPDATE"),
            ["\(account)"])
        guard purse.rows == 1, purse.int(0, 0) ?? 0 >= total else { throw .declined("no-money") }
        try dealing.run(
            """
            INSERT INTO bookstore.orders (id, receipt, account_id, state, total, discount, placed_at, version, token)
            VALUES ($1::bigint, $2::bigint, $3::bigint, 'placed', $4::bigint, $5::numeric, $6::timestamptz, 1, $7)
            """,
            [
                "\(id)", numbers.text(0, 1), "\(account)", "\(total)",
                "\(chance.below(100)).\(chance.within(100...999))",
                timestamp(), dealing.token,
            ])
        try dealing.run(
            """
            INSERT INTO bookstore.order_lines (order_id, line, book_id, quantity, price)
            SELECT $1::bigint, l.line, l.book, l.pieces, l.price
              FROM unnest($2::int[], $3::bigint[], $4::int[], $5::bigint[]) AS l (line, book, pieces, price)
            """, ["\(id)", array(Array(1...books.count)), array(books), array(pieces), array(each)])
        try move(books, pieces.map { -$0 }, dealing)
        try pay([account], [-total], dealing)
        dealing.note(.made, "order:\(id)", version: 1, delta: total, after: total)
        let own = OwnOrder(
            id: id, account: account, total: total, lines: zip(books, pieces).map { ($0, $1) }, version: 1)
        dealing.then { [self] in
            orders.append(own)
            if orders.count > Self.remembered { orders.removeFirst() }
        }
    }

    /// Read under a lock, in the order of their numbers, so that two orders never wait for each other.
    private func reserve(_ books: [Int], _ pieces: [Int], _ dealing: Dealing) throws(DealingFailure) {
        let stock = try dealing.run(
            "SELECT quantity FROM bookstore.stock WHERE book_id = ANY ($1::bigint[]) ORDER BY book_id"
                + dealing.locked("NO KEY UPDATE"), [array(books)])
        guard stock.rows == books.count, books.indices.allSatisfy({ stock.int($0, 0) ?? 0 >= pieces[$0] }) else {
            throw .declined("sold-out")
        }
    }

    /// Adds to stock, or takes from it.
    private func move(_ books: [Int], _ pieces: [Int], _ dealing: Dealing) throws(DealingFailure) {
        let moved = try dealing.run(
            """
            UPDATE bookstore.stock AS s SET quantity = s.quantity + m.pieces, version = s.version + 1, token = $3
              FROM unnest($1::bigint[], $2::bigint[]) AS m (book, pieces) WHERE s.book_id = m.book
            RETURNING s.book_id, s.version, m.pieces, s.quantity
            """, [array(books), array(pieces), dealing.token])
        try note("stock", moved, books.count, dealing)
    }

    private func pay(_ accounts: [Int], _ cents: [Int], _ dealing: Dealing) throws(DealingFailure) {
        let paid = try dealing.run(
            """
            UPDATE bookstore.accounts AS a SET balance = a.balance + m.cents, version = a.version + 1, token = $3
              FROM unnest($1::bigint[], $2::bigint[]) AS m (account, cents) WHERE a.id = m.account
            RETURNING a.id, a.version, m.cents, a.balance
            """, [array(accounts), array(cents), dealing.token])
        try note("account", paid, accounts.count, dealing)
    }

    /// From what came back: number, version, change, and what it is now.
    private func note(_ kind: String, _ rows: Result, _ wanted: Int, _ dealing: Dealing) throws(DealingFailure) {
        guard rows.rows == wanted else { throw .declined("gone") }
        for row in 0..<rows.rows {
            dealing.note(
                .set, "\(kind):\(rows.string(row, 0))", version: rows.int(row, 1) ?? -1, delta: rows.int(row, 2) ?? 0,
                after: rows.int(row, 3) ?? 0)
        }
    }

    private func settleOrder(_ dealing: Dealing) throws(DealingFailure) {
        guard let place = orders.firstIndex(where: { $0.stage < 2 }) else { return try placeOrder(dealing) }
        var own = orders.remove(at: place)
        let before = own
        dealing.unless { [self] in orders.append(before) }
        own.version += 1
        own.stage += 1
        let changed = try dealing.run(
            "UPDATE bookstore.orders SET state = $2::bookstore.order_state, version = $3::bigint, token = $4 WHERE id = $1::bigint",
            ["\(own.id)", own.stage == 1 ? "paid" : "shipped", "\(own.version)", dealing.token])
        guard changed.affected == 1 else { throw .declined("gone") }
        dealing.note(.set, "order:\(own.id)", version: own.version, delta: 0, after: own.total)
        let after = own
        dealing.then { [self] in orders.append(after) }
    }

    private func cancelOrder(_ dealing: Dealing) throws(DealingFailure) {
        guard !orders.isEmpty else { return try placeOrder(dealing) }
        let own = orders.remove(at: chance.below(orders.count))
        dealing.unless { [self] in orders.append(own) }
        // Its row first, then stock and account, as an order locks them.
        let gone = try dealing.run("DELETE FROM bookstore.orders WHERE id = $1::bigint", ["\(own.id)"])
        guard gone.affected == 1 else { throw .declined("gone") }
        try move(own.lines.map(\.book), own.lines.map(\.pieces), dealing)
        try pay([own.account], [own.total], dealing)
        dealing.note(.removed, "order:\(own.id)", version: own.version + 1)
    }

    // MARK: stock and money

    private func restock(_ dealing: Dealing) throws(DealingFailure) {
        try move([chance.popular(opening.books)], [chance.within(1...20)], dealing)
        try pay([chance.popular(opening.accounts)], [chance.within(100...20_000)], dealing)
    }

    private func transfer(_ dealing: Dealing) throws(DealingFailure) {
        let pair = Set((0..<8).map { _ in chance.popular(opening.accounts) }).sorted().prefix(2)
        guard pair.count == 2 else { throw .declined("one-account") }
        let balances = try dealing.run(
            "SELECT balance FROM bookstore.accounts WHERE id = ANY ($1::bigint[]) ORDER BY id"
                + dealing.locked("NO KEY UPDATE"), [array(Array(pair))])
        let cents = chance.within(1...500)
        guard balances.rows == 2, balances.int(0, 0) ?? 0 >= cents else { throw .declined("no-money") }
        try pay(Array(pair), [-cents, cents], dealing)
    }

    /// Every other time as an application would do it that reads first.
    private func tally(_ dealing: Dealing) throws(DealingFailure) {
        let change =
            if chance.below(2) == 0 {
                try dealing.run(
                    """
                    UPDATE bookstore.counters SET value = value + 1, version = version + 1, token = $1 WHERE name = 'orders'
                    RETURNING name, version, 1, value
                    """, [dealing.token])
            } else {
                try tallyByHand(dealing)
            }
        try note("counter", change, 1, dealing)
    }

    private func tallyByHand(_ dealing: Dealing) throws(DealingFailure) -> Result {
        let seen = try dealing.run(
            "SELECT value, version FROM bookstore.counters WHERE name = 'orders'" + dealing.locked("NO KEY UPDATE"))
        guard let value = seen.int(0, 0), let version = seen.int(0, 1) else { throw .declined("gone") }
        return try dealing.run(
            """
            UPDATE bookstore.counters SET value = $1::bigint, version = $2::bigint, token = $3 WHERE name = 'orders'
            RETURNING name, version, 1, value
            """, ["\(value + 1)", "\(version + 1)", dealing.token])
    }
}
