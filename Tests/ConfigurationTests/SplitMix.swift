// Random choices that repeat themselves: a seed in the test is enough to see its failure again.

struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func text(from letters: String, upTo longest: Int) -> String {
        let letters = Array(letters)
        let length = Int.random(in: 0...longest, using: &self)
        return String((0..<length).map { _ in letters[Int.random(in: letters.indices, using: &self)] })
    }
}
