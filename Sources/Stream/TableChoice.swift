// Which of old's tables are Data A, by the configuration's patterns, and whether each can be published without harm.

package import Configuration
package import Model
package import State

package struct TableChoice: Sendable {
    private let configuration: Configuration
    private let selection: TableSelection

    package init(_ configuration: Configuration) {
        self.configuration = configuration
        selection = TableSelection(configuration)
    }

    /// Whether the configuration wants this table, or the one at the top of the partitions this one is among.
    package func carries(_ name: QualifiedName) -> Bool { selection.isDataA(name) }

    /// Tables that are wanted and not published, because they came after `prepare`: nothing of them is carried.
    package func left(out source: SourceSide) throws -> [QualifiedName] {
        guard let published = try source.publishedTables() else { return [] }
        return try source.tables().filter { !$0.isUnlogged }.map(\.name)
            .filter { selection.isDataA($0) && !published.contains($0) }
    }

    /// Derived tables, which batches write.
    var dataB: [QualifiedName] { configuration.dataB.compactMap(\.pattern.literalName) }

    package struct Chosen: Sendable {
        package let tables: [SourceTable]
        /// What an operator should know of the choice, a sentence each.
        package let notes: [String]
    }

    /// Data A, whether it can be published or not.
    package func matching(_ tables: [SourceTable]) throws -> [SourceTable] {
        try checkPatterns(tables)
        return tables.filter { selection.isDataA($0.name) }
    }

    package func choose(from tables: [SourceTable]) throws -> Chosen {
        let matching = try matching(tables)
        let chosen = matching.filter { !$0.isUnlogged }
        let harmed = chosen.flatMap(\.withoutIdentity).filter(\.isHarmed)
        guard harmed.isEmpty else { throw refuse(harmed) }
        let unpublished = chosen.flatMap(\.unpublishedIdentity)
        if let first = unpublished.first {
            throw refuse(unpublished.filter { $0.breaksUpdates == first.breaksUpdates })
        }
        return Chosen(tables: chosen, notes: notes(matching))
    }

    private func notes(_ tables: [SourceTable]) -> [String] {
        let unlogged = tables.filter(\.isUnlogged).map(\.name)
        let declared = tables.flatMap(\.withoutIdentity).map(\.name)
        var notes: [String] = []
        if !unlogged.isEmpty {
            notes.append(
                "not carried, because their writes are not logged: \(listed(unlogged)) (ALTER TABLE … SET LOGGED)")
        }
        if !declared.isEmpty {
            notes.append(
                "have REPLICA IDENTITY NOTHING, so old refuses updates and deletes of them now: \(listed(declared))")
        }
        return notes
    }

    private func listed(_ names: [QualifiedName]) -> String {
        let rest = names.count > 20 ? " and \(names.count - 20) more" : ""
        return names.prefix(20).map(\.description).joined(separator: ", ") + rest
    }

    /// A name that nothing has is a mistake, not an empty wish.
    private func checkPatterns(_ tables: [SourceTable]) throws {
        // Of several databases each may have its own tables: `config show` looks at all of them.
        guard configuration.pairs.count == 1 else { return }
        for pattern in configuration.dataA + configuration.exclude
        where !tables.contains(where: { pattern.matches($0.name) }) {
            let near = nearest(to: pattern.text, among: tables.map(\.name.description))
            throw ConfigurationError(
                file: configuration.file, place: pattern.place,
                message: pattern.isLiteral
                    ? "old has no table \(mention(pattern.text)) that can be replicated"
                    : "no table on old matches \(mention(pattern.text))",
                hint: near.map { "did you mean \(mention($0))?" })
        }
    }

    private func refuse(_ identities: [UnpublishedIdentity]) -> StateError {
        let list = identities.prefix(20).map { "\($0.table) (\(visiblyQuoted($0.column)))" }.joined(separator: ", ")
        let rest = identities.count > 20 ? " and \(identities.count - 20) more" : ""
        guard identities.first?.breaksUpdates == true else {
            return StateError.refused(
                "rows could not be found on new: the replica identity has a generated column, which this version of"
                    + " PostgreSQL does not publish: \(list)\(rest)",
                hint: "ALTER TABLE … REPLICA IDENTITY FULL; or name the table under `exclude`")
        }
        return StateError.refused(
            "publishing this would make UPDATE and DELETE fail on old, because REPLICA IDENTITY FULL has virtual generated"
                + " columns, which cannot be published: \(list)\(rest)",
            hint:
                "give the table a primary key and REPLICA IDENTITY DEFAULT, or make the column STORED, or name the table"
                + " under `exclude`")
    }

    private func refuse(_ relations: [UnidentifiedRelation]) -> StateError {
        let statements = relations.prefix(20).map { "ALTER TABLE \($0.name.pasteable) REPLICA IDENTITY FULL;" }
        return StateError.refused(
            "publishing \(relations.count == 1 ? "this table" : "these tables") would make UPDATE and DELETE fail on old,"
                + " for lack of a primary key or other identity: \(listed(relations.map(\.name)))",
            hint: "add a primary key, name them under `exclude`, or: " + statements.joined(separator: " "))
    }
}
