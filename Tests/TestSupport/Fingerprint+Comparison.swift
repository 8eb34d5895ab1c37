// Whether two databases hold the same, as a list of differences for a test to expect empty.

extension Fingerprint {
    /// Compares the columns both have, in old's order. Without `tables` it is every ordinary table of either side, and one
    /// that only one side has is a difference; with it exactly those, also partitioned ones. `except` leaves some out.
    package static func expectEqual(
        old: Database, new: Database, tables: [TableName]? = nil, except: Set<TableName> = []
    ) throws -> [String] {
        let olds = try byName(old)
        let news = try byName(new)
        let every = (olds.values.filter { !$0.isPartitioned } + news.values.filter { !$0.isPartitioned }).map(\.name)
        let names = (tables ?? Set(every).sorted()).filter { !except.contains($0) }

        var differences = names.compactMap { name -> String? in
            if olds[name] == nil && news[name] == nil { return "\(name): on neither side" }
            if olds[name] == nil { return "\(name): only on new" }
            return news[name] == nil ? "\(name): only on old" : nil
        }
        let shared = names.compactMap { name in
            if let left = olds[name], let right = news[name] { (left, right) } else { nil }
        }
        let columns = shared.map { left, right in left.columns.filter(Set(right.columns).contains) }
        let left = try of(zip(shared, columns).map { $0.0.with($1) }, in: old)
        let right = try of(zip(shared, columns).map { $0.1.with($1) }, in: new)
        for (table, _) in shared where left[table.name] != right[table.name] {
            differences.append(describe(table.name, left[table.name] ?? "", right[table.name] ?? ""))
        }
        return differences
    }

    private static func byName(_ database: Database) throws -> [TableName: Table] {
        Dictionary(uniqueKeysWithValues: try tables(of: database).map { ($0.name, $0) })
    }

    private static func describe(_ table: TableName, _ old: String, _ new: String) -> String {
        let rows = [old, new].map { String($0.prefix { $0 != ":" }) }
        return rows[0] == rows[1]
            ? "\(table): \(rows[0]) rows on both sides, but they differ"
            : "\(table): \(rows[0]) rows on old, \(rows[1]) on new"
    }
}

extension Fingerprint.Table {
    fileprivate func with(_ columns: [String]) -> Self {
        Self(name: name, columns: columns, isPartitioned: isPartitioned)
    }
}
