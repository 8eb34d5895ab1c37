// The receiving thread: reads the replication stream, hands whole transactions on, and tells the source what is durable
// on the target. Telling never stops: not while the target is stuck, not while memory or disk is full. Then only reading
// stops, and TCP holds the source back. While little comes, the applying thread reads for itself (`Shortcut`).

internal import Apply
internal import Assembly
internal import Bytes
internal import Failpoints
internal import Glibc
internal import Model
internal import PGOutput
internal import Postgres
internal import Spill
internal import State
internal import Telemetry
internal import Threading

final class Receiver {
    struct Setup: Sendable {
        let stream: StreamName
        let start: LSN
        let isBinary: Bool
        /// Apply nothing that ends after this.
        let until: LSN?
        let book: ShapeBook
        let limits: Assembler.Limits
        let spill: SpillDirectory
        /// Whether what is handed on may be applied; it waits until then.
        let isAdmitted: @Sendable () -> Bool
        /// Where it is wanted: who writes the source, as its triggers say.
        var census: CensusBook?
    }

    let connection: Connection
    let setup: Setup
    let queue: BoundedQueue<Delivery>
    let shortcut: Shortcut
    let positions: StreamPositions
    let health: ReceiverHealth
    private let stop: StopSignal
    let log: Log
    var assembler: Assembler

    private var heard: LSN
    private var lastQuiet = LSN.zero
    private var quietAt = Monotonic.now
    private var told: LSN = .zero
    private var nextFeedback = Monotonic.now
    private let feedbackEvery: Double
    private var silence: Silence
    var hasEnded = false
    var nextSpillTry: Monotonic?
    /// Since when the queue has had no room without a break.
    var fullSince: Monotonic?
    var isStuck = false
    private var deliveredAt = Monotonic.now
    private var looked = 0
    private var pace: ReadingPace
    /// Until when the socket is left alone, and what gathers there.
    var restsUntil: Monotonic?
    private let doing: String

    /// The applying thread is the one that reads, just now.
    var isInPlace = false
    var readInPlaceAt = Monotonic.now
    /// How many of its reads in a row brought much.
    var muchInPlace = 0
    /// When a read brought much.
    var muchAt = Monotonic.now
    /// What it met there.
    var failure: (any Error)?

    init(
        _ connection: Connection, _ setup: Setup, queue: BoundedQueue<Delivery>, shortcut: Shortcut,
        positions: StreamPositions, health: ReceiverHealth, stop: StopSignal, log: Log
    ) throws {
        self.connection = connection
        self.setup = setup
        self.queue = queue
        self.shortcut = shortcut
        self.positions = positions
        self.health = health
        self.stop = stop
        self.log = log
        heard = setup.start
        doing = "receiving from \(connection.label)"
        assembler = Assembler(
            book: setup.book, limits: setup.limits, directory: setup.spill, applied: setup.start,
            isOwn: { [stream = setup.stream] in stream.isOwn(origin: $0) },
            afterSpilledBlock: { Failpoint.pass(.afterSpillBlock) },
            heard: { [census = setup.census] prefix, content, position in
                prefix == "tandem" ? census?.note(content, at: position) ?? 0 : 0
            })
        let patience = try Self.patience(of: connection)
        feedbackEvery = patience.map { min(3, max(0.1, $0 / 4)) } ?? 3
        silence = Silence(longest: max(10, patience ?? 60))
        try connection.growReadBuffer()
        pace = ReadingPace(isWithinOneHost: connection.isWithinOneHost)
        if pace.isWithinOneHost { connection.keepReceiveBufferSmall() }
        try ReplicationCommands.start(
            setup.stream, from: setup.start, binary: setup.isBinary, messages: setup.census != nil, on: connection)
        Failpoint.pass(.afterStreamStarted)
    }

    /// Seconds after which the source gives up on a silent receiver; nil when it never does.
    private static func patience(of connection: Connection) throws(PostgresError) -> Double? {
        let row = try connection.script(
            "SELECT extract(epoch FROM pg_catalog.current_setting('wal_sender_timeout')::pg_catalog.interval)",
            doing: "reading wal_sender_timeout")
        let seconds = Double(row.string(0, 0)) ?? 60
        return seconds <= 0 ? nil : seconds
    }

    // MARK: the loop

    /// `refused` hears of what the source cannot send, before the input is closed behind what came before that.
    func run(refused: (PostgresError) -> Void) throws {
        shortcut.lead { [self] in readInPlace() }
        defer { shortcut.end() }
        do {
            while !stop.isRaised { wait(try alone { pause(before: try turn()) }) }
        } catch let error as PostgresError where error.isAboutContent && !hasEnded {
            // Otherwise the source would say so again and again before any of this is applied.
            try alone(deliver)
            guard !hasEnded else { return }
            refused(error)
            return queue.push(.end, bytes: 0)
        }
        try? alone(tell)
    }

