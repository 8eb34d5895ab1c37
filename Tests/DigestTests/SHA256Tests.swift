import Digest
import Testing

@Suite struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func isWhatTheStandardSays(text: String, hex: String) {
        #expect(SHA256Digest(of: text).description == hex)
    }

    @Test func readsWhatItWrites() {
        let digest = SHA256Digest(of: "tandem")
        #expect(SHA256Digest(hex: digest.description) == digest)
        #expect(SHA256Digest.zero.description == String(repeating: "0", count: 64))
    }

    @Test(arguments: ["", "00", String(repeating: "g", count: 64), String(repeating: "A", count: 64)])
    func refusesWhatIsNoDigest(hex: String) {
        #expect(SHA256Digest(hex: hex) == nil)
    }
}
