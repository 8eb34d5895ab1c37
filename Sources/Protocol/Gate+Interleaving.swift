// What could happen if a gate were not asked: the shortest interleaving that the model of the protocol finds without it
// (docs/correctness.md). Tests compare these texts with what the model says. Pure.

extension Gate {
    /// Nil where the model says nothing about it.
    package var interleaving: String? {
        switch self {
        case .census:
            """
            4 to 5, instance 1 in mode 3 does wr, instance 2 in mode 3 does w
              tandem begins step 5: the gates hold
              tandem fences old
              tandem fences new
              tandem writes marks on old and new, which the streams pass
              forward and reverse are taken to have come to that mark
              tandem writes marks on old and new, at which the streams halt
              forward and reverse are taken to have come to that mark
              tandem commits step 5
              tandem tells the other side, and lets go
              A (mode 3) overwrites old's row
              A (mode 3) fails on new, and goes on
              A (mode 3) commits old; it is acknowledged
              A (mode 3) is deployed in mode 5
              A (mode 5) reads new
            => an instance does not see its own acknowledged write
            """
        case .stream:
            """
            4 to 5, instance 1 in mode 3 does wr, instance 2 in mode 3 does w
              A (mode 3) overwrites old's row
              A (mode 3) fails on new, and goes on
              A (mode 3) commits old; it is acknowledged
              A (mode 3) is deployed in mode 4
              B (mode 3) is deployed in mode 4
              tandem begins step 5: the gates hold
              tandem fences old
              tandem fences new
              tandem writes marks on old and new, which the streams pass
              forward and reverse are taken to have come to that mark
              tandem writes marks on old and new, at which the streams halt
              forward and reverse are taken to have come to that mark
              tandem commits step 5
              tandem tells the other side, and lets go
              A (mode 4) is deployed in mode 5
              A (mode 5) reads new
            => an instance does not see its own acknowledged write
            """
        case .rollback:
            """
            2 to 3, instance 1 in mode 1 does i, instance 2 in mode 1 does d
              B (mode 1) finds no row
              tandem begins step 3: the gates hold
              tandem commits step 3
              tandem tells the other side, and lets go
              A (mode 1) is deployed in mode 3
              A (mode 3) inserts old's row
              A (mode 3) inserts new's row
              A (mode 3) commits new
              A (mode 3) fails to commit old, after new was committed
            => everything is at rest, and the two sides differ
            """
        case .decided, .preflight, .schema, .copy, .lag, .verified, .dataB, .keys, .statistics, .sequences, .standbys,
            .canary, .rehearsed:
            nil
        }
    }
}
