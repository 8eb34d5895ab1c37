// What of a plan two servers are held against each other by.

import Testing

@testable import Canary

@Suite struct PlanShapeTests {
    private static func scan(_ type: String, _ more: String = "") -> String {
        #"{"Node Type": "\#(type)", "Parallel Aware": false\#(more)}"#
    }

    @Test func nodesTablesAndIndexesAreNamed() throws {
        let inner = Self.scan("Index Scan", #", "Index Name": "orders_pkey", "Relation Name": "orders""#)
        let outer = Self.scan("Seq Scan", #", "Relation Name": "customer""#)
        let shape = try #require(
            PlanShape(
                json: #"""
                    [{"Plan": {"Node Type": "Aggregate", "Strategy": "Hashed", "Plans": [
                        {"Node Type": "Nested Loop", "Join Type": "Left", "Plans": [\#(outer), \#(inner)]}]}}]
                    """#))
        #expect(
            shape.lines == [
                "Hashed Aggregate", "  Left Nested Loop", "    Seq Scan on customer",
                "    Index Scan by orders_pkey on orders",
            ])
        #expect(shape.readWhole == ["customer"] && shape.byIndex == ["orders"])
        #expect(
            shape.text
                == "Hashed Aggregate > Left Nested Loop > Seq Scan on customer > Index Scan by orders_pkey on orders")
    }

    @Test func aBitmapReadsByAnIndex() throws {
        let shape = try #require(
            PlanShape(
                json: #"""
                    [{"Plan": {"Node Type": "Bitmap Heap Scan", "Relation Name": "t", "Plans": [
                        {"Node Type": "Bitmap Index Scan", "Index Name": "t_v_idx"}]}}]
                    """#))
        #expect(shape.byIndex == ["t"] && shape.readWhole == [])
    }

    @Test(arguments: ["", "[]", "{}", "[{}]", "no plan"])
    func whatIsNoPlanIsNone(_ text: String) { #expect(PlanShape(json: text) == nil) }
}
