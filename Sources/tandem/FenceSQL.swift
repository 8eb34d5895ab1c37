// `tandem fence-function`, for benchmarks and for who wants to read what runs in his database.

internal import CommandLine
internal import Fence
internal import Model
internal import Postgres
internal import Stream

func fenceFunction(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "fence-function")
    let side = try side(named: arguments.arguments[0])
    let connection = try Connection(
        to: side == .old ? plan.old : plan.new, for: .control, as: "\(plan.stream) fence", stop: processStop)
    let installation = FenceInstallation(connection, plan.stream, on: side, stop: processStop)
    Terminal.show(
        try installation.functionSQL(
            elsewhere: side.other.rawValue, census: arguments.has("census") ? .message : .none) + ";")
    return .done
}
