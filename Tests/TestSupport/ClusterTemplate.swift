// The result of initdb, made once for a version and its options and then copied: a second instead of many. Several test
// processes share it; a lock lets one of them make it, and it appears under its name only when it is whole.

internal import Foundation
internal import Glibc

struct ClusterTemplate {
    let installation: PostgresInstallation
    let options: ClusterOptions

    /// Makes it when it is not there yet, and copies it.
    func copy(to directory: String) throws {
        let template = try path()
        let lock = try FileLock("\(template).lock")
        if access("\(template)/PG_VERSION", F_OK) != 0 { try make(template) }
        withExtendedLifetime(lock) {}
        try installation.asServer("cp", ["-a", "--reflink=auto", template, directory]).succeed()
    }

    private func path() throws -> String {
        let root = try RunDirectory.current.root
        return "\(root)/templates/\(installation.major)-\(String(fingerprint(of: key), radix: 16))"
    }

    private var key: String {
        ([installation.version, installation.bindir, installation.chroot ?? ""] + arguments + [options.password ?? ""])
            .joined(separator: "\u{0}")
    }

    private var arguments: [String] {
        let method = options.password == nil ? "trust" : "scram-sha-256"
        return ["-A", method, "-U", "postgres", "--locale=\(options.locale)", "-E", options.encoding, "--no-sync"]
            + options.initdb
    }

    private func make(_ template: String) throws {
        let unfinished = "\(template).new"
        try installation.asServer("rm", ["-rf", unfinished]).succeed()
        try ensureDirectory(unfinished, mode: 0o700)
        try PostgresInstallation.giveToServer(unfinished)
        var all = ["-D", "\(unfinished)/data"] + arguments
        if let password = options.password {
            let file = "\(unfinished)/password"
            try password.write(toFile: file, atomically: false, encoding: .utf8)
            try PostgresInstallation.giveToServer(file)
            all.append("--pwfile=\(file)")
        }
        try installation.server("initdb", all).succeed()
        guard rename("\(unfinished)/data", template) == 0 else {
            throw HarnessFailure(.setUp, "rename to \(template): \(String(cString: strerror(errno)))")
        }
        try? FileManager.default.removeItem(atPath: unfinished)
    }

    /// FNV-1a: the same in every process, unlike Hasher.
    private func fingerprint(of text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
