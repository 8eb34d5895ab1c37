// Where the bookstore keeps its files: what it opened with, and of each instance its ledger, what it is told, how it is.

internal import Foundation
package import Ledger
internal import Model

package struct ShopDirectory: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    package func ledger(_ instance: String) -> String { "\(path)/\(instance).ledger" }
    package func control(_ instance: String) -> String { "\(path)/\(instance).control" }
    package func log(_ instance: String) -> String { "\(path)/\(instance).log" }
    package func state(_ instance: String) -> String { "\(path)/\(instance).state" }

    /// Those that have a ledger here.
    package var instances: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".ledger") }.map { String($0.dropLast(7)) }.sorted()
    }

    package func create() throws(BookstoreError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw BookstoreError("cannot make the directory \(mention(path))")
        }
    }

    /// The bookstore's own files, and no others.
    package func clear() {
        for instance in instances {
            for file in [ledger(instance), control(instance), state(instance), log(instance)] {
                try? FileManager.default.removeItem(atPath: file)
            }
        }
        try? FileManager.default.removeItem(atPath: "\(path)/opening")
    }

    package func write(_ opening: Opening) throws(BookstoreError) {
        try replace("\(path)/opening", with: opening.line + "\n")
    }

    package func opening() throws(BookstoreError) -> Opening {
        let text = (try? String(contentsOfFile: "\(path)/opening", encoding: .utf8)) ?? ""
        guard let opening = Opening(line: text) else {
            throw BookstoreError(
                "there is no bookstore's `opening` in \(mention(path))",
                hint: "`tandem bookstore load` writes it; name its directory with --dir", .usage)
        }
        return opening
    }

    /// Whole, or as it was.
    package func replace(_ file: String, with text: String) throws(BookstoreError) {
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic) } catch {
            throw BookstoreError("cannot write \(mention(file))")
        }
    }

    /// Of every instance.
    package func history() throws(BookstoreError) -> History {
        var history = History()
        for instance in instances { history.add(try LedgerFile.read(ledger(instance)), of: instance) }
        return history
    }
}

/// A name that can stand in file names, application names and tokens.
package func isInstanceName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 40
        && text.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "-" || $0 == "_"
        }
}
