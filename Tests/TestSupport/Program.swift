// Scripts that tests make for tandem to call: hooks, programs in place of others.

package enum Program {
    /// Through a process of its own: one that another test starts while this process has the file open holds it open, too, for
    /// a moment, and what somebody may write cannot be run.
    package static func write(_ script: String, to path: String) throws {
        try Command("/bin/sh", ["-c", #"cat >"$1.made" && chmod 755 "$1.made" && mv "$1.made" "$1""#, "sh", path])
            .succeed(input: "#!/bin/sh\n" + script + "\n")
    }
}
