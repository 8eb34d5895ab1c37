// Where the ids of the side that came into charge begin. Where a sequence stands now does not say it: it has moved on since, and
// the other side comes to where it began first. Kept on that side, written under the fence, before anybody takes an id there.

package import Model
package import Postgres

package struct SequenceRanges {
    private let connection: Connection
    private let pairKey: String

    package init(_ connection: Connection, _ stream: StreamName) {
        (self.connection, pairKey) = (connection, stream.pairKey)
    }

    private var isThere: Bool {
        get throws(PostgresError) {
            try connection.query(
                "SELECT pg_catalog.to_regclass('tandem.sequence_range') IS NOT NULL",
                doing: "looking for ranges of ids on \(connection.label)"
            ).bool(0, 0)
        }
    }

    /// These, and no others.
    package func replace(with ranges: [SequenceRange]) throws(PostgresError) {
        let doing = "writing ranges of ids on \(connection.label)"
        if try !isThere { try connection.script(Schema.sequenceRange, doing: doing) }
        try connection.query(
            """
            WITH wanted AS (
                SELECT * FROM ROWS FROM (
                    pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[]),
                    pg_catalog.unnest($4::pg_catalog.int8[]), pg_catalog.unnest($5::pg_catalog.int8[])) w (s, n, b, g)),
            gone AS (
                DELETE FROM tandem.sequence_range r WHERE r.pair = $1
                   AND NOT EXISTS (SELECT FROM wanted w WHERE w.s = r.schema_name AND w.n = r.sequence_name))
            INSERT INTO tandem.sequence_range (pair, schema_name, sequence_name, begins, gap) SELECT $1, s, n, b, g FROM wanted
            ON CONFLICT (pair, schema_name, sequence_name) DO UPDATE SET begins = excluded.begins, gap = excluded.gap
            """,
            [
                pairKey, arrayText(ranges.map(\.name.schema)), arrayText(ranges.map(\.name.name)),
                arrayText(ranges.map { "\($0.begins)" }), arrayText(ranges.map { "\($0.gap)" }),
            ], doing: doing)
    }

    package func read() throws(PostgresError) -> [SequenceRange] {
        guard try isThere else { return [] }
        let rows = try connection.query(
            """
            SELECT schema_name, sequence_name, begins, gap FROM tandem.sequence_range WHERE pair = $1 ORDER BY 1, 2
            """, [pairKey], doing: "reading ranges of ids on \(connection.label)")
        return (0..<rows.rows).map { row in
            SequenceRange(
                name: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)),
                begins: Int64(rows.int(row, 2) ?? 0), gap: Int64(rows.int(row, 3) ?? 0))
        }
    }

    package func forget() throws(PostgresError) {
        guard try isThere else { return }
        try connection.query(
            "DELETE FROM tandem.sequence_range WHERE pair = $1", [pairKey],
            doing: "clearing ranges of ids on \(connection.label)")
    }
}

extension Schema {
    static let sequenceRange = """

        CREATE TABLE IF NOT EXISTS tandem.sequence_range (
            pair pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            sequence_name pg_catalog.text NOT NULL,
            begins pg_catalog.int8 NOT NULL,
            gap pg_catalog.int8 NOT NULL,
            PRIMARY KEY (pair, schema_name, sequence_name));
        """
}
