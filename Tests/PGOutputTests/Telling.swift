// A stream told as a list of short sentences, to compare with what was done on the server. Transactions and tables are
// numbered as they appear; positions and times are left out.

import Bytes
import Model

@testable import PGOutput

struct Telling {
    private var decoder = Decoder()
    private var transactions: [UInt32] = []
    private var tables: [UInt32: String] = [:]
    private(set) var lines: [String] = []

    mutating func hear(_ message: [UInt8]) throws {
        var decoder = decoder
        let line = try decoder.decode(message) { try tell($0) }
        self.decoder = decoder
        lines.append(line)
    }

    private mutating func number(_ xid: UInt32) -> Int {
        if let place = transactions.firstIndex(of: xid) { return place + 1 }
        transactions.append(xid)
        return transactions.count
    }

    private mutating func tell(_ message: Message) throws -> String {
        switch message {
        case .begin: return "begin"
        case .commit: return "commit"
        case .origin(let name): return "origin \(name)"
        case .relation(let relation):
            tables[relation.oid] = relation.name.name
            let columns = relation.columns.map { $0.name + ($0.isKey ? "*" : "") }.joined(separator: ",")
            return "table \(relation.name) \(relation.identity) (\(columns))"
        case .type(_, let name): return "type \(name)"
        case .change(let kind, let xid, let relation, let rows):
            var pair = RowPair()
            try pair.read(rows)
            let inside = xid == 0 ? "" : " in \(number(xid))"
            return "\(kind) \(tables[relation] ?? "?") \(pair.words)\(inside)"
        case .truncate(let xid, let message):
            let names = message.relations.map { tables[$0] ?? "?" }.joined(separator: ",")
            let inside = xid == 0 ? "" : " in \(number(xid))"
            return
                "truncate \(names)\(message.cascade ? " cascade" : "")\(message.restartIdentity ? " restart" : "")\(inside)"
        case .logicalMessage: return "message"
        case .streamStart(let xid, let first): return "block \(number(xid))\(first ? " first" : "")"
        case .streamStop: return "stop"
        case .streamCommit(let xid, _): return "commit \(number(xid))"
        case .streamAbort(let xid, let sub): return "abort \(number(xid)) \(number(sub))"
        }
    }
}
