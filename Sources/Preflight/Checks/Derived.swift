// Data B: the tables that batches carry.

internal import DataB
internal import Model
internal import Postgres
internal import Stream

extension Check {
    static let derived = [
        derivedTables, derivedColumns, derivedKeys, derivedIndexes, derivedViews, derivedStatistics, derivedReading,
        derivedLocking,
    ]

    private static func examine(_ topic: DerivedExamination.Topic, _ survey: Survey) throws -> [Finding] {
        let examination = DerivedExamination(
            survey.plan.dataB, old: try survey.reached(.old), new: survey.connection(.new), makesTables: survey.copies)
        return try examination.findings(topic).map { Finding($0.object, $0.what, mend: $0.remedy) }
    }

    static let derivedTables = Check(
        "data-b-tables", .blocker, "the tables of `data_b` are there",
        because: "A batch has nothing to read, or nothing to write.",
        mend: "correct `data_b`; or make the table on new", reads: .tried([.old])
    ) { _, survey in try examine(.tables, survey) }

    static let derivedColumns = Check(
        "data-b-columns", .blocker, "columns of Data B fit, and `modified` names a timestamp",
        because: "The table's batches would fail, while everything else goes on.",
        mend: "ALTER TABLE …; on new; or another `modified`", reads: .tried([.old])
    ) { _, survey in try examine(.columns, survey) }

    static let derivedKeys = Check(
        "data-b-keys", .warning, "tables of Data B have a unique key",
        because: "Without one nothing tells rows apart but all their columns together.",
        mend: "ALTER TABLE … ADD PRIMARY KEY (…);", reads: .tried([.old])
    ) { _, survey in try examine(.keys, survey) }

    static let derivedIndexes = Check(
        "data-b-indexes", .warning, "the timestamps that batches follow are indexed on old",
        because: "Otherwise each batch reads the whole table there, however little has changed.",
        mend: "CREATE INDEX CONCURRENTLY ON … (…);", reads: .tried([.old])
    ) { _, survey in try examine(.indexes, survey) }

    static let derivedViews = Check(
        "data-b-views", .blocker, "materialized views of Data B read only what is carried",
        because: "New fills them by itself, from what it has.",
        mend: "carry what they read; or a table of that name on new", reads: .tried([.old])
    ) { _, survey in try examine(.views, survey) }

    static let derivedStatistics = Check(
        "data-b-statistics", .blocker, "tandem's role on old may see since when transactions are open",
        because:
            "A batch is whole up to the start of the oldest open transaction; without knowing it rows would be missed.",
        mend: "GRANT pg_read_all_stats TO …;", reads: .tried([.old])
    ) { _, survey in try examine(.statistics, survey) }

    static let derivedReading = Check(
        "data-b-reading", .blocker, "tandem's role may read the tables of Data B on old",
        because: "Their batches would fail.",
        mend: "GRANT USAGE ON SCHEMA … TO …; GRANT SELECT ON … TO …;", reads: .tried([.old])
    ) { _, survey in try examine(.reading, survey) }

    static let derivedLocking = Check(
        "data-b-locking", .note, "tandem's role may lock the tables of Data B on old",
        because: "The final copy proves by it that nobody writes. PostgreSQL asks for UPDATE; nothing is written.",
        mend: "GRANT UPDATE ON … TO …;", reads: .tried([.old])
    ) { _, survey in try examine(.locking, survey) }
}
