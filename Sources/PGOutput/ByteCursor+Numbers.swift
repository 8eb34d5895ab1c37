// Numbers read from a cursor by this module's own code. The one in `Bytes` is generic and another module's: calling it
// goes through type metadata at run time, which for a row of columns costs more than everything else about it.

internal import Bytes

extension ByteCursor {
    mutating func number<I: FixedWidthInteger>(_ type: I.Type = I.self) throws(OutOfBytes) -> I {
        let size = MemoryLayout<I>.size
        guard size <= left else { throw OutOfBytes(wanted: size, left: left) }
        let value = I(bigEndian: pointer.loadUnaligned(as: I.self))
        pointer += size
        left &-= size
        return value
    }

    mutating func letter() throws(OutOfBytes) -> UInt8 { try number() }
}
