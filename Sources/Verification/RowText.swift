// A row as one text on its server, from which the row could be read again: two rows that differ in a byte, or in what is NULL,
// have two texts. Values whose text never is empty and never holds a comma stand between commas, and nothing between them is
// NULL; character strings follow their length in bytes; everything else is in the server's own text of a row, at the end.
// That text of all columns would do as well, and takes twice as long: the server writes it letter by letter.

internal import Model

struct RowText {
    enum Form: Sendable {
        case plain, counted, other
    }

    /// As the type is on both sides: one form of text for both.
    static func form(_ left: UInt32?, _ right: UInt32?) -> Form {
        guard let left, let right else { return .other }
        if plain.contains(left) && plain.contains(right) { return .plain }
        return strings.contains(left) && strings.contains(right) ? .counted : .other
    }

    /// bool, bytea, "char" (which is written as a number), integers, oid, floats, numeric, dates and times, interval, uuid,
    /// pg_lsn, network addresses
    private static let plain: Set<UInt32> = [
        16, 17, 18, 20, 21, 23, 26, 650, 700, 701, 829, 869, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3220,
    ]
    /// text, bpchar, varchar
    private static let strings: Set<UInt32> = [25, 1042, 1043]

    /// What one call of a function takes, less the rest.
    private static let most = 98

    let sql: String

    init(_ columns: [(sql: String, form: Form)]) {
        var (fields, rest): ([String], [String]) = ([], [])
        for (value, form) in columns {
            let field =
                switch form {
                case .plain: [value, "','"]
                case .counted: ["pg_catalog.octet_length(\(value))", "','", value, "','"]
                case .other: [String]()
                }
            if field.isEmpty || fields.count + field.count > Self.most { rest.append(value) } else { fields += field }
        }
        let row = "CAST(ROW(\(rest.joined(separator: ", "))) AS pg_catalog.text)"
        let all = fields + (rest.isEmpty ? [] : [row])
        sql = fields.isEmpty ? row : "pg_catalog.concat(\(all.joined(separator: ", ")))"
    }
}
