// A scenario that follows, and what `tandem verify --json` says of it.

import Foundation
import TestSupport
import Testing

struct Verified: Decodable {
    struct Row: Decodable {
        let key: [String]
        let kind: String
        let old: String
        let new: String
        let would: String?
        let oldValues: [String]?
        let newValues: [String]?
    }

    struct Table: Decodable {
        let table: String
        let `class`: String
        let verdict: String
        let problem: String?
        let hint: String?
        let rowsOld: Int?
        let rowsNew: Int?
        let digestOld: String?
        let digestNew: String?
        let differences: [Row]
        let unsettled: [[String]]
        let settled: Int?
        let repaired: Int?
        let notRepaired: [String]?
    }

    let pair: String
    let verdict: String
    struct Finding: Decodable {
        let text: String
        let remedy: String?
        let differs: Bool
    }

    let tables: [Table]
    let findings: [Finding]

    subscript(_ table: String) -> Table? { tables.first { $0.table == table } }

    /// `public.t 5 missing`, sorted.
    var found: [String] {
        tables.flatMap { table in
            table.differences.map { "\(table.table) \($0.key.joined(separator: "|")) \($0.kind)" }
        }.sorted()
    }
}

extension Scenario {
    /// Runs it and expects that exit status.
    func verify(_ arguments: String..., expecting status: Int32) throws -> Verified {
        let all = ["verify", "--json"] + arguments
        let outcome = try Command(TandemBinary.path, all, directory: directory).run(input: "", within: .seconds(150))
        #expect(outcome.status == .exited(status), "\(outcome.stdout) \(outcome.stderr)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let pair = try decoder.decode([Verified].self, from: Data(outcome.stdout.utf8)).first else {
            throw HarnessFailure(.command, "verify said nothing")
        }
        return pair
    }
}
