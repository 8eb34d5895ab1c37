// The evidence of one stream, as commands use it: before they act an entry is on disk, and both sides remember it as far as
// they can be reached. A log that cannot be written stops the act; a side that cannot be told is told by the next entry.

internal import Digest
internal import Failpoints
internal import Foundation
internal import Glibc
package import Model
package import Postgres
internal import Protocol
internal import State

package struct EvidenceLog: Sendable {
    package let file: EvidenceFile
    private let stream: StreamName
    private let actor: Actor

    package init(directory: String, stream: StreamName) {
        file = EvidenceFile(directory: directory, stream: stream.description)
        self.stream = stream
        actor = .current
    }

    /// What an entry is about; everything else is found out here.
    package struct Event: Sendable {
        package var command: String
        package var phase: EvidenceEntry.Phase
        package var executed: [String] = []
        package var details: [(String, String)] = []
        package var counts: [(String, Int)] = []
        package var seconds: Double?

        package init(
            _ command: String, _ phase: EvidenceEntry.Phase, executed: [String] = [],
            details: [(String, String)] = [], counts: [(String, Int)] = [], seconds: Double? = nil
        ) {
            self.command = command
            self.phase = phase
            self.executed = executed
            self.details = details
            self.counts = counts
            self.seconds = seconds
        }
    }

    package struct Recorded: Sendable {
        package let number: Int
        /// What the operator should know: a side that could not be told, a log that goes on elsewhere.
        package let notes: [String]
    }

    /// On return the entry is on disk. A side is nil when it cannot be reached, or when this act needs none.
    @discardableResult
    package func record(_ event: Event, old: Connection?, new: Connection?) throws -> Recorded {
        let sides = [EvidenceSide(.old, old, stream), EvidenceSide(.new, new, stream)]
        let tail = try file.locked()
        var entry = EvidenceEntry(
            at: Self.now, actor: actor, stream: stream.description, command: event.command, phase: event.phase,
            step: EpochStanding(old: sides[0].epoch, new: sides[1].epoch).epoch?.step.rawValue
                ?? (sides.contains(where: \.isPrepared) ? 1 : 0),
            old: sides[0].state, new: sides[1].state)
        entry.executed = event.executed
        entry.details = event.details
        entry.counts = event.counts
        entry.seconds = event.seconds
        var notes: [String] = []
        if tail.torn > 0 { entry.details.append(("torn", "\(tail.torn) bytes after entry \(tail.last?.number ?? 0)")) }
        let previous = try follow(tail.last, sides, &entry, &notes)
        let (line, hash) = entry.sealed(after: previous)
        try tail.append(line)
        Failpoint.pass(.afterEvidence)
        let mark = EvidenceMark(number: entry.number, hash: hash.description, host: actor.host)
        for side in sides { if let note = side.remember(mark, from: file) { notes.append(note) } }
        return Recorded(number: entry.number, notes: notes)
    }

    /// Whether an entry could be written; nothing is. What it throws, `record` would throw.
    package func examine(old: Connection?, new: Connection?) throws {
        let sides = [EvidenceSide(.old, old, stream), EvidenceSide(.new, new, stream)]
        _ = try number(after: file.examine(), sides)
    }

    /// Two entries around an act: one before it, one with how it ended.
    package func perform<Outcome>(
        _ command: String, executed: [String] = [], details: [(String, String)] = [], old: Connection?,
        new: Connection?,
        note: (String) -> Void = { _ in }, _ act: () throws -> Outcome
    ) throws -> Outcome {
        let begun = Date()
        func end(_ event: Event) throws {
            var event = event
            event.seconds = Date().timeIntervalSince(begun)
            try record(event, old: old, new: new).notes.forEach(note)
        }
        try record(Event(command, .begins, executed: executed, details: details), old: old, new: new).notes.forEach(
            note)
        let outcome: Outcome
        do { outcome = try act() } catch {
            // That it failed is what the operator has to hear, whatever the log says.
            do { try end(Event(command, .failed, details: [("reason", withoutControls("\(error)"))])) } catch let
                problem
            {
                note("\(problem)")
            }
            throw error
        }
        try end(Event(command, .done))
        return outcome
    }

    // MARK: after what

    /// What comes before the next entry.
    private struct Before {
        let number: Int
        let hash: SHA256Digest
        /// Entries that a side remembers and this file does not have.
        var missing: String?
    }

    private func number(after last: EvidenceLine?, _ sides: [EvidenceSide]) throws -> Before {
        let here = last?.number ?? 0
        let marks = sides.compactMap(\.last)
        for (side, mark) in sides.compactMap({ side in side.last.map { (side.name, $0) } }) where mark.number <= here {
            let own = mark.number == here ? last?.hash.description : try file.hash(of: mark.number)
            guard let own, own != mark.hash else { continue }
            throw EvidenceError.refused(
                file.path, "is not what \(side) remembers: entry \(mark.number) is another one there",
                hint:
                    "`tandem evidence verify` compares all of it; `tandem evidence link --reason …` puts the file aside and"
                    + " goes on after what the sides remember")
        }
        let most = marks.max { $0.number < $1.number }
        guard let most, most.number > here, let hash = SHA256Digest(hex: most.hash) else {
            return Before(number: here, hash: last?.hash ?? .zero)
        }
        return Before(
            number: most.number, hash: hash,
            missing: "entries \(here + 1) to \(most.number), the last written on \(most.host)")
    }

    /// Numbers the entry; the hash that comes before it. Where a side remembers more than this file has, the entry says what is
    /// missing here.
    private func follow(
        _ last: EvidenceLine?, _ sides: [EvidenceSide], _ entry: inout EvidenceEntry, _ notes: inout [String]
    ) throws -> SHA256Digest {
        let before = try number(after: last, sides)
        entry.number = before.number + 1
        if let missing = before.missing {
            entry.details.append(("linked", missing))
            notes.append(
                "the evidence here does not have \(missing): it goes on after them. `tandem evidence import` takes them from"
                    + " that machine's file")
        }
        return before.hash
    }

    static var now: String {
        Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z"
    }
}

extension Actor {
    package static var current: Actor {
        let environment = ProcessInfo.processInfo.environment
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "uid \(geteuid())"
        let name = environment["SUDO_USER"].map { "\($0) as \(user)" } ?? user
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let end = host.firstIndex(of: 0) ?? host.count
        let words = String(decoding: host[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Actor(name: withoutControls(name), host: withoutControls(words), pid: getpid())
    }
}
