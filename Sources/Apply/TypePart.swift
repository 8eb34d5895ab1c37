// What a column's type is made of below its domains, arrays, composites and ranges, part by part, and the question whether
// values of old's type could lose something in new's without the server objecting: input functions and assignments round
// to a scale, cut off blanks, drop a time of day, and none of that is an error.

internal import Model
internal import Postgres

struct TypePart {
    /// `` for the column itself, `[]` for elements, `.2` for the second attribute, `..` for bounds.
    let path: String
    let type: UInt32
    let modifier: Int32
    /// As in SQL.
    let text: String

    /// Numbers below this are the same in every database.
    static func isMade(_ type: UInt32) -> Bool { type >= 16384 }

    private enum Kind {
        static let char: UInt32 = 18
        static let name: UInt32 = 19
        static let integers: Set<UInt32> = [20, 21, 23, 26]
        static let real: UInt32 = 700
        static let double: UInt32 = 701
        static let money: UInt32 = 790
        static let bpchar: UInt32 = 1042
        static let varchar: UInt32 = 1043
        static let date: UInt32 = 1082
        static let time: UInt32 = 1083
        static let timestamps: Set<UInt32> = [1114, 1184]
        static let interval: UInt32 = 1186
        static let timetz: UInt32 = 1266
        static let numeric: UInt32 = 1700
    }

    /// Some type on old could be wider than this without the server noticing.
    var isSensitive: Bool {
        switch type {
        case Kind.numeric, Kind.varchar, Kind.bpchar: modifier >= 0
        case Kind.char, Kind.name, Kind.real, Kind.double, Kind.money, Kind.date, Kind.time, Kind.timetz, Kind.interval:
            true
        default: Kind.timestamps.contains(type)
        }
    }

    /// `nil`: it is not known what old has there.
    func changes(valuesOf old: TypePart?) -> Bool {
        guard isSensitive else { return false }
        guard let old else { return true }
        guard old.type != type || old.modifier != modifier else { return false }
        switch type {
        case Kind.char: return old.type != Kind.char
        case Kind.name: return ![Kind.name, Kind.char].contains(old.type)
        case Kind.real: return ![Kind.real, 21].contains(old.type)
        case Kind.double: return ![Kind.double, Kind.real, 21, 23].contains(old.type)
        case Kind.money: return old.type != Kind.money && !Kind.integers.contains(old.type)
        case Kind.numeric: return roundsNumbers(of: old)
        case Kind.varchar, Kind.bpchar: return cutsStrings(of: old)
        case Kind.interval: return roundsIntervals(of: old)
        default: return roundsTimes(of: old)
        }
    }

    private func roundsNumbers(of old: TypePart) -> Bool {
        if Kind.integers.contains(old.type) { return scale < 0 }
        return old.type != Kind.numeric || old.modifier < 0 || old.scale > scale
    }

    /// The lower eleven bits, signed since 15.
    private var scale: Int32 { (((modifier - 4) & 0x7ff) ^ 1024) - 1024 }

    private func cutsStrings(of old: TypePart) -> Bool {
        // In the column itself a limit sees to it.
        if path.isEmpty || old.type == Kind.char { return false }
        if type == Kind.bpchar && old.type == Kind.bpchar { return false }
        return ![Kind.varchar, Kind.bpchar].contains(old.type) || old.modifier < 0 || old.modifier > modifier
    }

    /// What a string from old may be long at most, when some could be longer.
    func limit(for old: TypePart?) -> Int? {
        guard path.isEmpty, modifier >= 4, type == Kind.varchar || type == Kind.bpchar else { return nil }
        if let old, old.type == Kind.bpchar, type == Kind.bpchar { return nil }
        if let old, old.type == Kind.varchar, 0...modifier ~= old.modifier { return nil }
        return Int(modifier) - 4
    }

    private func roundsTimes(of old: TypePart) -> Bool {
        let given: Set<UInt32> =
            switch type {
            case Kind.date, Kind.time: [type]
            case Kind.timetz: [Kind.timetz, Kind.time]
            default: Kind.timestamps.union([Kind.date])
            }
        guard given.contains(old.type) else { return true }
        return old.type != Kind.date && old.digits > digits
    }

    /// Of a second.
    private var digits: Int32 { modifier < 0 ? 6 : modifier }

    private func roundsIntervals(of old: TypePart) -> Bool {
        guard old.type == Kind.interval else { return true }
        func fields(_ modifier: Int32) -> Int32 { modifier < 0 ? 0x7fff : modifier >> 16 & 0x7fff }
        func digits(_ modifier: Int32) -> Int32 { modifier < 0 ? 0xffff : modifier & 0xffff }
        let hasFields = fields(modifier) == 0x7fff || fields(modifier) == fields(old.modifier)
        return !hasFields || min(digits(old.modifier), 6) > min(digits(modifier), 6)
    }
}

extension TargetCatalog {
    /// Everything a type is made of; nothing when it does not exist any more.
    func parts(_ type: UInt32, _ modifier: Int32) throws(PostgresError) -> [TypePart] {
        let isMultirange = connection.serverMajor >= 14 ? "r.rngmultitypid = p.oid" : "false"
        let rows = try connection.query(
            """
            WITH RECURSIVE p AS (
                SELECT ''::text AS path, $2::int4 AS modifier, 0 AS depth, t.* FROM pg_type t WHERE t.oid = $1::oid
                UNION ALL
                SELECT p.path || n.step, n.modifier, p.depth + 1, t.* FROM p
                 CROSS JOIN LATERAL (
                     SELECT '' AS step, CASE WHEN p.typtypmod < 0 THEN p.modifier ELSE p.typtypmod END AS modifier,
                            p.typbasetype AS type WHERE p.typtype = 'd'
                     UNION ALL
                     SELECT '[]', p.modifier, p.typelem WHERE p.typtype = 'b' AND p.typcategory = 'A' AND p.typlen = -1
                     UNION ALL
                     SELECT '.' || row_number() OVER (ORDER BY a.attnum), a.atttypmod, a.atttypid FROM pg_attribute a
                      WHERE p.typtype = 'c' AND a.attrelid = p.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                     UNION ALL
                     SELECT '..', -1, r.rngsubtype FROM pg_range r
                      WHERE p.typtype IN ('r', 'm') AND (r.rngtypid = p.oid OR \(isMultirange))) n
                  JOIN pg_type t ON t.oid = n.type
                 WHERE p.depth < 30)
            SELECT path, oid, modifier, format_type(oid, modifier) FROM p
             WHERE typtype NOT IN ('d', 'c', 'r', 'm') AND NOT (typtype = 'b' AND typcategory = 'A' AND typlen = -1)
            """, ["\(type)", "\(modifier)"], doing: "reading what a type is made of on \(connection.label)")
        return (0..<rows.rows).map { row in
            TypePart(
                path: rows.string(row, 0), type: UInt32(rows.string(row, 1)) ?? 0,
                modifier: Int32(rows.string(row, 2)) ?? -1, text: rows.string(row, 3))
        }
    }
}
