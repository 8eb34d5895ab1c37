// Errors about single values: names, sizes, positions, choices, connections.

import Configuration
import Testing

@Suite struct ValueErrorTests {
    private func withPairs(_ pairs: String, migration: String = "m") -> String {
        complaint("migration: \(migration)\npairs: \(pairs)\ndata_a: [public.t]\n")
    }

    @Test(arguments: [
        ("memory: 256mb", "7:18: `memory` must be a size, not `256mb` → did you mean `256MB`?"),
        ("memory: 256 MB", "7:18: `memory` must be a size, not `256 MB` → did you mean `256MB`?"),
        ("memory: 5G", "7:18: `memory` must be a size, not `5G` → did you mean `5GB`?"),
        ("memory: 512KB", "7:18: `memory` must be a size, not `512KB` → did you mean `512kB`?"),
        (
            "memory: much",
            "7:18: `memory` must be a size, not `much` → a whole number of bytes, or one with kB, MB, "
                + "GB or TB right after it: 256MB"
        ),
        (
            "memory: 1.5GB",
            "7:18: `memory` must be a size, not `1.5GB` → a whole number of bytes, or one with kB, "
                + "MB, GB or TB right after it: 256MB"
        ),
        (
            "memory: -1",
            "7:18: `memory` must be a size, not `-1` → a whole number of bytes, or one with kB, MB, GB "
                + "or TB right after it: 256MB"
        ),
        (
            "memory: ''",
            "7:18: `memory` must be a size, not `` → a whole number of bytes, or one with kB, MB, GB or "
                + "TB right after it: 256MB"
        ),
        (
            "spill: 9000000TB",
            "7:17: `spill` must be a size, not `9000000TB` → a whole number of bytes, or one with "
                + "kB, MB, GB or TB right after it: 256MB"
        ),
        (
            "wal_held: 99999999999999999999",
            "7:20: `wal_held` must be a size, not `99999999999999999999` → a whole "
                + "number of bytes, or one with kB, MB, GB or TB right after it: 256MB"
        ),
        ("memory: 0", "7:18: `memory` must be more than 0"),
        ("wal_held: 0kB", "7:20: `wal_held` must be more than 0"),
        ("on_wal_held: kep", "7:23: `on_wal_held` must be `keep` or `drop`, not `kep` → did you mean `keep`?"),
        ("on_wal_held: Keep", "7:23: `on_wal_held` must be `keep` or `drop`, not `Keep` → did you mean `keep`?"),
        ("on_wal_held: stop", "7:23: `on_wal_held` must be `keep` or `drop`, not `stop`"),
    ])
    func limits(_ limits: String, _ expected: String) {
        #expect(complaint(after: "limits: {\(limits)}") == "tandem.yaml:\(expected)")
    }

    @Test(arguments: [
        ("al", "7:15: `initial_copy` must be `all` or `none`, not `al` → did you mean `all`?"),
        ("0/1", "7:15: `initial_copy` must be `all` or `none`, not `0/1`"),
        (
            "{from: now}",
            "7:22: `from` must be a position in the write-ahead log, not `now` → PostgreSQL writes "
                + "positions like 16/B374D848"
        ),
        (
            "{from: +1/2}",
            "7:22: `from` must be a position in the write-ahead log, not `+1/2` → PostgreSQL writes "
                + "positions like 16/B374D848"
        ),
        (
            "{from: 0/123456789}",
            "7:22: `from` must be a position in the write-ahead log, not `0/123456789` → "
                + "PostgreSQL writes positions like 16/B374D848"
        ),
        ("{from: 0/0}", "7:22: `from` is 0/0, which is no position"),
        ("{from: [1]}", "7:22: `from` must be a single value, not a list"),
    ])
    func initialCopy(_ text: String, _ expected: String) {
        #expect(complaint(after: "initial_copy: \(text)") == "tandem.yaml:\(expected)")
    }

    @Test(arguments: [
        ("[]", "2:8: `pairs` lists nothing; it needs at least one pair"),
        ("shop", "2:8: `pairs` must be a list, not a single value"),
        (
            "[shop]",
            "2:9: an entry of `pairs` must be a mapping with `name`, `old`, `new` and `standby`, not a single value"
        ),
        ("[{name: a, old: b}]", "2:9: the key `new` is missing"),
        ("[{old: b, new: c}]", "2:9: the key `name` is missing"),
        ("[{name: a, new: c}]", "2:9: the key `old` is missing"),
        ("[{name: a, old: '', new: c}]", "2:24: `old` is empty"),
        ("[{name: a, old: b, new: ''}]", "2:32: `new` is empty"),
        ("[{name: a, old: b, new: }]", "2:32: `new` has no value; it must be a single value"),
        ("[{name: a, old: {host: b}, new: c}]", "2:24: `old` must be a single value, not a mapping"),
        ("[{name: a, old: host=b, new: host=b}]", "2:37: `old` and `new` are the same connection"),
        (
            "[{name: a, old: host=b, new: host=c, standby: host=b}]",
            "2:54: `standby` is the same connection as `old` or `new`"
        ),
        (
            "[{name: a, old: b, new: c}, {name: a, old: d, new: e}]",
            "2:36: this pair has the same name as the one at 2:9"
        ),
        ("[{name: '', old: b, new: c}]", "2:16: `name` is empty"),
        (
            "[{name: Shop-1, old: b, new: c}]",
            "2:16: `name` must have only lower-case letters, digits and `_`, not "
                + "`Shop-1` → for example `shop_1`"
        ),
        (
            "[{name: é, old: b, new: c}]",
            "2:16: `name` must have only lower-case letters, digits and `_`, not `é` → "
                + "for example `_`"
        ),
        ("[{name: a, old: b, new: c, knew: d}]", "2:35: unknown key `knew` → did you mean `new`?"),
        (
            "[{name: a, old: b, new: c, data_a: [\"public.*\"]}]",
            "2:35: unknown key `data_a` → `data_a` belongs at the top of the file, not indented"
        ),
    ])
    func pairs(_ pairs: String, _ expected: String) {
        #expect(withPairs(pairs) == "tandem.yaml:\(expected)")
    }

    @Test func streamNamesFit() {
        let pair = { (length: Int) in "[{name: \(String(repeating: "p", count: length)), old: b, new: c}]" }
        #expect(withPairs(pair(46)) == "accepted")
        #expect(
            withPairs(pair(47))
                == "tandem.yaml:2:16: `name` is too long: the stream's name would have 64 bytes, and PostgreSQL's "
                + "names have at most 63 → shorten it by 1")
        let migration = String(repeating: "m", count: 49)
        #expect(
            withPairs(pair(1), migration: migration)
                == "tandem.yaml:1:12: `migration` is too long: even with a pair `x`, the stream's name would have 66 "
                + "bytes, and PostgreSQL's names have at most 63 → shorten it by 3")
        #expect(withPairs(pair(1), migration: String(migration.dropLast(3))) == "accepted")
    }

    @Test(arguments: ["Book store", "book-store", "bücher"])
    func migrationNames(_ name: String) {
        #expect(
            complaint("migration: \(name)\npairs: [{name: a, old: b, new: c}]\ndata_a: [a.b]").hasPrefix(
                "tandem.yaml:1:12: `migration` must have only lower-case letters, digits and `_`, not `\(name)`"))
    }

    @Test(arguments: ["migration: 2024", "migration: 'true'", "migration: _"])
    func scalarsAreText(_ text: String) {
        #expect(complaint("\(text)\npairs: [{name: 1, old: b, new: c}]\ndata_a: [a.b]") == "accepted")
    }
}
