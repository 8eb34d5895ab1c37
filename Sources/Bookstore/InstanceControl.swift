// What an instance is told while it runs: its mode, which address it uses, its rate. A person changes it in the control file;
// a change of mode is complete when every transaction that began in the former one has ended. Any thread may call.

internal import Model
internal import Threading

/// What stands in a control file: `mode=4`, one a line.
package struct Instructions: Sendable, Equatable {
    package var mode: InstanceMode?
    package var address: Side?
    package var rate: Double?

    package init(mode: InstanceMode? = nil, address: Side? = nil, rate: Double? = nil) {
        (self.mode, self.address, self.rate) = (mode, address, rate)
    }

    package var text: String {
        var lines: [String] = []
        if let mode { lines.append("mode=\(mode.rawValue)") }
        if let address { lines.append("address=\(address.rawValue)") }
        if let rate { lines.append("rate=\(rate)") }
        return lines.map { $0 + "\n" }.joined()
    }

    package init(text: String) throws(BookstoreError) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: "=", maxSplits: 1).map { String($0).filter { $0 != " " } }
            guard words.count == 2 else { throw Self.unreadable(line) }
            switch words[0] {
            case "mode": mode = Int(words[1]).flatMap(InstanceMode.init(rawValue:))
            case "address": address = Side(rawValue: words[1])
            case "rate": rate = Double(words[1]).flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
            default: throw Self.unreadable(line)
            }
            if words[0] == "mode" && mode == nil || words[0] == "address" && address == nil
                || words[0] == "rate" && rate == nil
            {
                throw Self.unreadable(line)
            }
        }
    }

    private static func unreadable(_ line: Substring) -> BookstoreError {
        BookstoreError(
            "a control file says \(mention(String(line)))",
            hint: "it has lines like mode=4 (1, 3, 4, 5 or 6), address=new (old or new), rate=100", .usage)
    }

    /// What the other one says counts.
    package func changed(by other: Instructions) -> Instructions {
        Instructions(mode: other.mode ?? mode, address: other.address ?? address, rate: other.rate ?? rate)
    }
}

final class InstanceControl: Sendable {
    private struct State {
        var mode: InstanceMode
        var address: Side
        /// Transactions at work, by mode.
        var atWork: [InstanceMode: Int] = [:]
    }

    private let strategy: Strategy
    private let state: Monitor<State>

    init(_ plan: InstancePlan) {
        strategy = plan.strategy
        state = Monitor(State(mode: plan.mode, address: plan.mode == .newOnly ? .new : .old))
    }

    func obey(_ instructions: Instructions) {
        state.withLock { state in
            if let mode = instructions.mode { state.mode = mode }
            if let address = instructions.address { state.address = address }
        }
    }

    /// Only from where the caller was: several notice at once.
    func goElsewhere(from mode: InstanceMode) {
        let here: Side = mode == .newOnly ? .new : .old
        state.withLock { if $0.address == here { $0.address = here == .old ? .new : .old } }
    }

    /// A transaction begins, in this mode.
    func enter() -> InstanceMode {
        state.withLock { state in
            let mode = current(state)
            state.atWork[mode, default: 0] += 1
            return mode
        }
    }

    func leave(_ mode: InstanceMode) { state.withLock { $0.atWork[mode, default: 1] -= 1 } }

    var address: Side { state.withLock { $0.address } }

    /// The mode in which everything is done by now; nil while some transactions are still of another.
    var settled: InstanceMode? {
        state.withLock { state in
            let mode = current(state)
            return state.atWork.allSatisfy { $0.key == mode || $0.value == 0 } ? mode : nil
        }
    }

    private func current(_ state: State) -> InstanceMode {
        switch strategy {
        case .dualWrite: state.mode
        case .pause: state.address == .old ? .oldOnly : .newOnly
        }
    }
}
