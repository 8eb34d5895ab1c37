// Transactions that touch tables whose existing rows are still being copied: asks the gate, and waits where it says so.

internal import Assembly
internal import Bytes
internal import Model
internal import PGOutput
internal import Postgres
internal import Telemetry
internal import Threading

extension Applier {
    /// Whether a transaction may be applied now; what of it is left out is then known to the mappings, up to the next call.
    /// It is taken when it is applied with nothing in between; otherwise it must be asked for again.
    func admit(_ transaction: Transaction, isTaken: Bool) throws -> Bool {
        mappings.leftOut = []
        mappings.noted = []
        isHeld = false
        guard gate.mayStop(transaction.commit.end) else { return true }
        let shapes = try shapes(of: transaction)
        for isFresh in [false, true] {
            if isFresh { gate.see(try reread.snapshot()) }
            switch gate.admit(
                transaction.xid, end: transaction.commit.end, tables: Set(shapes.values), isTaken: isTaken)
            {
            case .pass(let without, let noting):
                mappings.leftOut = Set(shapes.filter { without.contains($0.value) }.keys)
                mappings.noted = Set(shapes.filter { noting.contains($0.value) }.keys)
                return true
            case .hold:
                isHeld = true
                return false
            case .unseen: continue
            }
        }
        isUnseen = true
        isHeld = true
        return false
    }

    /// The shapes of every change, and old's number for their tables.
    private func shapes(of transaction: Transaction) throws -> [Int: UInt32] {
        var shapes: [Int: UInt32] = [:]
        func note(_ shape: Int) {
            if shapes[shape] == nil { shapes[shape] = mappings.sourceTable(shape) }
        }
        switch transaction.content {
        case .slice: transaction.visitShapes(note)
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            for index in 0..<buffer.pieces {
                try buffer.piece(index, scratch: scratch).visitShapes(without: buffer.rolledBack, note)
            }
        }
        return shapes
    }

    /// In the middle of a replay, with nothing in flight.
    func waitForGate(_ transaction: Transaction) throws {
        while try !admit(transaction, isTaken: true) {
            if attention.take() { try changed() }
            try settleGate()
            waitBriefly()
            guard !stop.isRaised else {
                throw PostgresError(.interrupted, "stopped on request", doing: "waiting for a table's copy")
            }
        }
    }

    /// Nothing is in flight: what is decided from here on is decided afresh.
    func settleGate() throws {
        guard gate.isAsking else { return }
        try changed()
        gate.settled()
    }

    private func waitBriefly() {
        let pause = isUnseen ? 0.02 : 1
        isUnseen = false
        Poll.wait(
            for: [.readable(stop.descriptor), .readable(attention.descriptor), .readable(gate.moved.descriptor)],
            until: Monotonic.now.adding(seconds: pause))
        gate.moved.lower()
    }
}
