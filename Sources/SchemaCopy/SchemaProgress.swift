// What happens to one object on new, told while it happens.

package struct SchemaProgress: Sendable {
    package enum State: Sendable, Equatable {
        case began
        /// From pg_stat_progress_create_index; `of` is 0 while the server does not know.
        case building(phase: String, done: Int, of: Int)
        case made(seconds: Double)
        case failed
    }

    /// `index public.t_v`, `table constraint t_pkey on public.t`.
    package let object: String
    package let state: State
}

package typealias SchemaProgressReport = @Sendable (SchemaProgress) -> Void
