// What a table holds, as one string: independent of the order of rows, sensitive to duplicates, exact to the byte (−0 and
// 0, 1.10 and 1.1, NULL and '' differ). It is the tests' own judge and shares nothing with the product's verification.
// Sums and not XOR, which would cancel pairs of equal rows.

package struct Fingerprint: Sendable {
    /// "schema.table", as PostgreSQL would quote it.
    package typealias TableName = String

    struct Table: Sendable {
        let name: TableName
        /// Quoted.
        let columns: [String]
        /// Rows of a partitioned table are in its partitions; those of an inherited one are its own.
        let isPartitioned: Bool
    }

    /// Of every ordinary table in the user schemas of the database, the product's own schema excepted.
    package static func of(_ database: Database) throws -> [TableName: String] {
        try of(tables(of: database).filter { !$0.isPartitioned }, in: database)
    }

    /// The ordinary and partitioned tables in the user schemas, with their columns in order.
    static func tables(of database: Database) throws -> [Table] {
        let rows = try database.rows(
            """
            SELECT format('%I.%I', n.nspname, c.relname), c.relkind, a.columns
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN LATERAL (
                SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), E'\\x1c' ORDER BY attnum) AS columns
                FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
            WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tandem')
            ORDER BY 1
            """)
        return rows.map { row in
            let columns = (row[2] ?? "").split(separator: "\u{1c}").map(String.init)
            return Table(name: row[0] ?? "", columns: columns, isPartitioned: row[1] == "p")
        }
    }

    /// "rows:sum:sum" of each, all in one snapshot.
    static func of(_ tables: [Table], in database: Database) throws -> [TableName: String] {
        guard !tables.isEmpty else { return [:] }
        let output = try database.sql(
            settings + "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n" + tables.map(query).joined() + "COMMIT;",
            within: .seconds(600))
        let sums = output.split(separator: "\n").map(String.init)
        guard sums.count == tables.count else {
            throw HarnessFailure(.sql, "\(tables.count) tables, but \(sums.count) fingerprints:\n\(output)")
        }
        return Dictionary(uniqueKeysWithValues: zip(tables.map(\.name), sums))
    }

    /// Both sides run under the same ones, whatever their databases and roles are set to.
    private static let settings = """
        SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex';
        SET TimeZone = 'UTC'; SET search_path = ''; SET xmloption = 'content'; SET row_security = off;
        SET lc_monetary = 'C'; SET client_encoding = 'UTF8'; SET statement_timeout = 0; SET lock_timeout = 0;
        SET idle_in_transaction_session_timeout = 0; SET standard_conforming_strings = on;

        """

    private static func query(_ table: Table) -> String {
        """
        SELECT pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h, 1, 16))::bit(64)::bigint::numeric), 0)
            || ':' || coalesce(pg_catalog.sum(('x' || pg_catalog.substr(h, 17, 16))::bit(64)::bigint::numeric), 0)
        FROM (SELECT pg_catalog.md5(ROW(\(table.columns.joined(separator: ", ")))::text) AS h
              FROM \(table.isPartitioned ? "" : "ONLY ")\(table.name)) x;

        """
    }
}
