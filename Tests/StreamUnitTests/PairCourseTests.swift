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
            course.waitForReverse(toChangeFrom: .off, seconds: 3600, stop: stop)
        }
        stop.raise()
        course.wakeWaiting()
        waiting.join()
    }
}
