// Reads the target's tables from its catalogs: every question one named function.

internal import Model
internal import Postgres

package struct TargetCatalog {
    let connection: Connection
    let ahead = TablesAhead()

    /// A relation as far as it matters to whom it belongs.
    struct Place {
        /// The partitioned table at the top, of a partition.
        let root: QualifiedName?
        /// Which rows a partition takes; the same text for the same bounds. Empty for anything else.
        let bounds: String
    }

    func relation(_ name: QualifiedName) throws(PostgresError) -> Place? {
        if let ahead = ahead.place(name) { return ahead }
        return try facts([name])[0]?.place
    }

    /// The rows that partition `c` takes, as an expression. Where a hash decides, the number of a table is part of it.
    package static let bounds = #"""
        coalesce(pg_catalog.regexp_replace(pg_catalog.pg_get_partition_constraintdef(c.oid),
            'satisfies_hash_partition\(''\d+''::(pg_catalog\.)?oid', 'satisfies_hash_partition(', 'g'), '')
        """#

    func table(_ name: QualifiedName, number: Int) throws(PostgresError) -> TargetTable? {
        if let ahead = ahead.table(name) { return ahead?.numbered(number) }
        return try tables([name], try facts([name]))[0]?.numbered(number)
    }

    /// How type `b` is read from text. Where casting text would not call its input function, that is called by name, or,
    /// when it cannot be because its result is polymorphic, by way of an array of one element. For arrays neither works.
    static let input = #"""
        CROSS JOIN LATERAL (
             SELECT format_type(b.oid, -1) AS name, t.typtype = 'b' AS is_plain, t.typcategory = 'A' AS is_array,
                    quote_ident(n.nspname) || '.' || quote_ident(p.proname) AS function,
                    CASE WHEN p.pronargs > 1 THEN ', ' || CASE WHEN t.typelem <> 0 THEN t.typelem ELSE t.oid END END
                        || CASE WHEN p.pronargs > 2 THEN ', -1' ELSE '' END AS more,
                    EXISTS (SELECT FROM pg_cast k WHERE k.castsource = 'text'::regtype AND k.casttarget = t.oid
                            AND k.castmethod <> 'i' AND t.oid NOT IN ('varchar'::regtype, 'bpchar'::regtype)) AS has_cast
               FROM pg_type t JOIN pg_proc p ON p.oid = t.typinput JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE t.oid = b.oid) made
        CROSS JOIN LATERAL (
             SELECT '' AS before, '::' || made.name AS after WHERE NOT has_cast
             UNION ALL
             SELECT function || '(pg_catalog.textout(', ')' || coalesce(more, '') || ')'
              WHERE has_cast AND is_plain AND NOT is_array
             UNION ALL
             SELECT $$(('{"' || pg_catalog.replace(pg_catalog.replace($$,
                    $$, '\', '\\'), '"', '\"') || '"}')::$$ || made.name || '[])[1]' WHERE has_cast AND NOT is_plain
             UNION ALL
             SELECT NULL, NULL WHERE has_cast AND is_plain AND is_array) input
        """#

    /// The function that writes a type as text, and not whatever cast to text there is.
    func outputFunction(_ type: UInt32) throws(PostgresError) -> String {
        try connection.query(
            planned: """
                SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname)
                  FROM pg_type t JOIN pg_proc p ON p.oid = t.typoutput JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE t.oid = $1::oid
                """, ["\(type)"], doing: "reading a type on \(connection.label)"
        ).string(0, 0)
    }

    /// How a type is written in SQL, with its length: for telling an operator what to add.
    func typeText(_ type: UInt32, _ modifier: Int32) throws(PostgresError) -> String {
        try connection.query(
            planned: "SELECT format_type($1::oid, $2::int4)", ["\(type)", "\(modifier)"], doing: "naming a type"
        ).string(0, 0)
    }
}
