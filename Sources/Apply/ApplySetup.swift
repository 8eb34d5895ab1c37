// What the applying side of a stream needs to know, the same for every attempt at streaming.

package import Assembly
package import Model
package import Postgres

package struct ApplySetup: Sendable {
    package let stream: StreamName
    package let source: ConnectionTarget
    package let target: ConnectionTarget
    package let book: ShapeBook
    /// Values come in binary.
    package let isBinary: Bool
    package let gate: CopyGate
    package let recent: RecentChanges
    /// Applications write the target, too.
    package let hasTwins: Bool

    package init(
        stream: StreamName, source: ConnectionTarget, target: ConnectionTarget, book: ShapeBook, isBinary: Bool,
        gate: CopyGate = CopyGate(), recent: RecentChanges = RecentChanges(), hasTwins: Bool = false
    ) {
        self.hasTwins = hasTwins
        self.stream = stream
        self.source = source
        self.target = target
        self.book = book
        self.isBinary = isBinary
        self.gate = gate
        self.recent = recent
    }

    package func applicationName(_ part: String) -> String { "\(stream) \(part)" }
}
