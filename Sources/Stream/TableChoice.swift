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

    /// Data A, whether it can be published or not. A pattern that matches nothing is a mistake, not an empty wish; of several
    /// databases each may have its own tables, so all of them have to be asked first.
    package func matching(on source: SourceSide) throws -> [SourceTable] {
        let tables = try source.tables()
        let names = try Names(tables.map(\.name), derived: derived(on: source))
        if configuration.pairs.count == 1, let pattern = names.unmatched(in: configuration).first {
            throw names.complaint(of: pattern, in: configuration)
        }
        return tables.filter { selection.isDataA($0.name) }
    }

    /// Patterns that match nothing on this side, one of several.
    package func unmatched(on source: SourceSide) throws -> [TablePattern] {
        guard configuration.pairs.count > 1 else { return [] }
        return try Names(source.tables().map(\.name), derived: derived(on: source)).unmatched(in: configuration)
    }

    /// What else patterns may name, and whether Data B has the columns it is told to have.
    private func derived(on source: SourceSide) throws -> [QualifiedName] {
        let names = try source.derivedRelations()
        for table in configuration.dataB {
            guard case .modified(let column) = table.refresh, let name = table.pattern.literalName else { continue }
            let columns = try source.columns(of: name)
            guard !columns.isEmpty, !columns.contains(where: { sameName($0, column) }) else { continue }
            let near = nearest(to: column, among: columns)
            throw ConfigurationError(
                file: configuration.file, place: table.place,
                message: "\(mention(table.pattern.text)) has no column \(mention(column)) on old",
                hint: near.map { "did you mean \(mention($0))?" })
        }
        return names
    }

    package func choose(on source: SourceSide) throws -> Chosen {
        let matching = try matching(on: source)
        let chosen = matching.filter { !$0.isUnlogged }
        let harmed = chosen.flatMap(\.withoutIdentity).filter(\.isHarmed)
        guard harmed.isEmpty else { throw refuse(harmed, on: source.stream) }
        let unpublished = chosen.flatMap(\.unpublishedIdentity)
        if let first = unpublished.first {
            throw refuse(unpublished.filter { $0.breaksUpdates == first.breaksUpdates }, on: source.stream)
        }
        return Chosen(tables: chosen, notes: notes(matching))
    }

    /// The tables of these names, for the stream back: what is carried forward, by name.
    func choose(on source: SourceSide, named names: Set<QualifiedName>) throws -> [SourceTable] {
        let found = try source.tables().filter { names.contains($0.name) }
        let missing = names.subtracting(found.map(\.name)).sorted()
        guard missing.isEmpty else {
            throw StateError.refused(
                "\(source.stream.source) lacks tables that would have to come back: \(listed(missing))",
                hint: "without them there is no way back; or name them under `exclude`")
        }
        if let unlogged = found.first(where: \.isUnlogged) {
            throw StateError.refused(
                "\(unlogged.name) is unlogged on \(source.stream.source), so nothing of it could come back",
                hint: "ALTER TABLE \(unlogged.name.pasteable) SET LOGGED")
        }
        let harmed = found.flatMap(\.withoutIdentity).filter(\.isHarmed)
        guard harmed.isEmpty else { throw refuse(harmed, on: source.stream) }
        let unpublished = found.flatMap(\.unpublishedIdentity)
        if let first = unpublished.first {
            throw refuse(unpublished.filter { $0.breaksUpdates == first.breaksUpdates }, on: source.stream)
        }
        return found
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

    private func refuse(_ identities: [UnpublishedIdentity], on stream: StreamName) -> StateError {
        let list = identities.prefix(20).map { "\($0.table) (\(visiblyQuoted($0.column)))" }.joined(separator: ", ")
        let rest = identities.count > 20 ? " and \(identities.count - 20) more" : ""
        guard identities.first?.breaksUpdates == true else {
            return StateError.refused(
                "rows could not be found on \(stream.target): the replica identity has a generated column, which this version of"
                    + " PostgreSQL does not publish: \(list)\(rest)",
                hint: "ALTER TABLE … REPLICA IDENTITY FULL; or name the table under `exclude`")
        }
        return StateError.refused(
            "publishing this would make UPDATE and DELETE fail on \(stream.source), because REPLICA IDENTITY FULL has virtual"
                + " generated columns, which cannot be published: \(list)\(rest)",
            hint:
                "give the table a primary key and REPLICA IDENTITY DEFAULT, or make the column STORED, or name the table"
                + " under `exclude`")
    }

    private func refuse(_ relations: [UnidentifiedRelation], on stream: StreamName) -> StateError {
        let statements = relations.prefix(20).map { "ALTER TABLE \($0.name.pasteable) REPLICA IDENTITY FULL;" }
        return StateError.refused(
            "publishing \(relations.count == 1 ? "this table" : "these tables") would make UPDATE and DELETE fail on"
                + " \(stream.source), for lack of a primary key or other identity: \(listed(relations.map(\.name)))",
            hint: "add a primary key, name them under `exclude`, or: " + statements.joined(separator: " "))
    }
}

/// What patterns can match on one side.
private struct Names {
    private let tables: [QualifiedName]
    /// What can be Data B or left out, and not streamed.
    private let derived: [QualifiedName]

    init(_ tables: [QualifiedName], derived: [QualifiedName]) {
        self.tables = tables
        self.derived = derived
    }

    func unmatched(in configuration: Configuration) -> [TablePattern] {
        let (streamed, rest) = (configuration.dataA, configuration.dataB.map(\.pattern) + configuration.exclude)
        return streamed.filter { pattern in !tables.contains { pattern.matches($0) } }
            + rest.filter { pattern in
                !tables.contains { pattern.matches($0) } && !derived.contains { pattern.matches($0) }
            }
    }

    func complaint(of pattern: TablePattern, in configuration: Configuration) -> ConfigurationError {
        pattern.unmatched(in: configuration, near: tables + derived)
    }
}

extension TablePattern {
    package func unmatched(in configuration: Configuration, near names: [QualifiedName]) -> ConfigurationError {
        let near = nearest(to: text, among: names.map(\.description))
        return ConfigurationError(
            file: configuration.file, place: place,
            message: isLiteral
                ? "old has no table \(mention(text)) that can be replicated"
                : "no table on old matches \(mention(text))",
            hint: near.map { "did you mean \(mention($0))?" })
    }
}
