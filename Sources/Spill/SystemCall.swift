// The one place of this room that reads errno. A call that was interrupted is made again; every other failure is
// thrown with the operation and the path. It never gives up silently.

internal import Glibc

struct SystemCall {
    let operation: String
    let path: String

    @discardableResult
    func run<Outcome: SignedInteger>(_ call: () -> Outcome) throws(SpillError) -> Outcome {
        while true {
            let outcome = call()
            if outcome != -1 { return outcome }
            let code = errno
            if code != EINTR { throw SpillError.system(operation, path, code: code) }
        }
    }
}
