// The keys that transitions go by.

import Configuration
import Model
import Protocol
import Testing

@Suite struct PassageTests {
    @Test func theyHaveDefaults() throws {
        let configuration = try read()
        #expect(configuration.strategy == .dualWrite)
        #expect(configuration.fleet.isEmpty)
        #expect(configuration.hooks == Hooks())
        #expect(configuration.gates == Gates(lag: 2, quiet: 60, verifiedWithin: 3600, rehearsedWithin: 604_800))
    }

    @Test func theyAreRead() throws {
        let configuration = try read(
            """
            strategy: pause
            fleet: ["web-*", worker-1]
            gates: { lag: 500ms, quiet: 10s, verified_within: 2h, rehearsed_within: 30d }
            hooks: { before_step: [/opt/page, --team, "${TEAM}"], on_event: /opt/tell, timeout: 5s }
            listen: "[::1]:9187"
            """, environment: ["TEAM": "two words"])
        #expect(configuration.strategy == .pause)
        #expect(configuration.fleet.map(\.text) == ["web-*", "worker-1"])
        #expect(configuration.fleet[0].matches("web-17") && !configuration.fleet[0].matches("worker-1"))
        #expect(configuration.fleet.map(\.isLiteral) == [false, true])
        #expect(configuration.gates == Gates(lag: 0.5, quiet: 10, verifiedWithin: 7200, rehearsedWithin: 2_592_000))
        let hook = try #require(configuration.hooks.beforeStep)
        #expect(hook.path == "/opt/page" && hook.arguments == ["--team", "two words"])
        let both = try read("hooks: {on_flip: [/opt/hold, a], undo_flip: /opt/go}\nlimits: {pause: 1500ms}")
        #expect(both.hooks.onFlip?.arguments == ["a"] && both.hooks.undoFlip?.path == "/opt/go")
        #expect(both.limits.pause == 1.5 && configuration.limits.pause == 2)
        #expect(configuration.hooks.timeout == 5 && configuration.hooks.onEvent?.path == "/opt/tell")
        #expect(configuration.listen?.description == "[::1]:9187")
    }

    @Test func aHookAloneIsAPathBesideTheConfiguration() throws {
        let path = try read("hooks: {before_step: ./page}").hooks.beforeStep?.path
        #expect(path?.hasPrefix("/") == true && path?.hasSuffix("/page") == true)
    }

    @Test(arguments: [
        ("strategy: dual", "7:11: `strategy` must be `dual-write` or `pause`, not `dual` → did you mean `dual-write`?"),
        ("strategy: [pause]", "7:11: `strategy` must be a single value, not a list"),
        ("gates: {lagg: 2s}", "7:9: unknown key `lagg` → did you mean `lag`?"),
        (
            "gates: {lag: 2}",
            "7:14: `lag` must be a length of time, not `2` → a number with ms, s, m, h or d right after it: 30m"
        ),
        ("gates: {verified_within: 0s}", "7:26: `verified_within` must be a length of time, not `0s`"),
        ("fleet: web", "7:8: `fleet` must be a list, not a single value"),
        ("fleet: []", "7:8: `fleet` lists nothing; it needs at least one instance"),
        ("fleet: [a, b, a]", "7:15: `fleet` lists `a` twice, first at 7:9"),
        ("hooks: {before_steps: x}", "7:9: unknown key `before_steps` → did you mean `before_step`?"),
        (
            "listen: localhost:9187",
            "7:9: `listen` must be a numeric address and a port, not `localhost:9187` → 127.0.0.1:9187, or [::1]:9187;"
                + " 0.0.0.0:9187 for every address of this machine"
        ),
        ("listen: 127.0.0.1:0", "7:9: `listen` must be a numeric address and a port, not `127.0.0.1:0`"),
        ("listen: ':9187'", "7:9: `listen` must be a numeric address and a port, not `:9187`"),
        ("hooks: {before_step: ''}", "7:22: `before_step` is empty"),
        ("hooks: {before_step: []}", "7:22: `before_step` lists nothing; it needs at least one program"),
        (
            "hooks: {on_flip: /opt/hold}",
            "7:18: `on_flip` holds clients, and nothing would let them go again → name a program under `undo_flip`, too"
        ),
        ("limits: {pause: 2}", "7:17: `pause` must be a length of time, not `2`"),
        ("hooks: {before_step: ~/page}", "7:22: `before_step` begins with `~`, which only a shell understands"),
    ])
    func mistakesHaveAPlace(_ text: String, _ expected: String) {
        #expect(complaint(after: text).hasPrefix("tandem.yaml:" + expected), "\(complaint(after: text))")
    }
}
