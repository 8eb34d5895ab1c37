// The demo refuses where it cannot work, and leaves nothing behind when it is interrupted. All of it is `make demo`.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct DemoTests {
    @Test func withoutServerProgramsItRefuses() throws {
        let refused = try Command(TandemBinary.path, ["demo", "--postgres", "/nowhere"]).run()
        #expect(refused.exitCode == 3 && refused.stderr.contains("initdb"), "\(refused.stderr)")
        #expect(try Command(TandemBinary.path, ["demo", "--instances", "0"]).run().exitCode == 2)
    }

    @Test func interruptedItLeavesNothingBehind() throws {
        let scenario = try Scenario("demo", marker: false)
        defer { scenario.end() }
        let programs = ["TANDEM_PG_BIN": try PostgresInstallation.newest.bindir]
        let demo = try scenario.start("demo", "--books", "100", "--instances", "1", environment: programs)
        try demo.waitForLog("1 instance of 100 operations")
        let place = try #require(demo.output.split(separator: "\n").first { $0.contains(", in /tmp/tandem-demo.") })
        let world = String(place[place.range(of: "/tmp/tandem-demo.")!.lowerBound...])
        #expect(FileManager.default.fileExists(atPath: "\(world)/old/data/postmaster.pid"))
        demo.signal(SIGINT)
        demo.signal(SIGINT)
        #expect(try demo.wait() == .exited(1), "\(demo.tail)")
        #expect(!FileManager.default.fileExists(atPath: world))
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
        let left = processes.filter { number in
            let words = (try? String(contentsOfFile: "/proc/\(number)/cmdline", encoding: .utf8)) ?? ""
            return words.contains(world)
        }
        #expect(left == [])
    }
}
