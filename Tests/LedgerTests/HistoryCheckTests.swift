// What a check must find in histories that were doctored, and must not find in those that were not.

import Ledger
import Testing

@Suite struct HistoryCheckTests {
    @Test func whatWentRightIsClean() {
        for seed in 1...200 {
            var shop = SmallShop(seed: UInt64(seed))
            shop.open(60)
            #expect(shop.verdict.findings == [], "seed \(seed)")
            #expect(shop.check.verdict().findings == [], "seed \(seed), ledgers alone")
        }
    }

    /// Whatever acknowledged write is taken out of the database again, it is found.
    @Test func aLostWriteIsFound() {
        for seed in 1...100 {
            var shop = SmallShop(seed: UInt64(seed))
            shop.open(20)
            let key = shop.opening.keys[shop.random(shop.opening.keys.count)]
            let before = shop.state.rows[key]
            let token = shop.change("web-1", key)
            shop.state.rows[key] = before
            #expect(shop.kinds.contains(.lost), "seed \(seed): the row")
            shop.state.journal[token] = nil
            #expect(shop.kinds.contains(.lost), "seed \(seed): the row and the journal")
        }
    }

    @Test func aLostRowIsFound() {
        var shop = SmallShop(seed: 1)
        shop.order("web-1")
        shop.order("web-1")
        let key = shop.state.rows.keys.first { $0.hasPrefix("order") }
        shop.state.rows[key ?? ""] = nil
        #expect(shop.kinds == [.lost])
    }

    /// As `x = x + 1` applied twice would leave it.
    @Test func aDoubledWriteIsFound() {
        var shop = SmallShop(seed: 2)
        shop.open(20)
        shop.change("web-1", "counter:orders")
        let row = shop.state.rows["counter:orders"]!
        shop.state.rows["counter:orders"] = FinalRow(version: row.version + 1, token: row.token, amount: row.amount + 1)
        #expect(shop.kinds == [.doubled])
        shop.state.rows["counter:orders"] = FinalRow(version: row.version, token: row.token, amount: row.amount + 1)
        #expect(shop.kinds == [.amount])
    }

    @Test func aRowThatIsThereTwiceIsFound() {
        var shop = SmallShop(seed: 3)
        shop.state.add("book:1", FinalRow(version: 0, token: nil, amount: 0))
        #expect(shop.kinds == [.doubled])
    }

    @Test func anAcknowledgementGivenTwiceIsFound() {
        var shop = SmallShop(seed: 4)
        let token = shop.change("web-1")
        shop.acknowledge("web-2", token)
        #expect(shop.kinds == [.doubled])
    }

    /// Two who read the same and both wrote: one of them is lost.
    @Test func aForkIsFound() {
        var shop = SmallShop(seed: 5)
        shop.change("web-1", "stock:2")
        let before = shop.state
        shop.change("web-1", "stock:2")
        let journal = shop.state.journal
        shop.state = before
        shop.state.journal = journal
        shop.change("web-2", "stock:2")
        #expect(shop.kinds.contains(.lost))
        #expect(shop.check.verdict().findings.map(\.kind).contains(.lost), "without a database, too")
    }

    /// Version 2 was acknowledged before the one began that wrote version 1.
    @Test func aReorderedWriteIsFound() {
        var shop = SmallShop(seed: 6)
        shop.change("web-1", "stock:3")
        shop.change("web-1", "stock:3")
        let all = shop.entries["web-1"]!
        func moved(_ entry: LedgerEntry, _ at: Int64) -> LedgerEntry {
            switch entry {
            case .intent(let intent):
                .intent(
                    Intent(
                        token: intent.token, operation: intent.operation, mode: intent.mode, began: at,
                        effects: intent.effects))
            case .acknowledged(let token, _): .acknowledged(token: token, at: at)
            default: entry
            }
        }
        shop.entries["web-1"] = [moved(all[2], 1), moved(all[3], 2), moved(all[0], 3), moved(all[1], 4)]
        #expect(shop.kinds == [.reordered])
    }

