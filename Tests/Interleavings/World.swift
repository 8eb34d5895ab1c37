// Everything that can differ between two moments of the model, in 32 bytes: one row on both sides, two instances of the
// application, both logs, both streams, what was touched, and how far the transition has come. A value, so that millions of
// them can be kept and compared. No rule lives here.

import Protocol

/// What a row holds: nothing, or who has written it. Bits tell the writes a value rests upon.
struct Row: Equatable {
    var raw: UInt8

    static let absent = Row(raw: 0)
    static let initial = Row(raw: 0x81)

    init(raw: UInt8) { self.raw = raw }
    init(writtenBy bit: UInt8) { raw = 0x80 | bit }

    var exists: Bool { raw & 0x80 != 0 }
    func adding(_ bit: UInt8) -> Row { Row(raw: raw | bit) }
    func holds(_ bits: UInt8) -> Bool { raw & bits == bits }
}

/// How far an instance is with a transaction.
enum Place: UInt8 {
    case idle
    /// Locking reads: the row on old, or on both.
    case lockedOld, lockedBoth, lockedNew
    case wroteOld, wroteBoth, wroteNew
    /// Mode 3: new failed, and it goes on.
    case swallowed
    case newCommitted
    /// The session on old died; the one on new lives and has written.
    case halfLeft
    /// The wrong order: old is committed, new not written yet.
    case oldCommitted
}

/// How far a transition is; `acting` is at one of the trial's stages, under the fence or on the way there.
enum Progress: UInt8 {
    case notBegun, gatesHeld, acting, committed, done
}

/// What tandem is doing about the touched row.
enum Repairing: UInt8 {
    case nothing
    /// The wrong side's row was read, then that of the side in charge, too.
    case sawWrong, sawBoth
    /// Step 5, and old has no such row: new's version is noted, and whoever was in flight then is waited for.
    case notedAbsence
}

struct World: Hashable {
    private var bytes = SIMD32<UInt8>(repeating: 0)

    static let logSize = 3

    private func bit(_ place: Int, _ bit: UInt8) -> Bool { bytes[place] & bit != 0 }

    private mutating func set(_ place: Int, _ bit: UInt8, _ value: Bool) {
        bytes[place] = value ? bytes[place] | bit : bytes[place] & ~bit
    }

    private func low(_ place: Int) -> Int { Int(bytes[place] & 15) }
    private func high(_ place: Int) -> Int { Int(bytes[place] >> 4) }
    private mutating func setLow(_ place: Int, _ value: Int) { bytes[place] = bytes[place] & 0xf0 | UInt8(value) }
    private mutating func setHigh(_ place: Int, _ value: Int) { bytes[place] = bytes[place] & 15 | UInt8(value) << 4 }

    private func nibble(_ place: Int, _ side: Int) -> Int { side == 0 ? low(place) : high(place) }

    private mutating func setNibble(_ place: Int, _ side: Int, _ value: Int) {
        if side == 0 { setLow(place, value) } else { setHigh(place, value) }
    }

    // MARK: rows; sides are 0 for old and 1 for new

    func row(_ side: Int) -> Row { Row(raw: bytes[side]) }
    mutating func setRow(_ side: Int, _ row: Row) { bytes[side] = row.raw }

    /// What users were promised.
    var promised: Row {
        get { Row(raw: bytes[2]) }
        set { bytes[2] = newValue.raw }
    }

    // MARK: where the pair stands

    /// The next epoch is committed.
    var isOver: Bool {
        get { bit(3, 1) }
        set { set(3, 1, newValue) }
    }

    /// This side's gate knows of it.
    func gateIsOver(_ side: Int) -> Bool { bit(3, side == 0 ? 2 : 4) }
    mutating func setGateOver(_ side: Int) { set(3, side == 0 ? 2 : 4, true) }
    func isFenced(_ side: Int) -> Bool { bit(3, side == 0 ? 8 : 16) }
    mutating func setFenced(_ side: Int, _ value: Bool) { set(3, side == 0 ? 8 : 16, value) }
    /// The stream from this side acts by the next epoch.
    func hasHeard(_ stream: Int) -> Bool { bit(3, stream == 0 ? 32 : 64) }
    mutating func setHeard(_ stream: Int) { set(3, stream == 0 ? 32 : 64, true) }
    /// The stream from new to old has its slot.
    var hasReverse: Bool {
        get { bit(3, 128) }
        set { set(3, 128, newValue) }
    }

    var progress: Progress {
        get { Progress(rawValue: bytes[4] & 15)! }
        set { bytes[4] = newValue.rawValue }
    }

    /// The stage that comes next.
    var stage: Int { high(4) }
    mutating func act(next stage: Int) { bytes[4] = Progress.acting.rawValue | UInt8(stage) << 4 }

    // MARK: what may still go wrong

    var failures: Int {
        get { low(5) }
        set { setLow(5, newValue) }
    }

    var crashes: Int {
        get { high(5) }
        set { setHigh(5, newValue) }
    }

    // MARK: instances

