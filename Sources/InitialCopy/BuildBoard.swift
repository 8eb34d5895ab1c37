// Keys, indexes, foreign keys and views that are being made on new just now: told by the threads that make them, shown by
// the run that watches over the copy.

internal import Threading

package final class BuildBoard: Sendable {
    private struct Build {
        var phase: String?
        var done = 0
        var of = 0
        let began = Monotonic.now
    }

    private let builds = Monitor<[String: Build]>([:])

    package init() {}

    package func began(_ object: String) { builds.withLock { $0[object] = Build() } }

    /// `of` is 0 while the server does not know.
    package func at(_ object: String, phase: String, done: Int, of: Int) {
        builds.withLock { builds in
            builds[object]?.phase = phase
            builds[object]?.done = done
            builds[object]?.of = of
        }
    }

    package func ended(_ object: String) { builds.withLock { $0[object] = nil } }

    /// The longest first.
    var current: [CopyProgress.Build] {
        builds.withLock { builds in
            builds.map { object, build in
                CopyProgress.Build(
                    object: object, phase: build.phase,
                    share: build.of > 0 ? Double(build.done) / Double(build.of) : nil,
                    seconds: build.began.age)
            }
        }.sorted { ($1.seconds, $0.object) < ($0.seconds, $1.object) }
    }
}
