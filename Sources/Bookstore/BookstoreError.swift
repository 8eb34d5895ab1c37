// What can go wrong around the bookstore: its files, its options, its tables. Never a row value or a password.

package import Model

package struct BookstoreError: Explained {
    package let description: String
    package let hint: String?
    package let exitCode: ExitCode

    package init(_ description: String, hint: String? = nil, _ exitCode: ExitCode = .failed) {
        (self.description, self.hint, self.exitCode) = (description, hint, exitCode)
    }
}
