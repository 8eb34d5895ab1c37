// One thing that is wrong, and what preflight must say of it. Cases with the same `where` share a pair of databases; all
// findings there together must be exactly those expected.

import Foundation
import TestSupport
import Testing

struct Case {
    /// check: object
    struct Expected: Hashable, CustomStringConvertible {
        let check: String
        let object: String

        init(_ check: String, _ object: String) {
            self.check = check
            self.object = object
        }

        var description: String { "\(check): \(object)" }
    }

    let old: String
    let new: String
    let expected: [Expected]

    init(old: String = "", new: String = "", _ expected: Expected...) {
        self.old = old
        self.new = new
        self.expected = expected
    }

    /// The same statements on both sides.
    init(both: String, old: String = "", new: String = "", _ expected: Expected...) {
        self.old = both + ";" + old
        self.new = both + ";" + new
        self.expected = expected
    }
}

/// What `tandem preflight --json` printed of one pair.
struct Seen: Decodable {
    struct Line: Decodable {
        let check: String
        let severity: String
        let object: String
        let finding: String
        let reason: String
        let remedy: String?
        let skippedBecause: String?
    }

    struct NotLookedAt: Decodable { let check: String }

    let isBlocked: Bool
    let isFollowing: Bool
    let tables: Int
    let tablesOnNew: Int
    let findings: [Line]
    let notLookedAt: [NotLookedAt]

    /// Of the first pair in what `--json` printed.
    static func read(_ text: String) throws -> Seen {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try #require(try decoder.decode([Seen].self, from: Data(text.utf8)).first)
    }

    var pairs: Set<Case.Expected> { Set(findings.map { Case.Expected($0.check, $0.object) }) }
    func lines(_ check: String) -> [Line] { findings.filter { $0.check == check } }
}

extension Scenario {
    /// Runs it, and reads what it says of the only pair.
    func preflight(_ arguments: String..., exits code: Int32? = nil) throws -> Seen {
        let outcome = try tandem(["preflight", "--json"] + arguments)
        guard let seen = try? Seen.read(outcome.stdout),
            outcome.status == .exited(seen.isBlocked ? 3 : 0), code == nil || outcome.exitCode == code
        else {
            throw HarnessFailure(
                .command, "tandem preflight\n\(outcome.stdout)\n\(outcome.stderr)", exitStatus: outcome.status)
        }
        return seen
    }
}