    @Test func whatFailedMustNotBeThere() {
        var shop = SmallShop(seed: 7)
        shop.fail("web-1")
        #expect(shop.kinds == [])
        shop.state.journal["t1"] = 1
        #expect(shop.kinds == [.undead])
    }

    @Test func aResurrectedRowIsFound() {
        var shop = SmallShop(seed: 8)
        while shop.state.rows.keys.first(where: { $0.hasPrefix("order") }) == nil { shop.order("web-1") }
        let key = shop.state.rows.keys.first { $0.hasPrefix("order") }!
        let row = shop.state.rows[key]!
        shop.remove("web-2", key)
        #expect(shop.kinds == [])
        shop.state.rows[key] = row
        #expect(shop.kinds == [.undead])
    }

    @Test func aStrangersWriteIsFound() {
        var shop = SmallShop(seed: 9)
        shop.open(10)
        shop.state.journal["nobody.1"] = 1
        shop.state.rows["order:999"] = FinalRow(version: 1, token: "nobody.1", amount: 1)
        #expect(shop.kinds == [.unexplained])
    }

    /// Each alone: what is in the rows says nothing of it.
    @Test func aJournalThatDoesNotAgreeIsFound() {
        var shop = SmallShop(seed: 14)
        let token = shop.change("web-1")
        shop.state.journal["nobody.1"] = 1
        #expect(shop.kinds == [.unexplained])
        shop.state.journal = [token: 2]
        #expect(shop.kinds == [.doubled])
        shop.state.journal = [:]
        #expect(shop.kinds == [.lost])
    }

    /// The last sum is right, one on the way to it was not.
    @Test func aStepThatDoesNotComeOutIsFound() {
        var shop = SmallShop(seed: 15)
        for after in [105, 101] {
            let (token, began) = shop.begin()
            let version = shop.state.rows["stock:1"]!.version + 1
            let effect = Effect(.set, "stock:1", version: version, delta: after == 105 ? 1 : -4, after: after)
            shop.entries["web-1"]?.append(
                .intent(Intent(token: token, operation: "restock", mode: 1, began: began, effects: [effect])))
            shop.acknowledge("web-1", token)
            shop.state.rows["stock:1"] = FinalRow(version: version, token: token, amount: after)
            shop.state.journal[token] = 1
        }
        #expect(shop.kinds == [.amount])
    }

    @Test func aRowWithAnothersTokenIsFound() {
        var shop = SmallShop(seed: 10)
        shop.change("web-1", "account:1")
        let row = shop.state.rows["account:1"]!
        shop.state.rows["account:1"] = FinalRow(version: row.version, token: nil, amount: row.amount)
        #expect(shop.kinds == [.lost])
    }

    @Test func whatIsInDoubtMayBeEither() {
        for isThere in [true, false] {
            var shop = SmallShop(seed: 11)
            shop.vanish("web-1", isThere: isThere)
            shop.change("web-2")
            #expect(shop.verdict.findings == [])
            #expect(shop.verdict.doubtful == 1)
            #expect(shop.verdict.doubtfulThere == (isThere ? 1 : 0))
        }
    }

    @Test func aGapIsFoundWhenTheDatabaseIsThere() {
        var shop = SmallShop(seed: 12)
        shop.change("web-1", "stock:1")
        let row = shop.state.rows["stock:1"]!
        shop.state.rows["stock:1"] = FinalRow(version: row.version + 1, token: row.token, amount: row.amount)
        shop.change("web-1", "stock:1")
        #expect(shop.kinds == [.unexplained])
    }

    @Test func fewerThanNothingIsFound() {
        var shop = SmallShop(seed: 13)
        shop.state.rows["stock:1"] = FinalRow(version: 1, token: "t9", amount: -1)
        shop.state.journal["t9"] = 1
        shop.entries["web-1"]?.append(
            .intent(
                Intent(
                    token: "t9", operation: "order", mode: 1, began: 1,
                    effects: [Effect(.set, "stock:1", version: 1, delta: -101, after: -1)])))
        shop.entries["web-1"]?.append(.acknowledged(token: "t9", at: 2))
        #expect(shop.kinds == [.amount])
    }
}
