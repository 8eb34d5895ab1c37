// Who may write which side, by the step table; and the number that says so.

import Model
import Testing

@testable import Protocol

@Suite struct WriterGateTests {
    private static let all = Strategy.allCases.flatMap { strategy in
        StepTable(strategy).rows.flatMap { row in
            Side.allCases.map { side in (strategy, row, side, WriterGate(row, strategy, epoch: 7, on: side)) }
        }
    }

    @Test func everyGateReadsBackFromItsNumber() {
        for (_, _, _, gate) in Self.all {
            for gate in [gate, gate.sealed(true)] {
                #expect(gate.value > 0)
                #expect(WriterGate(value: gate.value) == gate)
            }
        }
        #expect(WriterGate(value: 1) == nil, "a sequence that was only made")
        #expect(WriterGate(value: 1 << 16 | 77 << 8) == nil, "a step of a later version")
    }

    /// Whatever mode the step allows may write what it writes, and nothing else may.
    @Test func modesPassWhereTheyWrite() {
        for (strategy, row, side, gate) in Self.all {
            for mode in Mode.allCases {
                #expect(
                    gate.modes.contains(mode) == (row.modes.contains(mode) && mode.writes(side)),
                    "\(strategy.rawValue) \(row.step) \(mode) \(side)")
            }
        }
    }

    @Test func withPauseExactlyTheSideInChargeIsOpen() {
        for (strategy, row, side, gate) in Self.all where strategy == .pause {
            #expect(gate.isClosed == (row.truth != side), "\(row.step) \(side)")
            #expect(gate.takesUndeclared == (row.truth == side), "\(row.step) \(side)")
        }
    }

    @Test func undeclaredWritersAreOfModeOneOnOldAndStrangersOnNew() {
        for (strategy, row, side, gate) in Self.all where strategy == .dualWrite {
            #expect(gate.takesUndeclared == (side == .old && row.modes.contains(.oldOnly)), "\(row.step) \(side)")
        }
    }
}
