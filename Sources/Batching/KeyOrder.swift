// The first bytes of a key's values, compared as one number: close to the order of its index for integers in binary, for
// uuids, and for text by bytes. What is not quite in order costs speed and nothing else.

struct KeyOrder: Comparable {
    private let high: UInt64
    private let low: UInt64

    static let none = KeyOrder(high: 0, low: 0)

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Of a key as it lies in a row: for each column a letter and, for a value, its length and bytes.
    init(_ key: UnsafeRawBufferPointer) {
        var words: (UInt64, UInt64) = (0, 0)
        var taken = 0
        var place = 0
        while place &+ 5 <= key.count, taken < 16 {
            // A NULL is a letter alone.
            guard key[place] == 0x74 || key[place] == 0x62 else {
                place &+= 1
                continue
            }
            let length = Int(UInt32(bigEndian: key.loadUnaligned(fromByteOffset: place &+ 1, as: UInt32.self)))
            place &+= 5
            let end = min(place &+ length, key.count)
            while place < end, taken < 16 {
                if taken < 8 {
                    words.0 = words.0 << 8 | UInt64(key[place])
                } else {
                    words.1 = words.1 << 8 | UInt64(key[place])
                }
                taken &+= 1
                place &+= 1
            }
            place = end
        }
        // Shorter keys are filled up on the right, so that they compare as bytes do.
        if taken < 8 { words.0 <<= UInt64(8 * (8 - taken)) }
        if taken > 8, taken < 16 { words.1 <<= UInt64(8 * (16 - taken)) }
        self.init(high: words.0, low: words.1)
    }

    static func < (left: KeyOrder, right: KeyOrder) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}
