// Which events of the log `hooks.on_event` hears of: everything that is a warning or worse, and of the rest what an operator may
// be waiting for. docs/events.md says the same, and a test compares.

package import Telemetry

package enum AnnouncedEvents {
    /// Besides warnings and errors.
    package static let good: Set<String> = [
        "step changes", "role changes", "set aside", "copy complete", "recovered", "heartbeat again", "taking over",
        "completed", "taken back", "standing by", "stream rests", "stream goes on", "reached its end", "repaired",
        "made room", "stopped",
    ]

    /// About the hook itself: to announce them would have no end.
    package static let own: Set<String> = ["event hook fails", "event hook works again"]

    package static func has(_ event: LogEvent) -> Bool {
        guard !own.contains(event.name) else { return false }
        return event.level >= .warning || good.contains(event.name)
    }
}
