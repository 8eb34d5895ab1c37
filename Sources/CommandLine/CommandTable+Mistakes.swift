// What would make a table ambiguous. A table is part of the program, so a mistake in it is our own bug.

extension CommandTable {
    var mistakes: [String] {
        var found = repeated(commands.map(\.name)).map { "the command \($0) stands twice" }
        for command in commands {
            let options = common + command.options
            found += repeated(options.map(\.long)).map { "\(command.name): --\($0) stands twice" }
            found += repeated(options.compactMap(\.short)).map { "\(command.name): -\($0) stands twice" }
            found += options.filter { $0.isFlag && $0.check != .any }.map { "--\($0.long) has no value to check" }
        }
        return found
    }

    private func repeated<Name: Hashable>(_ names: [Name]) -> [Name] {
        var seen: Set<Name> = []
        return names.filter { !seen.insert($0).inserted }
    }
}
