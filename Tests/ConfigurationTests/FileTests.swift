// Configurations on disk: missing, unreadable, not UTF-8, and where relative paths lead.

import Configuration
import Foundation
import Glibc
import Model
import Testing

@Suite struct FileTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "tandem-\(UUID().uuidString)")

    private func withFile(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appending(path: "tandem.yaml")
        try Data(bytes).write(to: file)
        try body(file.path)
    }

    private func failure(reading path: String) throws -> ConfigurationError {
        try #require(throws: ConfigurationError.self) { try Configuration.read(path: path, environment: [:]) }
    }

    @Test func aFileIsRead() throws {
        try withFile(smallest.utf8) { path in
            let configuration = try Configuration.read(path: path, environment: [:])
            #expect(configuration.file == path)
            #expect(configuration.migration == "bookstore")
            #expect(configuration.spill == directory.path + "/spill")
        }
    }

    @Test(arguments: ["./none/tandem.yaml", "", "a\0b"])
    func noFile(_ path: String) throws {
        let error = try failure(reading: path)
        #expect(error.file == path)
        #expect(error.place == nil)
        #expect(error.exitCode == .usage)
        #expect(
            error.hint == "name the configuration with `--config FILE`, or start tandem where its `tandem.yaml` is")
    }

    @Test func aMissingFileIsNamed() throws {
        #expect(try failure(reading: "./none/tandem.yaml").description == "./none/tandem.yaml: there is no such file")
        #expect(try failure(reading: "/").description == "/: this is a directory, not a file")
        #expect(try failure(reading: "/dev/null").description == "/dev/null:1:1: the file is empty")
        try withFile([]) { path in
            #expect(mkfifo(path + ".pipe", 0o600) == 0)
            let error = try failure(reading: path + ".pipe")
            #expect(error.description == "\(path).pipe:1:1: the file is empty")
        }
        #expect(
            try failure(reading: "/dev/zero").description
                == "/dev/zero: this is larger than 1 MB, so it is no configuration")
    }

    @Test(arguments: [
        (Array("migration: m\n# ä ".utf8) + [0xe9, 0x0a], 2, 5), ([0xff, 0xfe, 0x6d, 0x00], 1, 1),
        (Array("a".utf8) + [0xc3], 1, 2), (Array("ab".utf8) + [0xed, 0xa0, 0x80], 1, 3),
    ])
    func otherEncodings(_ bytes: [UInt8], _ line: Int, _ column: Int) throws {
        try withFile(bytes) { path in
            let error = try failure(reading: path)
            #expect(error.description == "\(path):\(line):\(column): this is not UTF-8 text")
            #expect(error.hint == "save the file as UTF-8")
        }
    }

    @Test(arguments: [
        ("/etc/tandem/tandem.yaml", "", "/etc/tandem/spill"),
        ("/etc/tandem/tandem.yaml", "spill: data/x/", "/etc/tandem/data/x"),
        ("/etc/tandem/tandem.yaml", "spill: ../x", "/etc/tandem/../x"),
        ("/etc/tandem/tandem.yaml", "spill: /srv//spill/./a", "/srv/spill/a"),
        ("/tandem.yaml", "spill: .", "/"),
        ("tandem.yaml", "", "<here>/spill"),
        ("conf/tandem.yaml", "spill: x", "<here>/conf/x"),
        ("./conf/tandem.yaml", "spill: ./x", "<here>/conf/x"),
    ])
    func spillDirectories(_ file: String, _ more: String, _ expected: String) throws {
        let here = FileManager.default.currentDirectoryPath
        let spill = try Configuration.parse(smallest + more, file: file).spill
        #expect(spill == expected.replacing("<here>", with: here))
    }

    @Test(arguments: [
        ("spill: ~/x", "7:8: `spill` begins with `~`, which only a shell understands → write `${HOME}` instead"),
        ("spill: '~'", "7:8: `spill` begins with `~`, which only a shell understands → write `${HOME}` instead"),
        ("spill: ''", "7:8: `spill` is empty"),
        ("spill:", "7:7: `spill` has no value; it must be a single value"),
        ("spill: [a]", "7:8: `spill` must be a single value, not a list"),
    ])
    func spillProblems(_ more: String, _ expected: String) {
        #expect(complaint(after: more) == "tandem.yaml:\(expected)")
    }
}
