// What is wrong with a command line, and what to type instead. It must never repeat what may be a password.

package import Model

package struct UsageError: Explained, Equatable {
    package let description: String
    package let hint: String?
    package var exitCode: ExitCode { .usage }

    package init(_ description: String, hint: String? = nil) {
        self.description = description
        self.hint = hint
    }
}
