// Which of old's tables are Data A, by the configuration's patterns, and whether each can be published without harm.

package import Configuration
internal import Model
package import State

package struct TableChoice: Sendable {
    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    package func choose(from tables: [SourceTable]) throws -> [SourceTable] {
        try checkPatterns(tables)
        let selection = TableSelection(dataA: configuration.dataA, exclude: configuration.exclude)
        let chosen = tables.filter { selection.isDataA($0.name) }
        let harmed = chosen.filter(\.wouldRefuseUpdates)
        guard harmed.isEmpty else { throw refuse(harmed) }
        return chosen
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

    private func refuse(_ tables: [SourceTable]) -> StateError {
        let shown = tables.prefix(20).map(\.name.description).joined(separator: ", ")
        let rest = tables.count > 20 ? " and \(tables.count - 20) more" : ""
        let statements = tables.prefix(20).map { "ALTER TABLE \($0.name.pasteable) REPLICA IDENTITY FULL;" }
        return StateError.refused(
            "publishing \(tables.count == 1 ? "this table" : "these tables") would make UPDATE and DELETE fail on old,"
                + " for lack of a primary key or other identity: \(shown)\(rest)",
            hint: "add a primary key, name them under `exclude`, or: " + statements.joined(separator: " "))
    }
}
