// What the servers answered to a check's question, row by row.

internal import Model
internal import Postgres

struct Answer {
    /// Of which side the rows are, where each side is asked by itself; old where both are compared.
    let side: Side
    let rows: [Row]
    /// New's, where both are compared.
    let others: [Row]

    static let nothing = Answer(side: .old, rows: [], others: [])
}

struct Row {
    private let values: [String?]

    init(_ result: Result, _ row: Int) { values = (0..<result.columns).map { result.text(row, $0) } }

    subscript(_ column: Int) -> String { values[column] ?? "" }
    func text(_ column: Int) -> String? { values[column] }
    func bool(_ column: Int) -> Bool { values[column] == "t" }
    func int(_ column: Int) -> Int { Int(self[column]) ?? 0 }
    func double(_ column: Int) -> Double? { values[column].flatMap { Double($0) } }
    /// A schema and what is in it.
    func name(_ column: Int) -> QualifiedName { QualifiedName(schema: self[column], name: self[column + 1]) }
    var first: String { self[0] }
}

extension Result {
    var all: [Row] { (0..<rows).map { Row(self, $0) } }
}

extension Array where Element == Row {
    /// By a key that is there once.
    func by(_ key: (Row) -> String) -> [String: Row] {
        Dictionary(map { (key($0), $0) }) { first, _ in first }
    }
}
