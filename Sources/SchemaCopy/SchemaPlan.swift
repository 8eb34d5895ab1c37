// What a look at both sides found: what is to be made on new, what is there already, what is not carried. Pure values.

package import Model

/// Something of old's that new does not get, or gets without its contents; for the log, the status and the operator.
package struct NotCarried: Sendable, Equatable, CustomStringConvertible {
    /// `large objects`, `unlogged table`, `subscription`, …
    package let kind: String
    /// nil when it is about all of that kind.
    package let name: String?
    package let reason: String

    init(_ kind: String, _ name: String?, _ reason: String) {
        self.kind = kind
        self.name = name
        self.reason = reason
    }

    package var description: String {
        "\(kind)\(name.map { " " + withoutControls($0) } ?? ""): \(withoutControls(reason))"
    }
}

package struct SchemaPlan: Sendable {
    /// Tables that new lacks, partitions among them.
    package let tables: [QualifiedName]
    /// Tables that are there and fit.
    package let existing: [QualifiedName]
    /// All objects that are still to be made, before and after the data.
    package let objects: Int
    package let notCarried: [NotCarried]
    /// What is different without standing in the way.
    package let notes: [String]
}

/// All that was read in the survey, for the threads that make the objects.
struct Blueprint: Sendable {
    var entries: [ArchiveEntry] = []
    var facts: [ObjectReference: ObjectFacts] = [:]
    var tables: [UInt32: ObjectCatalog.Table] = [:]
    /// Entries that are on new already, or that new cannot have.
    var settled: Set<Int> = []
    var tablespaces: Set<String> = []
    var byID: [Int: ArchiveEntry] = [:]

    func facts(of entry: ArchiveEntry) -> ObjectFacts? { facts[entry.reference] }

    /// For people: kind and name.
    func name(of entry: ArchiveEntry) -> String {
        if let facts = facts(of: entry) { return facts.identity.description }
        let schema = entry.schema.map { $0.isEmpty ? "" : $0 + "." } ?? ""
        return withoutControls("\(entry.kind.lowercased()) \(schema)\(entry.tag)")
    }

    /// The tables that making it takes locks on.
    func tables(of entry: ArchiveEntry) -> Set<UInt32> {
        if let facts = facts(of: entry) { return Set([facts.table, facts.otherTable].compactMap { $0 }) }
        return Set(entry.dependencies.compactMap { byID[$0] }.compactMap { facts(of: $0)?.table })
    }

    /// The table at the top of the partitions it belongs to.
    func root(of table: UInt32) -> UInt32 { tables[table]?.root ?? table }
}
