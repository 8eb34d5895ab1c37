// The messages of pgoutput, protocol versions 1 to 4, as values. Row contents stay raw bytes of the message they came
// in: whoever keeps a change copies them.

package import Model

/// Microseconds since 2000-01-01, PostgreSQL's own time.
package struct ServerTime: Hashable, Sendable, Comparable {
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (left: ServerTime, right: ServerTime) -> Bool { left.microseconds < right.microseconds }
}

package enum ChangeKind: UInt8, Sendable {
    case insert = 0x49  // 'I'
    case update = 0x55  // 'U'
    case delete = 0x44  // 'D'
    case truncate = 0x54  // 'T'
}

package struct RelationMessage {
    package let oid: UInt32
    package let name: QualifiedName
    package let identity: RelationShape.Identity
    package let columns: [RelationShape.Column]
}

package struct TruncateMessage {
    package let relations: [UInt32]
    package let cascade: Bool
    package let restartIdentity: Bool
}

package struct CommitMessage: Equatable, Sendable {
    /// Where the commit record begins, and where it ends: the end is what progress is counted in.
    package let position: LSN
    package let end: LSN
    package let time: ServerTime
}

package enum Message {
    case begin(xid: UInt32, final: LSN, time: ServerTime)
    case commit(CommitMessage)
    case origin(name: String)
    case relation(RelationMessage)
    case type(oid: UInt32, name: QualifiedName)
    /// `rows` is what follows the relation: the tuples with their markers.
    case change(ChangeKind, xid: UInt32, relation: UInt32, rows: UnsafeRawBufferPointer)
    case truncate(xid: UInt32, TruncateMessage)
    /// Somebody's logical message.
    case logicalMessage(prefix: String, content: UnsafeRawBufferPointer, position: LSN)
    case streamStart(xid: UInt32, first: Bool)
    case streamStop
    case streamCommit(xid: UInt32, CommitMessage)
    case streamAbort(xid: UInt32, subtransaction: UInt32)
}
