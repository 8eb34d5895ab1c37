// The batch that writes what is derived (Data B): daily sales with a timestamp, bestsellers as a whole, a materialized view.
// One transaction each, so that asking it to stop leaves nothing half done.

package import Postgres
internal import Threading

package struct DerivedBatch {
    private let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package struct Round: Codable, Sendable {
        package var days = 0
        package var bestsellers = 0
        package var seconds = 0.0
    }

    package func round() throws -> Round {
        let began = Monotonic.now
        var round = Round()
        round.days = try write(
            """
            INSERT INTO bookstore_stats.daily_sales AS d (day, book_id, pieces, revenue, updated_at)
            SELECT (o.placed_at AT TIME ZONE 'UTC')::date, l.book_id, sum(l.quantity), sum(l.quantity * l.price),
                   clock_timestamp()
              FROM bookstore.orders AS o JOIN bookstore.order_lines AS l ON l.order_id = o.id
             WHERE o.placed_at >= date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC' - interval '1 day')
             GROUP BY 1, 2
            ON CONFLICT (day, book_id) DO UPDATE
               SET pieces = excluded.pieces, revenue = excluded.revenue, updated_at = excluded.updated_at
             WHERE (d.pieces, d.revenue) IS DISTINCT FROM (excluded.pieces, excluded.revenue)
            """)
        round.days += try write(
            """
            DELETE FROM bookstore_stats.daily_sales AS d WHERE NOT EXISTS (
                SELECT FROM bookstore.orders AS o JOIN bookstore.order_lines AS l ON l.order_id = o.id
                 WHERE l.book_id = d.book_id AND o.placed_at >= (d.day::timestamp AT TIME ZONE 'UTC')
                   AND o.placed_at < ((d.day + 1)::timestamp AT TIME ZONE 'UTC'))
            """)
        round.bestsellers = try write(
            """
            WITH gone AS (DELETE FROM bookstore_stats.bestsellers WHERE place > 20), best AS (
                SELECT (row_number() OVER (ORDER BY sum(pieces) DESC, book_id))::int AS place, book_id, sum(pieces) AS pieces
                  FROM bookstore_stats.daily_sales GROUP BY book_id ORDER BY 1 LIMIT 20)
            INSERT INTO bookstore_stats.bestsellers AS b (place, book_id, pieces) SELECT place, book_id, pieces FROM best
            ON CONFLICT (place) DO UPDATE SET book_id = excluded.book_id, pieces = excluded.pieces
             WHERE (b.book_id, b.pieces) IS DISTINCT FROM (excluded.book_id, excluded.pieces)
            """)
        _ = try write("REFRESH MATERIALIZED VIEW CONCURRENTLY bookstore_stats.ratings")
        round.seconds = began.age
        return round
    }

    /// Throws when what it writes is not there.
    package func look() throws {
        _ = try connection.query(
            """
            SELECT FROM bookstore_stats.daily_sales, bookstore_stats.bestsellers, bookstore_stats.ratings,
                        bookstore.orders, bookstore.order_lines LIMIT 0
            """, doing: "looking for the bookstore on \(connection.label)")
    }

    private func write(_ sql: String) throws -> Int {
        try connection.script(sql, doing: "deriving on \(connection.label)").affected ?? 0
    }
}
