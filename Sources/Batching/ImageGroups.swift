// The pairs of a keyless table ordered for statements: equal old images are looked for once, and each pair says which
// of the equal rows it takes.

internal import PGOutput

package struct ImageGroups {
    package struct Group {
        package let row: RowReference
        package fileprivate(set) var count = 0
    }

    package struct Pair {
        /// From 1: which group, and which of its equal rows.
        package let group: Int
        package let rank: Int
        package let new: RowReference
    }

    package private(set) var deletes: [Group] = []
    package private(set) var updates: [Group] = []
    package private(set) var pairs: [Pair] = []
    package private(set) var inserts: [RowReference] = []

    package init(_ effects: ImageEffects) {
        var tuple = Tuple()
        var deleting = KeyIndex()
        var updating = KeyIndex()
        for pair in effects.pairs {
            guard let old = pair.old else {
                if let new = pair.new { inserts.append(new) }
                continue
            }
            old.read(into: &tuple)
            let image = tuple.image(at: old.start)
            if let new = pair.new {
                let group = Self.group(of: image, old, &updates, &updating)
                pairs.append(Pair(group: group + 1, rank: updates[group].count, new: new))
            } else {
                _ = Self.group(of: image, old, &deletes, &deleting)
            }
        }
    }

    private static func group(
        of image: UnsafeRawBufferPointer, _ row: RowReference, _ groups: inout [Group], _ index: inout KeyIndex
    ) -> Int {
        let hash = KeyIndex.hash(image)
        let place = index.find(image, hash) ?? groups.count
        if place == groups.count {
            groups.append(Group(row: row))
            index.set(image, hash, entry: place)
        }
        groups[place].count += 1
        return place
    }
}
