// What /proc says about a process that is not necessarily our child (a postmaster belongs to init).

internal import Foundation
internal import Glibc

struct LiveProcess: Sendable, Equatable {
    let pid: Int32
    /// In clock ticks since boot: with the number it names one process for ever.
    let startTime: String

    /// nil when there is none, or only a zombie of it.
    init?(_ pid: Int32) {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        self.pid = pid
        startTime = String(fields[19])
    }

    var isAlive: Bool { LiveProcess(pid) == self }

    func send(_ signal: Int32) { if isAlive { kill(pid, signal) } }

    var children: [LiveProcess] {
        let list = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        return (list ?? "").split(separator: " ").compactMap { Int32($0) }.compactMap { LiveProcess($0) }
    }

    /// Files in memory that a server's processes share. Whoever is killed leaves them, a megabyte a server, until the machine is
    /// started again.
    var sharedSegments: Set<String> {
        let maps = (try? String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8)) ?? ""
        let paths = maps.split(separator: "\n").compactMap { $0.firstIndex(of: "/").map($0.suffix(from:)) }
        return Set(paths.filter { $0.contains("/dev/shm/PostgreSQL.") && !$0.hasSuffix("(deleted)") }.map(String.init))
    }

    /// Whether its working directory is this one, by device and inode: a path may read differently inside a chroot.
    func worksIn(_ directory: String) -> Bool {
        var here = Glibc.stat()
        var there = Glibc.stat()
        guard stat("/proc/\(pid)/cwd", &here) == 0, stat(directory, &there) == 0 else { return false }
        return here.st_dev == there.st_dev && here.st_ino == there.st_ino
    }
}
