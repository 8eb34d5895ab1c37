// How long to try (TANDEM_FUZZ_SECONDS), from which seed (TANDEM_FUZZ_SEED, otherwise a new one, which is printed), and
// that nobody believes an announced length: address space may not grow.

import Foundation
import Testing

struct Trial {
    let seconds: Double
    let seed: UInt64
    private let name: String
    private let allowance = 1 << 30

    init(_ name: String) {
        let environment = ProcessInfo.processInfo.environment
        self.name = name
        seconds = environment["TANDEM_FUZZ_SECONDS"].flatMap { Double($0) } ?? 5
        seed = environment["TANDEM_FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: .min ... .max)
    }

    /// One round after another, each with a seed of its own, printed before the first in case it is the last.
    func run(_ round: (inout Mutation) throws -> Void) throws {
        print("FuzzTests \(name): TANDEM_FUZZ_SEED=\(seed), \(seconds) s")
        let before = Self.peak
        let end = ContinuousClock.now + .seconds(seconds)
        var rounds: UInt64 = 0
        while ContinuousClock.now < end {
            let clock = ContinuousClock()
            var mutation = Mutation(seed: seed &+ rounds)
            let took = try clock.measure { try round(&mutation) }
            #expect(took < .seconds(60), "TANDEM_FUZZ_SEED=\(seed &+ rounds) takes \(took)")
            rounds += 1
            if rounds % 256 == 0 {
                try #require(Self.peak - before < allowance, "TANDEM_FUZZ_SEED=\(seed &+ rounds - 256) and 255 more")
            }
        }
        print("FuzzTests \(name): \(rounds) rounds")
        #expect(rounds > 0)
    }

    /// Of address space, which counts what was asked for and never touched.
    private static var peak: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) * 1024
    }
}
