// Damaged configurations: whatever is changed, cut or doubled, reading ends with values or with an error that has its
// place, never with a trap.

import Configuration
import Model
import Testing

@Suite struct DamageTests {
    private let whole =
        smallest + """
            exclude: ['"Sales"."Odd.Name"', "*.audit_*"]
            initial_copy: {from: 16/B374D848}
            limits: { memory: 256MB, wal_held: 20GB, on_wal_held: keep }
            spill: ${HOME}/$${x}

            """

    @Test func damageIsAnErrorNotATrap() {
        var random = SplitMix(seed: 41)
        var refused = 0
        for _ in 0..<3000 {
            let text = damaged(Array(whole.unicodeScalars), &random)
            guard let error = failure(text, environment: ["HOME": "/h"]) else { continue }
            refused += 1
            #expect(error.place != nil, "\(text)")
            #expect(error.exitCode == .usage)
        }
        #expect(refused > 1000)
    }

    private func damaged(_ whole: [Unicode.Scalar], _ random: inout SplitMix) -> String {
        var scalars = whole
        let letters = Array("{}[]:,-'\"*&!|>%@`#?~$ \n\t\0\\aä\u{2028}0.".unicodeScalars)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = Int.random(in: scalars.indices, using: &random)
            let letter = letters[Int.random(in: letters.indices, using: &random)]
            switch Int.random(in: 0..<4, using: &random) {
            case 0: scalars[at] = letter
            case 1: scalars.insert(letter, at: at)
            case 2: scalars.removeSubrange(at..<min(at + 9, scalars.count))
            default: scalars.insert(contentsOf: scalars[at..<min(at + 20, scalars.count)], at: at)
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}
