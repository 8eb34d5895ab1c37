// What `tandem run` would do for one pair, and what would keep it from that: the checks of its start, in the same order, with nothing
// made, written or waited for.

internal import Configuration
internal import DataB
internal import Evidence
internal import Model
internal import Postgres
internal import Protocol
internal import State
package import Telemetry
package import Threading

package struct RunPreview {
    private let plan: StreamPlan
    private let until: Until?
    private let acceptsSchema: Bool
    private let firstCheck: @Sendable () throws -> Void
    private let stop: StopSignal
    private let log: Log

    /// As `StreamRunner` is made.
    package init(
        _ plan: StreamPlan, until: Until?, acceptsSchema: Bool, firstCheck: @escaping @Sendable () throws -> Void,
        stop: StopSignal, log: Log
    ) {
        (self.plan, self.until, self.acceptsSchema) = (plan, until, acceptsSchema)
        (self.firstCheck, self.stop, self.log) = (firstCheck, stop, log)
    }

    /// Throws what the run would end with.
    package func look() throws -> ForeseenActs {
        let new = try Connection(to: plan.target, for: .control, as: "\(plan.stream) run", stop: stop)
        let target = TargetSide(new, plan.stream)
        var foreseen = ForeseenActs()
        if let pid = try target.runnerPID() {
            foreseen.would(
                "stand by: another tandem runs \(plan.stream) (pid \(pid) on new); it takes over when that ends")
            return foreseen
        }
        try foreseeLayout(new, .new, &foreseen)
        guard try CarriedSchema.heedPreflight(plan, target) else {
            foreseen.note("no `tandem preflight` of this stream is on record here")
            return try follow(target, &foreseen)
        }
        guard plan.initialCopy == .all, try target.binding() == nil else { return try follow(target, &foreseen) }
        let preparation = Preparation(
            plan, tables: plan.tables, copies: true, acceptsSchema: acceptsSchema, check: firstCheck, stop: stop
        ) { _ in }
        let schema = SchemaSteps(plan, stop: stop, log: log)
        foreseen.add(try preparation.preview(again: true, makesTables: schema.preview))
        foreseen.would("write down on both sides that the pair is at step 1, and stream from the slot's position")
        try foreseeDataB(StepTable(plan.strategy)[.following], new, &foreseen)
        foreseeEnd(&foreseen)
        return foreseen
    }

    // MARK: a stream that is there

    private func follow(_ target: TargetSide, _ foreseen: inout ForeseenActs) throws -> ForeseenActs {
        let old = try Connection(to: plan.source, for: .control, as: "\(plan.stream) run", stop: stop)
        let new = target.connection
        try SameDatabase.refuse(old, new)
        try plan.evidence.examine(old: old, new: new)
        let course = PairCourse()
        try PairEpochs.note(old, .old, plan.stream, in: course)
        try PairEpochs.note(new, .new, plan.stream, in: course)
        let role = try course.role(of: plan, until: until) ?? .apply
        try foreseeLayout(old, .old, &foreseen)
        if try target.copyRequest()?.isStreamPaused == true {
            foreseen.would("let the streams rest, as `tandem pause --streams` asked, until `tandem resume`")
            return foreseen
        }
        do {
            try foreseeStream(old, target, course, role, &foreseen)
        } catch  where role == .watch && until == nil && !stop.isRaised {
            foreseen.note("\(plan.stream) could not watch yet, and would try again: \(error)")
        }
        if course.row?.reverse ?? .off != .off {
            foreseen.would("\(course.row?.reverse == .apply ? "apply" : "watch") what \(plan.opposite.stream) brings")
        }
        try foreseeDataB(course.row, new, &foreseen)
        if let begun = try EpochBook(old, plan.stream).intent() ?? EpochBook(new, plan.stream).intent() {
            foreseen.would(
                "see to step \(begun.from.rawValue) to \(begun.to.rawValue), which \(begun.by) began: complete what is"
                    + " committed, let go who is held")
        }
        foreseeEnd(&foreseen)
        return foreseen
    }

    private func foreseeStream(
        _ old: Connection, _ target: TargetSide, _ course: PairCourse, _ role: StreamRole,
        _ foreseen: inout ForeseenActs
    ) throws {
        let replication = try Connection(to: plan.source, for: .replication, as: "\(plan.stream) run", stop: stop)
        let source = SourceSide(old, plan.stream)
        let start = StreamStart(
            source: source, target: target, replication: replication, initialCopy: plan.initialCopy, pair: plan.pair,
            isLooking: true)
        let position = try start.check(from: role == .apply ? course.position(on: plan.stream.source) : nil)
        let left = try target.copiedTables().filter { $0.state != .done }
        let schema = CarriedSchema(plan, accepts: acceptsSchema, log: log)
        foreseen.add(try schema.preview(source: old, target: left.isEmpty ? target.connection : nil))
        if try target.binding() == nil {
            foreseen.would("bind new to \(position), with replication origin \(plan.stream)")
        }
        if course.row == nil || course.standing?.epoch == nil {
            foreseen.would("write down on both sides that the pair is at step 1")
        }
        if !left.isEmpty {
            let names = left.prefix(10).map(\.name.description).joined(separator: ", ")
            let pause = try target.copyRequest()?.isPaused == true ? ", once `tandem resume` lets it" : ""
            foreseen.would(
                "copy \(counted(left.count, "table")) that \(left.count == 1 ? "is" : "are") not complete\(pause): \(names)"
                    + (left.count > 10 ? " …" : ""))
        }
        let missing = try plan.tables.left(out: source).map(\.description).joined(separator: ", ")
        if !missing.isEmpty {
            if plan.initialCopy == .all {
                foreseen.would("publish and copy what came later: \(missing)")
            } else {
                foreseen.note("not carried, because made after `tandem prepare`: \(missing)")
            }
        }
        foreseen.would(
            role == .watch
                ? "watch what \(plan.stream) brings after \(position), and apply none of it"
                : role == .off
                    ? "wait: at this step nothing streams" : "apply what \(plan.stream) brings after \(position)")
        if let slot = try source.slot(), slot.isActive {
            foreseen.note("slot \(plan.stream) is in use by pid \(slot.activePID ?? 0) on old: it would be waited for")
        }
    }

    // MARK: beside it

    private func foreseeLayout(_ connection: Connection, _ side: Side, _ foreseen: inout ForeseenActs) throws {
        guard let earlier = try StateLayout.earlier(connection) else { return }
        foreseen.would(
            "bring schema tandem on \(side.rawValue) from layout \(earlier) to \(StateLayout.current)")
    }

    private func foreseeDataB(_ row: StepRow?, _ new: Connection, _ foreseen: inout ForeseenActs) throws {
        let dataB = plan.dataB
        guard !dataB.tables.isEmpty, let direction = row?.carriesDataB else { return }
        let state = DataBState(new, direction == .forward ? dataB.stream : dataB.stream.opposite)
        let rests = try state.isThere && state.isPaused()
        foreseen.would(
            "carry \(counted(dataB.tables.count, "table")) of Data B in batches"
                + (rests ? ", once `tandem b resume` lets it" : ""))
    }

    private func foreseeEnd(_ foreseen: inout ForeseenActs) {
        switch until {
        case nil: foreseen.would("go on until it is stopped")
        case .caughtUp: foreseen.would("end when new has all that old has by then")
        case .position(let position): foreseen.would("end when new has all up to \(position)")
        }
    }
}
