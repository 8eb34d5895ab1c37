// `tandem failpoints`, hidden

internal import CommandLine
internal import Failpoints
internal import Model

func failpoints(_: Parsed) throws -> ExitCode {
    let longest = Failpoint.allCases.map(\.rawValue.count).max() ?? 0
    for point in Failpoint.allCases {
        let name = point.rawValue + String(repeating: " ", count: longest - point.rawValue.count)
        Terminal.show("\(name)  \(point.meaning)")
    }
    return .done
}
