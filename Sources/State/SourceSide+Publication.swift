// The publication on the side a stream reads from: made by `prepare`, and from then on watched, because somebody who
// alters it takes changes out of the stream, and the stream itself says nothing of that.

package import Model
package import Postgres

extension SourceSide {
    package func publishedTables() throws(PostgresError) -> Set<QualifiedName>? {
        let name = stream.description
        let exists = try ask(
            "SELECT FROM pg_catalog.pg_publication WHERE pubname = $1", [name],
            to: "looking for the publication")
        guard exists.rows > 0 else { return nil }
        let sql = """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_publication p
              JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
              JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE p.pubname = $1
            """
        let rows = try ask(sql, [name], to: "reading the publication")
        return Set((0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) })
    }

    /// What is in publication $1, roots and partitions. Not asked of pg_publication_tables, which from PostgreSQL 16 on wants
    /// a lock on each table: whoever alters one would hold up every start.
    var published: String {
        let ofSchemas =
            connection.serverMajor < 15
            ? ""
            : """
            UNION SELECT c.oid FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid
                JOIN pg_catalog.pg_class c ON c.relnamespace = s.pnnspid AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
               WHERE p.pubname = $1
            """
        return """
            WITH RECURSIVE published(oid) AS (
              SELECT r.prrelid FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
               WHERE p.pubname = $1
              \(ofSchemas)
              UNION SELECT i.inhrelid FROM published b
                JOIN pg_catalog.pg_class c ON c.oid = b.oid AND c.relkind = 'p'
                JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid)
            SELECT oid FROM published
            """
    }

    /// The tables that rows come from, partitions instead of what they are partitions of.
    package func publishedLeaves() throws(PostgresError) -> [QualifiedName] {
        let sql = """
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind = 'r' AND c.oid IN (\(published))
            """
        let rows = try ask(sql, [stream.description], to: "reading the publication's partitions")
        return (0..<rows.rows).map { QualifiedName(schema: rows.string($0, 0), name: rows.string($0, 1)) }
    }

    /// The types of every published column.
    package func publishedTypes() throws(PostgresError) -> [UInt32] {
        let sql = """
            SELECT DISTINCT a.atttypid FROM pg_catalog.pg_attribute a
             WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (\(published))
            """
        let rows = try ask(sql, [stream.description], to: "reading the types of published columns")
        return (0..<rows.rows).compactMap { UInt32(rows.string($0, 0)) }
    }

    /// Exactly these: children of an inheritance parent only when they are named themselves, partitions with their root.
    package func publish(_ tables: [SourceTable]) throws(PostgresError) {
        let heartbeat = QualifiedName(schema: Schema.name, name: Schema.heartbeatTable)
        let list = (tables.map { ($0.isPartitioned ? "" : "ONLY ") + $0.name.sql } + [heartbeat.sql]).joined(
            separator: ", ")
        let sql =
            "CREATE PUBLICATION \(quoted(stream.description)) FOR TABLE \(list)"
            + " WITH (publish = 'insert, update, delete, truncate'"
            // A column that only old generates would stay empty on new; and a full identity needs all of them published.
            + (connection.serverMajor >= 18 ? ", publish_generated_columns = stored)" : ")")
        do {
            try connection.script(
                "SET lock_timeout = '10s'; \(sql); SET lock_timeout = 0",
                doing: "creating publication \(stream) on \(connection.label)")
        } catch { throw error.needing(Privilege.publish(on: connection)) }
    }

    package func dropPublication() throws(PostgresError) {
        try connection.script(
            "SET client_min_messages = error; DROP PUBLICATION IF EXISTS \(quoted(stream.description))",
            doing: "dropping publication \(stream) on \(connection.label)")
    }

    // MARK: watching it

    /// What of the publication is not as `prepare` made it, so that changes of carried tables may be missing; nil when all
    /// is well. Tables added to it are well, and so are tables that were dropped.
    package func publicationFault() throws(PostgresError) -> StateError? {
        guard try hasSchema else {
            return .unsafe(
                "\(stream.source) has no table tandem.source: what was prepared there is not known any more",
                hint: "who dropped it? \(stream.startingOver)")
        }
        let row = try ask(
            Self.watching(connection.serverMajor), [stream.description], to: "looking at the publication")
        guard row.rows == 1, !row.isNull(0, 0) else {
            return .unsafe(
                "\(stream.source) has no publication \(stream): changes written without it cannot be decoded any more",
                hint: stream.startingOver)
        }
        var faults: [String] = []
        if row.bool(0, 1) { faults.append("was dropped and made again: what was written meanwhile never came") }
        if let kinds = row.text(0, 2) { faults.append("leaves out \(kinds)") }
        if row.bool(0, 3) { faults.append("publishes partitions under the name of their root") }
        if let setting = row.text(0, 4) { faults.append("has publish_generated_columns = \(setting)") }
        if let tables = names(row.text(0, 5)) { faults.append("leaves out changes of \(tables)") }
        if let tables = names(row.text(0, 6)) { faults.append("leaves out rows of \(tables) (row filter)") }
        if let tables = names(row.text(0, 7)) { faults.append("leaves out columns of \(tables) (column list)") }
        guard !faults.isEmpty else { return nil }
        return .unsafe(
            "somebody altered publication \(stream) on \(stream.source): it \(faults.joined(separator: "; it "))",
            hint:
                "what it left out never comes: \(stream.startingOver). Only if nothing of that was written since: put the"
                + " publication back as it was, and start again")
    }

    /// Names with a control character between them, as an operator reads them.
    private func names(_ lines: String?) -> String? {
        guard let lines else { return nil }
        let all = lines.split(separator: "\u{1}")
        let rest = all.count > 20 ? " and \(all.count - 20) more" : ""
        return withoutControls(all.prefix(20).joined(separator: ", ")) + rest
    }

    /// The publication's oid, and a column for each thing that can be wrong with it.
    private static func watching(_ major: Int) -> String {
        let generated = major >= 18 ? "CASE p.pubgencols WHEN 's' THEN NULL ELSE 'none' END" : "NULL"
        func tables(_ condition: String) -> String {
            major < 15
                ? "NULL"
                : "(SELECT string_agg(r.prrelid::regclass::text, E'\\x01' ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r"
                    + " WHERE r.prpubid = p.oid AND \(condition) IS NOT NULL)"
        }
        // A table that became a partition of a published one is published with it.
        return """
            SELECT p.oid, p.oid <> s.publication,
                   nullif(concat_ws(', ', CASE WHEN NOT p.pubinsert THEN 'inserts' END,
                       CASE WHEN NOT p.pubupdate THEN 'updates' END, CASE WHEN NOT p.pubdelete THEN 'deletes' END,
                       CASE WHEN NOT p.pubtruncate THEN 'truncates' END), ''),
                   p.pubviaroot, \(generated),
                   (SELECT string_agg(c.oid::regclass::text, E'\\x01' ORDER BY c.oid::regclass::text)
                      FROM unnest(s.published) AS recorded(oid) JOIN pg_class c ON c.oid = recorded.oid
                     WHERE NOT EXISTS (
                           SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
                       AND NOT (c.relispartition AND EXISTS (
                           SELECT FROM pg_partition_ancestors(c.oid) a
                             JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = a.relid))),
                   \(tables("r.prqual")), \(tables("r.prattrs"))
              FROM (SELECT) one
              LEFT JOIN tandem.source s ON s.stream = $1 LEFT JOIN pg_publication p ON p.pubname = $1
            """
    }
}
