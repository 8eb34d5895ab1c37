// docs/checks.md, made from the checks themselves.

package enum ChecksDocument {
    package static var text: String {
        var parts = [
            """
            # What `tandem preflight` looks at

            <!-- Made by `make documents` from the checks themselves; a test compares. -->

            \(Check.all.count) checks. A **blocker** ends `tandem preflight` with exit code 3; a **warning** has consequences that \
            somebody should have decided on; a **note** is good to know. A finding may be less severe than its check, where the \
            circumstances say so. `--skip NAME --reason TEXT` passes over a check, and the report says so.

            | check | severity | looks at |
            |---|---|---|
            """
        ]
        parts[0] +=
            "\n"
            + Check.all.map { "| [`\($0.name)`](#\($0.name)) | \($0.severity.rawValue) | \($0.title) |" }
            .joined(separator: "\n")
        for check in Check.all {
            parts.append(
                """
                ## \(check.name)

                **\(check.severity.rawValue)** · \(check.title)

                \(check.reason)

                Mend: \(check.remedy)
                """)
        }
        return parts.joined(separator: "\n\n")
    }
}
