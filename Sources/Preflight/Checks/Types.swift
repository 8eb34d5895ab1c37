// Types that somebody made, where both sides have one of the name: whether it holds the same values.

internal import Model
internal import Postgres

extension Check {
    static let types = [enumLabels, enumOrder, domains, composites]

    private static let labels = Question(
        """
        SELECT n.nspname, t.typname, e.enumlabel FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
          JOIN pg_enum e ON e.enumtypid = t.oid ORDER BY 1, 2, e.enumsortorder
        """)

    private static func enums(_ rows: [Row]) -> [(name: QualifiedName, labels: [String])] {
        rows.reduce(into: []) { types, row in
            if let last = types.last, last.name == row.name(0) {
                types[types.count - 1].labels.append(row[2])
            } else {
                types.append((row.name(0), [row[2]]))
            }
        }
    }

    private static func enums(
        of answer: Answer, _ verdict: (QualifiedName, [String], [String]) -> [Finding]
    ) -> [Finding] {
        let new = Dictionary(enums(answer.others).map { ($0.name, $0.labels) }) { first, _ in first }
        return enums(answer.rows).flatMap { type in new[type.name].map { verdict(type.name, type.labels, $0) } ?? [] }
    }

    static let enumLabels = Check(
        "enum-labels", .blocker, "enum types of new have every label of old's",
        because: "A row with a label that new lacks blocks the stream.",
        mend: "ALTER TYPE … ADD VALUE '…';",
        reads: .both(labels)
    ) { answer, _ in
        enums(of: answer) { name, old, new in
            old.filter { label in !new.contains { sameName($0, label) } }.map { label in
                Finding(
                    name.description, "has no label \(literal(label)) on new",
                    mend: "on new: ALTER TYPE \(name.pasteable) ADD VALUE \(literal(label));")
            }
        }
    }

    static let enumOrder = Check(
        "enum-order", .warning, "enum types have their labels in the same order on both sides",
        because: "Labels compare and sort by that order: queries answer otherwise, and so do partitions and checks.",
        mend: "DROP TYPE …; on new, and make it there as on old, before it is used",
        reads: .both(labels)
    ) { answer, _ in
        enums(of: answer) { name, old, new in
            let (left, right) = (old.filter(new.contains), new.filter(old.contains))
            guard left != right else { return [] }
            let order = right.prefix(20).map { literal($0) }.joined(separator: ", ")
            return [Finding(name.description, "has its labels in another order on new: \(withoutControls(order))")]
        }
    }

    private static func differing(_ answer: Answer, _ what: String, mend: (QualifiedName) -> String?) -> [Finding] {
        let new = Dictionary(answer.others.map { ($0.name(0), $0[2]) }) { first, _ in first }
        return answer.rows.compactMap { row in
            guard let other = new[row.name(0)], other != row[2] else { return nil }
            return Finding(
                row.name(0).description,
                "is another \(what) on new: \(withoutControls(other)); on old: \(withoutControls(row[2]))",
                mend: mend(row.name(0)))
        }
    }

    static let domains = Check(
        "domains", .warning, "domains of new are made as old's",
        because: "A value that old's domain allows and new's does not blocks the stream.",
        mend: "ALTER DOMAIN …; on new",
        reads: .both(
            Question(
                """
                SELECT n.nspname, t.typname, concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                       CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                       (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY pg_get_constraintdef(k.oid))
                          FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
                  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                 WHERE t.typtype = 'd' AND n.nspname NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2
                """))
    ) { answer, _ in differing(answer, "domain") { "ALTER DOMAIN \($0.pasteable) … on new" } }

    static let composites = Check(
        "composite-types", .warning, "composite and range types of new are made as old's",
        because:
            "Their values travel as text, part by part in order: another order or type of parts takes them otherwise, or"
            + " not at all.",
        mend: "ALTER TYPE … ALTER ATTRIBUTE …; on new",
        reads: .both(
            Question(
                """
                SELECT n.nspname, t.typname, string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod),
                       ', ' ORDER BY a.attnum)
                  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                  JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
                  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 WHERE n.nspname NOT IN ('information_schema', 'pg_catalog') GROUP BY 1, 2
                UNION ALL
                SELECT n.nspname, t.typname, 'range of ' || format_type(r.rngsubtype, NULL)
                  FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace
                 WHERE n.nspname <> 'pg_catalog'
                ORDER BY 1, 2
                """))
    ) { answer, _ in differing(answer, "type") { "ALTER TYPE \($0.pasteable) … on new" } }
}
