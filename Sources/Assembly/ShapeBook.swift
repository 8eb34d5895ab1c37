// Every table shape a stream has described, numbered. Changes carry the number, so that a row keeps the shape it was
// sent with through spill files and batches. Written by the receiving thread, read by the applying one.
//
// A Relation message inside a block of an open transaction may describe a table as only that transaction sees it, so it
// counts for that transaction alone until it commits; then it counts for all, because the server will not repeat it.

package import Model
internal import PGOutput
internal import Threading

package final class ShapeBook: Sendable {
    private struct Pages {
        var shapes: [RelationShape] = []
        /// The last shape described of each table, in whatever transaction.
        var latest: [UInt32: RelationShape] = [:]
        var types: [UInt32: QualifiedName] = [:]
    }

    private let pages = Monitor(Pages())

    package init() {}

    package subscript(number: Int) -> RelationShape? {
        pages.withLock { $0.shapes.indices.contains(number) ? $0.shapes[number] : nil }
    }

    /// How many shapes there are.
    package var count: Int { pages.withLock { $0.shapes.count } }

    /// The name of a type that is not built in, where the stream told it.
    package func typeName(_ oid: UInt32) -> QualifiedName? { pages.withLock { $0.types[oid] } }

    func note(type oid: UInt32, name: QualifiedName) { pages.withLock { $0.types[oid] = name } }

    /// The shape described, which keeps its number when it only says again what was known.
    func add(_ message: RelationMessage, after known: RelationShape?) -> RelationShape {
        pages.withLock { pages in
            let shape = RelationShape(
                number: pages.shapes.count, oid: message.oid, name: message.name, identity: message.identity,
                columns: message.columns)
            for before in [known, pages.latest[message.oid]] {
                if let before, before.describesTheSame(as: shape) { return before }
            }
            pages.shapes.append(shape)
            pages.latest[message.oid] = shape
            return shape
        }
    }
}
