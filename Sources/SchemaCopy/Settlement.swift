// Which entries of the archive need no work: what is on new already, and what new cannot have because it has a table of
// that name in another form. Decided anew at every start, from the catalogs alone, so that it does not matter where an
// earlier run was killed. Pure.

internal import Model

struct Settlement {
    let blueprint: Blueprint
    let existing: Set<ObjectIdentity>
    /// New's, by name.
    let newTables: [QualifiedName: ObjectCatalog.Table]
    let newIsSuperuser: Bool

    /// Ids of settled entries.
    func settled() -> Set<Int> {
        let unwanted = withDependents(blueprint.entries.filter(isUnwanted))
        let replaced = Set(blueprint.entries.filter(isReplaced).map(\.id))
        return Set(
            blueprint.entries.filter { entry in
                unwanted.contains(entry.id) || replaced.contains(entry.id) || isThere(entry)
                    || entry.kind == "INDEX ATTACH" && entry.dependencies.contains(where: replaced.contains)
            }.map(\.id))
    }

    private func isThere(_ entry: ArchiveEntry) -> Bool {
        if entry.kind == "TABLE ATTACH" { return counterpart(of: entry).map { $0.root != $0.oid } ?? false }
        guard entry.isObject, let facts = blueprint.facts(of: entry) else { return false }
        // A view that was made in two steps, the second of which is OR REPLACE.
        if entry.kind == "RULE", entry.definition.hasPrefix("CREATE OR REPLACE VIEW") { return false }
        return existing.contains(facts.identity)
    }

    /// Partitions of a table that is not partitioned on new, or in another way: its rows go where new puts them. And what
    /// tandem's role may not make.
    private func isUnwanted(_ entry: ArchiveEntry) -> Bool {
        if entry.kind == "EVENT TRIGGER" { return !newIsSuperuser }
        guard entry.kind == "TABLE", let table = blueprint.tables[entry.oid], table.root != table.oid,
            let root = blueprint.tables[table.root], let there = newTables[root.name]
        else { return false }
        return there.kind != root.kind || there.partitionKey != root.partitionKey
    }

    /// New has a primary key of another name there.
    private func isReplaced(_ entry: ArchiveEntry) -> Bool {
        guard let facts = blueprint.facts(of: entry), facts.isPrimaryKey, !existing.contains(facts.identity),
            let table = facts.table.flatMap({ blueprint.tables[$0] })
        else { return false }
        return newTables[table.name]?.hasPrimaryKey ?? false
    }

    private func counterpart(of entry: ArchiveEntry) -> ObjectCatalog.Table? {
        // An attachment is no object; its name is the partition's.
        newTables[QualifiedName(schema: entry.schema ?? "", name: entry.tag)]
    }

    private func withDependents(_ seeds: [ArchiveEntry]) -> Set<Int> {
        var all = Set(seeds.map(\.id))
        guard !all.isEmpty else { return all }
        // The archive lists what depends after what it depends on.
        for entry in blueprint.entries where entry.dependencies.contains(where: all.contains) { all.insert(entry.id) }
        return all
    }
}
