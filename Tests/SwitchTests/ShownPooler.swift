// PgBouncer's files and the hooks of docs/switch.md as they stand there, with places and addresses of a test.

import Foundation
import TestSupport
import Testing

struct ShownPooler {
    private let page: String

    init() throws {
        let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())
        page = try String(contentsOfFile: "\(root)/docs/switch.md", encoding: .utf8)
    }

    /// Each block of them is one, and says in its first line where it is.
    func write(to directory: String, _ s: Scenario) throws {
        let shown = page.matches(of: /(?m)^```ini\n; (\S+)\n((?:.*\n)*?)```$/).map { (path: $0.1, text: $0.2) }
        #expect(shown.map(\.path) == ["pgbouncer.ini", "shop/old.ini", "shop/new.ini"].map { "/etc/pgbouncer/\($0)" })
        #expect(page.matches(of: /```ini/).count == shown.count)
        for (path, text) in shown {
            var text = text.replacing("/etc/pgbouncer/shop", with: directory)
            for (name, side) in [("old", s.old), ("new", s.new)] {
                text = text.replacing(
                    "host=\(name).example dbname=shop",
                    with:
                        "host=\(side.cluster.socketDirectory) port=\(side.cluster.port) dbname=\(s.name) user=postgres")
            }
            let name = path.split(separator: "/").last ?? ""
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    /// Of tandem.yaml.
    func hooks(_ directory: String, script: String) throws -> String {
        let shown = String(try #require(page.firstMatch(of: /(?m)^```yaml\n(hooks:\n(?:.*\n)*?)```$/)).1)
        return shown.replacing("/etc/tandem/pgbouncer-flip.sh", with: script)
            .replacing("host=/run/postgresql", with: "host=\(directory) port=6432")
            .replacing("/etc/pgbouncer/shop", with: directory)
    }
}
