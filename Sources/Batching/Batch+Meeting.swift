// Whether two batches have a row in common, so that one must see what the other wrote.

internal import Bytes

extension Batch {
    /// By the bytes of their keys; where those cannot be compared, they do.
    package func meets(_ other: Batch) -> Bool {
        for segment in segments {
            for their in other.segments where segment.meets(their) { return true }
        }
        return false
    }
}

extension Segment {
    fileprivate func meets(_ other: Segment) -> Bool {
        guard truncation == nil, other.truncation == nil else { return true }
        return tables.contains { table in other.effects(on: table.target).map(table.meets) ?? false }
    }
}

extension Segment.TableEffects {
    fileprivate func meets(_ other: Self) -> Bool {
        if changesImages || other.changesImages { return true }
        if keyed.entries.isEmpty || other.keyed.entries.isEmpty { return false }
        return shape != other.shape || keyed.meets(other.keyed)
    }

    /// Rows found by all they hold go or change.
    package var changesImages: Bool { !images.pairs.allSatisfy { $0.old == nil } }
}
