// Columns whose type on new would change old's values without an error: found when the table is first needed, and refused
// with both types named.

internal import Model
internal import Postgres

extension Mapper {
    /// Throws when values could change silently on their way into the column. Nil, or how long a string may be where
    /// everything but blanks at the end is checked by the server.
    func limit(
        _ column: RelationShape.Column, _ target: TargetTable.Column, _ shape: RelationShape
    ) throws -> Int? {
        let isMade = TypePart.isMade(column.type)
        if column.type == target.type && column.modifier == target.modifier && !isMade { return nil }
        let parts = try catalog.parts(target.type, target.modifier)
        guard parts.contains(where: \.isSensitive) else { return nil }
        // Only old knows the types made there.
        let origin = isMade ? try source.catalog() : catalog
        let olds = try origin.parts(column.type, column.modifier)
        for part in parts {
            let old = olds.first { $0.path == part.path } ?? (olds.first?.path.isEmpty == true ? olds.first : nil)
            guard part.changes(valuesOf: old) else { continue }
            throw narrower(
                column, shape, own: (try catalog.typeText(target.type, target.modifier), part),
                given: (try origin.typeText(column.type, column.modifier), old))
        }
        return parts.first?.limit(for: olds.first { $0.path.isEmpty })
    }

    private func narrower(
        _ column: RelationShape.Column, _ shape: RelationShape, own: (type: String, part: TypePart),
        given: (type: String, part: TypePart?)
    ) -> MappingProblem {
        let name = quoted(column.name)
        func full(_ type: String, _ part: TypePart?) -> String {
            guard let part, part.text != type else { return type }
            return "\(type) (of \(part.text))"
        }
        let wanted = given.part.map { $0.path.isEmpty ? $0.text : given.type } ?? given.type
        return MappingProblem(
            table: shape.name,
            description: "column \(name) of \(shape.name) is \(full(own.type, own.part)) on \(to), but"
                + " \(full(given.type, given.part)) on \(from): values would be changed to fit, without an error",
            hint: "on \(to): ALTER TABLE \(shape.name.sql) ALTER COLUMN \(name) TYPE \(wanted);"
                + " then replication goes on by itself")
    }
}
