// Errors about the shape of the file: keys, types, documents, and what YAML itself refuses.

import Configuration
import Model
import Testing

@Suite struct StructureErrorTests {
    @Test func errorsExplainThemselves() throws {
        let error = try #require(failure(smallest + "data_aa: []\n"))
        #expect(error.file == "tandem.yaml")
        #expect(error.place == Place(line: 7, column: 1))
        #expect(error.message == "unknown key `data_aa`")
        #expect(error.description == "tandem.yaml:7:1: unknown key `data_aa`")
        #expect(error.hint == "did you mean `data_a`?")
        #expect(error.exitCode == .usage)
    }

    @Test(arguments: [
        (
            "zebra: 1",
            "7:1: unknown key `zebra` → the keys here are `migration`, `pairs`, `data_a`, `data_b`, `exclude`, "
                + "`undecided`, `strategy`, `initial_copy`, `jobs`, `copy`, `fleet`, `limits`, `gates`, `verify`, `hooks`, `canary`, `listen`, `spill` and `evidence`"
        ),
        ("jobs: 0", "7:7: `jobs` must be a whole number from 1 to 64, not `0`"),
        ("jobs: +3", "7:7: `jobs` must be a whole number from 1 to 64, not `+3`"),
        ("copy: {back_off: {query: x}}", "7:18: the key `above` is missing"),
        ("copy: {back_off: {query: x, above: nan}}", "7:36: `above` must be a number, not `nan`"),
        ("old: host=a", "7:1: unknown key `old` → `old` belongs below `pairs:`, in the entry of its pair"),
        ("wal_held: 1GB", "7:1: unknown key `wal_held` → `wal_held` belongs below `limits:`"),
        ("quiet: 1s", "7:1: unknown key `quiet` → `quiet` belongs below `gates:`"),
        ("on_flip: a", "7:1: unknown key `on_flip` → `on_flip` belongs below `hooks:`"),
        (
            "every: 1h",
            "7:1: unknown key `every` → `every` belongs below `data_b:`, in the entry of its table, or below `verify:`"
        ),
        ("above: 1", "7:1: unknown key `above` → `above` belongs below `back_off:` in `copy:`"),
        (
            "limits: {data_a: [\"public.*\"]}",
            "7:10: unknown key `data_a` → `data_a` belongs at the top of the file, not indented"
        ),
        (
            "gates: {spill: 1GB}",
            "7:9: unknown key `spill` → `spill` belongs at the top of the file, not indented, or below `limits:`"
        ),
        ("hooks: {lag: 1s}", "7:9: unknown key `lag` → `lag` belongs below `gates:`"),
        ("data_c: []", "7:1: unknown key `data_c` → did you mean `data_a`?"),
        ("undecidet: []", "7:1: unknown key `undecidet` → did you mean `undecided`?"),
        (
            "exclude: [s.t]\nundecided: [s.t]",
            "8:13: `s.t` stands in `undecided` here and in `exclude` at 7:11 → leave it in one of them"
        ),
        (
            "data_b: [{table: s.*, every: 1h, refresh: full}]",
            "7:18: `table` names one table, and `s.*` is a pattern → each table of Data B has its own column and interval: "
                + "list them one by one"
        ),
        (
            "data_b: [{table: s.t, every: 1h}]",
            "7:10: how `s.t` is brought along is missing → `modified: COLUMN` carries rows whose timestamp moved on, "
                + "`refresh: full` the whole table"
        ),
        (
            "data_b: [{table: s.t, every: often, refresh: full}]",
            "7:30: `every` must be a duration, not `often` → a number with s, m, h or d right after it: 15m"
        ),
        (
            "data_b: [{table: s.t, every: 1h, refresh: ful}]",
            "7:43: `refresh` must be `full`, not `ful` → did you mean `full`?"
        ),
        (
            "data_b: [{table: s.t, every: 1h, refresh: full, deletes: 1h}]",
            "7:58: `deletes` goes with `modified`; a full refresh needs none"
        ),
        ("limits: {memry: 1}", "7:10: unknown key `memry` → did you mean `memory`?"),
        ("initial_copy: {form: 0/1}", "7:16: unknown key `form` → did you mean `from`?"),
        (
            "<<: {}",
            "7:1: unknown key `<<` → the keys here are `migration`, `pairs`, `data_a`, `data_b`, `exclude`, "
                + "`undecided`, `strategy`, `initial_copy`, `jobs`, `copy`, `fleet`, `limits`, `gates`, `verify`, `hooks`, `canary`, `listen`, `spill` and `evidence`"
        ),
        ("spill: a\nlimits: {}\nspill: b", "9:1: the key `spill` stands here again; it is already set at 7:1"),
        (
            "limits: {memory: 1MB, \"memory\": 2MB}",
            "7:23: the key `memory` stands here again; it is already set at 7:10"
        ),
        (
            "limits: 5",
            "7:9: `limits` must be a mapping with `memory`, `spill`, `snapshot`, `pause`, `wal_held`, `on_wal_held` and "
                + "`copy_rate`, not a single value"
        ),
        (
            "limits:",
            "7:8: `limits` has no value; it must be a mapping with `memory`, `spill`, `snapshot`, `pause`, `wal_held`, "
                + "`on_wal_held` and `copy_rate`"
        ),
        ("limits: {memory: [1]}", "7:18: `memory` must be a single value, not a list"),
        ("limits: {memory: ~}", "7:18: `memory` has no value; it must be a single value"),
        ("exclude: public.t", "7:10: `exclude` must be a list, not a single value"),
        ("exclude: {a: b}", "7:10: `exclude` must be a list, not a mapping"),
        ("exclude: [[public.t]]", "7:11: an entry of `exclude` must be a single value, not a list"),
        ("exclude:\n  -\n  - public.t", "8:4: an entry of `exclude` has no value; it must be a single value"),
        ("initial_copy: [all]", "7:15: `initial_copy` must be `all`, `none` or `{from: LSN}`, not a list"),
        ("initial_copy: {}", "7:15: the key `from` is missing"),
        ("[a]: b", "7:1: a key must be a word"),
        ("? {a: b}\n: c", "7:3: a key must be a word"),
        ("~: c", "7:1: a key must be a word"),
        (
            "spill: &here ./x",
            "7:8: an anchor (`&name`) is not accepted here → write the value out where it is "
                + "needed; a value that begins with `&` stands in quotes"
        ),
        (
            "limits: &l {}",
            "7:9: an anchor (`&name`) is not accepted here → write the value out where it is needed; "
                + "a value that begins with `&` stands in quotes"
        ),
        (
            "exclude: &l []",
            "7:10: an anchor (`&name`) is not accepted here → write the value out where it is needed; "
                + "a value that begins with `&` stands in quotes"
        ),
        (
            "spill: *here",
            "7:8: an alias (`*name`) is not accepted here → a pattern that begins with `*` stands in "
                + "quotes: \"*.audit_*\""
        ),
        (
            "exclude:\n  - *.audit_*",
            "8:5: an alias (`*name`) is not accepted here → a pattern that begins with `*` "
                + "stands in quotes: \"*.audit_*\""
        ),
        ("spill: !!str x", "7:8: a tag (`!name`) is not accepted here → a value that begins with `!` stands in quotes"),
        (
            "exclude: !!set {}",
            "7:10: a tag (`!name`) is not accepted here → a value that begins with `!` stands in "
                + "quotes"
        ),
        ("spill: \"a\\0b\"", "7:8: a value holds a NUL character"),
        ("---\nmigration: other", "7:1: a second document begins here → a configuration is one document"),
        ("...\n---\n", "8:1: a second document begins here → a configuration is one document"),
    ])
    func afterTheSmallest(_ more: String, _ expected: String) {
        #expect(complaint(after: more) == "tandem.yaml:\(expected)")
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n", "\u{feff}", "---", "---\n...\n", "~", "null\n"])
    func emptyFiles(_ text: String) {
        let complaint = complaint(text)
        #expect(complaint.hasPrefix("tandem.yaml:1:"))
        #expect(complaint.contains(": the file is empty"))
    }

    @Test(arguments: ["- a", "migration", "'migration: x'"])
    func otherRoots(_ text: String) {
        #expect(complaint(text).hasPrefix("tandem.yaml:1:1: the configuration must be a mapping with `migration`, "))
    }

    @Test(arguments: [
        ("migration", "pairs:\n  - {name: a, old: b, new: c}\ndata_a: [a.b]"),
        ("pairs", "migration: m\ndata_a: [a.b]"),
        ("data_a", "migration: m\npairs: [{name: a, old: b, new: c}]"),
    ])
    func missingKeys(_ key: String, _ text: String) {
        #expect(complaint("# one\n" + text) == "tandem.yaml:2:1: the key `\(key)` is missing")
    }

    @Test(arguments: [
        ("migration: x\n\tpairs: y", "2:1: found a tab character"),
        ("migration: [a, b", "2:1: "),
        ("migration: 'a", "2:1: "),
        ("migration: a: b", "1:13: mapping values are not allowed in this context"),
        ("a: b\n c: d", "2:3: "),
        ("migration: @x", "1:12: found character that cannot start any token, while scanning for the next token"),
        ("migration: \"\\q\"", "1:13: "),
        ("ä: b\nmigration: x\u{7}", "2:13: control characters are not allowed"),
    ])
    func whatYAMLRefuses(_ text: String, _ expected: String) {
        #expect(complaint(text + "\n").hasPrefix("tandem.yaml:" + expected), "\(complaint(text + "\n"))")
    }

    @Test func tabsAndQuotesGetAHint() {
        #expect(failure("pairs:\n\t- name: x\n")?.hint == "YAML is indented with spaces, not with tabs")
        let quotes = "a name in double quotes needs single quotes around all of it: '\"Sales\".\"Odd.Name\"'"
        #expect(failure("data_a:\n  - \"Sales\".\"Odd.Name\"\n")?.hint == quotes)
        #expect(failure("data_a: [\"Sales\".\"Odd.Name\"]\n")?.hint == quotes)
        #expect(failure("data_a: [a\nx: y\n")?.hint == nil)
    }

    @Test func nestingHasAnEnd() {
        let deep = String(repeating: "[", count: 5000)
        #expect(complaint("migration: \(deep)") == "tandem.yaml:1:43: this is nested too deeply")
    }

    @Test func columnsCountCharacters() {
        #expect(complaint("{migration: äöü, pairz: 1}").hasPrefix("tandem.yaml:1:18: unknown key `pairz`"))
    }

    @Test func textIsShownSafely() {
        #expect(complaint(after: "\"a\\e[31m\\nb\": 1").hasPrefix("tandem.yaml:7:1: unknown key `a\\e[31m\\nb`"))
        let long = String(repeating: "x", count: 500)
        #expect(complaint(after: "\(long): 1").hasPrefix("tandem.yaml:7:1: unknown key `\(long.prefix(79))…` →"))
    }
}
