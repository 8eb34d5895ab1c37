// The chain without a server: whatever is done to a log is found.

import Digest
import Evidence
import State
import Testing

@Suite struct ChainTests {
    private static func lines(_ count: Int) -> [String] {
        var previous = SHA256Digest.zero
        return (1...count).map { number in
            var entry = EvidenceEntry(
                at: "2026-01-01T00:00:00Z", actor: Actor(name: "ann", host: "h\"1\n", pid: 7),
                stream: "tandem_t_p_forward",
                command: number == 3 ? "prepare" : "run", phase: .noted, step: 1,
                old: .init(position: "0/\(number)"), new: .init(unknown: "not connected"))
            entry.number = number
            entry.executed = ["CREATE \"x\"\t"]
            entry.counts = [("tables", number)]
            entry.seconds = 1.5
            let (line, hash) = entry.sealed(after: previous)
            previous = hash
            return line
        }
    }

    private func faults(_ lines: [String]) -> [String] {
        EvidenceChain(lines.map { $0 + "\n" }.joined()).findings.filter(\.isFault).map(\.description)
    }

    private func marks(_ lines: [String]) -> [EvidenceMark] { lines.compactMap { EvidenceLine($0)?.mark } }

    @Test func aWholeLogHasNoFaults() throws {
        let lines = Self.lines(5)
        #expect(faults(lines) == [])
        let line = try #require(EvidenceLine(lines[2]))
        #expect(line.number == 3 && line.isSealed)
        #expect(line.fields?["command"] as? String == "prepare")
        #expect(line.fields?["host"] as? String == "h\"1\n")
        #expect(EvidenceChain(lines.map { $0 + "\n" }.joined()).compared(with: marks(lines), of: "old") == [])
    }

    @Test func everyChangedCharacterIsFound() {
        let lines = Self.lines(3)
        for place in lines[1].indices where lines[1].distance(from: lines[1].startIndex, to: place) % 7 == 0 {
            var line = lines[1]
            let other: Character = line[place] == "5" ? "6" : "5"
            line.replaceSubrange(place...place, with: String(other))
            #expect(!faults([lines[0], line, lines[2]]).isEmpty, "\(place)")
        }
    }

    @Test func aLineSealedAnewDoesNotFollow() {
        var lines = Self.lines(3)
        let other = EvidenceEntry(
            at: "x", actor: Actor(name: "eve", host: "h", pid: 1), stream: "s", command: "run", phase: .noted, step: 1,
            old: .init(), new: .init())
        var forged = other
        forged.number = 2
        lines[1] = forged.sealed(after: EvidenceLine(lines[0])!.hash).line
        #expect(faults(lines) == ["entry 3 does not follow entry 2: one of them was changed"])
        // As the last one only the sides know.
        let chain = EvidenceChain(lines.prefix(2).map { $0 + "\n" }.joined())
        #expect(chain.findings.filter(\.isFault).isEmpty)
        let found = chain.compared(with: marks(Array(Self.lines(3).prefix(2))), of: "new").map(\.description)
        #expect(found == ["entry 2 is another one than new remembers"])
    }

    @Test func whatIsMissingMovedOrDoubledIsFound() {
        let lines = Self.lines(5)
        #expect(faults([lines[0], lines[1], lines[3], lines[4]]) == ["entry 3 is missing"])
        #expect(faults(Array(lines[2...])) == ["entries 1 to 2 are missing"])
        #expect(!faults([lines[0], lines[2], lines[1], lines[3]]).isEmpty)
        #expect(
            faults([lines[0], lines[1], lines[1]]) == ["entry 2 stands after entry 2: lines were moved or doubled"])
        #expect(faults([lines[0], "what is this", lines[1]]) == ["line 2 is no entry: it was changed or damaged"])
    }

    @Test func aTailThatWasCutOffIsFoundByTheSides() {
        let lines = Self.lines(5)
        let chain = EvidenceChain(lines.prefix(3).map { $0 + "\n" }.joined())
        #expect(chain.findings.filter(\.isFault).isEmpty)
        let found = chain.compared(with: marks(lines), of: "old")
        #expect(found.count == 1 && found[0].isFault)
        #expect(found[0].description.contains("ends at entry 3, old remembers entries 4 to 5"))
    }

    @Test func aTornLineIsNoFault() {
        let lines = Self.lines(2)
        let chain = EvidenceChain(lines[0] + "\n" + lines[1].prefix(40))
        #expect(chain.lines.count == 1 && chain.torn == 40)
        #expect(chain.findings.filter(\.isFault).isEmpty)
    }
}
