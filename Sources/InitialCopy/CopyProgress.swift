// How the copy goes, as it is kept on new once a second for whoever asks, and shown on a terminal.

package import Foundation
internal import State

package struct CopyProgress: KeptAsJSON, Sendable, Equatable {
    package struct Table: Codable, Sendable, Equatable {
        package var table: String
        /// copying, finishing, or waiting with a problem
        package var phase: String
        package var rows: Int
        /// By old's statistics.
        package var expectedRows: Int?
        package var bytes: Int
        package var size: Int
        /// Of its rows, 0 to 1.
        package var share: Double
        /// Bytes a second, over the last while.
        package var rate: Double?
        package var secondsLeft: Double?
        /// How long its snapshot has been held on old.
        package var snapshotAge: Double?
        /// Held for longer than limits.snapshot, and why.
        package var overdue: String?
        package var problem: String?
        package var hint: String?
    }

    /// Something that is being made on new.
    package struct Build: Codable, Sendable, Equatable {
        package var object: String
        /// As pg_stat_progress_create_index has it.
        package var phase: String?
        /// Of that phase, 0 to 1.
        package var share: Double?
        package var seconds: Double
    }

    package var tables = 0
    package var done = 0
    package var rows = 0
    /// Of the copy's own format, which differs from what a table takes on disk.
    package var bytes = 0
    /// Of tables on old.
    package var size = 0
    /// Of those, how much is copied, by what each table's rows take there.
    package var sizeDone = 0
    /// Bytes a second, over the last while.
    package var rate: Double?
    package var secondsLeft: Double?
    /// How long the oldest snapshot has been holding back vacuum on old.
    package var snapshotAge: Double?
    package var isPaused = false
    /// Why it rests, when nobody asked for it.
    package var resting: String?
    package var isComplete = false
    /// All tables are done; what needs all of them is being made.
    package var isFinishing = false
    /// Why that could not be made.
    package var problem: String?
    package var hint: String?
    /// The table that the stream waits for.
    package var holding: String?
    package var active: [Table] = []
    package var builds: [Build] = []
    package var began = Date()

    package init() {}
}
