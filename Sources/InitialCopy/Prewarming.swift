// A complete table and its indexes, read into new's memory before anybody asks for them: by extension pg_prewarm, which new
// must have.

internal import Model
package import Postgres
internal import State

package struct Prewarming {
    private let schema: String

    /// Throws what to do where new lacks the extension.
    package init(on target: Connection) throws {
        let found = try target.query(
            """
            SELECT n.nspname FROM pg_catalog.pg_extension e
              JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_prewarm'
            """, doing: "looking for pg_prewarm on \(target.label)")
        guard found.rows == 1 else {
            throw StateError.refused(
                "copy.prewarm is true, and new has no extension pg_prewarm",
                hint: "on new: CREATE EXTENSION pg_prewarm, or leave copy.prewarm out")
        }
        schema = found.string(0, 0)
    }

    func warm(_ table: QualifiedName, on target: Connection) throws(PostgresError) {
        try target.query(
            """
            SELECT count(\(quoted(schema)).pg_prewarm(r.oid::regclass))
              FROM (SELECT $1::regclass::oid AS oid
                    UNION ALL SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = $1::regclass AND indisvalid) AS r
            """, [table.sql], doing: "reading \(table) into memory on \(target.label)")
    }
}
