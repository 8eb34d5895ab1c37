// Random statements of one session that always make sense: transactions begin, nest, roll back in part, end.

struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    /// 0 up to `sides`, exclusive.
    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(sides))
    }
}

struct SavepointTree {
    private(set) var isOpen = false
    private var open: [Int] = []
    private var next = 0

    mutating func step(_ dice: inout Dice) -> String {
        guard isOpen else {
            isOpen = true
            return "BEGIN; \(insert(&dice))"
        }
        switch dice.roll(12) {
        case 0...3: return insert(&dice)
        case 4, 5:
            next += 1
            open.append(next)
            return "SAVEPOINT s\(next); \(insert(&dice))"
        case 6, 7:
            guard let at = pick(&dice) else { return insert(&dice) }
            let name = open[at]
            open.removeSubrange((at + 1)...)
            return "ROLLBACK TO s\(name); \(insert(&dice))"
        case 8:
            guard let at = pick(&dice) else { return insert(&dice) }
            let name = open[at]
            open.removeSubrange(at...)
            return "RELEASE s\(name); UPDATE t SET b = 'released' WHERE ctid IN (\(Self.some))"
        case 9:
            return "DELETE FROM t WHERE ctid IN (\(Self.some))"
        default:
            isOpen = false
            open = []
            return dice.roll(4) == 0 ? "ROLLBACK" : "COMMIT"
        }
    }

    /// Rows that no other session is at: one thread drives all of them, and none may wait for another.
    private static let some = "SELECT ctid FROM t ORDER BY a DESC LIMIT 20 FOR UPDATE SKIP LOCKED"

    private func pick(_ dice: inout Dice) -> Int? { open.isEmpty ? nil : dice.roll(open.count) }

    private func insert(_ dice: inout Dice) -> String {
        let count = [1, 5, 300, 900][dice.roll(4)]
        return "INSERT INTO t (b) SELECT repeat('r', 150) FROM generate_series(1, \(count))"
    }
}
