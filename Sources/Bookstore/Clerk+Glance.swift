// What a customer looks at: rows that everybody changes, and some of one's own.

internal import Ledger

extension Clerk {
    struct Glance {
        let sql: String
        let parameters: [String?]
        let keys: [String]
    }

    /// One statement, one snapshot.
    func glance() -> Glance {
        let books = Set((0..<2).map { _ in chance.popular(opening.books) }).sorted()
        let account = chance.popular(opening.accounts)
        let order = orders.isEmpty ? nil : orders[chance.below(orders.count)]
        let review = reviews.isEmpty ? nil : reviews[chance.below(reviews.count)]
        var keys = books.flatMap { ["book:\($0)", "stock:\($0)"] } + ["account:\(account)", "counter:orders"]
        if let order { keys.append("order:\(order.id)") }
        if let review { keys.append(review.key) }
        let sql = """
            SELECT 'book:' || id, version, token FROM bookstore.books WHERE id = ANY ($1::bigint[])
            UNION ALL SELECT 'stock:' || book_id, version, token FROM bookstore.stock WHERE book_id = ANY ($1::bigint[])
            UNION ALL SELECT 'account:' || id, version, token FROM bookstore.accounts WHERE id = $2::bigint
            UNION ALL SELECT 'counter:' || name, version, token FROM bookstore.counters WHERE name = 'orders'
            UNION ALL SELECT 'order:' || id, version, token FROM bookstore.orders WHERE id = $3::bigint
            UNION ALL SELECT 'review:' || id, version, token FROM bookstore.reviews WHERE id = $4::bigint
            """
        return Glance(
            sql: sql,
            parameters: [
                array(books), "\(account)", (order?.id).map { "\($0)" },
                (review?.key).map { String($0.split(separator: ":")[1]) },
            ], keys: keys)
    }
}
