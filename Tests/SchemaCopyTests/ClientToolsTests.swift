// Which pg_dump is taken, what it is told, and that it ends when asked to.

import Foundation
import Model
import Postgres
import SchemaCopy
import Telemetry
import TestSupport
import Testing
import Threading

@Suite(.blocking) struct ClientToolsTests {
    private let stop = StopSignal()

    /// A directory with a pg_dump of that name.
    private func directory(_ script: String) throws -> String {
        let place = try RunDirectory.current.makeDirectory("t")
        try Program.write(script, to: place + "/pg_dump")
        return place
    }

    private func says(_ version: String) throws -> String { try directory("echo 'pg_dump (PostgreSQL) \(version)'") }

    @Test func theOldestSufficientOneIsTaken() throws {
        let places = [try says("13.1"), try says("18beta1"), try says("16.2 (Debian 16.2-1)"), "/nowhere", "relative"]
        let environment = ["TANDEM_PG_TOOLS": places.joined(separator: ":"), "PATH": "/usr/bin"]
        #expect(try ClientTools.find(atLeast: 15, environment: environment, stop: stop).dump == "\(places[2])/pg_dump")
        #expect(try ClientTools.find(atLeast: 17, environment: environment, stop: stop).major == 18)
    }

    @Test func noneOrTooOldOnesAreNamed() throws {
        let old = try says("13.1")
        for (places, words) in [
            (old, "the newest one found is 13, \(old)/pg_dump"), ("/nowhere", "none was found"),
            (try directory("echo nonsense"), "none was found"),
        ] {
            let error = #expect(throws: SchemaError.self) {
                try ClientTools.find(atLeast: 14, environment: ["TANDEM_PG_TOOLS": places], stop: stop)
            }
            #expect(error?.description.contains(words) == true)
            #expect(error?.hint?.contains("postgresql-client-14") == true)
            #expect(error?.exitCode == .refused)
        }
    }

    @Test func nothingSecretIsInTheArguments() throws {
        let secret = #"p'w \ x@"#
        let uri =
            "postgresql://u@h1:5,h2:6/d%20b?password=p%27w%20%5C%20x%40&sslmode=verify-full&options=-c%20geqo%3Doff"
        let words =
            #"host=h1,h2 port=5,6 user=u dbname='d b' password='p\'w \\ x@' sslmode=verify-full options='-c geqo=off'"#
        for text in [uri, words] {
            let connection = try ClientConnection(ConnectionTarget(conninfo: text, label: "old"), as: "it's me")
            #expect(!connection.conninfo.contains("p'w") && !connection.conninfo.contains("password"))
            #expect(connection.environment == ["PGPASSWORD": secret])
            for part in [
                "host='h1,h2'", "port='5,6'", "dbname='d b'", "sslmode='verify-full'", "options='-c geqo=off'",
            ] {
                #expect(connection.conninfo.contains(part))
            }
            #expect(connection.conninfo.hasSuffix(#"application_name='it\'s me'"#))
        }
        let service = try ClientConnection(ConnectionTarget(conninfo: "service=mine", label: "old"), as: "x")
        #expect(service.conninfo.contains("service='mine'"))
        #expect(throws: PostgresError.self) {
            try ClientConnection(ConnectionTarget(conninfo: "host=h sslpassword=secret", label: "old"), as: "x")
        }
    }

    /// The real one, which first writes down what it was told.
    @Test func thePasswordTravelsUnseen() throws {
        let copying = try Copying("unseen")
        defer { copying.scenario.end() }
        try copying.old.sql("CREATE TABLE t (id int)")
        let majors = [copying.old, copying.new].map(\.cluster.installation.major)
        let real = try ClientTools.find(atLeast: majors.max() ?? 0, stop: stop).dump
        let record = try RunDirectory.current.makeDirectory("r") + "/said"
        let place = try directory("[ $1 = --version ] || echo \"$PGPASSWORD $*\" >'\(record)'; exec '\(real)' \"$@\"")
        let plan = try copying.copy(tools: place, password: "hidden").survey()
        #expect(plan.tables.map(\.name) == ["t"])
        let said = try String(contentsOfFile: record, encoding: .utf8)
        #expect(said.hasPrefix("hidden --format=custom") && said.split(separator: "hidden").count == 1)
    }

    @Test func whatItSaysWhenItFailsIsRepeatedWithoutThePassword() throws {
        let copying = try Copying("failing")
        defer { copying.scenario.end() }
        let place = try directory(
            "[ $1 = --version ] && exec echo 'pg_dump (PostgreSQL) 18.0'; echo 'pg_dump: error: no hidden'; echo 'pg_dump: error: no hidden here' >&2; echo 'pg_dump: detail: row' >&2; exit 3"
        )
        let error = #expect(throws: SchemaError.self) {
            try copying.copy(tools: place, password: "hidden").survey()
        }
        #expect(error?.description == "\(place)/pg_dump could not read old's schema: pg_dump: error: no … here")
    }

    @Test func anArchiveThatIsNoneIsRefused() throws {
        let copying = try Copying("nonsense")
        defer { copying.scenario.end() }
        for output in ["echo nonsense", "printf 'PGDMP\\001\\021\\000\\004\\010\\001'", "printf 'PGDMP\\001\\016'"] {
            let place = try directory("[ $1 = --version ] && exec echo 'pg_dump (PostgreSQL) 18.0'; \(output)")
            let error = #expect(throws: SchemaError.self) { try copying.copy(tools: place).survey() }
            #expect(error?.description.contains("archive") == true, "\(error?.description ?? "")")
        }
    }

    /// A script, what it started, and the thread that waits for both.
    @Test func itEndsWhenAskedTo() throws {
        let copying = try Copying("stopping")
        defer { copying.scenario.end() }
        let record = try RunDirectory.current.makeDirectory("r") + "/pids"
        let place = try directory(
            "[ $1 = --version ] && exec echo 'pg_dump (PostgreSQL) 18.0'; trap '' TERM; sleep 1000 & echo $$ $! >'\(record)'; wait; sleep 1000"
        )
        let copy = copying.copy(tools: place)
        let outcome = Monitor<(any Error)?>(nil)
        let thread = try Thread("survey") {
            do { _ = try copy.survey() } catch { outcome.change { $0 = error } }
        }
        let pids = poll(within: .seconds(60)) { () -> [Int32]? in
            let found = (try? String(contentsOfFile: record, encoding: .utf8))?.split { !$0.isNumber }.compactMap {
                Int32($0)
            }
            return found?.count == 2 ? found : nil
        }
        copying.stop.raise()
        thread.join()
        guard case .interrupted? = outcome.withLock({ $0 }) as? SchemaError else {
            Issue.record("not interrupted: \(outcome.withLock { "\($0, default: "nothing")" })")
            return
        }
        for pid in pids ?? [] {
            #expect(poll(within: .seconds(60)) { Self.hasEnded(pid) ? true : nil } == true)
        }
        #expect(pids?.count == 2)
    }

    /// Reaped or about to be.
    private static func hasEnded(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
        return stat.contains(") Z ")
    }
}
