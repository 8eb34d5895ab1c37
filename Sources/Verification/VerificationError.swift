// Why a table could not be compared. None of these ever counts as "equal": a comparison that did not take place proves
// nothing.

package import Model

package enum VerificationError: Explained {
    /// One side does not have it; `old` is the one that counts.
    case missing(table: QualifiedName, side: Side)
    case missingColumns(table: QualifiedName, columns: [String])
    /// The relation is not one that holds rows of its own.
    case notATable(table: QualifiedName, side: Side)
    /// The stream does not bring new to where old was when it was read.
    case streamStands(applied: LSN, wanted: LSN)
    /// New's record of how far the stream has come is gone.
    case noProgress
    /// The table changed its columns, or went, while it was compared.
    case changedMeanwhile(table: QualifiedName)
    case notComparedYet(table: QualifiedName, because: String, remedy: String)

    package var description: String { text(.forward) }
    package var hint: String? { hint(.forward) }

    /// Where rows are compared with those of new, because new is what counts, the sides are named the other way round.
    package func text(_ direction: Direction) -> String {
        let (source, target) = (direction.source, direction.target)
        return switch self {
        case .missing(let table, let side): "\(table): not there on \(side == .old ? source : target)"
        case .missingColumns(let table, let columns):
            "\(table): \(target) lacks " + columns.map { visiblyQuoted($0) }.joined(separator: ", ")
        case .notATable(let table, let side):
            "\(table): on \(side == .old ? source : target) it holds no rows of its own (a view, or foreign)"
        case .streamStands(let applied, let wanted):
            "\(target) has come to \(applied), and what was read on \(source) needs \(wanted): the stream does not move"
        case .noProgress: "\(target) has no record of how far the stream has come"
        case .changedMeanwhile(let table): "\(table): its definition changed while it was compared"
        case .notComparedYet(let table, let because, _): "\(table): \(because)"
        }
    }

    package func hint(_ direction: Direction) -> String? {
        let target = direction.target
        return switch self {
        case .missing(let table, .new): "make it on \(target), or name \(table) under `exclude`"
        case .missing, .notATable: nil
        case .missingColumns(let table, _): "ALTER TABLE \(table.pasteable) ADD COLUMN … on \(target)"
        case .streamStands: "is `tandem run` running? `tandem status` shows what stands in its way"
        case .noProgress: "`tandem run` first: it prepares and copies"
        case .changedMeanwhile: "compare it again"
        case .notComparedYet(_, _, let remedy): remedy
        }
    }
}
