// Where in the configuration something stands, as editors count: lines and columns from 1, columns in characters.

package struct Place: Hashable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    static let start = Place(line: 1, column: 1)

    func advanced(by characters: Int) -> Place { Place(line: line, column: column + characters) }
}
