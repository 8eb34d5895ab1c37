// Which entry may be made next, when several are made at once: what it depends on must be there, and nobody else may be at
// work on the tables it needs for itself. Two index builds share a table; whatever alters a table has it alone, so that
// they do not wait for each other's locks on new. What depends on a failed one is passed over. Pure, not thread-safe.

struct WorkItem: Sendable {
    let id: Int
    /// Items that must have been made first, if they are among these.
    let after: [Int]
    /// Tables it shares with others.
    let shared: Set<UInt32>
    /// Tables it needs alone.
    let alone: Set<UInt32>
}

struct WorkSchedule {
    private let items: [WorkItem]
    /// Places in `items` that nobody has begun, in order, from `head` on; nil for those begun.
    private var waiting: [Int?]
    private var head = 0
    private var unfinished: Set<Int>
    private var running: [Int: WorkItem] = [:]
    private var failed: Set<Int> = []
    private(set) var skipped = 0

    /// How far ahead an item may overtake others that wait.
    private static let reach = 256

    init(_ items: [WorkItem]) {
        self.items = items
        waiting = Array(items.indices)
        unfinished = Set(items.map(\.id))
    }

    var isFinished: Bool { unfinished.isEmpty }

    /// The next one that may begin now; nil when there is none, or none yet.
    mutating func begin() -> Int? {
        var seen = 0
        for place in head..<waiting.count {
            guard let index = waiting[place] else {
                if place == head { head += 1 }
                continue
            }
            let item = items[index]
            if item.after.contains(where: failed.contains) {
                waiting[place] = nil
                end(item.id, made: false)
                skipped += 1
                continue
            }
            if isFree(item) {
                waiting[place] = nil
                running[item.id] = item
                return item.id
            }
            seen += 1
            if seen == Self.reach { return nil }
        }
        return nil
    }

    mutating func end(_ id: Int, made: Bool) {
        running[id] = nil
        unfinished.remove(id)
        if !made { failed.insert(id) }
    }

    private func isFree(_ item: WorkItem) -> Bool {
        if item.after.contains(where: { unfinished.contains($0) && $0 != item.id }) { return false }
        return running.values.allSatisfy { other in
            other.alone.isDisjoint(with: item.alone) && other.alone.isDisjoint(with: item.shared)
                && other.shared.isDisjoint(with: item.alone)
        }
    }
}
