// However a test process ends, its servers and programs end too, and its directory goes.

import Foundation
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
        // One that a test waits for, on another thread.
        let waiting = Thread { _ = try? Command("/bin/sleep", ["601.\(getpid())"]).run(within: .seconds(600)) }
        waiting.start()
        let waitedFor = try waitingProcess()
        let servers = [scenario.pair.old, scenario.pair.new].compactMap(\.pid)
        print("processes", (servers + [program.pid, waitedFor]).map(String.init).joined(separator: " "))
        print("directory", try RunDirectory.current.path)
        fflush(nil)
        end()
        withExtendedLifetime(program) {}
    }

    /// Its number, once the warden knows of it.
    private static func waitingProcess() throws -> Int32 {
        let records = try RunDirectory.current.path + "/processes"
        let found: Int32? = try poll(within: .seconds(30)) {
            for name in try FileManager.default.contentsOfDirectory(atPath: records) {
                let words = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)
                if words?.contains("601.\(getpid())") == true { return Int32(name) }
            }
            return nil
        }
        return try #require(found)
    }

    private func expectNothingLeft(_ output: [UInt8]?) throws {
        let lines = String(decoding: output ?? [], as: UTF8.self).split(separator: "\n")
        let processes = lines.first { $0.hasPrefix("processes ") }?.split(separator: " ").dropFirst() ?? []
        let directory = try #require(lines.first { $0.hasPrefix("directory ") }?.dropFirst("directory ".count))
        #expect(processes.count == 4)
        let gone = poll(within: .seconds(90)) { access(String(directory), F_OK) != 0 ? true : nil }
        #expect(gone == true)
        for pid in processes {
            let probe = try Command("grep", ["^State:.[^ZX]", "/proc/\(pid)/status"]).run()
            #expect(probe.stdout == "", "process \(pid)")
        }
    }
}
