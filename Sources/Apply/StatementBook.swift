// The prepared statements of the apply session: one a table and operation, made when first needed, the longest unused
// dropped when there are too many for the server's memory.

internal import Postgres

final class StatementBook {
    struct Key: Hashable {
        let shape: Int
        let operation: Operation
        /// A repair writes text whatever the stream carries.
        var isText = false
        /// Fails on the server when it does not touch as many rows as it must.
        var isAsserted = false
        /// For a single row, with parameters that are no arrays.
        var isSingle = false
    }

    private final class Entry {
        let name: String
        var lastUse: Int

        init(name: String, lastUse: Int) { (self.name, self.lastUse) = (name, lastUse) }
    }

    private var entries: [Key: Entry] = [:]
    private var uses = 0
    private var made = 0
    private var obsolete: [String] = []

    static let most = 1000

    enum Lookup {
        case ready(String)
        /// Has to be prepared under this name first.
        case new(String)
    }

    func look(up key: Key) -> Lookup {
        uses += 1
        if let entry = entries[key] {
            entry.lastUse = uses
            return .ready(entry.name)
        }
        made += 1
        let name = "t\(made)"
        entries[key] = Entry(name: name, lastUse: uses)
        return .new(name)
    }

    /// It was not prepared after all.
    func forget(_ key: Key) { entries[key] = nil }

    func forgetAll() {
        obsolete += entries.values.map(\.name)
        entries = [:]
    }

    /// Names to deallocate now; safe between transactions only.
    func takeObsolete() -> [String] {
        if entries.count > Self.most {
            let old = entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(entries.count - Self.most / 2)
            for (key, entry) in old {
                obsolete.append(entry.name)
                entries[key] = nil
            }
        }
        defer { obsolete = [] }
        return obsolete
    }
}
