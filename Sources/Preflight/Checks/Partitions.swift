// Partitions by name on both sides: where rows of one would go.

internal import Model

extension Check {
    static let partitions = [foreignPartitions, otherPartitions]

    static let foreignPartitions = Check(
        "partition-of-another", .blocker,
        "no carried partition is on new a partition of another table, with other bounds",
        because: "Some of its rows would belong to another partition there, and nothing says to which table.",
        mend: "detach it on new, or rename it, or partition the table there as on old",
        reads: .tried([.old, .new])
    ) { _, survey in
        mismatched(survey).compactMap { old, new in
            guard let new, let root = new.root, root != old.root, new.bounds != old.bounds else { return nil }
            return Finding(
                old.name.description,
                "is a partition of \(root) on new, with other bounds than on old, where it belongs to"
                    + " \(old.root?.description ?? "no table")",
                mend: "on new: ALTER TABLE \(root.pasteable) DETACH PARTITION \(old.name.pasteable);")
        }
    }

    static let otherPartitions = Check(
        "partitions", .note, "tables are partitioned on new as on old",
        because:
            "Rows go to the table of their root's name then, and new routes them; a TRUNCATE of one partition alone cannot"
            + " be carried, and such tables are copied in one part each.",
        mend: "nothing to do, when it is meant so",
        reads: .tried([.old, .new])
    ) { _, survey in
        guard let carried = survey.carried[.new] else { return [] }
        return mismatched(survey).compactMap { old, new in
            guard let root = old.root, carried.byName[root] != nil else { return nil }
            guard let new else {
                return Finding(old.name.description, "is no table of new's: its rows go to \(root) there")
            }
            guard new.root == root, new.bounds != old.bounds else { return nil }
            return Finding(old.name.description, "has other bounds on new: its rows go to \(root) there")
        }
    }

    /// Old's leaves, and what new has of that name; those that are the same left out.
    private static func mismatched(_ survey: Survey) -> [(CarriedTable, CarriedTable?)] {
        guard let old = survey.carried[.old], let new = survey.carried[.new] else { return [] }
        return old.tables.filter { $0.root != nil && $0.kind == "r" }.compactMap { leaf in
            let other = new.byName[leaf.name]
            if let other, other.root == nil || other.root == leaf.root && other.bounds == leaf.bounds { return nil }
            return (leaf, other)
        }
    }
}
