// What the applying thread does when it has nothing to send: whether it may sleep, and what must wake it. Decided in one
// look at the intake, so that nothing can arrive unnoticed between a look and the sleep: what the look itself takes out of
// the queue raises no wake-up any more.

internal import Assembly

enum Rest: Equatable {
    /// Something is here that can be taken in now.
    case none
    /// Nothing can be taken in before the target has answered.
    case untilAnswer
    case untilAnswerOrInput
}

extension Intake {
    /// `fits`: whether that transaction can be taken in while a batch runs.
    mutating func rest(isFull: Bool, isIdle: Bool, fits: (Transaction) -> Bool) -> Rest {
        if isFull { return .untilAnswer }
        guard let front = peek() else { return isIdle && hasEnded ? .none : .untilAnswerOrInput }
        return isIdle || fits(front) ? .none : .untilAnswer
    }
}
