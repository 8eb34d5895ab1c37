// Which warnings a server has sent on a connection, by their SQLSTATE: some things it only warns of must stop us. Belongs to
// the connection's thread; never prints.

internal import CLibPQ

final class Warnings {
    private(set) var states: Set<SQLState> = []

    /// For as long as the connection lives, which must not be longer than this object.
    func listen(to raw: OpaquePointer) {
        PQsetNoticeReceiver(
            raw,
            { context, result in
                guard let context, let result else { return }
                func field(_ code: Character) -> String? {
                    PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
                }
                // The severity that is never translated.
                guard field("V") == "WARNING", let state = field("C") else { return }
                Unmanaged<Warnings>.fromOpaque(context).takeUnretainedValue().states.insert(SQLState(state))
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
