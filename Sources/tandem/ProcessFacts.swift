// What the system says of this process, in the units of Prometheus's usual metrics. Nil where it says nothing.

internal import Foundation
internal import Glibc

enum ProcessFacts {
    /// Asked for first when `run` begins.
    static let began = Date().timeIntervalSince1970

    static var residentBytes: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    static var processorSeconds: Double? {
        var used = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &used) == 0 else { return nil }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
        return seconds(used.ru_utime) + seconds(used.ru_stime)
    }

    static var openDescriptors: Int? {
        // The one that reads the directory is among them.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count).map { $0 - 1 }
    }
}
