// What applications that write both sides leave wrong, each fault by an instance that is named after it: so the ledger of twins has
// to say of each what it was. In the end everything is made right.

import TestSupport
import Testing

extension Dual {
    /// An instance that does one thing wrong, and what the ledger has to say of it; nil where it leaves no trace on the watched side.
    private struct Fault {
        let name: String
        let found: String?
        let inject: (_ old: (String) -> Void, _ new: (String) -> Void) throws -> Void

        init(
            _ name: String, _ found: String?,
            inject: @escaping (_ old: (String) -> Void, _ new: (String) -> Void) throws -> Void
        ) {
            (self.name, self.found, self.inject) = (name, found, inject)
        }
    }

    private func inject(_ faults: [Fault], mode: Int, location: SourceLocation = #_sourceLocation) throws {
        let side = { (side: Database, name: String) in
            { (statement: String) in
                let outcome = self.write(side, as: "\(name)-\(mode)", mode: mode, statement)
                #expect(outcome == "ok", "\(name): \(statement)", sourceLocation: location)
            }
        }
        for fault in faults { try fault.inject(side(s.old, fault.name), side(s.new, fault.name)) }
        try expectSame(location: location)
        for fault in faults {
            guard let found = fault.found else { continue }
            try ledger("application = '\(fault.name)-\(mode)' AND \(found)", location: location)
        }
    }

    /// Where forward applies.
    func injectWhileForwardApplies(mode: Int) throws {
        let (a, b) = (mode * 100 + 1, mode * 100 + 2)
        #expect(serve(mode, "INSERT INTO u VALUES (\(a), 'a\(mode)'), (\(b), 'b\(mode)')") == ["ok", "ok"])
        let passes = { try self.s.forwardPasses() }
        try inject(
            [
                Fault("swallowed", nil) { old, _ in old("UPDATE u SET name = 'only old \(mode)' WHERE id = \(a)") },
                // New was committed, and old was not.
                Fault("orphan", "orphan = 1 AND failed = 0") { _, new in
                    new("INSERT INTO t (id, v) VALUES (\(mode * 1000), 'orphan')")
                },
                Fault("rolled-back", "failed = 1 AND orphan = 0") { _, new in
                    new("UPDATE t SET v = 'rolled back' WHERE id = 10")
                },
                Fault("resurrected", "orphan = 1") { old, new in
                    old("DELETE FROM u WHERE id = \(b)")
                    try passes()
                    new("INSERT INTO u VALUES (\(b), 'resurrected')")
                },
                // Carried by the stream, and counted once more by a twin that came after it.
                Fault("counted-twice", "failed = 1") { old, new in
                    old("UPDATE t SET n = n + 1 WHERE id = 11")
                    try passes()
                    new("UPDATE t SET n = n + 1 WHERE id = 11")
                },
                // The twin of a write that another one has followed by now.
                Fault("late-twin", "failed = 1") { old, new in
                    old("UPDATE t SET v = 'first' WHERE id = 15")
                    old("UPDATE t SET v = 'second' WHERE id = 15")
                    try passes()
                    new("UPDATE t SET v = 'first' WHERE id = 15")
                },
                Fault("overtaken", "failed = 1") { old, new in
                    old("UPDATE t SET v = 'first' WHERE id = 12")
                    old("UPDATE t SET v = 'second' WHERE id = 12")
                    try passes()
                    new("UPDATE t SET v = 'second' WHERE id = 12")
                    new("UPDATE t SET v = 'first' WHERE id = 12")
                },
                Fault("moved", "orphan = 1") { _, new in new("UPDATE t SET id = id + 5000 WHERE id = 16") },
                // An orphan has the value that somebody else's row must have alone: whoever meets it first makes room.
                Fault("unique", "matched + late + failed + orphan = 1") { old, new in
                    new("INSERT INTO u VALUES (\(mode * 1000 + 1), 'wanted \(mode)')")
                    old("INSERT INTO u VALUES (\(mode * 1000 + 2), 'wanted \(mode)')")
                },
            ], mode: mode)
        #expect(try s.new.value("SELECT n FROM t WHERE id = 11") == s.old.value("SELECT n FROM t WHERE id = 11"))
    }

    /// Where nothing applies, what one side alone has written is made as old has it, with both rows locked.
    func injectAtStepFive() throws {
        try inject(
            [
                Fault("orphan", "orphan = 1") { _, new in new("INSERT INTO u VALUES (500, 'orphan')") },
                Fault("rolled-back", "failed = 1") { _, new in new("UPDATE t SET v = 'rolled back' WHERE id = 13") },
                Fault("half", "orphan = 1") { old, _ in old("DELETE FROM u WHERE id = 5") },
                Fault("counted-apart", "failed >= 1") { old, new in
                    old("UPDATE t SET n = n + 1 WHERE id = 14")
                    new("UPDATE t SET n = n + 2 WHERE id = 14")
                },
                // Two rows have exchanged what each must have alone: neither can be made right first.
                Fault("exchange", "failed = 2") { _, new in
                    new(
                        "UPDATE u SET name = '' WHERE id = 6; UPDATE u SET name = 'n6' WHERE id = 7; UPDATE u SET name = 'n7' WHERE id = 6"
                    )
                },
                // What the orphan holds is needed by somebody.
                Fault("unique", "orphan = 1") { old, new in
                    new("INSERT INTO u VALUES (501, 'wanted 5')")
                    old("INSERT INTO u VALUES (502, 'wanted 5')")
                },
            ], mode: 5)
        #expect(try s.new.value("SELECT v FROM t WHERE id = 13") == "v13")
        #expect(try s.new.value("SELECT name FROM u WHERE id = 6") == "n6")
        #expect(try s.new.value("SELECT count(*) FROM u WHERE id IN (5, 500, 501)") == "0")
        #expect(try s.new.value("SELECT n FROM t WHERE id = 14") == "1")
    }

    /// New is in charge: old alone is wrong.
    func injectAtStepSix() throws {
        try inject(
            [
                Fault("half-six", "failed = 1") { old, _ in old("UPDATE t SET v = 'wrong' WHERE id = 4") },
                Fault("orphan-six", "orphan = 1") { old, _ in old("INSERT INTO u VALUES (700, 'orphan')") },
                Fault("deleted-six", "failed = 1") { old, _ in old("DELETE FROM u WHERE id = 3") },
            ], mode: 5)
        #expect(try s.old.value("SELECT count(*) FROM u WHERE id IN (3, 700)") == "1")
    }
}