    func place(_ instance: Int) -> Place { Place(rawValue: bytes[6 + 4 * instance])! }
    mutating func setPlace(_ instance: Int, _ place: Place) { bytes[6 + 4 * instance] = place.rawValue }
    func mode(_ instance: Int) -> Mode { Mode(rawValue: Int(bytes[7 + 4 * instance]))! }
    mutating func setMode(_ instance: Int, _ mode: Mode) { bytes[7 + 4 * instance] = UInt8(mode.rawValue) }
    /// What it is about to write.
    func intended(_ instance: Int) -> Row { Row(raw: bytes[8 + 4 * instance]) }
    mutating func setIntended(_ instance: Int, _ row: Row) { bytes[8 + 4 * instance] = row.raw }
    func operation(_ instance: Int) -> Int { low(9 + 4 * instance) }
    mutating func setOperation(_ instance: Int, _ number: Int) { setLow(9 + 4 * instance, number) }
    /// Its transaction has reached the side in charge.
    func hasReached(_ instance: Int) -> Bool { high(9 + 4 * instance) == 1 }
    mutating func setReached(_ instance: Int, _ value: Bool) { setHigh(9 + 4 * instance, value ? 1 : 0) }
    /// Bits of its own acknowledged writes.
    func own(_ instance: Int) -> UInt8 { bytes[14] & (instance == 0 ? 0x0e : 0x70) }
    mutating func addOwn(_ bit: UInt8) { bytes[14] |= bit }
    /// Bits of writes that new has committed, and old then refused.
    var takenBack: UInt8 {
        get { bytes[15] }
        set { bytes[15] = newValue }
    }

    // MARK: logs and streams; a stream has the number of the side it comes from

    func logged(_ side: Int) -> Int { nibble(16, side) }
    func log(_ side: Int, _ place: Int) -> Row { Row(raw: bytes[17 + side * Self.logSize + place]) }

    mutating func append(_ side: Int, _ row: Row) {
        let count = logged(side)
        precondition(count < Self.logSize, "the model's logs are too short for this scenario")
        bytes[17 + side * Self.logSize + count] = row.raw
        setNibble(16, side, count + 1)
    }

    func position(_ stream: Int) -> Int { nibble(25, stream) }
    mutating func setPosition(_ stream: Int, _ value: Int) { setNibble(25, stream, value) }

    // MARK: the touched row, as each stream saw it

    func isTouched(_ stream: Int) -> Bool { bit(26 + stream, 0x80) }
    /// Before its last touch: who reads on from there meets the row again.
    func touchedAt(_ stream: Int) -> Int { Int(bytes[26 + stream] & 15) }
    /// Instances whose transactions have to end first.
    func awaited(_ stream: Int) -> UInt8 { bytes[26 + stream] >> 4 & 3 }
    func isTouchedAgain(_ stream: Int) -> Bool { bit(26 + stream, 0x40) }

    mutating func touch(_ stream: Int, at position: Int, awaiting: UInt8) {
        let again = repairing == .sawWrong || repairing == .sawBoth
        bytes[26 + stream] = 0x80 | (again ? 0x40 : 0) | (awaited(stream) | awaiting) << 4 | UInt8(position)
    }

    mutating func forgetTouch(_ stream: Int) { bytes[26 + stream] = 0 }
    mutating func keepSecondTouch(_ stream: Int) { bytes[26 + stream] &= ~0x40 }

    var repairing: Repairing {
        get { Repairing(rawValue: bytes[28] & 3)! }
        set { bytes[28] = bytes[28] & 0x0c | newValue.rawValue }
    }

    /// The rows were found different, and the applying stream has to come as far as the log was then; when it has, they are looked
    /// at once more before anything is written.
    var awaitsBeat: Bool {
        get { bit(28, 4) }
        set { set(28, 4, newValue) }
    }

    var hasLooked: Bool {
        get { bit(28, 8) }
        set { set(28, 8, newValue) }
    }

    var noted: Row {
        get { Row(raw: bytes[29]) }
        set { bytes[29] = newValue.raw }
    }

    /// What the side in charge had when repair looked.
    var seen: Row {
        get { Row(raw: bytes[23]) }
        set { bytes[23] = newValue.raw }
    }

    var awaitedForAbsence: UInt8 {
        get { bytes[28] >> 4 }
        set { bytes[28] = bytes[28] & 15 | newValue << 4 }
    }

    mutating func forgetReading() {
        repairing = .nothing
        noted = .absent
        seen = .absent
    }

    /// That instance's transaction has ended: nobody waits for it any more.
    mutating func noLongerAwait(_ instance: Int) {
        let bit = UInt8(1 << instance)
        for stream in 0...1 { bytes[26 + stream] &= ~(bit << 4) }
        awaitedForAbsence &= ~bit
    }

    // MARK: the transition

    /// Where a stream starts that begins to apply.
    func start(_ stream: Int) -> Int { nibble(30, stream) }
    mutating func setStart(_ stream: Int, _ value: Int) { setNibble(30, stream, value) }
    func sentinel(_ side: Int) -> Int { nibble(31, side) }
    mutating func setSentinel(_ side: Int, _ value: Int) { setNibble(31, side, value) }

    /// For the search's own table: fast, and good enough.
    var fingerprint: UInt64 {
        let words = unsafeBitCast(bytes, to: SIMD4<UInt64>.self)
        var hash: UInt64 = 0x9e37_79b9_7f4a_7c15
        for place in 0..<4 {
            hash = (hash ^ words[place]) &* 0xbf58_476d_1ce4_e5b9
            hash ^= hash >> 29
        }
        return hash ^ hash >> 32
    }
}
