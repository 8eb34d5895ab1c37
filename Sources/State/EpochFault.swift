// What no two rows of tandem.epoch can be by tandem's own doing.

package enum EpochFault {
    package static let contradiction = StateError.unsafe(
        "old and new say different things about where the pair stands, under the same number",
        hint: "was one of them restored from a backup? SELECT * FROM tandem.epoch; on both shows what each says")
}
