// Whether every value of old's type has a place in new's, told from the names that format_type gives them. Pure.

enum ColumnType {
    private static let integers = ["smallint", "integer", "bigint", "numeric"]

    static func takes(_ new: String, everythingOf old: String) -> Bool {
        if new == old || new == "text" { return true }
        if let left = integers.firstIndex(of: old), let right = integers.firstIndex(of: new) { return left <= right }
        let (from, to) = (parts(old), parts(new))
        switch (from.base, to.base) {
        case ("character varying", "character varying"), ("character", "character varying"),
            ("character", "character"), ("bit varying", "bit varying"):
            // Without a length: `character varying` has none, `character` never shows as such.
            guard let room = to.length else { return true }
            return from.length.map { $0 <= room } ?? false
        case ("numeric", "numeric"), ("timestamp without time zone", "timestamp without time zone"),
            ("timestamp with time zone", "timestamp with time zone"):
            return !to.isLimited
        default: return false
        }
    }

    /// `character varying(10)` → base and 10; `timestamp(3) without time zone`, `numeric(10,2)` are only limited.
    private static func parts(_ text: String) -> (base: String, length: Int?, isLimited: Bool) {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else {
            return (text, nil, false)
        }
        let base = text[..<open] + text[text.index(after: close)...]
        return (String(base), Int(text[text.index(after: open)..<close]), true)
    }
}
