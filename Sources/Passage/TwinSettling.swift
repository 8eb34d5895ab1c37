// What a fenced transition asks of whoever repairs twins, where applications write both sides: the fence is up on both, and every
// stream has passed its mark. With strategy `pause` nobody writes twins, and there is nothing to settle.

package import Model
package import Threading

package protocol TwinSettling {
    /// Settles and repairs everything that was touched below the marks; how many touches could not be settled by then.
    func settle(_ desk: PairDesk, until deadline: Monotonic) throws -> Int
    /// Where applications of two modes take ids from both sides, `side`'s sequences go beyond what the other one may give out.
    func part(_ desk: PairDesk, side: Side) throws
}

package struct NobodyWritesTwins: TwinSettling {
    package init() {}
    package func settle(_ desk: PairDesk, until deadline: Monotonic) -> Int { 0 }
    package func part(_ desk: PairDesk, side: Side) {}
}
