// Every piece of SQL that the documents show is run on a real server: as it stands, or, where it has `…` or is a part of a statement, as
// one of the statements of a list that reads so. What is not in that list, and in the list what nothing shows, is a failure.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ShownSQLTests {
    @Test func everyPieceIsOneThatIsRun() throws {
        let shown = try ShownSQL.all()
        #expect(shown.count > 180, "\(shown.count)")
        var needed: Set<String> = []
        for piece in shown {
            let found = try piece.statementsThatReadSo()
            #expect(!found.isEmpty, "\(piece.place): nobody runs \(piece.text)")
            needed.formUnion(found.map(\.text))
        }
        for statement in ShownSQL.statements {
            #expect(needed.contains(statement.text), "no document shows anything of \(statement.text)")
        }
    }

    /// Where a statement needs a later PostgreSQL than this system has, that one is asked if there is one; this one refuses it.
    @Test func andTheServerTakesEach() throws {
        let here = try PostgresInstallation.newest
        try take(on: here)
        if let later = try PostgresInstallation.major(18), later.major > here.major { try take(on: later) }
    }

    private func take(on installation: PostgresInstallation) throws {
        let cluster = try Cluster("shown", installation: installation)
        defer { cluster.remove() }
        let database = try cluster.createDatabase("shown")
        try database.sql(ShownSQL.objects)
        for statement in ShownSQL.statements {
            let whole =
                statement.isAlone ? "\(statement.before);\n\(statement.text)" : "BEGIN;\n\(statement.text);\nROLLBACK"
            if statement.from <= installation.major {
                #expect(throws: Never.self, "PostgreSQL \(installation.major): \(statement.text)") {
                    try database.sql(whole)
                }
            } else {
                let refusal = #expect(throws: HarnessFailure.self, "\(statement.text)") { try database.sql(whole) }
                // Syntax, a column, a setting, a value of an option.
                #expect(
                    ["42601", "42703", "42704", "22023"].contains(refusal?.sqlstate ?? ""),
                    "\(statement.text): \(refusal?.sqlstate ?? "")")
            }
        }
        try cluster.restart()
        #expect(try database.value("SHOW max_connections") == "150")
    }
}
