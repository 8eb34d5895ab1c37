// A row inside a batch: where its bytes begin, and the shape they are written in. The batch keeps the bytes alive.

internal import Bytes
package import PGOutput

package struct RowReference {
    package let shape: Int
    package let start: UnsafeRawPointer

    /// Reads the row's columns again; it was read without error when the batch took it in.
    package func read(into tuple: inout Tuple) {
        var cursor = ByteCursor(start, count: 1 << 40)
        do { try tuple.read(&cursor) } catch { preconditionFailure("a row of a batch became unreadable") }
    }
}
