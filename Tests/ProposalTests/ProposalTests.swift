// What is proposed for which facts, and that the file can be read back. No server.

import Configuration
import Model
import Proposal
import Testing

@Suite struct ProposalTests {
    private func facts(_ schema: String, _ name: String, _ change: (inout TableFacts) -> Void = { _ in }) -> TableFacts
    {
        var facts = TableFacts(QualifiedName(schema: schema, name: name))
        facts.identity = "id"
        facts.rows = 12_345
        change(&facts)
        return facts
    }

    private func stamp(maintained: Bool) -> TableFacts.Timestamp {
        TableFacts.Timestamp(column: "updated_at", isIndexed: true, hasDefault: true, isMaintained: maintained)
    }

    @Test func whatBelongsWhere() {
        func place(_ facts: TableFacts) -> Proposal.Place { Proposal(facts).place }
        #expect(place(facts("public", "orders")) == .dataA)
        #expect(place(facts("public", "audit") { $0.identity = nil }) == .undecided)
        #expect(place(facts("public", "sessions") { $0.isUnlogged = true }) == .excluded)
        #expect(place(facts("public", "spatial_ref_sys") { $0.extension = "postgis" }) == .excluded)
        #expect(place(facts("stats", "sales") { $0.timestamps = [stamp(maintained: true)] }) == .dataB)
        #expect(place(facts("public", "sales_daily") { $0.timestamps = [stamp(maintained: false)] }) == .dataB)
        #expect(
            place(
                facts("public", "sales_daily") {
                    $0.timestamps = [stamp(maintained: false)]
                    $0.updates = 5
                }) == .undecided)
        #expect(place(facts("public", "sales_daily")) == .undecided)
        // What others refer to is no mere summary.
        #expect(place(facts("stats", "sales") { $0.referredToBy = 1 }) == .dataA)
        #expect(place(facts("public", "orders_backup")) == .undecided)
        #expect(place(facts("public", "updated") { $0.timestamps = [stamp(maintained: true)] }) == .dataA)
        var view = TableFacts(QualifiedName(schema: "public", name: "top"), .materializedView)
        view.rows = 3
        #expect(place(view) == .dataB)
        #expect(Proposal(view).column == nil)
    }

    @Test func whoUsesATableAsFarAsRightsAndStatisticsTell() {
        func proposal(_ change: (inout TableFacts) -> Void) -> Proposal { Proposal(facts("public", "figures", change)) }
        // Written by batches only.
        let batch = proposal {
            $0.writers = ["etl_nightly"]
            $0.readers = ["web"]
            $0.timestamps = [stamp(maintained: true)]
        }
        #expect(batch.place == .dataB && batch.column == "updated_at")
        #expect(batch.said.contains(#"written by batches, by the name of role "etl_nightly""#), "\(batch.said)")
        #expect(batch.said.contains(#"read by role "web""#))
        #expect(proposal { $0.owner = "dwh_loader" }.place == .undecided)
        #expect(proposal { $0.writers = ["etl", "web"] }.place == .dataA)
        #expect(
            proposal {
                $0.writers = ["etl"]
                $0.referredToBy = 1
            }.place == .dataA)
        #expect(proposal { $0.owner = "reloaded" }.place == .dataA)
        // What statistics tell.
        let rewritten = proposal { ($0.rows, $0.inserts, $0.deletes) = (10, 30, 20) }
        #expect(rewritten.said.contains("rewritten as a whole"))
        #expect(proposal { ($0.indexScans, $0.wholeScans) = (5000, 1) }.said.contains("as users do"))
        #expect(proposal { ($0.indexScans, $0.wholeScans) = (0, 4) }.said.contains("as reports do"))
        // Data A, too, has its timestamp said.
        #expect(proposal { _ in }.said.hasSuffix("no timestamp column"))
        let stamped = proposal { $0.timestamps = [stamp(maintained: true)] }
        #expect(
            stamped.place == .dataA && stamped.said.hasSuffix(#""updated_at" is indexed, kept current by a trigger"#))
        let created = proposal {
            $0.timestamps = [
                TableFacts.Timestamp(column: "made", isIndexed: false, hasDefault: true, isMaintained: false)
            ]
        }
        #expect(
            created.said.hasSuffix(#"timestamp "made" is NOT indexed, set once, by its default"#), "\(created.said)")
    }

    @Test func theFileIsReadAsItWasMeant() throws {
        let odd = QualifiedName(schema: "Sales", name: "a \"b\".${c}\n\u{1b}é")
        let all = [
            facts("public", "orders") {
                $0.inserts = 50; $0.days = 10
            },
            facts("stats", "sales") { $0.timestamps = [stamp(maintained: true)] },
            facts("public", "old_stuff"), facts("public", "x") { $0.extension = "e\nvil" },
            {
                var f = TableFacts(odd); f.identity = "\"a\nb\""; return f
            }(),
        ]
        let proposed = ProposedConfiguration(
            migration: "m",
            pairs: [.init(name: "shop", old: "postgresql://u@h/d", new: "host=new password='${SECRET}\\''")], facts: all
        )
        let configuration = try Configuration.parse(
            proposed.text, file: "tandem.yaml", environment: ["SECRET": "s3"])
        #expect(configuration.pairs[0].old == "postgresql://u@h/d")
        #expect(configuration.pairs[0].new == "host=new password='s3\\''")
        let selection = TableSelection(configuration)
        #expect(selection.verdict(on: odd).kind == .dataA)
        #expect(selection.verdict(on: all[0].name).kind == .dataA)
        #expect(selection.verdict(on: all[1].name).kind == .dataB)
        #expect(selection.verdict(on: all[2].name).kind == .undecided)
        #expect(selection.verdict(on: all[3].name).kind == .excluded)
        #expect(configuration.dataB[0].refresh == .modified(column: "updated_at"))
        #expect(throws: ConfigurationError.self) { try configuration.requireDecided() }
        #expect(proposed.text.contains("5 writes a day"))
    }

    @Test func manyTablesOfOneSchemaAreAPattern() throws {
        let all = (1...600).map { facts("public", "t\($0)") } + [facts("public", "bad") { $0.identity = nil }]
        let proposed = ProposedConfiguration(
            migration: "m", pairs: [.init(name: "p", old: "host=a", new: "host=b")], facts: all)
        // What is to be decided comes first; each table has its reason all the same, at the end.
        let lines = proposed.text.split(separator: "\n")
        #expect(lines.prefix(40).contains("  - public.bad"))
        #expect(lines.count { $0.hasPrefix("#   public.t") && $0.contains("12 k rows") } == 600)
        let selection = TableSelection(try Configuration.parse(proposed.text, file: "t"))
        #expect(selection.isDataA(all[5].name))
        #expect(selection.verdict(on: all[600].name).kind == .undecided)
    }
}
