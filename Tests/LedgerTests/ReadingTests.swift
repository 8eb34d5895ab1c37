// No instance reads backwards: what a check must find in its readings, and what the protocol allows.

import Ledger
import Testing

@Suite struct ReadingTests {
    /// The same row, read before and after somebody else changes it.
    private func shop(modes: (Int, Int), sides: (Bool, Bool), instances: (String, String) = ("web-1", "web-1"))
        -> SmallShop
    {
        var shop = SmallShop(seed: 1)
        shop.change("web-2", "stock:1")
        let old = shop.state.rows["stock:1"]
        shop.change("web-2", "stock:1")
        shop.read(instances.0, mode: modes.0, isNew: sides.0, ["stock:1"])
        let new = shop.state.rows["stock:1"]
        shop.state.rows["stock:1"] = old
        shop.read(instances.1, mode: modes.1, isNew: sides.1, ["stock:1"])
        shop.state.rows["stock:1"] = new
        return shop
    }

    @Test func anOlderValueAfterANewerOneIsFound() {
        #expect(shop(modes: (1, 1), sides: (false, false)).kinds == [.stale])
        #expect(shop(modes: (5, 5), sides: (true, true)).kinds == [.stale])
        #expect(shop(modes: (6, 6), sides: (true, true)).kinds == [.stale])
        #expect(shop(modes: (0, 0), sides: (false, true)).kinds == [.stale], "one address at a time")
    }

    @Test func inModesFiveAndSixNotEvenAcrossSides() {
        #expect(shop(modes: (4, 5), sides: (false, true)).kinds == [.stale])
        #expect(shop(modes: (5, 5), sides: (true, false)).kinds == [.stale])
        #expect(shop(modes: (0, 0), sides: (true, false)).kinds == [.stale], "one address at a time, and back")
        // New may be ahead by the moment between two commits, and mode 4 reads old.
        #expect(shop(modes: (5, 4), sides: (true, false)).kinds == [])
    }

    @Test func anotherInstanceMayBeBehind() {
        #expect(
            shop(modes: (5, 5), sides: (true, true), instances: ("web-1", "web-2")).kinds == [.stale],
            "it wrote it itself")
        var shop = SmallShop(seed: 2)
        shop.entries["web-3"] = []
        shop.change("web-2", "stock:1", mode: 1)
        shop.read("web-1", mode: 1, ["stock:1"])
        shop.state.rows["stock:1"] = FinalRow(version: 0, token: nil, amount: 100)
        shop.read("web-3", mode: 1, ["stock:1"])
        shop.state.rows["stock:1"] = FinalRow(version: 1, token: "t1", amount: 101)
        #expect(shop.kinds == [])
    }

    @Test func itsOwnWriteMustBeSeen() {
        for (mode, isNew, isFound) in [(1, false, true), (4, true, true), (5, true, true), (6, true, true)] {
            var shop = SmallShop(seed: 3)
            shop.change("web-1", "account:2", mode: mode)
            let row = shop.state.rows["account:2"]
            shop.state.rows["account:2"] = FinalRow(version: 0, token: nil, amount: 1000)
            shop.read("web-1", mode: mode == 4 ? 5 : mode, isNew: isNew, ["account:2"])
            shop.state.rows["account:2"] = row
            #expect((shop.kinds == [.stale]) == isFound, "mode \(mode)")
        }
    }

    @Test func aRowOfOnesOwnMustBeThere() {
        var shop = SmallShop(seed: 4)
        while shop.state.rows.keys.first(where: { $0.hasPrefix("order") }) == nil { shop.order("web-1") }
        let key = shop.state.rows.keys.first { $0.hasPrefix("order") }!
        let row = shop.state.rows.removeValue(forKey: key)
        shop.read("web-1", [key])
        shop.state.rows[key] = row
        #expect(shop.kinds == [.stale])
        // Removed, it need not be.
        shop.entries["web-1"]?.removeLast()
        shop.remove("web-1", key)
        shop.read("web-1", [key])
        #expect(shop.kinds == [])
    }

    @Test func whatRunsAtTheSameTimeIsNotCompared() {
        var shop = SmallShop(seed: 5)
        shop.change("web-2", "stock:1")
        shop.entries["web-1"] = [
            .read(
                Reading(
                    mode: 1, isNew: false, began: 2000, ended: 3000, sights: [Sight("stock:1", version: 1, token: "t1")]
                )),
            .read(Reading(mode: 1, isNew: false, began: 2500, ended: 3500, sights: [Sight("stock:1", version: 0)])),
        ]
        #expect(shop.kinds == [])
    }

    @Test func aValueThatNobodyWroteIsFound() {
        var shop = SmallShop(seed: 6)
        shop.fail("web-2")
        let token = shop.change("web-2", "stock:1")
        func read(_ sight: Sight) -> Set<Finding.Kind> {
            var doctored = shop
            doctored.entries["web-1"]?.append(.read(Reading(mode: 5, isNew: true, began: 1, ended: 2, sights: [sight])))
            return doctored.kinds
        }
        #expect(read(Sight("stock:1", version: 1, token: token)) == [])
        #expect(read(Sight("stock:1", version: 7, token: token)) == [.unexplained])
        #expect(read(Sight("stock:1", version: 1, token: "nobody")) == [.unexplained])
        #expect(read(Sight("stock:1", version: 3)) == [.unexplained])
        #expect(read(Sight("stock:1", version: 1, token: "t1")) == [.undead], "it had failed")
    }

    /// New had it, and old's COMMIT did not come: a reader of new may have seen it, says the protocol.
    @Test func whatWasTakenBackIsCountedAndForgotten() {
        var shop = SmallShop(seed: 7)
        shop.vanish("web-2", isThere: false)
        shop.entries["web-1"]?.append(
            .read(
                Reading(
                    mode: 5, isNew: true, began: 5000, ended: 5001, sights: [Sight("stock:1", version: 1, token: "t1")])
            ))
        shop.entries["web-1"]?.append(
            .read(Reading(mode: 5, isNew: true, began: 5002, ended: 5003, sights: [Sight("stock:1", version: 0)])))
        #expect(shop.kinds == [])
        #expect(shop.verdict.takenBack == 1)
    }
}