    private func alone<Result>(_ body: () throws -> Result) throws -> Result {
        try shortcut.alone {
            connection.continueHere()
            return try body()
        }
    }

    /// What a turn leaves to wait for.
    private enum Next {
        case input(after: Int)
        /// Nothing may be read now.
        case room
        /// The applying thread reads.
        case closing
    }

    private func turn() throws -> Next {
        if let failure { throw failure }
        if shortcut.isOpen {
            guard readInPlaceAt.age > Self.leftAlone, isReadable else {
                try feedBack()
                noteSilence()
                return .closing
            }
            shortcut.takeBack()
        }
        let mayRead = try mayRead()
        if !mayRead { deliver() }
        let messages = mayRead && !rests ? try read() : 0
        try feedBack()
        guard mayRead else {
            silence.notListening()
            return .room
        }
        noteSilence()
        return openShortcut(after: messages) ? .closing : .input(after: messages)
    }

    private var rests: Bool { restsUntil.map { Monotonic.now < $0 } ?? false }

    func mayRead() throws -> Bool {
        guard !hasEnded else { return false }
        return hasRoom() ? try hasMemory() : false
    }

    /// Everything that is here, up to what the queue takes; how many messages.
    func read() throws -> Int {
        try connection.pull(doing: doing)
        var count = 0
        var bytes = 0
        defer { restsUntil = pace.rest(after: count, bytes: bytes).map { Monotonic.now.adding(seconds: $0) } }
        while let message = try nextMessage() {
            bytes += message.bytes.count
            try handle(message.bytes)
            // What came in one burst with the end is for the next run: not even its positions may be heard here.
            if hasEnded { return count }
            count += 1
            guard count & 0x3f == 0 || assembler.readyBytes > Self.handful else { continue }
            if assembler.readyBytes > Self.handful {
                deliver()
                if hasEnded { return count }
                if !queue.hasRoom { break }
            }
            if try !hasMemory() { break }
            if Monotonic.now >= nextFeedback { try feedBack() }
        }
        if count > 0 { noteAnswer() }
        if count >= ReadingPace.busy { muchAt = Monotonic.now }
        // In a flood what is whole waits for more, but not for long: each handing over wakes another thread.
        if count < ReadingPace.busy || deliveredAt.age > Self.longest { deliver() }
        return count
    }

    /// A change that was written while there was no publication ends the stream with an error, or, from PostgreSQL 18 on, is
    /// left out with a warning: whichever words the server has for it.
    private func nextMessage() throws -> CopyMessage? {
        let message: CopyMessage?
        do throws(PostgresError) {
            message = try connection.receiveCopy(doing: doing)
        } catch {
            guard error.sqlState == "42704" else { throw error }
            throw withoutPublication(error.message)
        }
        guard !connection.hasWarned("55000") else { throw withoutPublication(nil) }
        return message
    }

    private func withoutPublication(_ message: String?) -> StateError {
        // Recreating the publication does not help: decoding looks at the catalogs as they were at each change.
        StateError.unsafe(
            "\(setup.stream.source) has changes that were written while publication \(setup.stream) did not exist, which can"
                + " never be decoded"
                + (message.map { ": \($0)" } ?? ""),
            hint: setup.stream.startingOver)
    }

    private func handle(_ bytes: UnsafeRawBufferPointer) throws {
        var cursor = ByteCursor(bytes)
        switch UnicodeScalar(try cursor.byte()) {
        case "w":
            try cursor.skip(8)
            heard = max(heard, LSN(try cursor.integer()))
            try cursor.skip(8)
            // In place of the name of an origin that it does not know any more, an older server sends nothing at all.
            guard !cursor.isAtEnd else { return }
            let before = assembler.openTransactions
            try assembler.take(cursor.rest)
            if assembler.openTransactions < before { Failpoint.pass(.afterStreamCommit) }
            if !assembler.isBetweenTransactions { Failpoint.pass(.afterStreamChunk) }
        case "k":
            let end = LSN(try cursor.integer())
            heard = max(heard, end)
            try cursor.skip(8)
            if try cursor.byte() == 1 { nextFeedback = Monotonic.now }
            noteQuiet(end)
        default:
            throw AssemblyError(problem: "a message that is neither data nor keepalive")
        }
    }

    // MARK: silence

    private func noteSilence() {
        guard silence.hasBegun() else { return }
        let reason = "\(setup.stream.source) has sent nothing for \(Int(silence.longest)) s and does not answer"
        let hint =
            "its process \(connection.backendPID) stands still (state T), or is still reading its log up to what comes next;"
            + " wait, or let it go on"
        log.warning("waiting", [.reason: reason, .hint: hint])
        health.report(reason, hint: hint)
    }

