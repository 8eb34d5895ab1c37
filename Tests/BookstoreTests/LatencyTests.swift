import Bookstore
import Testing

@Suite struct LatencyTests {
    @Test func percentilesAreWithinAStep() throws {
        var all = Latencies()
        for number in 1...1000 { all.add(Double(number) / 1000) }
        for (share, real) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let found = try #require(all.percentile(share))
            #expect(found >= real && found <= real * 1.1, "\(share): \(found)")
        }
        #expect(all.percentile(1) == 1)
        #expect(all.longest == 1)
        #expect(Latencies().percentile(0.5) == nil)
    }

    @Test func thoseOfSeveralInstancesAddUp() {
        var (one, other, both) = (Latencies(), Latencies(), Latencies())
        for number in 1...100 {
            one.add(Double(number) / 100)
            other.add(Double(number) / 10)
            both.add(Double(number) / 100)
            both.add(Double(number) / 10)
        }
        one.add(other)
        #expect(one == both)
    }

    @Test func instructionsAreWhatTheControlFileSays() throws {
        let all = try Instructions(text: "mode=4\naddress=new\nrate=12.5\n")
        #expect(all == Instructions(mode: .strict, address: .new, rate: 12.5))
        #expect(try Instructions(text: all.text) == all)
        for bad in ["mode=2", "mode", "address=there", "rate=-1", "colour=red"] {
            #expect(throws: BookstoreError.self) { try Instructions(text: bad) }
        }
    }
}
