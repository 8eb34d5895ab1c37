// What of one table is compared with what, decided from both sides' catalogs: columns by name in old's order, the key that
// names rows, and whether the key's order means the same on both servers. Pure.

package import Model

package struct ComparedTable: Sendable {
    package let old: QualifiedName
    package let new: QualifiedName
    let hash: RowHash
    /// Compared, in old's order.
    let columns: [String]
    /// Names rows; empty when there is none, and then equal rows are only counted.
    package let key: [String]
    /// The leading columns of the key by which either server finds a range, in the same order; empty: read page by page.
    let ordered: [String]
    /// One whole number: spread over buckets without writing it as text.
    let keyIsNumber: Bool
    let sides: PerSide<SideTable>

    func name(_ side: Side) -> QualifiedName { side == .old ? old : new }
    var isKeyless: Bool { key.isEmpty }

    init(
        _ old: QualifiedName, _ new: QualifiedName, hash: RowHash, onOld: SideTable, onNew: SideTable,
        by wanted: [String]? = nil
    ) throws(VerificationError) {
        self.old = old
        self.new = new
        self.hash = hash
        sides = PerSide(old: onOld, new: onNew)
        let computed = onOld.columns.filter(\.isGenerated).map(\.name)
        let lacking = onOld.columns.filter { onNew.column($0.name) == nil && !computed.contains($0.name) }
        guard lacking.isEmpty else { throw .missingColumns(table: old, columns: lacking.map(\.name)) }
        // What old computes, and new only if it computes it, too: the stream does not carry it.
        columns = onOld.columns.filter { !$0.isGenerated || onNew.column($0.name)?.isGenerated == true }.map(\.name)
        if let wanted {
            // Both sides must tell rows apart by them.
            for (side, table) in [(Side.old, onOld), (.new, onNew)]
            where !table.indexes.contains(where: { $0.isUnique && Set($0.columns) == Set(wanted) }) {
                throw .missingColumns(table: side == .old ? old : new, columns: wanted)
            }
            key = wanted
        } else {
            key = Self.key(onOld, onNew, columns)
        }
        ordered = Self.ordered(key, onOld, onNew, hash)
        keyIsNumber =
            key.count == 1 && key.allSatisfy { Self.isNumber(onOld.column($0)) && Self.isNumber(onNew.column($0)) }
    }

    /// The primary key, what tells rows apart in the stream, or any other unique key without NULLs.
    private static func key(_ old: SideTable, _ new: SideTable, _ compared: [String]) -> [String] {
        let usable = old.indexes.filter { index in
            index.isUnique && index.columns.allSatisfy { column in compared.contains { sameName($0, column) } }
        }
        let chosen = usable.first(where: \.isPrimary) ?? usable.first(where: \.isIdentity)
        return chosen?.columns ?? []
    }

    private static func ordered(
        _ key: [String], _ old: SideTable, _ new: SideTable, _ hash: RowHash
    ) -> [String] {
        func leads(_ table: SideTable, _ prefix: [String]) -> Bool {
            table.indexes.contains { Array($0.columns.prefix(prefix.count)) == prefix }
        }
        var prefix: [String] = []
        for name in key {
            guard let left = old.column(name), let right = new.column(name), haveOneOrder(left, right) else { break }
            // In two encodings even bytes are ordered in two ways.
            guard hash == .fields64 || !texts.contains(left.type) else { break }
            guard leads(old, prefix + [name]), leads(new, prefix + [name]) else { break }
            prefix.append(name)
        }
        return prefix
    }

    private static let numbers: Set<UInt32> = [20, 21, 23]
    /// bool, bytea, "char", name, oid, text, float4, float8, bpchar, varchar, date, timestamp, timestamptz, numeric, uuid
    private static let others: Set<UInt32> = [
        16, 17, 18, 19, 26, 25, 700, 701, 1042, 1043, 1082, 1114, 1184, 1700, 2950,
    ]

    private static let texts: Set<UInt32> = [18, 19, 25, 1042, 1043]

    private static func isNumber(_ column: SideTable.Column?) -> Bool {
        column.map { numbers.contains($0.type) } ?? false
    }

    private static func haveOneOrder(_ left: SideTable.Column, _ right: SideTable.Column) -> Bool {
        if numbers.contains(left.type) && numbers.contains(right.type) { return true }
        return left.type == right.type && others.contains(left.type) && left.isOrderedByBytes && right.isOrderedByBytes
    }
}

package struct PerSide<Value: Sendable>: Sendable {
    package var old: Value
    package var new: Value

    package init(old: Value, new: Value) {
        self.old = old
        self.new = new
    }

    package subscript(_ side: Side) -> Value {
        get { side == .old ? old : new }
        set { if side == .old { old = newValue } else { new = newValue } }
    }
}

extension ComparedTable {
    /// What must be the same for a comparison that was cut off to go on.
    var form: String {
        ([hash.rawValue, key.joined(separator: "\u{1}"), ordered.joined(separator: "\u{1}")] + columns).joined(
            separator: "\u{2}")
    }
}
