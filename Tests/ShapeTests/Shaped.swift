// What every test of shapes does: tables that differ on the two sides, a stream between them, and a judge that compares
// what both have.

import TestSupport
import Testing

extension Scenario {
    /// Tables on both sides, `prepare`, and a running stream. Without `new` both sides are alike.
    static func shaped(
        _ title: String, dataA: [String] = ["*.*"], extra: String = "", old: String, new: String? = nil
    ) throws -> Scenario {
        let scenario = try Scenario(title, dataA: dataA, extra: extra)
        try scenario.old.sql(old)
        try scenario.new.sql(new ?? old)
        try scenario.prepare()
        _ = try scenario.start("run")
        try scenario.catchUp()
        return scenario
    }

    /// Catches up and compares the columns that both sides have.
    func expectSame(_ tables: String..., at location: SourceLocation = #_sourceLocation) throws {
        try catchUp()
        let differences = try Fingerprint.expectEqual(
            old: old, new: new, tables: tables.map { $0.contains(".") ? $0 : "public.\($0)" })
        #expect(differences == [], "\(lastStarted?.tail ?? "")", sourceLocation: location)
    }

    /// Until it has said that it stands still, with all of these words in the line.
    func expectBlocked(_ words: String..., at location: SourceLocation = #_sourceLocation) throws {
        guard let run = lastStarted else { return }
        let isBlocked = poll(within: .seconds(90), every: .milliseconds(20)) { () -> Bool? in
            let event = run.log.split(separator: "\n").last { $0.contains("event=") } ?? ""
            return (["event=blocked"] + words).allSatisfy { event.contains($0) } ? true : nil
        }
        #expect(isBlocked == true, "not blocked with \(words)\n\(run.tail)", sourceLocation: location)
    }

    /// Nothing stood still, nothing was found different, and it ends when asked to.
    func expectQuietEnd(blocked: Int = 0, at location: SourceLocation = #_sourceLocation) throws {
        guard let run = lastStarted else { return }
        #expect(try run.stop() == .exited(0), "\(run.tail)", sourceLocation: location)
        let lines = run.log.split(separator: "\n")
        #expect(lines.count { $0.contains("event=blocked") } == blocked, "\(run.tail)", sourceLocation: location)
        #expect(!lines.contains { $0.contains("event=difference") }, "\(run.tail)", sourceLocation: location)
    }
}
