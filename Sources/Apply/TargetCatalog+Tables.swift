// Tables of the target read from its catalogs, many in four questions: asked one by one, a transaction that touches ten
// thousand tables, or a start with hundreds of them, would wait longer for answers than for anything else.

internal import Model
internal import Postgres
internal import State

/// Tables that were read before anybody asked for them. Kept for as long as one look takes, no longer: new may change.
final class TablesAhead {
    private var places: [QualifiedName: TargetCatalog.Place?] = [:]
    private var tables: [QualifiedName: TargetTable?] = [:]

    /// Nil when the name was not among those read; nil inside when new has no such relation.
    func place(_ name: QualifiedName) -> TargetCatalog.Place?? { places[name] }
    func table(_ name: QualifiedName) -> TargetTable?? { tables[name] }

    func note(_ name: QualifiedName, _ place: TargetCatalog.Place?, _ table: TargetTable?) {
        places[name] = .some(place)
        tables[name] = .some(table)
    }

    func forget() {
        places = [:]
        tables = [:]
    }
}

extension TargetCatalog {
    /// What `pg_class` and what hangs on it say of a relation.
    struct Facts {
        let oid: String
        let place: Place
        let kind: String
        let isPartition: Bool
        let triggersChangeRows: Bool
        let firesTriggers: Bool
        let appliesRules: Bool
        let unlogged: String?
        let strangersWithTriggers: String?
    }

    /// Reads them all in four questions; until `ahead.forget`, `relation` and `table` answer from that.
    func readAhead(_ names: [QualifiedName]) throws(PostgresError) {
        let facts = try facts(names)
        let tables = try tables(names, facts)
        for (place, name) in names.enumerated() { ahead.note(name, facts[place]?.place, tables[place]) }
    }

    /// In the order of the names; nil where new has none.
    func facts(_ names: [QualifiedName]) throws(PostgresError) -> [Facts?] {
        let rows = try connection.query(
            planned: """
                SELECT w.place, c.oid, c.relkind,
                       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A')
                               AND NOT t.tgisinternal AND t.tgfoid <> ALL (own.oids) AND t.tgtype & 1 = 1 AND t.tgtype & 66 <> 0),
                       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A')
                               AND NOT t.tgisinternal AND t.tgfoid <> ALL (own.oids)),
                       EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('R', 'A')
                               AND r.ev_type <> '1'),
                       (SELECT min(x.oid::regclass::text) FROM pg_class x
                         WHERE x.oid = ANY (below.oids) AND x.relpersistence = 'u'),
                       CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                         (SELECT string_agg(DISTINCT quote_ident(o.rolname), ', ')
                            FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
                            JOIN pg_roles o ON o.oid IN (c.relowner, f.proowner) AND NOT o.rolsuper
                           WHERE t.tgrelid = ANY (below.oids) AND t.tgenabled IN ('R', 'A') AND NOT t.tgisinternal AND t.tgfoid <> ALL (own.oids)) END,
                       c.relispartition, root.nspname, root.relname, \(Self.bounds)
                  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(schema, name, place)
                  JOIN pg_namespace n ON n.nspname = w.schema
                  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                  CROSS JOIN LATERAL (
                       SELECT array_agg(p.relid::oid) || c.oid AS oids FROM pg_partition_tree(c.oid) p) below
                  CROSS JOIN (
                       SELECT coalesce(array_agg(f.oid), '{}') AS oids FROM pg_proc f JOIN pg_namespace fn ON fn.oid = f.pronamespace
                        WHERE fn.nspname = 'tandem') own
                  LEFT JOIN LATERAL (
                       SELECT rn.nspname, r.relname FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
                        WHERE c.relispartition AND r.oid = pg_partition_root(c.oid)) root ON true
                """, [arrayText(names.map(\.schema)), arrayText(names.map(\.name))],
            doing: "looking up \(Self.list(names)) on \(connection.label)")
        var facts = [Facts?](repeating: nil, count: names.count)
        for row in 0..<rows.rows {
            guard let number = rows.int(row, 0), facts.indices.contains(number - 1) else { continue }
            let root = rows.text(row, 9).map { QualifiedName(schema: $0, name: rows.string(row, 10)) }
            facts[number - 1] = Facts(
                oid: rows.string(row, 1), place: Place(root: root, bounds: rows.string(row, 11)),
                kind: rows.string(row, 2), isPartition: rows.bool(row, 8), triggersChangeRows: rows.bool(row, 3),
                firesTriggers: rows.bool(row, 4), appliesRules: rows.bool(row, 5), unlogged: rows.text(row, 6),
                strangersWithTriggers: rows.text(row, 7))
        }
        return facts
    }

