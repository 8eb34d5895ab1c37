// One metric: its name by Prometheus's conventions (base units, `_total` for what only grows), what it means, and its labels. Pure.

package struct Metric: Sendable, Hashable {
    package enum Kind: String, Sendable { case gauge, counter }

    package let name: String
    package let kind: Kind
    package let labels: [String]
    package let help: String

    init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}
