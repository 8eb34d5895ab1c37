// Names of what the fence has in a database, all of one pair: several pairs may share a database, and a table.

package import Model
internal import Postgres

package struct FenceNames: Sendable, Equatable {
    /// `tandem_<migration>_<pair>`, which leaves room for what is added to it.
    package let pairKey: String

    package init(_ stream: StreamName) { pairKey = stream.pairKey }

    /// On every fenced table.
    package var trigger: String { "\(pairKey)_fence" }
    /// In schema tandem.
    var function: String { "\(pairKey)_fence" }
    var gate: String { "\(pairKey)_gate" }
    var seal: String { "\(pairKey)_seal" }

    var functionSQL: String { "tandem.\(quoted(function))" }
    package var gateSQL: String { "tandem.\(quoted(gate))" }
    var sealSQL: String { "tandem.\(quoted(seal))" }

    /// Writers share it for the length of a transaction; the fence has it alone.
    static let lockSeed = 7464
    package var lockKey: String { "pg_catalog.hashtextextended(\(literal(pairKey)), \(Self.lockSeed))" }
}
