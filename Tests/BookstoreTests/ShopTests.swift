// The bookstore from outside: what instances write in each mode, what they tell, and what a check makes of it.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct ShopTests {
    private let busy =
        "order=20,browse=20,settle=8,cancel=8,review=10,edit=10,retire=3,restock=8,transfer=6,signup=3,document=8,tally=8,import=2"

    /// Mode 1: clean, also when it is killed and starts again; and everything that is taken out or put in afterwards is found.
    @Test func whatIsAcknowledgedIsThereAndWhatIsDoctoredIsFound() throws {
        let shop = try ShopTrial("shop-ledger", both: false, "--keyless")
        defer { shop.end() }
        let first = try shop.start("web-1", "--mix", busy + ",visit=5", "--import-rows", "300", "--clients", "4")
        try shop.wait(for: 200, of: first)
        #expect(try shop.scenario.tandem("bookstore", "check").exitCode == 1, "an instance still runs")
        first.kill()
        let second = try shop.start("web-1", "--mix", busy + ",visit=5", "--import-rows", "300")
        let other = try shop.start("web-2", "--mix", busy, "--clients", "3", "--for", "3s")
        try shop.wait(for: 200, of: second)
        #expect(try second.stop() == .exited(0))
        #expect(try other.wait() == .exited(0))
        let last = try #require(shop.reports(second).last)
        #expect(last.isLast && last.counts.errors.isEmpty && last.counts.unknown.isEmpty, "\(second.tail)")
        let clean = try shop.check("old")
        #expect(clean.code == 0, "\(clean.text)")
        #expect(try shop.scenario.tandem("bookstore", "check").exitCode == 0, "the ledgers alone")

        // A ledger in which something is acknowledged twice, and one that nobody can read.
        let ledger = "\(shop.scenario.directory)/bookstore/web-2.ledger"
        let text = try String(contentsOfFile: ledger, encoding: .utf8)
        let ack = try #require(text.split(separator: "\n").first { $0.hasPrefix("ack ") })
        try text.replacing(ack + "\n", with: ack + "\n" + ack + "\n").write(
            toFile: ledger, atomically: true, encoding: .utf8)
        #expect(try shop.check("old").kinds["old"] == ["doubled"])
        try (text + "nonsense\n").write(toFile: ledger, atomically: true, encoding: .utf8)
        #expect(try shop.check("old").code == 1)
        try text.write(toFile: ledger, atomically: true, encoding: .utf8)
        try expectFound(Self.doctored, in: shop)
    }

    /// What is done to the database, how that is called, and what it is about.
    private static let doctored = [
        ("DELETE FROM bookstore.orders WHERE id = (SELECT max(id) FROM bookstore.orders)", "lost", "order:"),
        ("UPDATE bookstore.counters SET value = value + 1, version = version + 1", "doubled", "counter:orders"),
        ("UPDATE bookstore.accounts SET balance = balance + 1 WHERE id = 1", "amount", "account:1"),
        ("UPDATE bookstore.books SET description = description || 'x' WHERE id = 1", "damaged", "book:1"),
        ("INSERT INTO bookstore.visits SELECT * FROM bookstore.visits LIMIT 1", "doubled", "visit:"),
        (
            "DELETE FROM bookstore.order_lines WHERE order_id = (SELECT min(id) FROM bookstore.orders)", "damaged",
            "order:"
        ),
        ("INSERT INTO bookstore.journal VALUES ('nobody', 'order', 'nobody', now())", "unexplained", "nobody"),
        (
            "DELETE FROM bookstore.journal WHERE token = (SELECT min(token) FROM bookstore.journal WHERE instance = 'web-2')",
            "lost", "web-2."
        ),
        ("DELETE FROM bookstore.imported WHERE id = (SELECT max(id) FROM bookstore.imported)", "amount", "import:"),
    ]

    /// All at once; each is found, and nothing besides.
    private func expectFound(_ doctored: [(String, String, String)], in shop: ShopTrial) throws {
        for (statement, _, _) in doctored { try shop.scenario.old.sql(statement) }
        let outcome = try shop.check("old")
        #expect(outcome.code == 4)
        var found = outcome.findings
        for (statement, kind, subject) in doctored {
            let place = found.firstIndex { $0.kind == kind && $0.subject.hasPrefix(subject) }
            #expect(place != nil, "\(statement): \(outcome.text)")
            if let place { found.remove(at: place) }
        }
        #expect(found.isEmpty, "\(found)")
    }

    /// Both databases alike, two instances that are switched one at a time while customers are served.
    @Test func bothSidesAreAlikeWhileInstancesAreSwitched() throws {
        let shop = try ShopTrial("shop-modes")
        defer { shop.end() }
        let instances = try ["web-1", "web-2"].map {
            try shop.start(
                $0, "--mode", "4", "--mix", busy, "--import-rows", "200", "--clients", "2", "--text", "500",
                "--lock-timeout",
                "300ms")
        }
        // Done the right way round, that costs customers a moment and nothing else.
        try holdUpNew(shop, seconds: 1)
        for (name, mode) in [("web-1", 5), ("web-2", 5), ("web-1", 4), ("web-1", 5)] {
            try shop.wait(for: 60, of: instances[0])
            try shop.expect(0, ["bookstore", "set", name, "--mode", "\(mode)"])
        }
        let listed = try shop.expect(0, ["bookstore", "list"]).stdout
        #expect(listed.contains("web-1  mode 5") && listed.contains("web-2  mode 5"), "\(listed)")
        try shop.wait(for: 60, of: instances[1])
        for instance in instances { #expect(try instance.stop() == .exited(0), "\(instance.tail)") }
        for instance in instances {
            let last = try #require(shop.reports(instance).last)
            #expect(last.counts.retries["55P03"] ?? 0 > 0, "\(last)")
            #expect(last.counts.errors.isEmpty && last.counts.unknown.isEmpty, "\(last)")
        }
        let found = try shop.check("old", "new")
        #expect(found.code == 0 && found.kinds == ["old": [], "new": []], "\(found.text)")
        #expect(try shop.differing() == [])
        // Mode 6 leaves old alone and takes its numbers from new, which must be ahead by then.
        try shop.scenario.new.sql(
            """
            SELECT setval(s, 100000) FROM unnest(ARRAY['bookstore.orders_id_seq', 'bookstore.receipt_number',
                'bookstore.accounts_id_seq', 'bookstore.reviews_id_seq', 'bookstore.imported_id_seq']::regclass[]) AS s
            """)
        let before = try shop.scenario.old.value("SELECT count(*) FROM bookstore.journal")
        let third = try shop.start("web-3", "--mode", "6", "--mix", busy, "--import-rows", "200")
        try shop.wait(for: 60, of: third)
        #expect(try third.stop() == .exited(0))
        #expect(try shop.scenario.old.value("SELECT count(*) FROM bookstore.journal") == before)
        #expect(try shop.check("new").code == 0)
        let behind = try shop.check("old")
        #expect(behind.code == 4 && behind.kinds["old"]?.contains("lost") == true)
    }

    /// In mode 3 nobody notices that new is gone; in mode 4 everybody does, and nothing remains of it on old.
    @Test func withoutNewOneModeGoesOnAndTheOtherDoesNot() throws {
        let shop = try ShopTrial("shop-swallow", both: false)
        defer { shop.end() }
        let nobody = "host=/nowhere port=1 dbname=none"
        func instance(_ name: String, _ mode: String) throws -> Replicator {
            try shop.scenario.start(
                "bookstore", "instance", name, "--old", shop.old, "--new", nobody, "--json", "--mode", mode,
                "--patience",
                "200ms", "--for", "4s")
        }
        let swallowing = try instance("web-3", "3")
        try shop.wait(for: 30, of: swallowing)
        let strict = try instance("web-4", "4")
        #expect(try swallowing.wait() == .exited(0))
        #expect(try strict.wait() == .exited(0))
        let well = try #require(shop.reports(swallowing).last).counts
        #expect(well.errors.isEmpty && !well.swallowed.isEmpty && well.writes > 0, "\(well)")
        let badly = try #require(shop.reports(strict).last).counts
        #expect(badly.errors["no-connection"] ?? 0 > 0 && badly.writes == 0, "\(badly)")
        let found = try shop.check("old")
        #expect(found.code == 0, "\(found.text)")
    }

    /// Mistakes made on purpose: each leaves what a check finds, on the side where it is.
    @Test func mistakesAreFound() throws {
        for (fault, side, kind) in [
            ("commit-old-first", "new", "lost"), ("orphan", "new", "undead"), ("no-lock", "old", "lost"),
        ] {
            let shop = try ShopTrial("shop-fault")
            defer { shop.end() }
            let instances = try ["web-1", "web-2"].map {
                try shop.start(
                    $0, "--mode", fault == "no-lock" ? "1" : "4", "--fault", fault, "--clients", "4", "--mix",
                    "tally=60,edit=40", "--lock-timeout", "300ms")
            }
            if fault == "commit-old-first" { try holdUpNew(shop, seconds: 1) }
            try shop.wait(for: 200, of: instances[0])
            for instance in instances { #expect(try instance.stop() == .exited(0), "\(instance.tail)") }
            let found = try shop.check(side)
            #expect(found.code == 4 && found.kinds[side]?.contains(kind) == true, "\(fault): \(found.text)")
            if side == "new" {
                let truth = try shop.check("old")
                #expect(truth.code == 0, "\(fault), on old: \(truth.text)")
            }
        }
    }

    /// Nobody can write new for a while.
    private func holdUpNew(_ shop: ShopTrial, seconds: Double) throws {
        let session = try shop.scenario.new.session()
        defer { session.close() }
        try session.send("BEGIN; LOCK TABLE bookstore.journal IN EXCLUSIVE MODE; SELECT pg_sleep(\(seconds)); ROLLBACK")
    }

    /// An application that knows one address: refused there (25006), it goes where it can write, and no customer notices.
    @Test func anInstanceFollowsTheAddressThatMayBeWritten() throws {
        let shop = try ShopTrial("shop-pause", both: false)
        defer { shop.end() }
        // One database by two addresses, of which one is closed after a while.
        let elsewhere = shop.old + " options='-c shop.side=new'"
        try shop.scenario.old.sql(
            """
            CREATE TABLE public.gate (closed text); INSERT INTO public.gate VALUES ('');
            CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF (SELECT closed FROM public.gate) = coalesce(nullif(current_setting('shop.side', true), ''), 'old') THEN
                    RAISE EXCEPTION 'closed' USING ERRCODE = '25006'; END IF; RETURN NULL; END $$;
            """)
        for table in [
            "orders", "stock", "accounts", "counters", "journal", "books", "reviews", "documents", "imported",
        ] {
            try shop.scenario.old.sql(
                "CREATE TRIGGER gate BEFORE INSERT OR UPDATE OR DELETE ON bookstore.\(table) EXECUTE FUNCTION public.gate()"
            )
        }
        let instance = try shop.scenario.start(
            "bookstore", "instance", "web-1", "--strategy", "pause", "--follow", "--old", shop.old, "--new", elsewhere,
            "--json",
            "--mix", busy, "--import-rows", "100")
        try shop.wait(for: 30, of: instance)
        try shop.scenario.old.sql("UPDATE public.gate SET closed = 'old'")
        try shop.wait(for: 100, of: instance)
        try shop.scenario.old.sql("UPDATE public.gate SET closed = ''")
        try shop.expect(0, ["bookstore", "set", "all", "--address", "old", "--rate", "50"])
        try shop.wait(for: 10, of: instance)
        #expect(try instance.stop() == .exited(0))
        let reports = shop.reports(instance)
        #expect(Set(reports.map(\.address)) == ["old", "new"])
        let last = try #require(reports.last)
        #expect(last.counts.errors.isEmpty && last.counts.retries["25006"] ?? 0 > 0, "\(last)")
        let found = try shop.check("old")
        #expect(found.code == 0, "\(found.text)")
    }

    @Test func whatIsAskedWrongIsRefused() throws {
        let shop = try ShopTrial("shop-usage", both: false)
        defer { shop.end() }
        let old = ["--old", shop.old]
        try shop.expect(3, ["bookstore", "load"] + old)
        try shop.expect(0, ["bookstore", "load", "--replace", "--books", "5", "--accounts", "2"] + old)
        try shop.expect(2, ["bookstore", "load", "--books", "0"] + old)
        try shop.expect(2, ["bookstore", "instance", "a/b"] + old)
        try shop.expect(2, ["bookstore", "instance", "web-1", "--mode", "4"] + old)
        try shop.expect(2, ["bookstore", "instance", "web-1", "--mix", "steal=5"] + old)
        try shop.expect(2, ["bookstore", "instance", "web-1", "--mix", "visit=5"] + old)
        try shop.expect(2, ["bookstore", "instance", "web-1", "--dir", "elsewhere"] + old)
        try shop.expect(1, ["bookstore", "check"])
        try shop.expect(1, ["bookstore", "set", "web-1", "--mode", "3"])
        try shop.expect(2, ["bookstore", "set", "web-1"])
        let fleet = try shop.expect(
            0, ["bookstore", "fleet", "--instances", "2", "--for", "2s", "--rate", "40", "--json"] + old)
        #expect(fleet.stdout.contains("\"web-1\"") && fleet.stdout.contains("\"web-2\""), "\(fleet.stdout)")
        try shop.expect(0, ["bookstore", "batch", "--once", "--on", shop.old])
        #expect(try shop.scenario.old.value("SELECT count(*) > 0 FROM bookstore_stats.daily_sales") == "t")
        try shop.expect(0, ["bookstore", "check"] + old)
        try shop.expect(3, ["bookstore", "load"] + old)
        try shop.expect(0, ["bookstore", "drop"] + old)
        try shop.expect(1, ["bookstore", "instance", "web-1"] + old)
        try shop.expect(1, ["bookstore", "check"] + old)
    }
}
