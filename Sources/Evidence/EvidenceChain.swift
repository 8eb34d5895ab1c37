// Whether a log is whole: every line sealed, each after the one before, none missing; and whether both sides remember the
// same. Pure: it gets lines and records, and gives findings.

internal import Digest
package import State

package struct EvidenceFinding: Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Otherwise it is worth knowing, and no fault.
    package let isFault: Bool

    /// What is there is not what was written; otherwise something is missing that may be elsewhere.
    package let isDamage: Bool

    init(_ description: String, isFault: Bool = true, isDamage: Bool? = nil) {
        self.description = description
        self.isFault = isFault
        self.isDamage = isDamage ?? isFault
    }
}

package struct EvidenceChain: Sendable {
    package private(set) var lines: [EvidenceLine] = []
    package private(set) var findings: [EvidenceFinding] = []
    /// Bytes after the last line break: a line that was being written when the process died.
    package let torn: Int

    package init(_ text: String) {
        var rest = text[...]
        var number = 0
        while let end = rest.utf8.firstIndex(of: UInt8(ascii: "\n")) {
            number += 1
            let line = rest[..<end]
            rest = rest[rest.utf8.index(after: end)...]
            guard let parsed = EvidenceLine(line) else {
                findings.append(EvidenceFinding("line \(number) is no entry: it was changed or damaged"))
                continue
            }
            lines.append(parsed)
        }
        torn = rest.utf8.count
        if torn > 0 {
            findings.append(
                EvidenceFinding(
                    "the last line is torn (\(torn) bytes): the process died while writing it, before it acted",
                    isFault: false))
        }
        for line in lines where !line.isSealed {
            findings.append(EvidenceFinding("entry \(line.number) was changed: its hash is not that of what it says"))
        }
        follow()
        lookForEnds()
    }

    package var last: EvidenceLine? { lines.last }

    private mutating func follow() {
        var before: EvidenceLine?
        for line in lines {
            defer { before = line }
            let isLink = line.isLink
            guard let earlier = before else {
                if line.number > 1 {
                    findings.append(
                        EvidenceFinding(
                            isLink
                                ? "entries 1 to \(line.number - 1) are not in this file: it was begun on another machine"
                                : "entries 1 to \(line.number - 1) are missing", isFault: !isLink))
                }
                if line.number == 1 && line.previous != .zero {
                    findings.append(EvidenceFinding("entry 1 follows something: what was before it is missing"))
                }
                continue
            }
            if line.number <= earlier.number {
                findings.append(
                    EvidenceFinding(
                        "entry \(line.number) stands after entry \(earlier.number): lines were moved or doubled"))
            } else if line.number > earlier.number + 1 {
                let (first, last) = (earlier.number + 1, line.number - 1)
                let what = first == last ? "entry \(first) is" : "entries \(first) to \(last) are"
                findings.append(
                    EvidenceFinding(
                        what
                            + (isLink
                                ? " not in this file: import the log of the machine that wrote them" : " missing"),
                        isDamage: !isLink))
            } else if line.previous != earlier.hash {
                findings.append(
                    EvidenceFinding(
                        "entry \(line.number) does not follow entry \(earlier.number): one of them was changed"))
            }
        }
    }

    /// Acts that began and were not ended.
    private mutating func lookForEnds() {
        var open: [String: Int] = [:]
        for line in lines {
            guard let fields = line.fields, let command = fields["command"] as? String,
                let phase = fields["phase"] as? String, let pid = fields["pid"] as? Int
            else { continue }
            let act = "\(command) of pid \(pid) on \(fields["host"] as? String ?? "?")"
            if phase == "begins" { open[act] = line.number }
            if phase == "done" || phase == "failed" { open[act] = nil }
        }
        for (act, number) in open.sorted(by: { $0.value < $1.value }) {
            findings.append(
                EvidenceFinding("entry \(number), \(act), has no end: it is under way, or was killed", isFault: false))
        }
    }

    /// Against what a side remembers.
    package func compared(with marks: [EvidenceMark], of side: String) -> [EvidenceFinding] {
        guard !marks.isEmpty else {
            return [
                EvidenceFinding(
                    "\(side) remembers no entry: nothing was prepared there, or `abort` removed it", isFault: false)
            ]
        }
        var found: [EvidenceFinding] = []
        let hashes = Dictionary(lines.map { ($0.number, $0.hash.description) }) { first, _ in first }
        let newest = last?.number ?? 0
        for mark in marks {
            if let hash = hashes[mark.number] {
                if hash != mark.hash {
                    found.append(EvidenceFinding("entry \(mark.number) is another one than \(side) remembers"))
                }
            }
        }
        let beyond = marks.filter { $0.number > newest }
        if let first = beyond.first, let last = beyond.last {
            found.append(
                EvidenceFinding(
                    "the log ends at entry \(newest), \(side) remembers entries \(first.number) to \(last.number) (written on"
                        + " \(Set(beyond.map(\.host)).sorted().joined(separator: ", "))): it was cut off, or continued elsewhere"
                ))
        }
        let remembered = Set(marks.map(\.number))
        let forgotten = lines.map(\.number).filter { !remembered.contains($0) }
        if !forgotten.isEmpty {
            found.append(
                EvidenceFinding(
                    "\(side) does not remember \(forgotten.count) of \(lines.count) entries yet; the next act tells it",
                    isFault: false))
        }
        return found
    }
}

extension EvidenceLine {
    /// It was begun where the entries before it are not.
    package var isLink: Bool { (fields?["details"] as? [String: Any])?["linked"] != nil }
}