    /// In the order of the names; all have the number 0.
    func tables(_ names: [QualifiedName], _ facts: [Facts?]) throws(PostgresError) -> [TargetTable?] {
        let oids = "{" + facts.compactMap { $0?.oid }.joined(separator: ",") + "}"
        guard oids != "{}" else { return names.map { _ in nil } }
        let doing = "of \(Self.list(names)) on \(connection.label)"
        let columns = try columns(oids, doing: "reading the columns " + doing)
        let indexes = try indexes(oids, doing: "reading the indexes " + doing)
        return zip(names, facts).map { name, facts in
            guard let facts else { return nil }
            return TargetTable(
                number: 0, name: name, kind: facts.kind, isPartition: facts.isPartition,
                columns: columns[facts.oid] ?? [], indexes: indexes[facts.oid] ?? [],
                mayChangeRows: facts.triggersChangeRows || facts.appliesRules, firesTriggers: facts.firesTriggers,
                appliesRules: facts.appliesRules, unlogged: facts.unlogged,
                strangersWithTriggers: facts.strangersWithTriggers)
        }
    }

    private static func list(_ names: [QualifiedName]) -> String {
        guard let first = names.first else { return "no table" }
        return names.count == 1 ? first.description : "\(first) and \(names.count - 1) more"
    }

    // MARK: columns

    private func columns(
        _ oids: String, doing: String
    ) throws(PostgresError) -> [String: [TargetTable.Column]] {
        let rows = try connection.query(
            planned: """
                SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attgenerated <> '', a.attidentity = 'a',
                       a.attnotnull AND NOT EXISTS (
                           SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                              AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum])
                  FROM unnest($1::oid[]) AS wanted(oid) JOIN pg_attribute a ON a.attrelid = wanted.oid
                 WHERE a.attnum > 0 AND NOT a.attisdropped
                 ORDER BY a.attrelid, a.attnum
                """, [oids], doing: doing)
        let types = try ways(of: Set((0..<rows.rows).map { rows.string($0, 2) }), doing: doing)
        var columns: [String: [TargetTable.Column]] = [:]
        for row in 0..<rows.rows {
            let type = rows.string(row, 2)
            guard let way = types[type] else { continue }
            columns[rows.string(row, 0), default: []].append(
                TargetTable.Column(
                    name: rows.string(row, 1), type: UInt32(type) ?? 0, modifier: Int32(rows.string(row, 3)) ?? -1,
                    baseType: UInt32(way.base) ?? 0, castType: way.castType, input: way.input,
                    isGenerated: rows.bool(row, 4), isIdentityAlways: rows.bool(row, 5),
                    isNotNull: rows.bool(row, 6), isDomain: way.base != type))
        }
        return columns
    }

    /// How a value becomes one of a type.
    private struct TypeWay {
        let base: String
        let castType: String
        let input: TargetTable.TextInput?
    }

    private func ways(of types: Set<String>, doing: String) throws(PostgresError) -> [String: TypeWay] {
        let rows = try connection.query(
            planned: """
                SELECT wanted.oid, b.oid, format_type(b.oid, -1), input.before, input.after
                  FROM unnest($1::oid[]) AS wanted(oid)
                  CROSS JOIN LATERAL (
                       WITH RECURSIVE below AS (
                           SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = wanted.oid
                           UNION ALL
                           SELECT t.oid, t.typtype, t.typbasetype FROM below
                             JOIN pg_type t ON t.oid = below.typbasetype WHERE below.typtype = 'd')
                       SELECT oid FROM below WHERE typtype <> 'd') b
                  \(Self.input)
                """, ["{" + types.sorted().joined(separator: ",") + "}"], doing: doing)
        var ways: [String: TypeWay] = [:]
        for row in 0..<rows.rows {
            var input: TargetTable.TextInput?
            if let before = rows.text(row, 3), let after = rows.text(row, 4) {
                input = TargetTable.TextInput(before: before, after: after)
            }
            ways[rows.string(row, 0)] = TypeWay(base: rows.string(row, 1), castType: rows.string(row, 2), input: input)
        }
        return ways
    }

