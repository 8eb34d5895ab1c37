// The reads of `canary`.

import Configuration
import Model
import Testing

@Suite struct CanaryConfigurationTests {
    @Test func thereIsNoneUnlessSaid() throws {
        #expect(try read().canary == [])
        #expect(try read("canary: []").canary == [])
    }

    @Test func whatIsNotSaidHasADefault() throws {
        let one = try #require(try read("canary: [{name: a, query: SELECT 1}]").canary.first)
        #expect(one.name == "a" && one.kind == .query("SELECT 1") && one.parameters == .none && one.result == .same)
        #expect(one.slower == 2 && one.within == nil && one.plan == .noted && one.runs == 5 && one.timeout == 30)
        #expect(one.searchPath == [] && one.pair == nil && one.isFor("shop"))
    }

    @Test func everythingIsRead() throws {
        let reads = try read(
            """
            canary:
              - name: order page
                query: >-
                  SELECT * FROM orders WHERE id = $1 AND state = $2
                parameters: [[7, open], [8, ~], ["", "~"]]
                result: ordered
                slower: 1.5
                within: 50ms
                plan: same
                runs: 20
                timeout: 2s
                search_path: [app, public]
                pair: shop
              - {name: b, query: SELECT $1, parameters: [1, two], search_path: app, result: count, plan: ignored}
              - {name: c, query: SELECT $1, parameters: SELECT id FROM orders LIMIT 10, result: ignored}
            """
        ).canary
        #expect(reads.count == 3)
        #expect(reads[0].parameters == .given([["7", "open"], ["8", nil], ["", "~"]]))
        #expect(reads[0].result == .ordered && reads[0].slower == 1.5 && reads[0].within == 0.05)
        #expect(reads[0].plan == .same && reads[0].runs == 20 && reads[0].timeout == 2)
        #expect(reads[0].searchPath == ["app", "public"] && !reads[0].isFor("another"))
        #expect(reads[1].parameters == .given([["1"], ["two"]]) && reads[1].searchPath == ["app"])
        #expect(reads[2].parameters == .asked("SELECT id FROM orders LIMIT 10"))
    }

    @Test func aProgramIsAPathAndArguments() throws {
        let probe = try #require(
            try read("canary: [{name: errors, program: [/opt/errors, --window, 5m], timeout: 1m}]").canary.first)
        guard case .program(let program) = probe.kind else {
            Issue.record("\(probe.kind)")
            return
        }
        #expect(program.path == "/opt/errors" && program.arguments == ["--window", "5m"] && probe.timeout == 60)
    }

    @Test(arguments: [
        ("canary: [{name: a, program: /x, query: b}]", "7:40: `query` does not go with `program`"),
        ("canary: [{name: a, program: []}]", "7:29: `program` lists nothing; it needs at least one program"),
        ("canary: {name: a}", "7:9: `canary` must be a list, not a mapping"),
        ("canary: [{name: a}]", "7:10: what is to be tried is missing → `query: SELECT …`, or `program: PATH`"),
        ("canary: [{query: SELECT 1}]", "7:10: the key `name` is missing"),
        ("canary: [{name: a, query: ''}]", "7:27: `query` is empty"),
        ("canary: [{name: a, sql: x}]", "7:20: unknown key `sql`"),
        (
            "canary: [{name: a, query: b}, {name: a, query: c}]",
            "7:31: `canary` has `a` twice, first at 7:10"
        ),
        (
            "canary: [{name: a, query: b, result: sane}]",
            "7:38: `result` must be `same`, `ordered`, `count` or `ignored`, not `sane` → did you mean `same`?"
        ),
        (
            "canary: [{name: a, query: b, slower: 0.5}]",
            "7:38: `slower` is how many times old's time new may take: at least 1 → `slower: 1.5`"
        ),
        ("canary: [{name: a, query: b, within: 50}]", "7:38: `within` must be a length of time, not `50`"),
        ("canary: [{name: a, query: b, timeout: 2h}]", "7:39: `timeout` may be an hour at most"),
        (
            "canary: [{name: \(String(repeating: "n", count: 61)), query: b}]",
            "7:17: `name` has 61 characters; it may have 60"
        ),
        ("canary: [{name: a, query: b, runs: 0}]", "7:36: `runs` must be a whole number from 1 to 1000, not `0`"),
        (
            "canary: [{name: a, query: b, parameters: [[1], [1, 2]]}]",
            "7:48: an entry of `parameters` has 2 values, the first one has 1"
        ),
        (
            "canary: [{name: a, query: b, parameters: []}]",
            "7:42: `parameters` lists nothing; it needs at least one set of parameters"
        ),
        ("canary: [{name: a, query: b, pair: shp}]", "7:36: there is no pair `shp` → the pairs are `shop`"),
        ("within: 5s", "7:1: unknown key `within` → `within` belongs below `canary:`, in its entry"),
    ])
    func mistakesHaveAPlace(_ text: String, _ expected: String) {
        #expect(complaint(after: text).hasPrefix("tandem.yaml:" + expected), "\(complaint(after: text))")
    }
}
