// A ledger's line says what was written, and nothing else is taken for one.

import Ledger
import Testing

@Suite struct LedgerLineTests {
    private let entries: [LedgerEntry] = [
        .started(instance: "web-1", run: "k3", at: 5), .mode(4, at: 6),
        .intent(Intent(token: "web-1.k3.1.9", operation: "order", mode: 4, began: 7, effects: [])),
        .intent(
            Intent(
                token: "t", operation: "order", mode: 1, began: 7,
                effects: [
                    Effect(.made, "order:5", version: 1, delta: 12, after: 12),
                    Effect(.set, "stock:1", version: 9, delta: -2),
                    Effect(.removed, "document:6ba7b810-9dad-41d1-80b4-00c04fd430c8", version: 3),
                ])),
        .acknowledged(token: "t", at: 8), .failed(token: "t", state: "40001", at: 8),
        .doubtful(token: "t", state: "connection-lost", at: 8),
        .read(
            Reading(
                mode: 5, isNew: true, began: 1, ended: 2,
                sights: [
                    Sight("stock:1", version: 0), Sight("book:2", version: 7, token: "t"),
                    Sight("order:3", version: nil),
                ])),
    ]

    @Test func whatIsWrittenIsRead() {
        for entry in entries { #expect(LedgerEntry(line: Substring(entry.line)) == entry, "\(entry.line)") }
    }

    /// No beginning of a line is another entry that could be taken for true: it lacks words, or a token is cut, which then
    /// belongs to nothing. Times may be cut.
    @Test func halfALineIsNoIntent() {
        for line in [
            "", "ack", "ack t", "fail t 40001", "intent t order 4", "intent t order 4 7 +order:5/1/12",
            "read 5 here 1 2",
        ] {
            #expect(LedgerEntry(line: Substring(line)) == nil, "\(line)")
        }
    }

    @Test func theOpeningIsRead() {
        let opening = Opening(books: 3, accounts: 2, pieces: 5, cents: 7, hasKeyless: true)
        #expect(Opening(line: opening.line + "\n") == opening)
        #expect(Opening(line: "opening books=3") == nil)
        #expect(opening.amount(of: "stock:3") == 5)
        #expect(opening.amount(of: "stock:4") == nil)
        #expect(opening.amount(of: "account:2") == 7)
        #expect(opening.amount(of: "order:1") == nil)
    }
}
