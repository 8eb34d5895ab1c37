// LZ4 frames, written: liblz4's frame format with the content's size, a checksum per block and one of the content.
// One context, used again for every frame of a file. Used by the thread that holds the file.

internal import CLZ4

struct FrameError: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    /// liblz4 returns sizes and errors through the same number.
    static func check(_ outcome: Int) throws(FrameError) -> Int {
        if LZ4F_isError(outcome) != 0 { throw FrameError(String(cString: LZ4F_getErrorName(outcome))) }
        return outcome
    }
}

final class FrameCompressor {
    private let context: OpaquePointer
    private var preferences: LZ4F_preferences_t

    init() throws(FrameError) {
        var made: OpaquePointer?
        _ = try FrameError.check(LZ4F_createCompressionContext(&made, UInt32(LZ4F_VERSION)))
        guard let made else { throw FrameError("no compression context") }
        context = made
        preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockSizeID = LZ4F_max256KB
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled
        preferences.autoFlush = 1  // compresses straight from the caller's memory, keeps no copy
    }

    deinit { LZ4F_freeCompressionContext(context) }

    /// How long a frame of `head` and `payload` can get at most.
    func bound(head: Int, payload: Int) -> Int {
        Int(LZ4F_HEADER_SIZE_MAX) + LZ4F_compressBound(head, &preferences) + LZ4F_compressBound(payload, &preferences)
    }

    /// One frame whose content is `head` and then `payload`; returns its length.
    func compress(
        head: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(FrameError) -> Int {
        preferences.frameInfo.contentSize = UInt64(head.count + payload.count)
        guard let start = output.baseAddress else { throw FrameError("no room") }
        var length = try FrameError.check(LZ4F_compressBegin(context, start, output.count, &preferences))
        for part in [head, payload] {
            length += try FrameError.check(
                LZ4F_compressUpdate(
                    context, start + length, output.count - length, part.baseAddress, part.count, nil))
        }
        length += try FrameError.check(LZ4F_compressEnd(context, start + length, output.count - length, nil))
        return length
    }
}
