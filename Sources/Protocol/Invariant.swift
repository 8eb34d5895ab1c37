// The rule that every step obeys, whatever mixture of instances lives: the streams bring along what an instance may leave
// out, and nobody reads where something else than his own writes arrives. Pure.

package import Model

package struct Invariant: Sendable, Equatable {
    package enum Breach: Sendable, Equatable, CustomStringConvertible {
        /// It writes one side without strictly writing the other, and no stream brings that along.
        case lost(Mode, on: Side)
        /// It reads a side on which a stream writes: its own writes may be taken back before its eyes.
        case overwritten(Mode, on: Side)
        /// It reads a side on which another one's failed writes are passed over.
        case unreliable(Mode, on: Side)
        /// Each would send back what the other brought.
        case bothApply

        package var description: String {
            switch self {
            case .lost(let mode, let side): "what \(mode) writes may never arrive on \(side.rawValue)"
            case .overwritten(let mode, let side): "\(mode) reads \(side.rawValue), where a stream writes older values"
            case .unreliable(let mode, let side):
                "\(mode) reads \(side.rawValue), where another instance's errors are swallowed"
            case .bothApply: "both streams apply"
            }
        }
    }

    let modes: Set<Mode>
    let forward: StreamRole
    let reverse: StreamRole

    package init(modes: Set<Mode>, forward: StreamRole, reverse: StreamRole) {
        self.modes = modes
        self.forward = forward
        self.reverse = reverse
    }

    package init(_ row: StepRow) { self.init(modes: row.modes, forward: row.forward, reverse: row.reverse) }

    package var holds: Bool { breaches.isEmpty }

    package var breaches: [Breach] {
        var found: [Breach] = forward == .apply && reverse == .apply ? [.bothApply] : []
        for mode in modes.sorted() {
            for direction in Direction.allCases {
                let (from, to) = (direction.source, direction.target)
                let applies = (direction == .forward ? forward : reverse) == .apply
                if mode.writes(from), !mode.writesStrictly(to), !applies { found.append(.lost(mode, on: to)) }
                if mode.reads == to, applies { found.append(.overwritten(mode, on: to)) }
            }
            if modes.contains(where: { $0.swallowsErrors(on: mode.reads) }) {
                found.append(.unreliable(mode, on: mode.reads))
            }
        }
        return found
    }
}
