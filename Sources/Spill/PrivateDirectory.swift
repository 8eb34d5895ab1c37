// An open directory that is ours alone. Made when missing, refused when anybody else could read or change what is in
// it. Everything in it is reached through the descriptor, so what happens to the path later changes nothing.

internal import Glibc

struct PrivateDirectory: ~Copyable {
    let path: String
    let descriptor: Int32

    init(path: String) throws(SpillError) {
        let path = Self.withoutTrailingSlashes(path)
        try Self.makeIfMissing(path)
        let descriptor = try Self.open(path)
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// A slash at the end would make the kernel follow a symbolic link.
    private static func withoutTrailingSlashes(_ path: String) -> String {
        var path = path[...]
        while path.count > 1 && path.last == "/" { path.removeLast() }
        return String(path)
    }

    private static func open(_ path: String) throws(SpillError) -> Int32 {
        let descriptor = try SystemCall(operation: "open spill directory", path: path).run {
            Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        do { try check(descriptor, path) } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func makeIfMissing(_ path: String) throws(SpillError) {
        var found = stat()
        if lstat(path, &found) == 0 { return try checkKind(found, path) }
        do { try SystemCall(operation: "create spill directory", path: path).run { mkdir(path, 0o700) } } catch {
            // Another stream of the same process or machine may have been first; it is checked below either way.
            guard error.kind == .system(code: EEXIST) else { throw error }
        }
    }

    private static func checkKind(_ found: stat, _ path: String) throws(SpillError) {
        switch found.st_mode & S_IFMT {
        case S_IFDIR: return
        case S_IFLNK:
            throw refusal(path, "it is a symbolic link", hint: "Configure the directory the link points to.")
        default:
            throw refusal(path, "it is not a directory", hint: "Configure a directory of tandem's own.")
        }
    }

    private static func check(_ descriptor: Int32, _ path: String) throws(SpillError) {
        var found = stat()
        try SystemCall(operation: "open spill directory", path: path).run { fstat(descriptor, &found) }
        guard found.st_uid == geteuid() else {
            throw refusal(
                path, "it belongs to user \(found.st_uid), and this is user \(geteuid())",
                hint: "Give it to the user tandem runs as (chown), or configure a directory of its own.")
        }
        guard found.st_mode & 0o077 == 0 else {
            throw refusal(
                path, "others can get at it (mode \(String(found.st_mode & 0o7777, radix: 8)))",
                hint: "Spill files hold rows of your tables: close the directory with chmod 700.")
        }
    }

    private static func refusal(_ path: String, _ message: String, hint: String) -> SpillError {
        .refused("use spill directory", path, message, hint: hint)
    }
}

extension PrivateDirectory {
    /// The names in it, without the two every directory has.
    func names() throws(SpillError) -> [String] {
        let listing = try SystemCall(operation: "list spill directory", path: path).run {
            openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(listing) else {
            close(listing)
            throw .system("list spill directory", path, code: ENOMEM)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// A new file, never one that is there: neither a file nor what a link points to.
    func create(_ name: String) throws(SpillError) -> Int32 {
        try SystemCall(operation: "create spill file", path: path + "/" + name).run {
            openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
    }

    /// Takes a name away; one that is gone already is as good.
    func unlink(_ name: String) throws(SpillError) {
        do {
            try SystemCall(operation: "remove spill file", path: path + "/" + name).run {
                unlinkat(descriptor, name, 0)
            }
        } catch {
            guard error.kind == .system(code: ENOENT) else { throw error }
        }
    }
}
