// What a session writes down about itself each second, for `status`, metrics and commands that wait for it.

internal import Apply
internal import Glibc
internal import Model
internal import Protocol
internal import State

extension StreamSession {
    func status(_ progress: ApplyProgress, _ positions: StreamPositions) -> StreamStatus {
        var status = StreamStatus(state: .streaming, host: HostName.current, pid: getpid())
        if let (problem, isBlocked) = progress.problem {
            status.state = isBlocked ? .blocked : .retrying
            status.problem = problem
        } else if let problem = health.current {
            status.state = .waiting
            status.problem = problem
        }
        status.received = positions.received.description
        status.applied = progress.applied.description
        status.durable = positions.durable.description
        status.latency = progress.latency
        status.transactions = progress.transactions
        status.changes = progress.changes
        status.batches = progress.batches
        status.differences = progress.differences
        status.spilled = positions.spilled
        status.role = role.rawValue
        status.unsettled = twins?.count
        // What changes a stream's manner makes it begin again first.
        if course.manner(of: plan.stream.direction) == manner { status.step = course.row?.step.rawValue }
        status.skipped = positions.skipped
        (status.walHeld, status.walRate) = watch.current
        return status
    }
}
