// What one check is: a name that never changes, how bad its findings are, what it reads, what it makes of the answer, why
// that matters and what mends it. Checks find; they never change anything.

internal import Model

package enum Severity: String, Sendable, CaseIterable, Comparable {
    /// `run` would refuse, stop, or do harm.
    case blocker
    /// Works, with consequences that somebody should have decided on.
    case warning
    /// Good to know.
    case note

    private var rank: Int {
        switch self {
        case .blocker: 0
        case .warning: 1
        case .note: 2
        }
    }

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// One thing that is not as it should be.
package struct Finding: Sendable, Equatable {
    /// What it is about: `old`, `new`, or something by name.
    package let object: String
    /// What is the matter with it; reads on from the object.
    package let what: String
    /// What mends it here, to be pasted where it is SQL.
    package let remedy: String?
    /// Where it is not the check's own.
    let severity: Severity?

    init(_ object: String, _ what: String, mend remedy: String? = nil, severity: Severity? = nil) {
        self.object = object
        self.what = what
        self.remedy = remedy
        self.severity = severity
    }
}

/// What a check reads: catalogs of one side, of each side by itself, of both to compare, or more than a query can tell.
enum Reading: Sendable {
    case old(Question)
    case new(Question)
    case each(Question)
    case both(Question)
    /// Tried, or put together: in words.
    case tried(Set<Side>)

    var sides: Set<Side> {
        switch self {
        case .old: [.old]
        case .new: [.new]
        case .each: []
        case .both: [.old, .new]
        case .tried(let sides): sides
        }
    }
}

/// A query, as it is asked of a server of a version.
struct Question: Sendable {
    enum Parameter: Sendable {
        /// Numbers of the carried tables there, partitions among them.
        case carried
        case stream
    }

    let sql: @Sendable (Int) -> String
    let parameters: [Parameter]

    init(_ sql: String, _ parameters: [Parameter] = []) {
        self.sql = { _ in sql }
        self.parameters = parameters
    }

    init(_ parameters: [Parameter] = [], by sql: @escaping @Sendable (Int) -> String) {
        self.sql = sql
        self.parameters = parameters
    }
}

package struct Check: Sendable {
    package let name: String
    package let severity: Severity
    /// What it looks at, as a phrase.
    package let title: String
    /// Why that matters, as a sentence.
    package let reason: String
    /// What mends it, in general.
    package let remedy: String
    let reading: Reading
    let verdict: @Sendable (Answer, Survey) throws -> [Finding]

    init(
        _ name: String, _ severity: Severity, _ title: String, because reason: String, mend remedy: String,
        reads reading: Reading, _ verdict: @escaping @Sendable (Answer, Survey) throws -> [Finding]
    ) {
        self.name = name
        self.severity = severity
        self.title = title
        self.reason = reason
        self.remedy = remedy
        self.reading = reading
        self.verdict = verdict
    }
}
