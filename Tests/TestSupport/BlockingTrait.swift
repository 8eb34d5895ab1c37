// `@Suite(.blocking)`: for tests that wait for servers and processes. They block the thread they run on, and Swift's own
// pool has only as many threads as there are processors: two of them would keep all others waiting, however idle the
// machine is. Each test of such a suite runs on a thread of its own; how many run at once is for TEST_WIDTH to say.

internal import Glibc
package import Testing

package struct BlockingTrait: SuiteTrait, TestTrait, TestScoping {
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let began = ContinuousClock.now
        defer { if testCase != nil { TestTimes.note(test, ContinuousClock.now - began) } }
        try await withTaskExecutorPreference(OwnThreads.shared) { try await function() }
    }
}

/// What the library says of a test's time begins when all begin, and so contains its waiting for its turn.
private enum TestTimes {
    /// Where each test that ends leaves a line: its seconds, its file, its name. For `make test-times`.
    static let path = getenv("TANDEM_TEST_TIMES").map { String(cString: $0) }

    static func note(_ test: Test, _ time: Duration) {
        guard let path else { return }
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { return }
        defer { close(file) }
        let line = "\(time / .seconds(1)) \(test.sourceLocation.fileName) \(test.name)\n"
        _ = line.utf8CString.withUnsafeBufferPointer { write(file, $0.baseAddress, $0.count - 1) }
    }
}

extension Trait where Self == BlockingTrait {
    package static var blocking: Self { Self() }
}

/// Every piece of a task on a thread made for it: a test is one or two of them, and lasts seconds.
private final class OwnThreads: TaskExecutor {
    static let shared = OwnThreads()

    func enqueue(_ job: consuming ExecutorJob) {
        let work = Unmanaged.passRetained(Work(job: UnownedJob(job)))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 8 << 20)
        var thread = pthread_t()
        let outcome = pthread_create(
            &thread, &attributes,
            { argument in
                let work = Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue()
                work.job.runSynchronously(on: OwnThreads.shared.asUnownedTaskExecutor())
                return nil
            }, work.toOpaque())
        guard outcome == 0 else { fatalError("no thread for a test: \(String(cString: strerror(outcome)))") }
    }

    private final class Work {
        let job: UnownedJob
        init(job: UnownedJob) { self.job = job }
    }
}
