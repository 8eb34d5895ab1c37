// A program's clock that a test may set: libfaketime tells it another time of day, while durations pass as they do.

import Foundation
import Testing

package struct FalseClock {
    private static let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

    private let file: String

    /// Nil, and an issue, where the library is missing.
    package init?(in directory: String) throws {
        guard FileManager.default.fileExists(atPath: Self.library) else {
            Issue.record("no libfaketime: run 'make deps'")
            return nil
        }
        file = "\(directory)/offset"
        try set("+0")
    }

    /// `+1d`, `-2h`: from now on, for whoever runs in `environment`.
    package func set(_ offset: String) throws { try offset.write(toFile: file, atomically: false, encoding: .utf8) }

    package var environment: [String: String] {
        [
            "LD_PRELOAD": Self.library, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ]
    }
}
