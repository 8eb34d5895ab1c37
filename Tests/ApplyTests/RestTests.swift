// When the applying thread may sleep: never over a transaction that is here, whenever it arrived.

import Bytes
import Model
import Testing
import Threading

@testable import Apply
@testable import Assembly
@testable import PGOutput

@Suite struct RestTests {
    private let queue = BoundedQueue<Delivery>(limit: 1 << 20)

    private func deliver(_ number: UInt64) {
        let commit = CommitMessage(position: LSN(number), end: LSN(number), time: ServerTime(microseconds: 0))
        let transaction = Transaction(
            xid: UInt32(number), commit: commit, origin: nil, changes: 1, writer: 0,
            content: .slice(ByteBuffer(), from: 0, count: 0))
        queue.push(.transactions([transaction]), bytes: 1)
    }

    private var isRaised: Bool { !Poll.wait(for: [.readable(queue.filled.descriptor)], until: .now).isEmpty }

    /// The look takes it out of the queue and its wake-up with it: sleeping now would be until something else comes.
    @Test(arguments: [false, true], [false, true])
    func whatArrivesAfterFillingIsNotSleptOver(isIdle: Bool, fits: Bool) {
        var intake = Intake(queue)
        #expect(intake.peek()?.xid == nil)
        deliver(1)
        let rest = intake.rest(isFull: false, isIdle: isIdle) { _ in fits }
        #expect(rest == (isIdle || fits ? .none : .untilAnswer))
        #expect(!isRaised)
    }

    @Test(arguments: [false, true])
    func whatArrivesAfterTheLookRaisesTheWakeUpThatIsWaitedFor(isIdle: Bool) {
        var intake = Intake(queue)
        #expect(intake.rest(isFull: false, isIdle: isIdle) { _ in true } == .untilAnswerOrInput)
        deliver(1)
        #expect(isRaised)
        #expect(intake.peek()?.xid == 1)
    }

    @Test func aFullBatchWaitsForTheTargetAlone() {
        var intake = Intake(queue)
        deliver(1)
        #expect(intake.rest(isFull: true, isIdle: false) { _ in true } == .untilAnswer)
        #expect(isRaised)
    }

    @Test func anEndThatArrivesAfterFillingIsNotSleptOver() {
        var intake = Intake(queue)
        #expect(intake.peek()?.xid == nil)
        queue.push(.quiet(LSN(7)), bytes: 0)
        queue.push(.end, bytes: 0)
        #expect(intake.rest(isFull: false, isIdle: true) { _ in true } == .none)
        #expect(intake.quiet == LSN(7))
    }
}
