// Tries what `canary` names, one probe after the other: reads are asked on both sides, programs are run.

package import Configuration
package import Model
internal import Postgres
internal import Processes
package import Threading

/// What brings the other side what the side in charge has.
package protocol CanaryStream: AnyObject {
    /// When it was last waited for, it did not move.
    var stands: Bool { get }

    /// Until the other side has what the side in charge has now, again and again doing what it is given; false where it does not come to
    /// have it in time.
    func catchUp(by end: Monotonic, meanwhile: () throws -> Void) throws -> Bool
}

package struct CanaryTrial {
    let old: CanaryDesk
    let new: CanaryDesk
    let truth: Side
    /// Seconds that answers may take to settle.
    let patience: Double
    let stop: StopSignal
    /// What programs are told.
    private let environment: [String: String]
    let stream: any CanaryStream

    package init(
        old: CanaryDesk, new: CanaryDesk, truth: Side, patience: Double, environment: [String: String],
        stream: any CanaryStream, stop: StopSignal
    ) {
        (self.old, self.new, self.truth) = (old, new, truth)
        (self.patience, self.environment) = (patience, environment)
        (self.stream, self.stop) = (stream, stop)
    }

    var interrupted: PostgresError {
        PostgresError(.interrupted, "stopped on request", doing: "trying what `canary` names")
    }

    /// Throws what keeps every probe from being tried: a side that is gone, or a request to stop.
    package func run(_ probe: CanaryProbe) throws -> CanaryReport {
        let begun = Monotonic.now
        var report = CanaryReport(probe)
        switch probe.kind {
        case .query(let query): try CanaryReading(self, probe, query).run(&report)
        case .program(let program): try run(program, probe, &report)
        }
        report.seconds = begun.age
        return report
    }

    private func run(_ program: HookProgram, _ probe: CanaryProbe, _ report: inout CanaryReport) throws {
        let child = ChildProgram(
            program: program.path, arguments: program.arguments,
            environment: environment.merging(["TANDEM_CANARY": probe.name]) { $1 }, outputLimit: 1 << 16)
        do throws(ProcessError) {
            let outcome = try child.run(stop: stop, within: probe.timeout)
            let words = outcome.lastWords
            let said = words.isEmpty ? "" : ": \(words)"
            if outcome.status == 0 {
                if !words.isEmpty { report.add(.program, isBreach: false, words) }
            } else {
                report.add(.program, "it ended with status \(outcome.status)\(said)")
            }
        } catch {
            switch error {
            case .interrupted: throw error
            case .late: report.add(.error, "it took longer than its `timeout`, and was ended")
            case .cannotRun: report.add(.error, "\(error)")
            }
        }
    }
}

/// 1.2 ms, 340 ms, 12.5 s
package func shortly(seconds: Double) -> String {
    seconds < 0.1
        ? "\(shortly((seconds * 10_000).rounded() / 10)) ms"
        : seconds < 10 ? "\(Int((seconds * 1000).rounded())) ms" : "\(shortly((seconds * 10).rounded() / 10)) s"
}

func shortly(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }
