// What of a pair can be compared, by configuration and catalogs: Data A that the stream carries and whose copy is complete,
// and Data B. What is asked for and cannot be compared stays in the list, with the reason: it must never pass for equal.

internal import Configuration
package import Model
package import State
package import Verification

extension StreamPlan {
    /// All of Data A and Data B, or only what is named and there.
    package func verificationScope(
        _ source: SourceSide, _ target: TargetSide, only named: [QualifiedName] = []
    ) throws -> VerificationScope {
        // What is carried is chosen on old, whichever way it is carried.
        let carried = try tables.matching(on: isForward ? source : SourceSide(target.connection, stream.opposite))
        var notes: [String] = []
        let unlogged = carried.filter(\.isUnlogged).map(\.name)
        if !unlogged.isEmpty {
            notes.append(
                "not compared, because not carried (unlogged): " + unlogged.map(\.description).joined(separator: ", "))
        }
        let obstacles = try obstacles(carried.filter { !$0.isUnlogged }.map(\.name), source, target)
        var items = carried.filter { !$0.isUnlogged }.map { table in
            VerificationScope.Item(table.name, .dataA, obstacle: obstacles[table.name])
        }
        items += tables.dataB.sorted().map { VerificationScope.Item($0, .dataB) }
        let known = items.map(\.table)
        if !named.isEmpty { items = named.compactMap { name in items.first { $0.table == name } } }
        return VerificationScope(items: items, known: known, notes: notes)
    }

    private func obstacles(
        _ names: [QualifiedName], _ source: SourceSide, _ target: TargetSide
    ) throws -> [QualifiedName: VerificationError] {
        guard try target.hasSchema, try target.binding() != nil else { throw StateError.notPrepared(pair: pair) }
        let published = try source.publishedTables() ?? []
        let aside = try target.setAside().map(\.name)
        let unfinished = try target.copiedTables().filter { $0.state != .done }.map(\.name)
        var obstacles: [QualifiedName: VerificationError] = [:]
        for name in names {
            let parts = try aside.isEmpty && unfinished.isEmpty ? [name] : [name] + source.leafNames(below: [name])
            if parts.contains(where: aside.contains) {
                obstacles[name] = .notComparedYet(
                    table: name, because: "set aside, so \(stream.target)'s copy of it falls behind",
                    remedy: "`tandem recopy \(name)` brings it back")
            } else if parts.contains(where: unfinished.contains) {
                obstacles[name] = .notComparedYet(
                    table: name, because: "its copy is not complete", remedy: "`tandem status` shows how far it is")
            } else if !published.contains(name) {
                obstacles[name] = .notComparedYet(
                    table: name, because: "the stream does not carry it: made after `prepare`",
                    remedy: "name it under `exclude`, or begin again")
            }
        }
        return obstacles
    }
}
