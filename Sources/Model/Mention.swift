// How an error names something that was written: in backquotes, on one line, not too long. What could be a
// connection string or a password in the wrong place is never repeated.

package func mention(_ text: String) -> String {
    mayBeSecret(text) ? "this" : "`\(shortened(withoutControls(text)))`"
}

/// Connection strings come as URIs or as `keyword=value`; neither sign stands in a name, a size or a plain pattern.
package func mayBeSecret(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0 == "=" || $0 == "@" }
        || text.split(separator: ":").contains { $0.hasPrefix("//") }
}

private func shortened(_ text: String) -> String {
    text.count > 80 ? text.prefix(79) + "…" : text
}
