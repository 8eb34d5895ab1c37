// An event as others than the log may hear of it: what happened, how grave it is, with which fields.

package import Foundation

package struct LogEvent: Sendable {
    package let level: LogLevel
    package let name: String
    package let fields: [(key: LogKey, value: String)]
    package let time: Date

    package init(level: LogLevel, name: String, fields: [(key: LogKey, value: String)], time: Date) {
        self.level = level
        self.name = name
        self.fields = fields
        self.time = time
    }

    /// The last one counts, as a reader of the line would take it.
    package subscript(_ key: LogKey) -> String? { fields.last { $0.key == key }?.value }
}
