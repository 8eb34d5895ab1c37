// Where a key belongs that was written in another place: every key of the configuration, with the section it is one of.

enum KeyHome {
    private static let all: [(keys: Set<String>, place: String)] = [
        (names(ConfigurationKey.self), "at the top of the file, not indented"),
        (names(PairKey.self), "below `pairs:`, in the entry of its pair"),
        (names(DataBKey.self), "below `data_b:`, in the entry of its table"),
        (names(InitialCopyKey.self), "below `initial_copy:`"), (names(CopyingKey.self), "below `copy:`"),
        (names(BackOffKey.self), "below `back_off:` in `copy:`"), (names(LimitKey.self), "below `limits:`"),
        (names(GateKey.self), "below `gates:`"), (names(VerifyingKey.self), "below `verify:`"),
        (names(HookKey.self), "below `hooks:`"), (names(CanaryKey.self), "below `canary:`, in its entry"),
    ]

    private static func names<Key: RawRepresentable<String> & CaseIterable>(_: Key.Type) -> Set<String> {
        Set(Key.allCases.map(\.rawValue))
    }

    /// Nil for a key that belongs nowhere.
    static func hint(for key: String) -> String? {
        let places = all.filter { $0.keys.contains(key) }.map(\.place)
        return places.isEmpty ? nil : "`\(key)` belongs \(places.joined(separator: ", or "))"
    }
}
