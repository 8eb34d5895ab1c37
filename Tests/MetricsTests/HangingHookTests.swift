// A run with a pager that never comes back and a log that somebody empties under it, as `copytruncate` does: nobody waits for the
// one, and the other goes on at its beginning.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct HangingHookTests {
    @Test func neitherPagerNorLogHoldsUpTheStream() throws {
        let s = try Scenario("hanging")
        defer { s.end() }
        let (begun, path) = ("\(s.directory)/begun", "\(s.directory)/run.log")
        let hook = "\(s.directory)/hook"
        try Program.write("echo begun >> \(begun)\nexec sleep 600", to: hook)
        try s.writeConfiguration(extra: "hooks: {on_event: \(hook), timeout: 5m}")
        try s.old.sql("CREATE TABLE public.item (id int PRIMARY KEY, n int)")
        try s.new.sql("CREATE TABLE public.item (id int PRIMARY KEY, n smallint)")
        try s.prepare()
        let run = try s.start("run", "--log", "json", "--log-level", "warning", "--log-file", path)
        func text(_ file: String) -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
        func expectBlocked(_ sqlState: String) {
            let seen = poll(within: .seconds(60)) {
                text(path).contains("\"blocked\"") && text(path).contains(sqlState) ? true : nil
            }
            #expect(seen == true, "\(text(path)) \(run.tail)")
        }

        try s.old.sql("INSERT INTO public.item VALUES (1, 100000)")
        expectBlocked("22003")
        #expect(poll(within: .seconds(60)) { text(begun).isEmpty ? nil : true } == true)
        #expect(truncate(path, 0) == 0)
        try s.new.sql("ALTER TABLE public.item ALTER n TYPE int")
        try s.catchUp()

        try s.new.sql("ALTER TABLE public.item ADD CONSTRAINT small CHECK (n < 10 OR id = 1)")
        try s.old.sql("INSERT INTO public.item VALUES (2, 10)")
        expectBlocked("23514")
        try s.new.sql("ALTER TABLE public.item DROP CONSTRAINT small")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        // The first call still stands; everything else waited for that, and nothing for them.
        #expect(text(begun) == "begun\n")
        run.kill()

        let lines = text(path).split(separator: "\n")
        #expect(!lines.isEmpty && !text(path).contains("22003"))
        for line in lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let level = object?["level"] as? String
            #expect(level == "warning" || level == "error", "\(line)")
        }
    }
}
