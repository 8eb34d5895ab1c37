// What customers feel, second by second: how many were served, how long it took, what went wrong. Any thread may call.

internal import Threading

/// How one operation ended, with everything tried before.
struct Served {
    enum Outcome: Equatable {
        case done
        /// Sold out, no money: nobody's error.
        case declined
        case failed(String)
        case unknown(String)
    }

    var outcome: Outcome
    var retries: [String]
    /// In mode 3.
    var swallowed: String?
}

final class Meter: Sendable {
    private struct State {
        var counts = ServiceCounts()
        var total = ServiceCounts()
        /// When what each clerk is at began.
        var began: [Int: Monotonic] = [:]
    }

    private let state = Monitor(State())

    func begin(_ clerk: Int) { state.withLock { $0.began[clerk] = .now } }

    func end(_ clerk: Int, _ operation: Operation, _ served: Served) {
        state.withLock { state in
            guard let began = state.began.removeValue(forKey: clerk) else { return }
            let seconds = began.age
            state.counts.add(served, reads: operation.reads, seconds: seconds)
            state.total.add(served, reads: operation.reads, seconds: seconds)
        }
    }

    /// What came since the last call, and how long the one who waits longest has waited.
    func take() -> (counts: ServiceCounts, waiting: Double) {
        state.withLock { state in
            defer { state.counts = ServiceCounts() }
            return (state.counts, state.began.values.map(\.age).max() ?? 0)
        }
    }

    var total: (counts: ServiceCounts, waiting: Double) {
        state.withLock { ($0.total, $0.began.values.map(\.age).max() ?? 0) }
    }
}

package struct ServiceCounts: Codable, Sendable {
    /// Acknowledged writes.
    package var writes = 0
    package var reads = 0
    package var declined = 0
    /// Told to a customer, by SQLSTATE.
    package var errors: [String: Int] = [:]
    /// COMMIT was not answered, by SQLSTATE.
    package var unknown: [String: Int] = [:]
    /// Tried again without anybody noticing.
    package var retries: [String: Int] = [:]
    /// Errors on new that are nobody's, in mode 3.
    package var swallowed: [String: Int] = [:]
    package var latencies = Latencies()

    package init() {}

    package var served: Int { writes + reads + declined }
    package var failures: Int { errors.values.reduce(0, +) + unknown.values.reduce(0, +) }

    mutating func add(_ served: Served, reads isRead: Bool, seconds: Double) {
        switch served.outcome {
        case .done: if isRead { reads += 1 } else { writes += 1 }
        case .declined: declined += 1
        case .failed(let state): errors[state, default: 0] += 1
        case .unknown(let state): unknown[state, default: 0] += 1
        }
        for state in served.retries { retries[state, default: 0] += 1 }
        if let state = served.swallowed { swallowed[state, default: 0] += 1 }
        latencies.add(seconds)
    }

    package mutating func add(_ other: ServiceCounts) {
        writes += other.writes
        reads += other.reads
        declined += other.declined
        errors.merge(other.errors, uniquingKeysWith: +)
        unknown.merge(other.unknown, uniquingKeysWith: +)
        retries.merge(other.retries, uniquingKeysWith: +)
        swallowed.merge(other.swallowed, uniquingKeysWith: +)
        latencies.add(other.latencies)
    }
}
