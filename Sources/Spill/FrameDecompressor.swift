// LZ4 frames, read back: a frame either gives exactly the content that is expected, checksums and all, or throws.
// It never writes past the output and never allocates by what the frame says about itself.

internal import CLZ4

final class FrameDecompressor {
    private let context: OpaquePointer

    init() throws(FrameError) {
        var made: OpaquePointer?
        _ = try FrameError.check(LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION)))
        guard let made else { throw FrameError("no decompression context") }
        context = made
    }

    deinit { LZ4F_freeDecompressionContext(context) }

    /// Fills `output` completely from a frame that fills `frame` completely.
    func decompress(_ frame: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws(FrameError) {
        guard let source = frame.baseAddress, let target = output.baseAddress else { throw FrameError("empty frame") }
        LZ4F_resetDecompressionContext(context)
        var read = try checkedFrameHeader(frame, content: output.count)
        var written = 0
        while true {
            var consumed = frame.count - read
            var produced = output.count - written
            let left = try FrameError.check(
                LZ4F_decompress(context, target + written, &produced, source + read, &consumed, nil))
            read += consumed
            written += produced
            if left == 0 { break }
            guard consumed > 0 || produced > 0 else { throw FrameError("the frame does not end where it should") }
        }
        guard read == frame.count, written == output.count else { throw FrameError("the frame ends too early") }
    }

    /// The frame header's own checksum is one byte, so what it says is compared with what was written, too.
    private func checkedFrameHeader(_ frame: UnsafeRawBufferPointer, content: Int) throws(FrameError) -> Int {
        var info = LZ4F_frameInfo_t()
        var consumed = frame.count
        _ = try FrameError.check(LZ4F_getFrameInfo(context, &info, frame.baseAddress, &consumed))
        guard info.frameType == LZ4F_frame, info.contentSize == UInt64(content), info.dictID == 0,
            info.blockSizeID == LZ4F_max256KB, info.blockMode == LZ4F_blockIndependent,
            info.contentChecksumFlag == LZ4F_contentChecksumEnabled,
            info.blockChecksumFlag == LZ4F_blockChecksumEnabled
        else { throw FrameError("the frame's header is not the one written") }
        return consumed
    }
}
