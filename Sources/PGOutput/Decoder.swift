// pgoutput bytes into messages. Pure; the only state is whether the stream is inside a block of an open transaction,
// where every message carries the (sub)transaction it belongs to. Damaged input is a thrown `DecodeError`.

internal import Bytes
internal import Model

package struct DecodeError: Explained, Equatable {
    package let message: UInt8
    package let problem: String

    package var description: String {
        "the source sent a replication message that cannot be read: \(problem) (\(Self.show(message)))"
    }

    package var hint: String? { "tandem knows pgoutput's protocol versions 1 to 4; is a proxy in between?" }

    private static func show(_ byte: UInt8) -> String {
        (0x21...0x7e).contains(byte)
            ? "message '\(Character(UnicodeScalar(byte)))'" : "message byte 0x" + String(byte, radix: 16)
    }
}

package struct Decoder {
    /// The open transaction whose block is being received, between Stream Start and Stream Stop.
    package private(set) var streaming: UInt32?

    package init() {}

    package mutating func decode(_ bytes: UnsafeRawBufferPointer) throws(DecodeError) -> Message {
        guard let kind = bytes.first else { throw DecodeError(message: 0, problem: "it is empty") }
        var cursor = ByteCursor(bytes)
        do {
            _ = try cursor.byte()
            return try body(kind, &cursor)
        } catch let error as DecodeError {
            throw error
        } catch {
            throw DecodeError(message: kind, problem: "it ends too early")
        }
    }

    private mutating func body(_ kind: UInt8, _ cursor: inout ByteCursor) throws -> Message {
        if let change = ChangeKind(rawValue: kind) { return try self.change(change, &cursor) }
        switch UnicodeScalar(kind) {
        case "B":
            let final = LSN(try cursor.integer())
            let time = ServerTime(microseconds: try cursor.integer())
            return .begin(xid: try cursor.integer(), final: final, time: time)
        case "C":
            return .commit(try commit(&cursor))
        case "O":
            try cursor.skip(8)
            return .origin(name: try cursor.string())
        case "R":
            _ = try subtransaction(&cursor)
            return .relation(try relation(&cursor))
        case "Y":
            _ = try subtransaction(&cursor)
            let oid: UInt32 = try cursor.integer()
            return .type(oid: oid, name: try name(&cursor))
        case "M":
            return try logicalMessage(&cursor)
        case "S":
            guard streaming == nil else { throw DecodeError(message: kind, problem: "a block begins inside a block") }
            let xid: UInt32 = try cursor.integer()
            let first = try cursor.byte() == 1
            streaming = xid
            return .streamStart(xid: xid, first: first)
        case "E":
            guard streaming != nil else { throw DecodeError(message: kind, problem: "no block is open") }
            streaming = nil
            return .streamStop
        case "c":
            let xid: UInt32 = try cursor.integer()
            return .streamCommit(xid: xid, try commit(&cursor))
        case "A":
            // Protocol 4 may add where and when; both are left unread.
            let xid: UInt32 = try cursor.integer()
            return .streamAbort(xid: xid, subtransaction: try cursor.integer())
        default:
            throw DecodeError(message: kind, problem: "its kind is unknown")
        }
    }

    /// Inside a block of an open transaction every message names its (sub)transaction; outside none does.
    private func subtransaction(_ cursor: inout ByteCursor) throws(OutOfBytes) -> UInt32 {
        streaming == nil ? 0 : try cursor.integer()
    }

    private func change(_ kind: ChangeKind, _ cursor: inout ByteCursor) throws -> Message {
        let xid = try subtransaction(&cursor)
        if kind == .truncate { return .truncate(xid: xid, try truncate(&cursor)) }
        let relation: UInt32 = try cursor.integer()
        return .change(kind, xid: xid, relation: relation, rows: cursor.rest)
    }

    private func truncate(_ cursor: inout ByteCursor) throws -> TruncateMessage {
        let count: Int32 = try cursor.integer()
        let flags = try cursor.byte()
        guard count >= 0, Int(count) * 4 <= cursor.left else {
            throw DecodeError(message: 0x54, problem: "it announces \(count) tables and names fewer")
        }
        var relations: [UInt32] = []
        for _ in 0..<count { relations.append(try cursor.integer()) }
        return TruncateMessage(relations: relations, cascade: flags & 1 != 0, restartIdentity: flags & 2 != 0)
    }

    /// What triggers of tandem's tell of a transaction comes so.
    private func logicalMessage(_ cursor: inout ByteCursor) throws -> Message {
        _ = try subtransaction(&cursor)
        try cursor.skip(1)
        let position = LSN(try cursor.integer())
        let prefix = try cursor.string()
        let length: Int32 = try cursor.integer()
        let start = cursor.pointer
        try cursor.skip(Int(length))
        return .logicalMessage(
            prefix: prefix, content: UnsafeRawBufferPointer(start: start, count: Int(length)), position: position)
    }

    private func commit(_ cursor: inout ByteCursor) throws(OutOfBytes) -> CommitMessage {
        _ = try cursor.byte()
        let position = LSN(try cursor.integer())
        let end = LSN(try cursor.integer())
        return CommitMessage(position: position, end: end, time: ServerTime(microseconds: try cursor.integer()))
    }

    private func name(_ cursor: inout ByteCursor) throws(OutOfBytes) -> QualifiedName {
        let schema = try cursor.string()
        return QualifiedName(schema: schema.isEmpty ? "pg_catalog" : schema, name: try cursor.string())
    }

    private func relation(_ cursor: inout ByteCursor) throws -> RelationMessage {
        let oid: UInt32 = try cursor.integer()
        let name = try name(&cursor)
        let letter = try cursor.byte()
        guard let identity = RelationShape.Identity(rawValue: letter) else {
            throw DecodeError(message: 0x52, problem: "replica identity \(letter) is unknown")
        }
        let count: Int16 = try cursor.integer()
        guard count >= 0 else { throw DecodeError(message: 0x52, problem: "it announces \(count) columns") }
        var columns: [RelationShape.Column] = []
        for _ in 0..<count {
            let flags = try cursor.byte()
            let name = try cursor.string()
            let type: UInt32 = try cursor.integer()
            let modifier: Int32 = try cursor.integer()
            columns.append(.init(name: name, type: type, modifier: modifier, isKey: flags & 1 != 0))
        }
        return RelationMessage(oid: oid, name: name, identity: identity, columns: columns)
    }
}
