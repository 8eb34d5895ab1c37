// With streams up and nobody writing: what comes into the log of both sides then. A stream that feeds itself, or the other one,
// would never come to rest.

internal import Foundation
package import Testing

extension Scenario {
    /// Nothing but tandem's own is written, each beat once, and a few transactions a second at most: a loop makes hundreds.
    package func expectIdle(for seconds: Int = 1, _ location: SourceLocation = #_sourceLocation) throws {
        let sides = [old, new]
        let probe = "probe_\(name)"
        for side in sides { try side.sql("SELECT pg_create_logical_replication_slot('\(probe)', 'test_decoding')") }
        defer { for side in sides { _ = try? side.sql("SELECT pg_drop_replication_slot('\(probe)')") } }
        try forwardPasses()
        for side in sides { try side.sql("SELECT count(*) FROM pg_logical_slot_get_changes('\(probe)', NULL, NULL)") }
        rest(.seconds(seconds))
        for side in sides {
            let said = try side.sql("SELECT data FROM pg_logical_slot_peek_changes('\(probe)', NULL, NULL)")
                .split(separator: "\n").map(String.init)
            let changes = said.filter { $0.hasPrefix("table ") }
            let others = changes.filter { !$0.hasPrefix("table tandem.") }
            #expect(others == [], "on \(side.cluster.name)", sourceLocation: location)
            // Stream and number; an echo would bring one of them again.
            let beats = changes.filter { $0.hasPrefix("table tandem.heartbeat:") }.map { line in
                line.replacing(#/ at\[.*/#, with: "")
            }
            #expect(!beats.isEmpty && Set(beats).count == beats.count, "\(beats)", sourceLocation: location)
            let commits = said.count { $0.hasPrefix("COMMIT") }
            #expect(commits <= 25 * (seconds + 1), "on \(side.cluster.name)", sourceLocation: location)
        }
    }
}
