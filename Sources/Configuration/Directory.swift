// Where files of tandem's own go: a path relative to the configuration's own directory, so that it does not matter where tandem
// is started. Nothing is created here.

internal import Glibc

enum Directory {
    /// `path` made absolute; nil when it is relative and the working directory is gone.
    static func absolute(_ path: String, besideFile file: String) -> String? {
        if path.hasPrefix("/") { return tidied(path) }
        let directory = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        if directory.hasPrefix("/") { return tidied(directory + path) }
        return workingDirectory().map { tidied($0 + "/" + directory + path) }
    }

    /// Without `.` and doubled slashes. `..` stays: what it means depends on symbolic links.
    private static func tidied(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    private static func workingDirectory() -> String? {
        guard let path = getcwd(nil, 0) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}

extension Field {
    func directory() throws(ConfigurationError) -> String {
        let text = try nonEmptyText()
        guard text.value != "~", !text.value.hasPrefix("~/") else {
            throw error("\(label) begins with `~`, which only a shell understands", hint: "write `${HOME}` instead")
        }
        guard let path = Directory.absolute(text.value, besideFile: reading.source.file) else {
            throw error("\(label) is a relative path, and the working directory does not exist any more")
        }
        return path
    }
}
