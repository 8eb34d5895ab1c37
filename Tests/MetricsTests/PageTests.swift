// The text format, the names, and the document that lists them.

import Foundation
import Metrics
import Testing

@Suite struct PageTests {
    static let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    @Test func whatIsUnknownIsAbsent() {
        var page = MetricsPage()
        page.add(MetricCatalog.lag, nil as Double?, ["shop", "forward"])
        page.add(MetricCatalog.lag, 0.25, ["shop", "reverse"])
        page.add(MetricCatalog.held, 20_000_000_000, ["shop", "forward"])
        #expect(
            page.text.split(separator: "\n").filter { !$0.hasPrefix("# HELP") } == [
                "# TYPE tandem_lag_seconds gauge", "tandem_lag_seconds{pair=\"shop\",direction=\"reverse\"} 0.25",
                "# TYPE tandem_wal_held_bytes gauge",
                "tandem_wal_held_bytes{pair=\"shop\",direction=\"forward\"} 20000000000",
            ])
    }

    @Test func namesOfTablesCannotForgeALine() {
        var page = MetricsPage()
        page.add(MetricCatalog.setAsideChanges, 1, ["shop", "forward", "public.\"a\\\n} 9\""])
        #expect(page.text.hasSuffix("table=\"public.\\\"a\\\\\\n} 9\\\"\"} 1\n"))
        #expect(page.text.split(separator: "\n").count == 3)
    }

    @Test func oneStateHolds() {
        var page = MetricsPage()
        page.add(MetricCatalog.bound, "exact", among: ["exact", "unknown"], ["shop", "forward"])
        #expect(page.text.contains("bound=\"exact\"} 1\n") && page.text.contains("bound=\"unknown\"} 0\n"))
    }

    @Test func namesKeepTheConventions() {
        let names = MetricCatalog.all.map(\.name)
        #expect(Set(names).count == names.count)
        for metric in MetricCatalog.all {
            #expect(metric.name.wholeMatch(of: /(tandem|process)_[a-z_]+[a-z]/) != nil, "\(metric.name)")
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
            #expect(metric.labels.allSatisfy { $0.wholeMatch(of: /[a-z]+/) != nil }, "\(metric.name)")
        }
    }

    @Test func theDocumentIsMadeFromTheCatalogue() throws {
        let document = try String(contentsOfFile: "\(Self.root)/docs/metrics.md", encoding: .utf8)
        #expect(document == MetricsDocument.text + "\n", "`make documents` writes it afresh")
    }
}
