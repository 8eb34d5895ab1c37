// How one instance of the application behaves, numbered after the step that deploys it. Pure.

package import Model

package enum Mode: Int, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    case oldOnly = 1
    /// Old first, then new, whose errors are swallowed.
    case bestEffort = 3
    case strict = 4
    case strictReadingNew = 5
    case newOnly = 6

    package static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }

    package var description: String { "mode \(rawValue)" }

    package var reads: Side {
        switch self {
        case .oldOnly, .bestEffort, .strict: .old
        case .strictReadingNew, .newOnly: .new
        }
    }

    package func writes(_ side: Side) -> Bool {
        switch self {
        case .oldOnly: side == .old
        case .bestEffort, .strict, .strictReadingNew: true
        case .newOnly: side == .new
        }
    }

    /// An error there does not reach the user: the write may be missing.
    package func swallowsErrors(on side: Side) -> Bool { self == .bestEffort && side == .new }

    package func writesStrictly(_ side: Side) -> Bool { writes(side) && !swallowsErrors(on: side) }

    package var meaning: String {
        switch self {
        case .oldOnly: "writes and reads old"
        case .bestEffort: "writes both, best effort on new, reads old"
        case .strict: "writes both strictly, reads old"
        case .strictReadingNew: "writes both strictly, reads new"
        case .newOnly: "writes and reads new"
        }
    }
}
