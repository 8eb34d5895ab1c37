// docs/metrics.md, made from the catalogue.

package enum MetricsDocument {
    package static var text: String {
        """
        # Metrics

        <!-- Made by `make documents` from the catalogue of metrics; a test compares. -->

        What `tandem run` serves on [`listen`](configuration.md#listen), at `/metrics`. How to scrape it, the alerts and the \
        dashboard: [monitoring](monitoring.md).

        A value that is not known is absent, never zero: alerts on absence belong to the set. `direction` is `forward` (old to \
        new) or `reverse` (new to old). Counters begin again when the session or the process does, as Prometheus expects of \
        them. Metrics with a label `table` that concern comparisons are shown for at most \(MetricsPage.tableLimit) tables of a \
        pair, those that differ and those compared longest ago first; `tandem_verification_tables` counts all.

        | metric | kind | labels | |
        |---|---|---|---|

        """ + MetricCatalog.all.map(row).joined(separator: "\n")
    }

    private static func row(_ metric: Metric) -> String {
        let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
        return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |"
    }
}

extension MetricsPage {
    /// So that ten thousand tables do not become thirty thousand series.
    package static let tableLimit = 500
}
