// Everything a configuration may hold, and what stands for what it leaves out.

import Configuration
import Model
import Testing

@Suite struct ConfigurationTests {
    @Test func theSmallestHasDefaults() throws {
        let configuration = try read()
        #expect(configuration.file == "tandem.yaml")
        #expect(configuration.migration == "bookstore")
        #expect(configuration.pairs.map(\.name) == ["shop"])
        #expect(configuration.pairs[0].old == "postgresql://old.example/shop")
        #expect(configuration.pairs[0].new == "postgresql://new.example/shop")
        #expect(configuration.pairs[0].place == Place(line: 3, column: 5))
        #expect(configuration.dataA.map(\.text) == ["public.*"])
        #expect(configuration.dataA[0].place == Place(line: 6, column: 10))
        #expect(configuration.exclude.isEmpty)
        #expect(configuration.initialCopy == .all)
        #expect(configuration.limits == Limits())
        #expect(configuration.limits.memory == 268_435_456)
        #expect(configuration.limits.spill == 53_687_091_200)
        #expect(configuration.limits.walHeld == 21_474_836_480)
        #expect(configuration.limits.onWALHeld == .keep)
        #expect(configuration.limits.copyRate == 0)
        #expect(configuration.limits.snapshot == 1800)
        #expect(configuration.jobs == 4)
        #expect(configuration.copy == Copying(range: 67_108_864, backOff: nil, prewarm: false))
    }

    @Test func everyKeyIsRead() throws {
        let configuration = try read(
            """
            exclude:
              - public.spatial_ref_sys
              - '"Sales"."Odd.Name"'
            initial_copy: {from: 16/B374D848}
            limits: { memory: 512kB, spill: 1TB, wal_held: 1234, on_wal_held: drop, copy_rate: 10MB, snapshot: 90s }
            jobs: 7
            copy: { range: 1GB, prewarm: true, back_off: { query: "SELECT 1", above: 2.5 } }
            spill: /var/spool/tandem
            """)
        #expect(configuration.jobs == 7)
        #expect(
            configuration.copy
                == Copying(range: 1 << 30, backOff: BackOff(query: "SELECT 1", above: 2.5), prewarm: true))
        #expect(configuration.exclude.map(\.text) == ["public.spatial_ref_sys", "\"Sales\".\"Odd.Name\""])
        #expect(configuration.exclude[1].place == Place(line: 9, column: 5))
        #expect(configuration.initialCopy == .from(LSN(0x16_B374_D848)))
        #expect(
            configuration.limits
                == Limits(
                    memory: 524_288, spill: 1 << 40, walHeld: 1234, onWALHeld: .drop, copyRate: 10 << 20, snapshot: 90))
        #expect(configuration.spill == "/var/spool/tandem")
    }

    @Test(arguments: [("all", InitialCopy.all), ("none", .none), ("{from: 0/1}", .from(LSN(1)))])
    func initialCopy(_ text: String, _ expected: InitialCopy) throws {
        #expect(try read("initial_copy: \(text)").initialCopy == expected)
    }

    @Test func aPairIsFoundByName() throws {
        let configuration = try Configuration.parse(
            """
            migration: m
            pairs: [{name: a, old: host=a, new: host=b}, {name: b_2, old: host=c, new: host=d}]
            data_a: [public.t]
            """, file: "x.yaml")
        #expect(configuration.pair(named: "b_2")?.old == "host=c")
        #expect(configuration.pair(named: "c") == nil)
    }

    @Test func someLimitsKeepTheOthers() throws {
        let limits = try read("limits:\n  memory: 1GB\n").limits
        #expect(limits == Limits(memory: 1 << 30))
    }

    @Test func commentsMarkersAndAByteOrderMarkAreNoMatter() throws {
        let text = "\u{feff}# prose\n---\n" + smallest + "...\n"
        #expect(try Configuration.parse(text, file: "tandem.yaml").migration == "bookstore")
    }

    @Test func windowsLineEndsAreNoMatter() throws {
        let text = smallest.split(separator: "\n").joined(separator: "\r\n") + "\r\nspil: x\r\n"
        #expect(complaint(text).hasPrefix("tandem.yaml:7:1: unknown key `spil`"))
    }

    @Test func connectionsStayOutOfDescriptions() throws {
        let pair = try read().pairs[0]
        var dumped = ""
        dump(pair, to: &dumped)
        for text in ["\(pair)", String(reflecting: pair), dumped, "\([pair])"] {
            #expect(!text.contains("example"))
            #expect(text.contains("shop"))
        }
    }
}
