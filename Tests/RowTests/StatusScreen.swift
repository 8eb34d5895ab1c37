// `tandem status --json`, as far as these tests look at it.

import Foundation
import TestSupport

struct StatusScreen: Decodable {
    struct Status: Decodable {
        let state: String
        let problem: Problem?
    }

    struct Problem: Decodable {
        let message: String
        let hint: String?
        let sqlstate: String?
        let table: String?
        let position: String?
    }

    struct Difference: Decodable {
        let table: String
        let kind: String
        let found: Int
        let repaired: Int
    }

    struct SetAside: Decodable {
        let table: String
        let changes: Int
    }

    private enum CodingKeys: String, CodingKey {
        case status, differences
        case tablesSetAside = "setAside"
    }

    let status: Status?
    private let tablesSetAside: [SetAside]
    var setAside: [String: Int] { Dictionary(uniqueKeysWithValues: tablesSetAside.map { ($0.table, $0.changes) }) }
    let differences: [Difference]

    /// Asks until it shows what is waited for, since a running tandem writes its status once a second; the last one
    /// read when that never comes.
    static func read(
        _ scenario: Scenario, within limit: Duration = .seconds(60), until holds: (StatusScreen) -> Bool = { _ in true }
    ) throws -> StatusScreen {
        var last: StatusScreen?
        let found = try poll(within: limit, every: .milliseconds(100)) { () -> StatusScreen? in
            let screen = try read(scenario)
            last = screen
            return holds(screen) ? screen : nil
        }
        if let screen = found ?? last { return screen }
        throw HarnessFailure(.command, "no status")
    }

    private static func read(_ scenario: Scenario) throws -> StatusScreen {
        let outcome = try scenario.tandem("status", "--json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let screens = try decoder.decode([StatusScreen].self, from: Data(outcome.stdout.utf8))
        guard let screen = screens.first else {
            throw HarnessFailure(.command, "no pair in the status: \(outcome.stdout)\(outcome.stderr)")
        }
        return screen
    }

    /// "kind of table: found/repaired", for comparing.
    var found: [String] { differences.map { "\($0.table) \($0.kind): \($0.found)/\($0.repaired)" } }
}

extension Scenario {
    /// Until tandem says that it is blocked, and why.
    func waitUntilBlocked(
        on table: String? = nil, within limit: Duration = .seconds(60)
    ) throws -> StatusScreen.Problem {
        let screen = try StatusScreen.read(self, within: limit) {
            $0.status?.state == "blocked" && (table == nil || $0.status?.problem?.table == table)
        }
        guard screen.status?.state == "blocked", let problem = screen.status?.problem else {
            throw HarnessFailure(.timeLimit, "never blocked\n\(lastStarted?.tail ?? "")")
        }
        return problem
    }
}
