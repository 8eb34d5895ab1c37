// Which writers a side lets pass at a step, as one number: what a sequence on that side holds and every fenced statement reads.
// The step table decides; a number rather than a row, because a sequence is read in place, whatever snapshot a transaction
// has. Pure.

package import Model

package struct WriterGate: Sendable, Equatable {
    /// Of the epoch that this follows from; 0 while there is none.
    package let epoch: Int
    package let step: Step
    /// Modes that may be declared here.
    package let modes: Set<Mode>
    /// Whether a writer that declares nothing may write here.
    package let takesUndeclared: Bool
    /// Something was written here under the fence that old snapshots do not show; statements have to look.
    package let isSealed: Bool

    package init(epoch: Int, step: Step, modes: Set<Mode>, takesUndeclared: Bool, isSealed: Bool = false) {
        (self.epoch, self.step, self.modes) = (epoch, step, modes)
        (self.takesUndeclared, self.isSealed) = (takesUndeclared, isSealed)
    }

    /// With strategy `pause` nobody declares anything, and whoever writes is taken for the mode that the step has. Otherwise an
    /// undeclared writer counts as mode 1 on old, and as a stranger on new.
    package init(_ row: StepRow, _ strategy: Strategy, epoch: Int, on side: Side, isSealed: Bool = false) {
        let modes = row.modes.filter { $0.writes(side) }
        let undeclared =
            switch strategy {
            case .pause: !modes.isEmpty
            case .dualWrite: side == .old && modes.contains(.oldOnly)
            }
        self.init(epoch: epoch, step: row.step, modes: modes, takesUndeclared: undeclared, isSealed: isSealed)
    }

    package var isClosed: Bool { modes.isEmpty && !takesUndeclared }

    package func sealed(_ isSealed: Bool) -> WriterGate {
        WriterGate(epoch: epoch, step: step, modes: modes, takesUndeclared: takesUndeclared, isSealed: isSealed)
    }

    // MARK: as a number

    /// Bit 0: undeclared writers. Bits 1 to 6: modes by their number. Bit 7: sealed. Bits 8 to 15: the step. The rest: the epoch.
    /// Never 0 or less, which no sequence holds: bit 16 is the epoch plus one.
    package var value: Int64 {
        var value = Int64(epoch + 1) << 16 | Int64(step.rawValue) << 8
        for mode in modes { value |= Self.bit(of: mode) }
        if takesUndeclared { value |= Self.undeclared }
        if isSealed { value |= Self.seal }
        return value
    }

    /// Nil for a number that nobody here has written.
    package init?(value: Int64) {
        guard value >= 1 << 16, let step = Step(rawValue: Int(value >> 8 & 0xff)) else { return nil }
        self.init(
            epoch: Int(value >> 16) - 1, step: step, modes: Set(Mode.allCases.filter { value & Self.bit(of: $0) != 0 }),
            takesUndeclared: value & Self.undeclared != 0, isSealed: value & Self.seal != 0)
    }

    package static let undeclared: Int64 = 1
    package static let seal: Int64 = 128
    package static func bit(of mode: Mode) -> Int64 { 1 << Int64(mode.rawValue) }
}
