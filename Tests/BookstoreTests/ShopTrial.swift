// A bookstore in a scenario's two databases, with nothing of tandem between them: what its instances and its check do is judged
// from outside, through the binary.

import Foundation
import TestSupport

struct ShopTrial {
    let scenario: Scenario
    var old: String { scenario.old.connection }
    var new: String { scenario.new.connection }

    init(_ title: String, both: Bool = true, _ options: String...) throws {
        scenario = try Scenario(title, marker: false)
        let databases = ["--old", old] + (both ? ["--new", new] : [])
        try expect(0, ["bookstore", "load", "--books", "40", "--accounts", "10"] + databases + options)
    }

    func end() { scenario.end() }

    /// Runs tandem to its end and insists on its exit code.
    @discardableResult
    func expect(_ code: Int32, _ arguments: [String], within limit: Duration = .seconds(100)) throws -> Outcome {
        let outcome = try scenario.tandem(arguments, within: limit)
        guard outcome.exitCode == code else {
            throw HarnessFailure(
                .command,
                "\(arguments.joined(separator: " ")): \(outcome.status)\n\(outcome.stdout)\n\(outcome.stderr)",
                exitStatus: outcome.status)
        }
        return outcome
    }

    func start(_ name: String, _ options: String...) throws -> Replicator {
        let words = ["bookstore", "instance", name, "--old", old, "--new", new, "--json"] + options
        let usual = try PostgresInstallation.tandemEnvironment
        let instance = try scenario.start(program: TandemBinary.path, words, environment: usual)
        return instance
    }

    /// Until an instance has served so many since it was asked.
    func wait(for count: Int, of instance: Replicator) throws {
        let before = served(instance)
        let came = try poll(within: .seconds(100)) { () throws -> Bool? in
            guard instance.status == nil else { throw HarnessFailure(.command, "it ended: \(instance.tail)") }
            return served(instance) >= before + count ? true : nil
        }
        guard came != nil else { throw HarnessFailure(.timeLimit, "not served: \(instance.tail)") }
    }

    /// Acknowledged writes in its lines so far; the last line is of the whole run.
    private func served(_ instance: Replicator) -> Int {
        reports(instance).filter { !$0.isLast }.reduce(0) { $0 + $1.counts.writes }
    }

    func reports(_ instance: Replicator) -> [Report] {
        instance.output.split(separator: "\n").compactMap { line in
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try? decoder.decode(Report.self, from: Data(line.utf8))
        }
    }

    /// The verdict on each side that is named, and the kinds of what was found.
    func check(_ sides: String...) throws -> Judgement {
        let databases = sides.flatMap { ["--\($0)", $0 == "old" ? old : new] }
        let outcome = try scenario.tandem(["bookstore", "check", "--json"] + databases)
        var judgement = Judgement(
            code: outcome.exitCode, text: "\(outcome.stdout.prefix(3000))\n\(outcome.stderr)")
        for line in outcome.stdout.split(separator: "\n") {
            let verdict = try JSONDecoder().decode(Verdict.self, from: Data(line.utf8))
            judgement.kinds[verdict.database] = Set(verdict.findings.map(\.kind))
            judgement.findings += verdict.findings
        }
        return judgement
    }

    struct Report: Decodable {
        struct Counts: Decodable {
            let writes: Int
            let reads: Int
            let errors: [String: Int]
            let unknown: [String: Int]
            let retries: [String: Int]
            let swallowed: [String: Int]
        }
        let instance: String
        let mode: Int?
        let address: String
        let counts: Counts
        let longestWait: Double
        let isLast: Bool
    }

    struct Found: Decodable {
        let kind: String
        let subject: String
        let text: String
    }

    struct Judgement {
        let code: Int32
        var kinds: [String: Set<String>] = [:]
        var findings: [Found] = []
        let text: String
    }

    private struct Verdict: Decodable {
        let database: String
        let findings: [Found]
    }

    /// All rows of the shop that both sides should have alike.
    static let compared = [
        "books", "stock", "accounts", "counters", "orders", "order_lines", "reviews", "documents", "journal",
    ]

    /// Tables whose rows are not the same on both sides.
    func differing() throws -> [String] {
        try (Self.compared + ["imported"]).filter { table in
            let query = "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM bookstore.\(table) AS t"
            return try scenario.old.value(query) != scenario.new.value(query)
        }
    }
}
