// Books and what is written about them: read-modify-write, JSON, large texts, rows that go and rows that only say so.

internal import Foundation
internal import Ledger
internal import Postgres

extension Clerk {
    /// The bookstore's own clock, so that both sides get the same.
    func timestamp() -> String {
        Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
    }

    func editBook(_ dealing: Dealing) throws(DealingFailure) {
        let id = chance.popular(opening.books)
        let seen = try dealing.run(
            "SELECT version, price FROM bookstore.books WHERE id = $1::bigint" + dealing.locked("NO KEY UPDATE"),
            ["\(id)"])
        guard let version = seen.int(0, 0), let price = seen.int(0, 1) else { throw .declined("gone") }
        let next = max(100, price + chance.within(-50...50))
        var sql = """
            UPDATE bookstore.books SET price = $2::bigint, version = $3::bigint, token = $4, changed_at = $5::timestamptz,
                   details = pg_catalog.jsonb_set(details, '{edited}', pg_catalog.to_jsonb($4::text))
            """
        var parameters = ["\(id)", "\(next)", "\(version + 1)", dealing.token, timestamp()]
        if chance.below(4) == 0 {
            sql += ", description = $6, description_digest = pg_catalog.md5($6)"
            parameters.append(chance.text(plan.text))
        }
        try dealing.run(sql + " WHERE id = $1::bigint", parameters)
        dealing.note(.set, "book:\(id)", version: version + 1)
    }

    func retireBook(_ dealing: Dealing) throws(DealingFailure) {
        let id = chance.popular(opening.books)
        // Few enough at a time that the shop has something to sell.
        let isBack = id % 10 != 0
        let changed = try dealing.run(
            """
            UPDATE bookstore.books SET retired_at = $2::timestamptz, version = version + 1, token = $3 WHERE id = $1::bigint
            RETURNING version
            """, ["\(id)", isBack ? nil : timestamp(), dealing.token])
        guard let version = changed.int(0, 0) else { throw .declined("gone") }
        dealing.note(.set, "book:\(id)", version: version)
    }

    func signUp(_ dealing: Dealing) throws(DealingFailure) {
        let numbers = try dealing.numbers("SELECT pg_catalog.nextval('bookstore.accounts_id_seq')")
        guard let id = numbers.int(0, 0) else { throw .declined("no-number") }
        let cents = chance.within(1000...50_000)
        try dealing.run(
            """
            INSERT INTO bookstore.accounts (id, email, balance, version, token) OVERRIDING SYSTEM VALUE
            VALUES ($1::bigint, $2, $3::bigint, 1, $4)
            """, ["\(id)", "reader-\(id)@example.org", "\(cents)", dealing.token])
        dealing.note(.made, "account:\(id)", version: 1, delta: cents, after: cents)
    }

    // MARK: reviews

    func review(_ dealing: Dealing) throws(DealingFailure) {
        guard reviews.count > 5, chance.below(2) == 0 else { return try writeReview(dealing) }
        var own = reviews.remove(at: chance.below(reviews.count))
        let before = own
        dealing.unless { [self] in reviews.append(before) }
        let id = String(own.key.split(separator: ":")[1])
        own.version += 1
        if chance.below(2) == 0 {
            let gone = try dealing.run("DELETE FROM bookstore.reviews WHERE id = $1::bigint", [id])
            guard gone.affected == 1 else { throw .declined("gone") }
            return dealing.note(.removed, own.key, version: own.version)
        }
        let changed = try dealing.run(
            """
            UPDATE bookstore.reviews SET stars = $2::smallint, body = body || $3, version = $4::bigint, token = $5
             WHERE id = $1::bigint
            """, [id, "\(chance.within(1...5))", " " + chance.text(10), "\(own.version)", dealing.token])
        guard changed.affected == 1 else { throw .declined("gone") }
        dealing.note(.set, own.key, version: own.version)
        let after = own
        dealing.then { [self] in reviews.append(after) }
    }

