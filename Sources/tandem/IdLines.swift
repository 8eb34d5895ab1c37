// Ids that old and new give out at the same time, as `status` shows them: nothing at other steps.

internal import Model
internal import Passage
internal import Postgres
internal import Stream

struct IdLines {
    private let outlook: IdOutlook

    init?(_ standing: PairStanding, _ plan: StreamPlan, old: Connection?, new: Connection?) throws {
        guard let old, let new, let outlook = try IdOutlook(standing, plan, old: old, new: new) else { return nil }
        self.outlook = outlook
    }

    /// Of those that are near, each; of the others, the nearest.
    var lines: [(label: String, text: String)] {
        let near = outlook.distances.filter(\.isNear)
        guard !near.isEmpty else {
            guard let nearest = outlook.distances.first else { return [] }
            return [("ids", "apart; \(nearest.name) on old may give out \(grouped(Int(nearest.left))) more")]
        }
        let shown = near.prefix(5).map { distance in
            Terminal.alarming(
                distance.left == 0
                    ? "\(distance.name) on old has come to the ids that new gives out"
                    : "\(distance.name) on old may give out \(grouped(Int(distance.left))) more before it comes to new's"
            )
        }
        let rest = near.count > 5 ? ["and \(near.count - 5) more"] : []
        let remedy = "bring every instance into mode 6, or go back a step"
        return (shown + rest + [remedy]).enumerated().map { ($0.offset == 0 ? "ids" : "", $0.element) }
    }

    // MARK: for machines

    struct Line: Encodable, Sendable {
        let sequence: String
        let left: Int64
        let gap: Int64
        let isNear: Bool
    }

    var machineReadable: [Line] {
        outlook.distances.map {
            Line(sequence: $0.name.description, left: $0.left, gap: $0.gap, isNear: $0.isNear)
        }
    }
}
