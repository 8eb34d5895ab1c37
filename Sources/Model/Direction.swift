// The two streams of a pair, the two sides, and the names of everything tandem creates for them.

package enum Side: String, Sendable, CaseIterable, CustomStringConvertible {
    case old, new

    package var description: String { rawValue }
    package var other: Side { self == .old ? .new : .old }
}

package enum Direction: String, Sendable, CaseIterable {
    case forward, reverse

    package var source: Side { self == .forward ? .old : .new }
    package var target: Side { self == .forward ? .new : .old }
    package var opposite: Direction { self == .forward ? .reverse : .forward }

    /// What belongs to source and target, by the names of the sides.
    package func sides<Value>(source: Value, target: Value) -> (old: Value, new: Value) {
        self == .forward ? (source, target) : (target, source)
    }
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
        StreamName(migration: migration, pair: pair, direction: direction.opposite)
    }

    /// The sides it reads from and writes to.
    package var source: Side { direction.source }
    package var target: Side { direction.target }

    /// Replication origins that mark what this stream's sessions write: its own, that of its second connection, of copied
    /// rows, of Data B, of repairs by command, and of twins that it has seen touched.
    package var origins: [String] { ["", "_2", "_copy", "_b", "_repair", "_twins"].map { description + $0 } }

    /// Whether changes that carry this origin were written by tandem for this pair, in either direction. By whole names:
    /// another pair's may begin like them.
    package func isOwn(origin: String) -> Bool { origins.contains(origin) || opposite.origins.contains(origin) }

    package var description: String { "\(pairKey)_\(direction.rawValue)" }

    /// What both streams of the pair have in common: the pair itself is known by it in the databases.
    package var pairKey: String { "tandem_\(migration)_\(pair)" }

    /// PostgreSQL's own limit for names; a longer one would be cut off silently.
    package static let longest = 63
}