    // MARK: indexes

    /// B-tree and hash indexes, each with its key columns and the operator by which it finds equal values; and those of
    /// temporal keys, which are GiST, and find what their types' B-tree operator calls equal.
    private func indexes(
        _ oids: String, doing: String
    ) throws(PostgresError) -> [String: [TargetTable.Index]] {
        let rows = try connection.query(
            planned: """
                WITH part AS MATERIALIZED (
                    SELECT i.indrelid, i.indexrelid, i.indisunique, i.indisprimary, i.indimmediate, i.indnkeyatts, k.place,
                           i.indpred IS NULL AND i.indexprs IS NULL AS plain, x.relname, a.attname, m.amname,
                           l.collisdeterministic IS FALSE OR c.opcintype >= 16384 OR m.amname = 'gist' AS loose,
                           CASE m.amname WHEN 'gist' THEN (
                               SELECT e.oid FROM pg_opclass e WHERE e.opcintype = c.opcintype AND e.opcdefault
                                  AND e.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree')) ELSE c.oid END AS class
                      FROM unnest($1::oid[]) AS wanted(oid)
                      JOIN pg_index i ON i.indrelid = wanted.oid
                      JOIN pg_class x ON x.oid = i.indexrelid
                      JOIN pg_am m ON m.oid = x.relam AND (m.amname IN ('btree', 'hash') OR m.amname = 'gist' AND i.indisunique)
                      CROSS JOIN LATERAL (
                           SELECT n::int4 - 1 AS place, attnum FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(attnum, n)
                            WHERE n <= i.indnkeyatts) AS k
                      CROSS JOIN LATERAL (
                           SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = k.attnum OFFSET 0) AS a
                      LEFT JOIN pg_collation l ON l.oid = i.indcollation[k.place]
                      JOIN pg_opclass c ON c.oid = i.indclass[k.place]
                     WHERE i.indisvalid AND i.indislive)
                SELECT part.indexrelid, part.indisunique, part.indisprimary, part.indimmediate, part.plain, part.attname,
                       'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')', part.relname, part.loose,
                       part.indnkeyatts, part.indrelid
                  FROM part
                  CROSS JOIN LATERAL (
                       SELECT p.amopopr FROM pg_opclass e
                         JOIN pg_amop p ON p.amopfamily = e.opcfamily AND p.amoplefttype = e.opcintype
                          AND p.amoprighttype = e.opcintype
                          AND p.amopstrategy = CASE part.amname WHEN 'hash' THEN 1 ELSE 3 END
                        WHERE e.oid = part.class OFFSET 0) AS p
                  JOIN pg_operator o ON o.oid = p.amopopr
                  JOIN pg_namespace n ON n.oid = o.oprnamespace
                 ORDER BY part.indrelid, part.indisprimary DESC, part.indisunique DESC, part.indexrelid, part.place
                """, [oids], doing: doing)
        var indexes: [String: [TargetTable.Index]] = [:]
        var row = 0
        while row < rows.rows {
            let first = row
            var parts: [TargetTable.Index.Part] = []
            while row < rows.rows, rows.string(row, 0) == rows.string(first, 0) {
                parts.append(
                    .init(column: rows.string(row, 5), equals: rows.string(row, 6), isLoose: rows.bool(row, 8)))
                row += 1
            }
            guard parts.count == rows.int(first, 9) else { continue }
            indexes[rows.string(first, 10), default: []].append(
                TargetTable.Index(
                    name: rows.string(first, 7), parts: parts, isUnique: rows.bool(first, 1),
                    isPrimary: rows.bool(first, 2), isImmediate: rows.bool(first, 3), isPlain: rows.bool(first, 4)))
        }
        return indexes
    }
}
