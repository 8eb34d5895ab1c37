// A minute of lag in one line. Gaps are moments when it was unknown. Pure.

internal import Foundation

enum Sparkline {
    private static let bars = Array("▁▂▃▄▅▆▇█")

    static func draw(_ values: [Double?]) -> String {
        let highest = values.compactMap { $0 }.max() ?? 0
        let line = values.map { value -> Character in
            guard let value else { return " " }
            guard highest > 0 else { return bars[0] }
            return bars[min(bars.count - 1, Int(value / highest * Double(bars.count - 1) + 0.5))]
        }
        return String(line) + "  highest " + readable(seconds: highest)
    }
}
