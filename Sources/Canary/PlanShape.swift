// How a server means to answer a query, as far as two servers can be held against each other: which nodes, on which tables, by
// which indexes. Costs and estimates are a server's own affair.

internal import Foundation

package struct PlanShape: Sendable, Equatable {
    private struct Explained: Decodable {
        let plan: Node
        enum CodingKeys: String, CodingKey { case plan = "Plan" }
    }

    private struct Node: Decodable {
        let type: String
        let join: String?
        let strategy: String?
        let relation: String?
        let index: String?
        let plans: [Node]?

        enum CodingKeys: String, CodingKey {
            case type = "Node Type"
            case join = "Join Type"
            case strategy = "Strategy"
            case relation = "Relation Name"
            case index = "Index Name"
            case plans = "Plans"
        }
    }

    /// Outermost first, each indented below what takes its rows.
    package let lines: [String]
    /// Tables that are read from end to end.
    package let readWhole: Set<String>
    /// Tables that are read by an index.
    package let byIndex: Set<String>

    /// From the answer to EXPLAIN (FORMAT JSON); nil where that says nothing.
    package init?(json: String) {
        guard let found = try? JSONDecoder().decode([Explained].self, from: Data(json.utf8)).first?.plan else {
            return nil
        }
        var lines: [String] = []
        var whole: Set<String> = []
        var indexed: Set<String> = []
        func walk(_ node: Node, _ depth: Int) {
            var text = [node.strategy.flatMap { $0 == "Plain" ? nil : $0 }, node.join, node.type]
                .compactMap { $0 }.joined(separator: " ")
            if let index = node.index { text += " by \(index)" }
            if let relation = node.relation { text += " on \(relation)" }
            lines.append(String(repeating: "  ", count: depth) + text)
            let isBitmap = node.type == "Bitmap Heap Scan"
            if let relation = node.relation {
                if node.type == "Seq Scan" { whole.insert(relation) }
                if node.index != nil || isBitmap { indexed.insert(relation) }
            }
            for part in node.plans ?? [] { walk(part, depth + 1) }
        }
        walk(found, 0)
        self.lines = lines
        (readWhole, byIndex) = (whole, indexed)
    }

    /// In one line.
    package var text: String {
        lines.map { $0.drop { $0 == " " } }.joined(separator: " > ")
    }
}
