// Whether rows that were not the same when they were read really differ. Both sides are read again and again, old first, new
// once the stream has passed the position read on old. A row is the same as soon as new shows what old showed in this
// reading, or what old shows in the next. It is called different only on proof:
//
// In three readings in a row neither side's versions of the row changed, and every transaction that was open on old in the
// second is over in the third. Decoding shows a commit before other sessions of old see it, so new may rightly be ahead of
// what can be seen on old; but who had committed by the time new was first read is seen in the third reading at the latest,
// and would have changed old's version. And what came to new and went again would have changed new's version.
//
// Pure: it neither reads nor waits.

internal import Model

/// All rows of one key on one side: their versions, and their hashes.
struct RowState: Sendable, Equatable {
    struct Row: Sendable, Equatable {
        let version: String
        let hash: Int64
    }

    /// By version.
    private(set) var rows: [Row] = []
    var hashes: [Int64] { rows.map(\.hash).sorted() }

    mutating func add(version: String, hash: Int64) {
        rows.append(Row(version: version, hash: hash))
        rows.sort { $0.version < $1.version }
    }
}

struct Settlement {
    typealias Key = [String]

    struct Difference: Equatable {
        let key: Key
        let old: [Int64]
        let new: [Int64]
    }

    private struct Standing {
        let old: RowState
        let new: RowState
        /// Of those open on old after new was first read so, who still is; nil before that is known.
        var awaited: Set<UInt64>?
    }

    private struct Course {
        var standing: Standing?
        var newBefore: RowState?
    }

    private var courses: [Key: Course]
    private(set) var differences: [Difference] = []
    private(set) var equal = 0

    init(_ keys: some Sequence<Key>) {
        courses = Dictionary(keys.map { ($0, Course()) }) { first, _ in first }
    }

    var open: [Key] { Array(courses.keys) }

    /// One reading of sides that do not change: it is proof.
    mutating func note(still old: [Key: RowState], new: [Key: RowState]) {
        for key in courses.keys {
            let (left, right) = (old[key]?.hashes ?? [], new[key]?.hashes ?? [])
            if left == right { equal += 1 } else { differences.append(Difference(key: key, old: left, new: right)) }
        }
        courses = [:]
    }

    /// The same while neither side could change it.
    mutating func note(same key: Key) {
        guard courses.removeValue(forKey: key) != nil else { return }
        equal += 1
    }

    /// One reading of every open key: old in a snapshot, then new at a position that this snapshot does not exceed.
    mutating func note(_ snapshot: TransactionSnapshot, old: [Key: RowState], new: [Key: RowState]) {
        for (key, course) in courses {
            let (left, right) = (old[key] ?? RowState(), new[key] ?? RowState())
            if left.hashes == right.hashes || course.newBefore?.hashes == left.hashes {
                courses[key] = nil
                equal += 1
                continue
            }
            var next = Course(standing: Standing(old: left, new: right), newBefore: right)
            if var standing = course.standing, standing.old == left, standing.new == right {
                standing.awaited = standing.awaited.map { $0.intersection(snapshot.open) } ?? snapshot.open
                if standing.awaited?.isEmpty == true {
                    courses[key] = nil
                    differences.append(Difference(key: key, old: left.hashes, new: right.hashes))
                    continue
                }
                next.standing = standing
            }
            courses[key] = next
        }
    }
}
