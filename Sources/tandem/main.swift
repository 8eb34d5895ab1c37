// Parses, dispatches, and turns what comes out into an exit code.

internal import CommandLine
internal import Failpoints
internal import Foundation
internal import Glibc
internal import Model

private let commands: [String: (Parsed) throws -> ExitCode] = [
    "preflight": preflight, "checks": checks, "metrics": metrics, "documents": documents, "prepare": prepare,
    "run": run, "lag": lag,
    "status": status,
    "set-aside": setAside, "abort": abort,
    "verify": verify, "resync": resync,
    "pause": pause, "resume": resume, "recopy": recopy, "failpoints": failpoints,
    "step": step, "advance": advance, "back": back, "finish": finish,
    "switch": switchSides, "fence-function": fenceFunction,
    "adopt": adopt, "fleet": fleet, "canary": canary,
    "init": initialize, "config show": configShow,
    "evidence show": evidenceShow, "evidence verify": evidenceVerify, "evidence export": evidenceExport,
    "b now": batchNow, "b pause": batchPause, "b resume": batchResume, "b final": batchFinal,
    "bookstore load": bookstoreLoad, "bookstore instance": bookstoreInstance, "bookstore fleet": bookstoreFleet,
    "bookstore set": bookstoreSet, "bookstore list": bookstoreList, "bookstore batch": bookstoreBatch,
    "bookstore check": bookstoreCheck, "bookstore drop": bookstoreDrop, "demo": demo,
    "evidence import": evidenceImport, "evidence link": evidenceLink,
]

@MainActor private func perform() -> ExitCode {
    if let name = Failpoint.misspelt {
        Terminal.note("tandem: TANDEM_FAILPOINT names no failpoint: \(mention(name)); `tandem failpoints` lists them")
        return .usage
    }
    do {
        switch try commandTable.parse(Array(CommandLine.arguments.dropFirst())) {
        case .help(let text), .version(let text):
            Terminal.show(text)
            return .done
        case .run(let parsed):
            guard let command = commands[parsed.command] else { preconditionFailure("a listed command has no code") }
            return try command(parsed)
        }
    } catch {
        Terminal.complain(error)
        return (error as? any Explained)?.exitCode ?? .failed
    }
}

leaveNoCore()
raiseOpenFiles()
stopOnSignals()
// Not `exit`: a thread that was left behind over a dead network must not keep the process.
let outcome = perform()
fflush(nil)
_exit(outcome.rawValue)
