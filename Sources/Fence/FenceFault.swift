// What keeps the fence from being put up, held, or taken away: always with who or what it is.

package import Model

package enum FenceFault: Explained, Equatable {
    /// A writer's transaction did not end in time.
    case held(Side, by: [Holder], seconds: Double)
    /// A table's lock did not come.
    case locked(QualifiedName, Side, by: [Holder])
    /// The lock of the fence is not there any more, or a table's is held although it is.
    case slipped(Side, by: [Holder])
    case uncovered(Side, [QualifiedName])
    case lost(Side, String)

    package var description: String {
        switch self {
        case .held(let side, let holders, let seconds):
            "writers on \(side.rawValue) did not come to an end within \(Int(seconds * 1000)) ms: "
                + Self.named(holders)
        case .locked(let table, let side, let holders):
            "\(table) on \(side.rawValue) could not be locked: " + Self.named(holders)
        case .slipped(let side, let holders):
            "somebody writes \(side.rawValue) past the fence: " + Self.named(holders)
        case .uncovered(let side, let tables):
            "not fenced on \(side.rawValue): " + tables.prefix(5).map(\.description).joined(separator: ", ")
                + (tables.count > 5 ? " and \(tables.count - 5) more" : "")
        case .lost(let side, let reason): "the fence on \(side.rawValue) was lost: \(reason)"
        }
    }

    private static func named(_ holders: [Holder]) -> String {
        holders.isEmpty ? "whoever it was is gone by now" : Holder.listed(holders)
    }

    package var hint: String? {
        switch self {
        case .held(_, let holders, _), .slipped(_, let holders), .locked(_, _, let holders):
            Holder.remedy(holders)
        case .uncovered: "the same command again makes what is missing"
        case .lost: "nothing was changed; the same command again"
        }
    }

    package var exitCode: ExitCode { .refused }
}
