// When two answers are the same, by which rule, and what is said of those that are not.

import Configuration
import Digest
import Testing

@testable import Canary

@Suite struct CanaryAnswerTests {
    private func answer(_ rows: [String], columns: [String] = ["id"]) -> CanaryAnswer {
        CanaryAnswer(columns: columns, rows: rows.map { SHA256Digest(of: $0) })
    }

    private func agree(_ left: CanaryAnswer, _ right: CanaryAnswer, _ rule: CanaryProbe.Comparison) -> Bool {
        left.digest(rule) == right.digest(rule)
    }

    @Test func theyAgreeByTheirRule() {
        let (rows, turned, other) = (answer(["1", "1", "2"]), answer(["2", "1", "1"]), answer(["2", "2", "1"]))
        #expect(agree(rows, turned, .same) && !agree(rows, turned, .ordered))
        #expect(!agree(rows, other, .same) && agree(rows, other, .count))
        #expect(!agree(rows, answer([]), .count) && agree(rows, answer([]), .ignored))
        #expect(!agree(answer([]), answer([""]), .same) && !agree(answer([""]), answer(["", ""]), .ordered))
    }

    /// An application reads by name.
    @Test func columnsHaveNames() {
        let (old, new) = (answer(["1"], columns: ["id", "name"]), answer(["1"], columns: ["id", "title"]))
        for rule in [CanaryProbe.Comparison.same, .ordered, .count] { #expect(!agree(old, new, rule)) }
        #expect(!agree(answer([], columns: ["a"]), answer([], columns: ["a", "b"]), .same))
        #expect(!agree(answer([], columns: ["a1:b"]), answer([], columns: ["a", "b"]), .same))
        #expect(
            CanaryAnswer.difference(old: old, new: new, .same)
                == "not the same columns: id, name on old, id, title on new")
    }

    @Test func whatDiffersIsCounted() {
        let rows = answer(["1", "1", "2"])
        #expect(CanaryAnswer.difference(old: rows, new: answer(["2", "2", "1"]), .same) == "1 of 3 rows not the same")
        #expect(
            CanaryAnswer.difference(old: rows, new: answer(["2", "1", "1"]), .ordered)
                == "the same 3 rows in another order")
        #expect(CanaryAnswer.difference(old: rows, new: answer(["1"]), .count) == "3 rows on old, 1 row on new")
    }
}
