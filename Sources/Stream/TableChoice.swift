// Which of old's tables are Data A, by the configuration's patterns, and whether each can be published without harm.

package import Configuration
internal import Model
package import State

package struct TableChoice: Sendable {
    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    package struct Chosen: Sendable {
        package let tables: [SourceTable]
        /// What an operator should know of the choice, a sentence each.
        package let notes: [String]
    }

    package func choose(from tables: [SourceTable]) throws -> Chosen {
        try checkPatterns(tables)
        let selection = TableSelection(dataA: configuration.dataA, exclude: configuration.exclude)
        let matching = tables.filter { selection.isDataA($0.name) }
        let chosen = matching.filter { !$0.isUnlogged }
        let harmed = chosen.flatMap(\.withoutIdentity).filter(\.isHarmed)
        guard harmed.isEmpty else { throw refuse(harmed) }
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

    private func refuse(_ relations: [UnidentifiedRelation]) -> StateError {
        let statements = relations.prefix(20).map { "ALTER TABLE \($0.name.sql) REPLICA IDENTITY FULL;" }
        return StateError.refused(
            "publishing \(relations.count == 1 ? "this table" : "these tables") would make UPDATE and DELETE fail on old,"
                + " for lack of a primary key or other identity: \(listed(relations.map(\.name)))",
            hint: "add a primary key, name them under `exclude`, or: " + statements.joined(separator: " "))
    }
}
