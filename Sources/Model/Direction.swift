// The two streams of a pair, the two sides, and the names of everything tandem creates for them.

package enum Side: String, Sendable, CaseIterable {
    case old, new
}

package enum Direction: String, Sendable, CaseIterable {
    case forward, reverse

    package var source: Side { self == .forward ? .old : .new }
    package var target: Side { self == .forward ? .new : .old }
}

/// `tandem_<migration>_<pair>_forward|reverse`: publication, slot and origin of a stream share it.
package struct StreamName: Hashable, Sendable, CustomStringConvertible {
    package let migration: String
    package let pair: String
    package let direction: Direction

    package init(migration: String, pair: String, direction: Direction) {
        self.migration = migration
        self.pair = pair
        self.direction = direction
    }

    /// The stream of the same pair that goes the other way.
    package var opposite: StreamName {
        StreamName(migration: migration, pair: pair, direction: direction == .forward ? .reverse : .forward)
    }

    package var description: String { "\(pairKey)_\(direction.rawValue)" }

    /// What both streams of the pair have in common: the pair itself is known by it in the databases.
    package var pairKey: String { "tandem_\(migration)_\(pair)" }

    /// PostgreSQL's own limit for names; a longer one would be cut off silently.
    package static let longest = 63
}
