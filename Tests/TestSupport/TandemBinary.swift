// The program under test: `TANDEM_BIN`, or `tandem` beside the test bundle (or beside the tool that uses this library).

internal import Foundation
internal import Glibc

package enum TandemBinary {
    package static var path: String {
        get throws {
            let candidate = try environmentVariable("TANDEM_BIN") ?? (ownDirectory() + "/tandem")
            guard access(candidate, X_OK) == 0 else {
                throw HarnessFailure(.setUp, "no tandem binary at \(candidate): build it, or set TANDEM_BIN")
            }
            return candidate
        }
    }

    private static func ownDirectory() throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return String(own[..<(own.lastIndex(of: "/") ?? own.endIndex)])
    }
}
