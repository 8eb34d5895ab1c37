// However a test process ends, its servers and programs end too, and its directory goes.

import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct WardenTests {
    @Test func clearsAwayAfterACrash() async throws {
        let result = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
            try WardenTests.doomed { kill(getpid(), SIGKILL) }
        }
        try expectNothingLeft(result?.standardOutputContent)
    }

    @Test func clearsAwayAfterAnOrdinaryEnd() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            try WardenTests.doomed { exit(0) }
        }
        try expectNothingLeft(result?.standardOutputContent)
    }

    /// Starts a server and a program, prints what they are, and ends in the middle of it.
    private static func doomed(_ end: () -> Void) throws {
        let scenario = try Scenario("doomed")
        let program = try scenario.start(program: "/bin/sleep", ["600"])
        let servers = [scenario.pair.old, scenario.pair.new].compactMap(\.pid)
        print("processes", (servers + [program.pid]).map(String.init).joined(separator: " "))
        print("directory", try RunDirectory.current.path)
        fflush(nil)
        end()
        withExtendedLifetime(program) {}
    }

    private func expectNothingLeft(_ output: [UInt8]?) throws {
        let lines = String(decoding: output ?? [], as: UTF8.self).split(separator: "\n")
        let processes = lines.first { $0.hasPrefix("processes ") }?.split(separator: " ").dropFirst() ?? []
        let directory = try #require(lines.first { $0.hasPrefix("directory ") }?.dropFirst("directory ".count))
        #expect(processes.count == 3)
        let gone = poll(within: .seconds(90)) { access(String(directory), F_OK) != 0 ? true : nil }
        #expect(gone == true)
        for pid in processes {
            let probe = try Command("grep", ["^State:.[^ZX]", "/proc/\(pid)/status"]).run()
            #expect(probe.stdout == "", "process \(pid)")
        }
    }
}
