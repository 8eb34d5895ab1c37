// A running tandem as Prometheus, an operator's browser and an operator's pager see it: one story from following over blocked to
// stopped, because each beginning costs seconds.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ScrapeTests {
    private static let prometheus = "/usr/bin/prometheus"

    @Test(.enabled(if: PackagedTests.hasPrometheus, "package prometheus is not installed: make deps"))
    func whatPrometheusSees() throws {
        let port = try ListeningPort()
        let s = try Scenario("scrape", extra: port.line)
        defer { s.end() }
        let heard = "\(s.directory)/heard"
        let hook = "\(s.directory)/hook"
        try Program.write("cat >> \(heard)", to: hook)
        try s.writeConfiguration(extra: "\(port.line)\nhooks: {on_event: \(hook)}")
        try s.old.sql("CREATE TABLE public.item (id int PRIMARY KEY, n int)")
        try s.new.sql("CREATE TABLE public.item (id int PRIMARY KEY, n smallint)")
        try s.prepare()
        let run = try s.start("run", "--log-file", "\(s.directory)/run.log")
        func stateOf(_ state: String, _ value: Int) -> String {
            "tandem_stream_state{pair=\"\(s.name)\",direction=\"forward\",state=\"\(state)\"} \(value)"
        }
        func expectEvent(_ name: String) {
            let text = "\"event\":\"\(name)\""
            let found = poll(within: .seconds(60)) { events().contains(text) ? true : nil }
            #expect(found == true, "\(text) in \(events())")
        }
        func events() -> String { (try? String(contentsOfFile: heard, encoding: .utf8)) ?? "" }

        try s.old.sql("INSERT INTO public.item SELECT g, g FROM generate_series(1, 100) g")
        try s.catchUp()
        let labels = "{pair=\"\(s.name)\",direction=\"forward\"}"
        try port.wait(forMetric: stateOf("streaming", 1))
        try port.wait(forMetric: "tandem_step{pair=\"\(s.name)\"} 1")
        // The marker besides, and heartbeats.
        let rows = poll(within: .seconds(60)) {
            port.value(of: "tandem_rows_total\(labels)").flatMap { $0 > 100 ? $0 : nil }
        }
        #expect(rows != nil)
        #expect((port.value(of: "tandem_batches_total\(labels)") ?? 0) > 0)
        let page = try #require(port.page("/metrics"))
        for line in [
            "tandem_side_up{pair=\"\(s.name)\",side=\"old\"} 1", "tandem_stream_run_here\(labels) 1",
            "tandem_rollback_available{pair=\"\(s.name)\"} 1", "tandem_slot_lost\(labels) 0",
            "tandem_wal_held_limit_bytes\(labels) 21474836480", stateOf("blocked", 0),
        ] { #expect(page.contains(line + "\n"), "\(line)") }
        try Command(PackagedTests.promtool, ["check", "metrics"]).succeed(input: page)

        let status = try #require(port.page("/status"))
        let asked = try s.tandem("status", "--json").stdout
        func keys(_ json: String) throws -> [String] {
            let list = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
            return try #require(list?.first).keys.sorted()
        }
        #expect(try keys(status) == keys(asked))
        #expect(port.page("/healthz")?.hasPrefix("ok\n\(s.name): ") == true)

        // Blocked: nobody's process is unwell, an operator is called.
        try s.old.sql("INSERT INTO public.item VALUES (200, 100000)")
        try port.wait(forMetric: stateOf("blocked", 1))
        try port.wait(forMetric: "tandem_errors_total{sqlstate=\"22003\"} 1")
        #expect(port.page("/healthz")?.hasPrefix("ok\n") == true)
        expectEvent("blocked")
        #expect(events().contains("\"sqlstate\":\"22003\"") && events().contains("\"pair\":\"\(s.name)\""))

        try see(s, port)

        try s.new.sql("ALTER TABLE public.item ALTER n TYPE int")
        try s.new.wait(for: "SELECT n FROM public.item WHERE id = 200", toBe: "100000")
        try port.wait(forMetric: stateOf("streaming", 1))
        // Somebody else moves the step: the running one says so.
        try s.both(
            "UPDATE tandem.epoch SET epoch = epoch + 1, step = 2, since = '2026-01-01T00:00:00Z' WHERE pair = 'tandem_t_\(s.name)'"
        )
        expectEvent("step changes")
        #expect(try run.stop() == .exited(0))
        #expect(events().contains("\"event\":\"recovered\"") && events().contains("\"event\":\"stopped\""))
        #expect(events().contains("\"from\":\"1\",\"to\":\"2\""))
        #expect(port.page("/metrics") == nil)
        let log = try String(contentsOfFile: "\(s.directory)/run.log", encoding: .utf8)
        #expect(log.contains("event=blocked") && !log.contains("event hook fails"))
    }

    /// A real Prometheus, with the packaged alerts.
    private func see(_ s: Scenario, _ port: ListeningPort) throws {
        let web = try ListeningPort()
        let configuration = """
            global: {scrape_interval: 1s, evaluation_interval: 1s}
            rule_files: ["\(PageTests.root)/packaging/prometheus/tandem.rules.yml"]
            scrape_configs:
              - job_name: tandem
                static_configs: [{targets: ["127.0.0.1:\(port.number)"]}]
            """
        try configuration.write(toFile: "\(s.directory)/prometheus.yml", atomically: true, encoding: .utf8)
        let server = try s.start(
            program: Self.prometheus,
            [
                "--config.file=\(s.directory)/prometheus.yml", "--storage.tsdb.path=\(s.directory)/tsdb",
                "--web.listen-address=127.0.0.1:\(web.number)",
            ])
        func ask(_ query: String) -> String { web.page("/api/v1/query?query=\(query)") ?? "" }
        let seen = poll(within: .seconds(60), every: .milliseconds(200)) { () -> Bool? in
            ask("tandem_stream_state%7Bstate%3D%22blocked%22%7D").contains(",\"1\"]") ? true : nil
        }
        #expect(seen == true, "\(server.tail)")
        #expect(ask("up").contains(",\"1\"]"))
        let pending = poll(within: .seconds(60), every: .milliseconds(200)) { () -> Bool? in
            ask("ALERTS").contains("TandemBlocked") ? true : nil
        }
        #expect(pending == true, "\(web.page("/api/v1/rules") ?? server.tail)")
        server.kill()
    }
}
