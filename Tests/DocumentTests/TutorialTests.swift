// docs/tutorial.md, run as it stands: every block in order, in one shell, as an ordinary user. Only the ports are others.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct TutorialTests {
    private static let document =
        String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()) + "/docs/tutorial.md"

    @Test(.timeLimit(.minutes(5))) func everyCommandDoesWhatItSays() throws {
        let text = try String(contentsOfFile: Self.document, encoding: .utf8)
        let blocks = text.matches(of: /(?m)^```sh\n((?:.*\n)*?)```$/).map { String($0.1) }
        #expect(blocks.count > 8)
        let (old, new) = (try ListeningPort(), try ListeningPort())
        var lines = [
            "set -euo pipefail",
            "trap 'for one in $(jobs -p); do kill -9 $one; done; for side in old new; do pg_ctl -D $side -m immediate stop; done' ERR",
        ]
        for (number, block) in blocks.enumerated() { lines += ["echo \"=== block \(number + 1)\" >&2", block] }
        let script = lines.joined(separator: "\n").replacing("5433", with: "\(old.number)").replacing(
            "5434", with: "\(new.number)")
        let place = try RunDirectory.current.makeDirectory("tutorial")
        try script.write(toFile: "\(place)/tutorial.sh", atomically: true, encoding: .utf8)
        let bin = try PostgresInstallation.newest.bindir
        // tandem by that name, for somebody who need not be able to read the checkout.
        try FileManager.default.copyItem(atPath: TandemBinary.path, toPath: "\(place)/tandem")
        let environment = ["PATH": "\(place):\(bin):/usr/bin:/bin", "HOME": place, "NO_COLOR": "1"]
        var words = ["-c", "cd \(place) && exec bash tutorial.sh"]
        var program = "/bin/bash"
        if getuid() == 0 {
            try PostgresInstallation.giveToServer(place)
            (program, words) = (
                "/usr/bin/setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", "/bin/bash"] + words
            )
        }
        let outcome = try Command(program, words, environment: environment, directory: place).run(within: .seconds(280))
        #expect(outcome.exitCode == 0, "\(outcome.stdout.suffix(3000))\n\(outcome.stderr.suffix(3000))")
        for shown in [
            "1 row differs", "exit code 4", "lacks column \"shelf\"", "ALTER TABLE", "is identical", "in charge",
            "the log is whole", "equal",
        ] {
            #expect(outcome.stdout.contains(shown), "\(shown) in \(outcome.stdout.suffix(6000))")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(place)/tandem-tutorial"))
    }
}
