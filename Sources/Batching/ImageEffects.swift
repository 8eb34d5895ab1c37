// The net effect of many changes on one table without any key: pairs of what a row was before the batch and what it is
// after. Rows that hold the same bytes are interchangeable, so a delete may take back an insert of the same batch.

internal import PGOutput

package struct ImageEffects {
    package struct Pair {
        /// Nil for a row that the batch inserts.
        package fileprivate(set) var old: RowReference?
        /// Nil for a row that the batch deletes.
        package fileprivate(set) var new: RowReference?
        /// Another pair that currently holds the same bytes.
        fileprivate var sibling: Int32 = -1
    }

    package private(set) var pairs: [Pair] = []
    /// From what a row holds now to the last pair that holds it.
    private var holding = KeyIndex()

    typealias Image = UnsafeRawBufferPointer

    mutating func insert(_ image: Image, _ row: RowReference) {
        pairs.append(Pair(old: nil, new: row))
        link(pairs.count - 1, image)
    }

    mutating func delete(_ image: Image, _ row: RowReference) {
        if let place = unlink(image) {
            pairs[place].new = nil
        } else {
            pairs.append(Pair(old: row, new: nil))
        }
    }

    mutating func update(from: Image, to: Image, old: RowReference, new: RowReference) {
        if let place = unlink(from) {
            pairs[place].new = new
            link(place, to)
        } else {
            pairs.append(Pair(old: old, new: new))
            link(pairs.count - 1, to)
        }
    }

    private mutating func link(_ place: Int, _ image: Image) {
        let hash = KeyIndex.hash(image)
        pairs[place].sibling = Int32(holding.find(image, hash) ?? -1)
        holding.set(image, hash, entry: place)
    }

    private mutating func unlink(_ image: Image) -> Int? {
        let hash = KeyIndex.hash(image)
        guard let place = holding.find(image, hash), place >= 0 else { return nil }
        holding.set(image, hash, entry: Int(pairs[place].sibling))
        return place
    }
}
