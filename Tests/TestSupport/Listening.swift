// A `tandem run` that serves metrics: a port of its own, and what stands there.

package final class ListeningPort: Sendable {
    private let reserved: FreePort

    package init() throws { reserved = try FreePort(root: RunDirectory.current.root) }

    package var number: UInt16 { UInt16(reserved.number) }

    /// For tandem.yaml.
    package var line: String { "listen: 127.0.0.1:\(number)" }

    /// The body of what it answers with 200; nil for everything else, also while nobody listens.
    package func page(_ path: String) -> String? {
        guard RawClient.isListening(number) else { return nil }
        let answer = RawClient.ask(path, number)
        guard answer.hasPrefix("HTTP/1.1 200 "), let head = answer.firstRange(of: "\r\n\r\n") else { return nil }
        return String(answer[head.upperBound...])
    }

    /// Of a metric with its labels as they stand on the page.
    package func value(of metric: String) -> Double? {
        let line = page("/metrics")?.split(separator: "\n").first { $0.hasPrefix(metric + " ") }
        return line.flatMap { Double($0.dropFirst(metric.count + 1)) }
    }

    /// Until a line of /metrics is exactly this.
    package func wait(forMetric line: String, within limit: Duration = .seconds(60)) throws {
        var last = ""
        let found = poll(within: limit) { () -> Bool? in
            last = page("/metrics") ?? last
            return last.split(separator: "\n").contains(Substring(line)) ? true : nil
        }
        guard found == true else { throw HarnessFailure(.timeLimit, "no \(line) in\n\(last)") }
    }
}
