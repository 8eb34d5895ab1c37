// Whoever reads tandem's log may stop reading: the stream goes on, and old is answered in time.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct LogPipeTests {
    @Test func aLogThatNobodyReadsHoldsUpNothing() throws {
        let s = try Scenario.prepared(
            "logpipe", on: ShortPatience.pair, "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL")
        defer { s.end() }
        let path = "\(s.directory)/log"
        try #require(mkfifo(path, 0o600) == 0)
        let pipe = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        defer { close(pipe) }
        // Full from the beginning.
        let filler = [UInt8](repeating: UInt8(ascii: "."), count: 4096)
        var filled = 0
        while true {
            let count = write(pipe, filler, filler.count)
            if count <= 0 { break }
            filled += count
        }
        let run = try s.start(
            program: "/bin/bash",
            ["-c", "exec \"$0\" run --config \"$1\" 2>\"$2\"", TandemBinary.path, s.configurationPath, path])
        try s.old.sql(rows("t", count: 100))
        try s.catchUp()
        // Interruptions, which all want to be logged.
        for round in 0..<3 {
            try s.new.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(s.slotName) apply'")
            try s.old.sql(rows("t", from: 1000 * (round + 1), count: 100))
            try s.catchUp()
        }
        try s.expectSame()
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
    }
}
