// A whole committed transaction on its way to the target, and what travels between receiving and applying.

package import Bytes
package import Model
package import PGOutput

package struct Transaction: Sendable {
    package enum Content: Sendable {
        /// Records in a page shared with its neighbours.
        case slice(ByteBuffer, from: Int, count: Int)
        /// A large one, with its own buffer and perhaps a spill file.
        case buffer(TransactionBuffer)
    }

    package let xid: UInt32
    package let commit: CommitMessage
    /// The replication origin the transaction carried on the source, if it came from elsewhere.
    package let origin: String?
    package let changes: Int
    /// Who made it, as it told itself: the number that was given for its message. 0: it said nothing.
    package let writer: Int
    package let content: Content

    package var bytes: Int {
        switch content {
        case .slice(_, _, let count): count
        case .buffer(let buffer): buffer.memory
        }
    }
}

package enum Delivery: Sendable {
    /// In commit order.
    case transactions([Transaction])
    /// Everything that commits at or below this position was delivered before.
    case quiet(LSN)
    /// The input was closed at a transaction's boundary; nothing follows.
    case end
}
