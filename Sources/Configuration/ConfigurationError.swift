// The one error of this room: which file, where in it, what is wrong, and what to write instead.
// It must never carry a connection string or what an environment variable held: texts go through `mention`.

package import Model

package struct ConfigurationError: Explained, Equatable {
    package let file: String
    package let place: Place?
    package let message: String
    package let hint: String?

    package init(file: String, place: Place?, message: String, hint: String? = nil) {
        self.file = file
        self.place = place
        self.message = message
        self.hint = hint
    }

    package var description: String {
        let name = withoutControls(file)
        guard let place else { return "\(name): \(message)" }
        return "\(name):\(place.line):\(place.column): \(message)"
    }

    package var exitCode: ExitCode { .usage }
}