    private func writeReview(_ dealing: Dealing) throws(DealingFailure) {
        let numbers = try dealing.numbers("SELECT pg_catalog.nextval('bookstore.reviews_id_seq')")
        guard let id = numbers.int(0, 0) else { throw .declined("no-number") }
        try dealing.run(
            """
            INSERT INTO bookstore.reviews (id, book_id, account_id, stars, body, version, token)
            VALUES ($1::bigint, $2::bigint, $3::bigint, $4::smallint, $5, 1, $6)
            """,
            [
                "\(id)", "\(chance.popular(opening.books))", "\(chance.popular(opening.accounts))",
                "\(chance.within(1...5))", chance.text(chance.within(10...300)), dealing.token,
            ])
        dealing.note(.made, "review:\(id)", version: 1)
        dealing.then { [self] in
            reviews.append(OwnRow(key: "review:\(id)", version: 1))
            if reviews.count > Self.remembered { reviews.removeFirst() }
        }
    }

    // MARK: documents

    func file(_ dealing: Dealing) throws(DealingFailure) {
        guard documents.count > 3, chance.below(3) > 0 else { return try writeDocument(dealing) }
        var own = documents.remove(at: chance.below(documents.count))
        let before = own
        dealing.unless { [self] in documents.append(before) }
        let id = String(own.key.split(separator: ":")[1])
        own.version += 1
        let what = chance.below(4)
        if what == 0 {
            let gone = try dealing.run("DELETE FROM bookstore.documents WHERE id = $1::uuid", [id])
            guard gone.affected == 1 else { throw .declined("gone") }
            return dealing.note(.removed, own.key, version: own.version)
        }
        // Mostly the long text stays as it is, and is not in the log then.
        var sql = """
            UPDATE bookstore.documents SET version = $2::bigint, token = $3,
                   body = pg_catalog.jsonb_set(body, '{changes}', pg_catalog.to_jsonb($2::bigint))
            """
        var parameters = [id, "\(own.version)", dealing.token]
        if what == 1 {
            sql += ", content = $4, content_digest = pg_catalog.md5($4)"
            parameters.append(chance.text(plan.text * 2))
        }
        let changed = try dealing.run(sql + " WHERE id = $1::uuid", parameters)
        guard changed.affected == 1 else { throw .declined("gone") }
        dealing.note(.set, own.key, version: own.version)
        let after = own
        dealing.then { [self] in documents.append(after) }
    }

    private func writeDocument(_ dealing: Dealing) throws(DealingFailure) {
        // Not of the seed's: an instance that starts again must not make the same.
        let id = UUID().uuidString.lowercased()
        let body =
            "{\"by\": \"\(plan.name)\", \"pages\": \(chance.below(900)), \"tags\": [\"a\", \"b\"], \"deep\": {\"n\": 1.10}}"
        try dealing.run(
            """
            INSERT INTO bookstore.documents (id, kind, body, content, content_digest, version, token)
            VALUES ($1::uuid, $2, $3::jsonb, $4, pg_catalog.md5($4), 1, $5)
            """, [id, chance.below(2) == 0 ? "invoice" : "letter", body, chance.text(plan.text * 2), dealing.token])
        dealing.note(.made, "document:\(id)", version: 1)
        dealing.then { [self] in
            documents.append(OwnRow(key: "document:\(id)", version: 1))
            if documents.count > Self.remembered { documents.removeFirst() }
        }
    }

    // MARK: many rows at once, and rows without a key

    func importTitles(_ dealing: Dealing) throws(DealingFailure) {
        let numbers = try dealing.numbers(
            "SELECT pg_catalog.nextval('bookstore.imported_id_seq') FROM pg_catalog.generate_series(1, $1::int)",
            ["\(plan.importRows)"])
        let ids = (0..<numbers.rows).compactMap { numbers.int($0, 0) }
        try dealing.run(
            """
            INSERT INTO bookstore.imported (id, isbn, title, token)
            SELECT i, '979-' || i, pg_catalog.md5(i::text), $2 FROM unnest($1::bigint[]) AS i
            """, [array(ids), dealing.token])
        dealing.note(.made, "import:\(dealing.token)", version: 1, delta: ids.count, after: ids.count)
    }

    func visit(_ dealing: Dealing) throws(DealingFailure) {
        try dealing.run(
            """
            INSERT INTO bookstore.visits (at, page, token)
            SELECT $1::timestamptz, $2, $3 FROM pg_catalog.generate_series(1, 2)
            """, [timestamp(), "/books/\(chance.popular(opening.books))", dealing.token])
        dealing.note(.made, "visit:\(dealing.token)", version: 1, delta: 2, after: 2)
    }
}
