// Tables of the old side as these tests know them: columns by place, keys by place, and the shapes under which their
// rows are sent.

import Batching

struct SourceTable {
    enum Identity { case key, full, nothing }

    /// Columns as sent: each one's place in the table, and the key the target finds rows by, as places in the shape.
    struct Shape {
        let number: Int
        let columns: [Int]
        let key: [Int]?

        func keyPlaces() -> [Int] { (key ?? []).map { columns[$0] } }
    }

    let target: Int
    let identity: Identity
    let width: Int
    /// Places that no two rows may agree in.
    let unique: [[Int]]
    /// Places whose values may be too large to be sent again unchanged.
    let large: Set<Int>
    let shapes: [Shape]
    var isSetAside = false

    func plan(_ shape: Shape) -> TablePlan {
        let locator: Locator = identity == .nothing ? .none : shape.key.map { .key($0) } ?? .image
        return TablePlan(
            target: target, columns: width, carried: Array(0..<width), locator: locator, isSetAside: isSetAside)
    }
}

extension SourceTable {
    /// id, v, big; later with columns in another order.
    static let keyed = SourceTable(
        target: 0, identity: .key, width: 3, unique: [[0]], large: [2],
        shapes: [.init(number: 0, columns: [0, 1, 2], key: [0]), .init(number: 10, columns: [2, 1, 0], key: [2])])
    /// a, b, v, big with the key (b, a).
    static let composite = SourceTable(
        target: 1, identity: .key, width: 4, unique: [[0, 1]], large: [3],
        shapes: [.init(number: 1, columns: [0, 1, 2, 3], key: [1, 0])])
    /// x, t, big without any key; later with columns in another order.
    static let keyless = SourceTable(
        target: 2, identity: .full, width: 3, unique: [], large: [2],
        shapes: [.init(number: 2, columns: [0, 1, 2], key: nil), .init(number: 12, columns: [1, 2, 0], key: nil)])
    /// id, v, big, sent with whole old rows, found by its key.
    static let full = SourceTable(
        target: 3, identity: .full, width: 3, unique: [[0]], large: [1, 2],
        shapes: [.init(number: 3, columns: [0, 1, 2], key: [0])])
    /// A large key and a large value: an unchanged key is not in the new row.
    static let largeKey = SourceTable(
        target: 4, identity: .key, width: 2, unique: [[0]], large: [0, 1],
        shapes: [.init(number: 4, columns: [0, 1], key: [0])])
    /// a, b, v with two keys: the identity moves from one to the other and back.
    static let twoKeys = SourceTable(
        target: 5, identity: .key, width: 3, unique: [[0], [1]], large: [],
        shapes: [.init(number: 5, columns: [0, 1, 2], key: [0]), .init(number: 15, columns: [0, 1, 2], key: [1])])
    /// No identity: only inserts.
    static let insertOnly = SourceTable(
        target: 6, identity: .nothing, width: 2, unique: [], large: [],
        shapes: [.init(number: 6, columns: [0, 1], key: nil)])
    static let columnless = SourceTable(
        target: 7, identity: .full, width: 0, unique: [], large: [],
        shapes: [.init(number: 7, columns: [], key: nil)])
    static let setAside = SourceTable(
        target: 8, identity: .key, width: 2, unique: [[0]], large: [],
        shapes: [.init(number: 8, columns: [0, 1], key: [0])], isSetAside: true)

    static let all = [keyed, composite, keyless, full, largeKey, twoKeys, insertOnly, columnless, setAside]
}
