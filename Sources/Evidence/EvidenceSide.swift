// One side as the log meets it: how it stands now, what it remembers of the log, and telling it of a new entry.

internal import Digest
internal import Model
internal import Postgres
internal import Protocol
package import State

struct EvidenceSide {
    let name: String
    private(set) var state: EvidenceEntry.SideState
    /// The newest entry it remembers.
    private(set) var last: EvidenceMark?
    /// tandem keeps something there.
    private(set) var isPrepared = false
    /// Where the pair stands, as this side has it.
    private(set) var epoch: Epoch?
    private var marks: EvidenceMarks?

    init(_ side: Side, _ connection: Connection?, _ stream: StreamName) {
        name = side.rawValue
        state = EvidenceEntry.SideState(unknown: "not connected")
        guard let connection, !connection.isBroken else { return }
        let marks = EvidenceMarks(connection, stream)
        do {
            let standing = try marks.standing()
            state = EvidenceEntry.SideState(
                position: standing.position, system: standing.system, timeline: standing.timeline,
                schema: standing.schema)
            isPrepared = try marks.isReady()
            last = try marks.last()
            epoch = try EpochBook(connection, stream).read()
            self.marks = marks
        } catch { state = EvidenceEntry.SideState(unknown: withoutControls("\(error)")) }
    }

    /// Everything of the file that it does not know yet. What went wrong, if anything did.
    func remember(_ mark: EvidenceMark, from file: EvidenceFile) -> String? {
        guard let marks else { return nil }
        do {
            // Preparing or aborting may have made or removed its memory.
            guard isPrepared, try marks.isReady() else { return nil }
            let known = try marks.last()?.number ?? 0
            if known >= mark.number { return nil }
            let missed = known + 1 == mark.number ? [mark] : try file.marks(after: known)
            try marks.remember(missed)
            return nil
        } catch { return "\(name) could not be told of evidence entry \(mark.number): \(error)" }
    }
}

extension EvidenceFile {
    /// The hash of one entry; nil when it is not in this file.
    func hash(of number: Int) throws(EvidenceError) -> String? {
        guard let text = try read() else { return nil }
        return EvidenceChain(text).lines.last { $0.number == number }?.hash.description
    }

    func marks(after number: Int) throws(EvidenceError) -> [EvidenceMark] {
        guard let text = try read() else { return [] }
        return EvidenceChain(text).lines.filter { $0.number > number }.map(\.mark)
    }
}

extension EvidenceLine {
    package var mark: EvidenceMark {
        EvidenceMark(number: number, hash: hash.description, host: fields?["host"] as? String ?? "?")
    }
}
