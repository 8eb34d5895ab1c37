// Alerts and dashboard: Prometheus's own tool accepts and tests the rules, and every metric they use exists with the labels used.

import Foundation
import Metrics
import TestSupport
import Testing

@Suite(.blocking) struct PackagedTests {
    static let promtool = "/usr/bin/promtool"
    static let hasPrometheus = FileManager.default.isExecutableFile(atPath: promtool)
    private let rules = "\(PageTests.root)/packaging/prometheus"
    private let dashboard = "\(PageTests.root)/packaging/grafana/tandem.json"

    @Test(.enabled(if: PackagedTests.hasPrometheus, "package prometheus (promtool) is not installed: make deps"))
    func alertsFireWhereTheyShould() throws {
        try Command(Self.promtool, ["check", "rules", "tandem.rules.yml"], directory: rules).succeed()
        try Command(Self.promtool, ["test", "rules", "tandem.rules.test.yml"], directory: rules).succeed()
    }

    @Test func everyAlertSaysWhatToDoAndIsTested() throws {
        let text = try String(contentsOfFile: "\(rules)/tandem.rules.yml", encoding: .utf8)
        let tested = try String(contentsOfFile: "\(rules)/tandem.rules.test.yml", encoding: .utf8)
        let alerts = text.components(separatedBy: "- alert: ").dropFirst()
        #expect(alerts.count > 15)
        for alert in alerts {
            let name = alert.prefix { $0 != "\n" }
            #expect(
                alert.contains("summary: ") && alert.contains("action: ") && alert.contains("severity: "), "\(name)")
            #expect(tested.contains("name: \"\(name)\""), "\(name) has no test in which it fires")
        }
        try expectKnown(text.components(separatedBy: "expr: ").dropFirst().map { String($0.prefix { $0 != "\n" }) })
    }

    @Test func theDashboardShowsWhatThereIs() throws {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: dashboard)))
        let root = try #require(object as? [String: Any])
        #expect(root["uid"] as? String == "tandem" && root["title"] is String && root["schemaVersion"] is Int)
        let panels = try #require(root["panels"] as? [[String: Any]])
        #expect(panels.count > 8)
        var expressions: [String] = []
        var numbers: Set<Int> = []
        for panel in panels {
            let title = try #require(panel["title"] as? String)
            #expect(numbers.insert(panel["id"] as? Int ?? 0).inserted, "\(title)")
            let place = try #require(panel["gridPos"] as? [String: Int], "\(title)")
            #expect((place["x"] ?? 0) + (place["w"] ?? 99) <= 24, "\(title)")
            for target in panel["targets"] as? [[String: Any]] ?? [] {
                expressions.append(try #require(target["expr"] as? String, "\(title)"))
            }
        }
        try expectKnown(expressions)
        // Prometheus reads each expression.
        guard Self.hasPrometheus else { return }
        let file = try RunDirectory.current.makeDirectory("rules") + "/dashboard.yml"
        let lines = expressions.enumerated().map { number, expression in
            "      - { record: 'panel\(number)', expr: '\(expression.replacing("$pair", with: "shop").replacing("$__rate_interval", with: "1m"))' }"
        }
        try ("groups:\n  - name: dashboard\n    rules:\n" + lines.joined(separator: "\n") + "\n")
            .write(toFile: file, atomically: true, encoding: .utf8)
        try Command(Self.promtool, ["check", "rules", file]).succeed()
    }

    private func expectKnown(_ expressions: [String]) throws {
        #expect(!expressions.isEmpty)
        let known = Dictionary(uniqueKeysWithValues: MetricCatalog.all.map { ($0.name, $0) })
        for expression in expressions {
            let found = expression.matches(of: /\b((?:tandem|process)_[a-z_]+)(?:\{([^}]*)\})?/)
            #expect(!found.isEmpty || expression.contains("up{"), "\(expression)")
            for match in found {
                guard let metric = known[String(match.1)] else {
                    Issue.record("\(match.1) is no metric: \(expression)")
                    continue
                }
                for label in (match.2 ?? "").matches(of: /(\w+)\s*(?:=|!)/) {
                    let isScrapes = ["job", "instance"].contains(String(label.1))
                    #expect(isScrapes || metric.labels.contains(String(label.1)), "\(label.1) in \(expression)")
                }
            }
        }
    }
}
