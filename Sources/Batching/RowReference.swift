// A row inside a batch: where it begins, and the shape it has. The batch keeps the bytes alive; a segment of it does not.

internal import Bytes
package import PGOutput

package struct RowReference {
    package let shape: Int
    /// Of a row as it came, or of a woven one: only `read` tells them apart.
    let start: UnsafeRawPointer

    /// Finds the row's columns again; it was read without error when the batch took it in.
    package func read(into tuple: inout Tuple) {
        if let woven = WovenRow(at: start) {
            tuple.columns.removeAll(keepingCapacity: true)
            tuple.columns.append(contentsOf: woven.columns)
            return
        }
        var cursor = ByteCursor(start, count: 1 << 40)
        do { try tuple.read(&cursor) } catch { preconditionFailure("a row of a batch became unreadable") }
    }
}
