// When which table comes: the schedule alone, with a clock of numbers.

import DataB
import Model
import Testing

private let sales = QualifiedName(schema: "s", name: "sales")
private let titles = QualifiedName(schema: "s", name: "titles")

private func table(_ name: QualifiedName, every: Double, deletes: Double? = nil) -> DerivedTable {
    DerivedTable(
        name: name, way: deletes == nil ? .full : .modified(column: "at", margin: 5), every: every, deletes: deletes)
}

/// Does what is due, which takes so long; the name and what was done.
private func work(
    _ schedule: inout BatchSchedule, at now: Double, taking seconds: Double = 0,
    _ outcome: BatchSchedule.Outcome = .done
) -> String? {
    guard let (table, work) = schedule.next(now: now) else { return nil }
    schedule.began(table.name, now: now)
    schedule.ended(table.name, work, outcome, now: now + seconds)
    return table.name.name + (work == .batchAndComparison ? "+" : "")
}

@Suite struct BatchScheduleTests {
    @Test func eachComesAtOnceAndThenAfterItsInterval() {
        var schedule = BatchSchedule([table(sales, every: 60), table(titles, every: 100)], now: 0)
        #expect(work(&schedule, at: 0) == "sales")
        #expect(work(&schedule, at: 0) == "titles")
        #expect(work(&schedule, at: 59) == nil)
        #expect(work(&schedule, at: 60) == "sales")
        #expect(work(&schedule, at: 99) == nil)
        #expect(work(&schedule, at: 100) == "titles")
        #expect(schedule.allTried)
    }

    /// Of two that are due the one that has waited longer, so that neither starves.
    @Test func whoHasWaitedLongestComesFirst() {
        var schedule = BatchSchedule([table(sales, every: 10), table(titles, every: 10)], now: 0)
        var order: [String] = []
        var now = 0.0
        for _ in 0..<6 {
            while schedule.next(now: now) == nil { now += 1 }
            order.append(work(&schedule, at: now, taking: 15) ?? "")
            now += 15
        }
        #expect(order == ["sales", "titles", "sales", "titles", "sales", "titles"])
    }

    @Test func workThatTakesLongerThanItsIntervalRestsAsLong() {
        var schedule = BatchSchedule([table(sales, every: 10)], now: 0)
        #expect(work(&schedule, at: 0, taking: 30) == "sales")
        #expect(schedule.nextRun(sales) == 40)
    }

    @Test func comparisonsComeAlongWithABatchOnceTheirIntervalHasPassed() {
        var schedule = BatchSchedule([table(sales, every: 60, deletes: 150)], now: 0)
        let done = stride(from: 0.0, through: 360, by: 60).map { work(&schedule, at: $0) }
        #expect(done == ["sales", "sales", "sales", "sales+", "sales", "sales", "sales+"])
    }

    @Test func aTableThatFailsIsLeftAloneLongerEachTimeAndStopsNobody() {
        var schedule = BatchSchedule([table(sales, every: 1), table(titles, every: 1)], now: 0)
        var (now, pauses): (Double, [Double]) = (0, [])
        for _ in 0..<9 {
            schedule.began(sales, now: now)
            schedule.ended(sales, .batch, .failed, now: now)
            pauses.append((schedule.nextRun(sales) ?? 0) - now)
            now = schedule.nextRun(sales) ?? 0
            #expect(work(&schedule, at: now - 0.5) == "titles")
        }
        #expect(pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600])
        #expect(schedule.failures(of: sales) == 9)
        #expect(work(&schedule, at: now) == "sales")
        #expect(schedule.failures(of: sales) == 0)
        #expect(schedule.nextRun(sales) == now + 1)
    }

    @Test func whatIsPausedRestsAndARequestStillComes() {
        var schedule = BatchSchedule([table(sales, every: 10, deletes: 1000), table(titles, every: 10)], now: 0)
        schedule.hear(sales, paused: true, wanted: false)
        #expect(work(&schedule, at: 0) == "titles")
        #expect(work(&schedule, at: 0) == nil)
        #expect(schedule.nextRun(sales) == nil)
        schedule.hear(sales, paused: true, wanted: true)
        #expect(work(&schedule, at: 1) == "sales+", "what is asked for includes the comparison")
        #expect(work(&schedule, at: 1) == nil, "once")
        schedule.hear(paused: true)
        #expect(work(&schedule, at: 100) == nil)
        schedule.hear(titles, paused: false, wanted: true)
        #expect(work(&schedule, at: 100) == "titles")
        schedule.hear(paused: false)
        schedule.hear(sales, paused: false, wanted: false)
        #expect(work(&schedule, at: 101) == "sales")
    }

    @Test func aRequestDoesNotWaitForTheBackOff() {
        var schedule = BatchSchedule([table(sales, every: 10)], now: 0)
        #expect(work(&schedule, at: 0, .failed) == "sales")
        schedule.hear(sales, paused: false, wanted: true)
        #expect(work(&schedule, at: 1) == "sales")
    }

    @Test func whatIsPostponedIsNotBlamed() {
        var schedule = BatchSchedule([table(sales, every: 10)], now: 0)
        #expect(work(&schedule, at: 0, .postponed) == "sales")
        #expect(schedule.failures(of: sales) == 0)
        #expect(!schedule.allTried)
        #expect(work(&schedule, at: 0.5) == nil)
        #expect(work(&schedule, at: 1) == "sales")
    }

    @Test func viewsComeAfterWhatTheyRead() {
        var schedule = BatchSchedule([table(sales, every: 10), table(titles, every: 10)], now: 0)
        schedule.rank(sales, 1)
        #expect(work(&schedule, at: 0) == "titles")
        #expect(work(&schedule, at: 0) == "sales")
    }

    @Test func anotherRunGoesOnWhereTheLastOneStopped() {
        var schedule = BatchSchedule([table(sales, every: 60, deletes: 900)], now: 1000)
        schedule.resume(sales, batch: 20, comparison: 890, now: 1000)
        #expect(work(&schedule, at: 1039) == nil)
        #expect(work(&schedule, at: 1040) == "sales+")
        var afresh = BatchSchedule([table(sales, every: 60, deletes: 900)], now: 1000)
        afresh.resume(sales, batch: nil, comparison: nil, now: 1000)
        #expect(work(&afresh, at: 1000) == "sales")
    }
}
