// One column of many rows as PostgreSQL's binary array. A value on the wire already looks like an array element, its
// length and its bytes, so filling the array is copying.

internal import Bytes
internal import PGOutput

final class ArrayParameter {
    private let buffer = ByteBuffer(capacity: 256)
    private(set) var count = 0
    private var hasNull = false

    private static let headSize = 20

    init(elementType: UInt32) {
        buffer.append(bigEndian: Int32(1))  // dimensions
        buffer.append(bigEndian: Int32(0))  // has nulls, set when finished
        buffer.append(bigEndian: elementType)
        buffer.append(bigEndian: Int32(0))  // length, set when finished
        buffer.append(bigEndian: Int32(1))  // lower bound
    }

    func reset() {
        buffer.truncate(to: Self.headSize)
        buffer.shrink(keeping: 1 << 20)
        count = 0
        hasNull = false
    }

    func append(_ column: Tuple.Column) {
        count += 1
        if column.isValue {
            buffer.append(column.start, column.length + 4)
        } else {
            hasNull = true
            buffer.append(bigEndian: Int32(-1))
        }
    }

    func append(int4 value: Int) {
        count += 1
        buffer.append(bigEndian: Int32(4))
        buffer.append(bigEndian: Int32(value))
    }

    func append(text: String?) {
        count += 1
        guard let text else {
            hasNull = true
            return buffer.append(bigEndian: Int32(-1))
        }
        buffer.append(bigEndian: Int32(text.utf8.count))
        buffer.append(text: text)
    }

    /// The only element, as a parameter of its own; nil when it is null.
    var only: UnsafeRawBufferPointer? {
        let start = Self.headSize + 4
        return hasNull ? nil : UnsafeRawBufferPointer(rebasing: buffer.bytes[start...])
    }

    var bytes: UnsafeRawBufferPointer {
        buffer.overwrite(at: 4, bigEndian: Int32(hasNull ? 1 : 0))
        buffer.overwrite(at: 12, bigEndian: Int32(count))
        return buffer.bytes
    }
}