    private func noteAnswer() {
        guard silence.ends() else { return }
        health.clear()
        log.info("reading again")
    }

    // MARK: handing on

    func deliver() {
        guard !hasEnded else { return }
        positions.received = heard
        deliveredAt = Monotonic.now
        positions.skipped = assembler.skipped
        var transactions = assembler.takeReady()
        // Where all that comes is left out, the source may be too busy for keepalives that say how far it is.
        if transactions.isEmpty { pass(assembler.delivered) }
        guard !transactions.isEmpty || setup.until != nil else { return }
        if let until = setup.until, let first = transactions.firstIndex(where: { $0.commit.end > until }) {
            // The source leaves out every commit whose record begins below the position we go on from; `until` may lie
            // inside this one's record.
            let last = min(until, transactions[first].commit.position)
            transactions.removeSubrange(first...)
            push(transactions)
            return end(at: last)
        }
        push(transactions)
        if let until = setup.until, assembler.delivered >= until { end(at: until) }
    }

    private func push(_ transactions: [Transaction]) {
        guard !transactions.isEmpty else { return }
        push(.transactions(transactions), bytes: transactions.reduce(0) { $0 + $1.bytes })
    }

    private func push(_ delivery: Delivery, bytes: Int = 0) {
        queue.push(delivery, bytes: bytes, isConsumer: isInPlace)
    }

    private func pass(_ quiet: LSN) {
        guard quiet > lastQuiet, quietAt.age >= 1 else { return }
        lastQuiet = quiet
        quietAt = Monotonic.now
        push(.quiet(quiet))
    }

    /// A position heard between transactions has nothing undelivered below it.
    private func noteQuiet(_ position: LSN) {
        guard assembler.isBetweenTransactions else { return }
        deliver()
        guard !hasEnded else { return }
        if let until = setup.until, position >= until { return end(at: until) }
        pass(max(position, assembler.delivered))
    }

    private func end(at position: LSN) {
        hasEnded = true
        push(.quiet(position))
        push(.end)
    }

    // MARK: telling the source

    func feedBack() throws {
        let durable = positions.durable
        guard durable > told || Monotonic.now >= nextFeedback else { return }
        try tell()
    }

    private func tell() throws {
        Failpoint.pass(.beforeFeedback)
        let durable = positions.durable
        let message = ByteBuffer(capacity: 64)
        message.append(bigEndian: UInt8(0x72))  // 'r'
        message.append(bigEndian: max(heard, durable).raw)
        message.append(bigEndian: durable.raw)
        message.append(bigEndian: durable.raw)
        message.append(bigEndian: WallClock.serverMicroseconds)
        message.append(bigEndian: UInt8(silence.isToBeAsked() ? 1 : 0))
        try withExtendedLifetime(message) {
            _ = try connection.sendCopy(message.bytes, doing: "telling \(connection.label) our progress")
        }
        told = durable
        nextFeedback = Monotonic.now.adding(seconds: feedbackEvery)
        Failpoint.pass(.afterFeedback)
    }

    /// In a flood whole transactions are handed over when they make so many bytes, or have waited so many seconds: an idle
    /// target takes what it is given at once, and many small batches cost it more than few large ones.
    static let handful = 1 << 18
    private static let longest = 0.01
    /// How often a transaction that has begun to come is looked after without sleeping.
    static let looks = 4

    /// For what to wait, and until when.
    private struct Pause {
        var interests: [Poll.Interest]
        var until: Monotonic
    }

    /// Nil in the middle of a small transaction, the rest of which is only microseconds away: the processor is lent to whoever
    /// wants it, and the socket is read again.
    private func pause(before next: Next) -> Pause? {
        var pause = Pause(
            interests: [.readable(stop.descriptor), .readable(positions.durableMoved.descriptor)],
            until: min(nextFeedback, nextSpillTry ?? nextFeedback))
        switch next {
        case .input(let messages):
            if restsUntil == nil, !assembler.isBetweenTransactions {
                looked = messages > 0 ? 0 : looked + 1
                if looked < Self.looks { return nil }
            }
            pause.interests.append(.readable(queue.drained.descriptor))
            if let restsUntil {
                pause.until = min(pause.until, restsUntil)
            } else {
                pause.interests.append(.readable(connection.socket))
            }
        case .room: pause.interests.append(.readable(queue.drained.descriptor))
        case .closing:
            pause.interests.append(.readable(shortcut.closed.descriptor))
            pause.until = min(pause.until, Monotonic.now.adding(seconds: Self.leftAlone))
        }
        looked = 0
        return pause
    }

    private func wait(_ pause: Pause?) {
        guard let pause else {
            sched_yield()
            return
        }
        Poll.wait(for: pause.interests, until: pause.until)
        positions.durableMoved.lower()
        shortcut.closed.lower()
    }
}
