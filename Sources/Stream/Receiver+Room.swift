// When the receiving thread may not read, and what it says of it: the target takes nothing, memory or the disk for spill files
// is full.

internal import Assembly
internal import Model
internal import Spill
internal import Telemetry
internal import Threading

extension Receiver {
    /// For whole transactions, until the target has taken some. Busy as it is, it does all the time; when it does not, that is said.
    func hasRoom() -> Bool {
        queue.drained.lower()
        // Nobody is to blame before anything may be applied.
        let hasRoom = queue.hasRoom
        let full = hasRoom || !setup.isAdmitted() ? nil : fullSince ?? Monotonic.now
        defer { fullSince = full }
        if let full {
            guard !isStuck, full.age > Self.patience else { return false }
            isStuck = true
            let reason = "\(setup.stream.target) takes no more, and the memory for whole transactions is full"
            log.warning("waiting", [.reason: reason, .hint: stuckHint])
            health.report(reason, hint: stuckHint)
            return false
        }
        guard hasRoom else { return false }
        if isStuck {
            isStuck = false
            health.clear()
            log.info("reading again")
        }
        return true
    }

    private static let patience = 3.0
    private var stuckHint: String {
        "\(setup.stream.source) keeps its log meanwhile; look what \(setup.stream.target) is busy with or waits for;"
            + " limits.memory is how much may wait here"
    }

    /// Spills when too much is open; when that is impossible (disk full, limit reached) reading waits.
    func hasMemory() throws -> Bool {
        guard assembler.isOverBudget else { return true }
        if let next = nextSpillTry, Monotonic.now < next { return false }
        guard !setup.spill.isFull else { return waiting("spill files have reached limits.spill", nil) }
        do throws(SpillError) {
            try assembler.makeRoom()
            positions.spilled = setup.spill.bytesOnDisk
        } catch {
            guard error.isCurable else { throw error }
            return waiting(error.description, error.hint)
        }
        if nextSpillTry != nil {
            nextSpillTry = nil
            health.clear()
            log.info("reading again")
        }
        return true
    }

    private func waiting(_ reason: String, _ hint: String?) -> Bool {
        if nextSpillTry == nil { log.error("waiting", [.reason: reason, .hint: hint ?? "raise limits.spill"]) }
        nextSpillTry = Monotonic.now.adding(seconds: 1)
        health.report(reason, hint: hint ?? "raise limits.spill, or let the large transactions end")
        return false
    }
}
