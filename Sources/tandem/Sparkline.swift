// A minute of lag in one line. Gaps are moments when it was unknown. Pure.

internal import Foundation

enum Sparkline {
    private static let steps = Array("▁▂▃▄▅▆▇█")

    static func draw(_ values: [Double?]) -> String {
        bars(values) + "  highest " + readable(seconds: values.compactMap { $0 }.max() ?? 0)
    }

    static func bars(_ values: [Double?]) -> String {
        let highest = values.compactMap { $0 }.max() ?? 0
        return String(
            values.map { value -> Character in
                guard let value else { return " " }
                guard highest > 0 else { return steps[0] }
                return steps[min(steps.count - 1, Int(value / highest * Double(steps.count - 1) + 0.5))]
            })
    }
}
