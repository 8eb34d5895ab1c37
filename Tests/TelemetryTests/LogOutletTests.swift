// A log that nobody reads makes nobody wait; what it had no room for is counted.

import Glibc
import Telemetry
import Testing

@Suite struct LogOutletTests {
    private func pipes() -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// Everything up to the line that holds `last`.
    private func lines(_ descriptor: Int32, until last: String) -> [Substring] {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !text.contains(last) {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text.split(separator: "\n")
    }

    @Test(.timeLimit(.minutes(2)))
    func aFullPipeMakesNobodyWait() {
        let (reading, writing) = pipes()
        let log = Log(descriptor: writing)
        let count = 20_000
        for number in 1...count { log.info("flood", [.count: number, .detail: String(repeating: "x", count: 100)]) }
        log.finish(seconds: 0.1)
        let lines = lines(reading, until: "lines dropped")
        let flood = lines.filter { $0.contains("event=flood") }
        let dropped = lines.first { $0.contains("lines dropped") }?.split(separator: "count=").last.flatMap { Int($0) }
        // The first ones are there, in order, whole; the rest is counted.
        #expect(flood.count > 100)
        #expect(flood.count + (dropped ?? 0) == count)
        for (index, line) in flood.enumerated() { #expect(line.contains("count=\(index + 1) ")) }
        // And it is a log again.
        log.finish(seconds: 60)
        log.info("after the flood")
        #expect(self.lines(reading, until: "after the flood").count == 1)
        close(reading)
        close(writing)
    }

    @Test func aLineLongerThanAPieceComesWhole() {
        let (reading, writing) = pipes()
        let log = Log(descriptor: writing)
        log.info("long", [.detail: String(repeating: "y", count: 20_000)])
        log.info("end")
        let lines = lines(reading, until: "event=end")
        #expect(lines.count == 2)
        #expect(lines[0].utf8.count > 20_000)
        log.finish(seconds: 60)
        close(reading)
        close(writing)
    }

    @Test func aLogWhoseReaderIsGoneEndsNothing() {
        let (reading, writing) = pipes()
        signal(SIGPIPE, SIG_IGN)
        let log = Log(descriptor: writing)
        close(reading)
        for _ in 0..<100 { log.info("nobody hears") }
        log.finish(seconds: 60)
        close(writing)
    }
}
