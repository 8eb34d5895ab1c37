// What a pair's two streams wait for of each other.

import Model
import Protocol
import Testing
import Threading

@testable import Stream

@Suite struct PairCourseTests {
    /// A run that ends must not wait for a stream back that has nothing to do.
    @Test(.timeLimit(.minutes(1)), arguments: [false, true])
    func whoEndsWaitsForNoWayBack(isKnown: Bool) throws {
        let course = PairCourse()
        if isKnown {
            course.note(nil, on: .old)
            course.note(nil, on: .new)
        }
        let stop = StopSignal()
        let waiting = try Thread("reverse") {
            course.waitForReverse(toChangeFrom: isKnown ? .off : nil, seconds: 3600, stop: stop)
        }
        stop.raise()
        course.wakeWaiting()
        waiting.join()
    }

    /// That there is to be none is news to who does not know yet: something may have been left to clear away.
    @Test(.timeLimit(.minutes(1))) func whoDoesNotKnowHearsThatThereIsNone() throws {
        let course = PairCourse()
        let waiting = try Thread("reverse") {
            course.waitForReverse(toChangeFrom: nil, seconds: 3600, stop: StopSignal())
        }
        course.note(nil, on: .old)
        course.note(nil, on: .new)
        waiting.join()
        #expect(course.role(of: .reverse) == .off)
    }
}
