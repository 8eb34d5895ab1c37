// Ids that both sides give out at the same time: where the range of the one begins, and how far the other is from it. Pure values.

/// Of a sequence on the side that came into charge, as it was set apart from the other side's.
package struct SequenceRange: Sendable, Equatable {
    package let name: QualifiedName
    /// The last value that this side does not give out; the other one may give it out.
    package let begins: Int64
    /// How many values the other side had until there.
    package let gap: Int64

    package init(name: QualifiedName, begins: Int64, gap: Int64) {
        (self.name, self.begins, self.gap) = (name, begins, gap)
    }
}

/// How many values the other side's sequence may still give out before it comes to the first of that range.
package struct SequenceDistance: Sendable, Equatable {
    package let name: QualifiedName
    package let left: Int64
    package let gap: Int64

    package init(name: QualifiedName, left: Int64, gap: Int64) { (self.name, self.left, self.gap) = (name, left, gap) }

    /// Less than a tenth of what there was.
    package var isNear: Bool { left < max(1, gap / 10) }
}
