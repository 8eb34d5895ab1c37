// A page in Prometheus's text format (0.0.4). What is not known is left out, never zero. Pure.

package struct MetricsPage: Sendable {
    package static let type = "text/plain; version=0.0.4; charset=utf-8"

    private struct Sample {
        let labels: [String]
        let value: Double
    }

    private var samples: [Metric: [Sample]] = [:]

    package init() {}

    /// `labels` in the order in which the metric names them. Nil is unknown.
    package mutating func add(_ metric: Metric, _ value: Double?, _ labels: [String] = []) {
        precondition(labels.count == metric.labels.count, "\(metric.name) has the labels \(metric.labels)")
        guard let value else { return }
        samples[metric, default: []].append(Sample(labels: labels, value: value))
    }

    package mutating func add(_ metric: Metric, _ value: Int?, _ labels: [String] = []) {
        add(metric, value.map(Double.init), labels)
    }

    package mutating func add(_ metric: Metric, _ value: Bool?, _ labels: [String] = []) {
        add(metric, value.map { $0 ? 1 : 0 }, labels)
    }

    /// Of several states the one that holds is 1, the others are 0.
    package mutating func add(_ metric: Metric, _ state: String, among all: [String], _ labels: [String] = []) {
        for one in all { add(metric, one == state, labels + [one]) }
    }

    package var text: String {
        var lines: [String] = []
        for metric in MetricCatalog.all {
            guard let samples = samples[metric] else { continue }
            lines.append("# HELP \(metric.name) \(Self.escaped(metric.help))")
            lines.append("# TYPE \(metric.name) \(metric.kind.rawValue)")
            for sample in samples { lines.append(Self.line(metric, sample)) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ metric: Metric, _ sample: Sample) -> String {
        let labels = zip(metric.labels, sample.labels).map { "\($0)=\"\(escaped($1).replacing("\"", with: "\\\""))\"" }
        let name = labels.isEmpty ? metric.name : "\(metric.name){\(labels.joined(separator: ","))}"
        return "\(name) \(number(sample.value))"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}
