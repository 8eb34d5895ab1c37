// When tables were last compared and proven equal, as `status` shows it.

internal import Foundation
internal import Model
internal import State

struct ComparedLines {
    struct Record: Encodable, Sendable {
        let table: String
        let verdict: String
        let at: String
        let age: Double
        let rowsOld: Int
        let rowsNew: Int
        let digestOld: String
        let digestNew: String
        let differing: Int
        let repaired: Int
        let oldPosition: String
        let newPosition: String
        /// The last time it was equal: when, and where both sides stood.
        let provenAt: String?
        let provenAge: Double?
        let provenOldPosition: String?
        let provenNewPosition: String?
    }

    private(set) var records: [Record] = []

    init() {}

    init(_ kept: VerificationRecords) throws {
        let equal = Dictionary(try kept.last(.equal).map { ($0.table, $0) }, uniquingKeysWith: { $1 })
        records = try kept.last(.any).map { record in
            let proven = equal[record.table]
            return Record(
                table: record.table.description, verdict: record.verdict.rawValue, at: record.at, age: record.age,
                rowsOld: record.rowsOld, rowsNew: record.rowsNew, digestOld: record.digestOld,
                digestNew: record.digestNew, differing: record.differing, repaired: record.repaired,
                oldPosition: record.oldPosition.description, newPosition: record.newPosition.description,
                provenAt: proven?.at, provenAge: proven?.age, provenOldPosition: proven?.oldPosition.description,
                provenNewPosition: proven?.newPosition.description)
        }
    }

    /// Nothing where nothing was ever compared.
    var lines: [(label: String, text: String)] {
        guard let oldest = records.filter({ $0.verdict == "equal" }).map(\.age).max() ?? records.map(\.age).max() else {
            return []
        }
        let equal = records.filter { $0.verdict == "equal" }.count
        var lines = [
            (
                "verified",
                "\(equal) of \(counted(records.count, "table")) compared and equal, each within the last \(readable(seconds: oldest))"
            )
        ]
        for record in records where record.verdict != "equal" {
            let proven =
                record.provenAge.map { "last proven equal \(readable(seconds: $0)) ago" } ?? "never proven equal"
            let what =
                switch record.verdict {
                case "differs": "\(counted(record.differing, "row")) differed"
                case "unsettled": "did not settle"
                default: "could not be compared"
                }
            lines.append(
                ("", Terminal.alarming("\(record.table): \(what), \(readable(seconds: record.age)) ago; \(proven)")))
        }
        return lines
    }
}
