// Environment variables in values, and that nothing secret reaches an error.

import Configuration
import Model
import Testing

@Suite struct ExpansionTests {
    private func withOld(_ old: String) -> String {
        "migration: m\npairs:\n  - name: a\n    old: \(old)\n    new: host=n\ndata_a: [public.t]\n"
    }

    private func old(_ text: String, _ environment: [String: String]) throws -> String {
        try Configuration.parse(withOld(text), file: "tandem.yaml", environment: environment).pairs[0].old
    }

    @Test(arguments: [
        ("postgresql://u:${PW}@h/d", "postgresql://u:s3cret@h/d"),
        ("${PW}", "s3cret"),
        ("${PW}${_x1}${PW}", "s3creths3cret"),
        ("'$${PW}'", "${PW}"),
        ("'$$${PW}'", "$${PW}"),
        ("a$b$", "a$b$"),
        ("'$ {PW}'", "$ {PW}"),
        ("\"x${PW}\\u0024{PW}\"", "xs3crets3cret"),
        ("${TRICKY}", "${PW} # no: 'yaml'\n"),
        ("x${NOTHING}", "x"),
    ])
    func expansion(_ text: String, _ expected: String) throws {
        let environment = ["PW": "s3cret", "_x1": "h", "TRICKY": "${PW} # no: 'yaml'\n", "NOTHING": ""]
        #expect(try old(text, environment) == expected)
    }

    @Test func otherValuesExpandToo() throws {
        let configuration = try Configuration.parse(
            """
            migration: ${M}
            pairs: [{name: "${P}", old: a, new: b}]
            data_a: ["${S}.*"]
            initial_copy: ${COPY}
            limits: {memory: "${SIZE}"}
            spill: ${DIR}/x
            """, file: "/etc/tandem.yaml",
            environment: ["M": "m1", "P": "p1", "S": "Sales", "COPY": "none", "SIZE": "2GB", "DIR": "/tmp"])
        #expect(configuration.migration == "m1")
        #expect(configuration.pairs[0].name == "p1")
        #expect(configuration.dataA[0].text == "${S}.*")
        #expect(configuration.dataA[0].matches(QualifiedName(schema: "sales", name: "t")))
        #expect(configuration.initialCopy == .none)
        #expect(configuration.limits.memory == 2 << 30)
        #expect(configuration.spill == "/tmp/x")
    }

    @Test(arguments: [
        ("host=x password=${PW", "4:26: `${` has no closing `}` → `$${` stands for a literal `${`"),
        ("${}", "4:10: `${}` names no environment variable → `$${` stands for a literal `${`"),
        (
            "ab${A-B}",
            "4:12: between `${` and `}` stands what cannot name an environment variable → names have "
                + "letters, digits and `_`; `$${` stands for a literal `${`"
        ),
        (
            "${1A}",
            "4:10: between `${` and `}` stands what cannot name an environment variable → names have letters, "
                + "digits and `_`; `$${` stands for a literal `${`"
        ),
        ("${PASSWORT}", "4:10: the environment variable `PASSWORT` is not set → did you mean `PASSWORD`?"),
        ("äö${ZZZ}", "4:12: the environment variable `ZZZ` is not set → set it, or write `$${` for a literal `${`"),
        (
            "${PASSWORD} ${ZZZ}",
            "4:22: the environment variable `ZZZ` is not set → set it, or write `$${` for a "
                + "literal `${`"
        ),
        ("'${ZZZ}'", "4:10: the environment variable `ZZZ` is not set → set it, or write `$${` for a literal `${`"),
        (
            "|\n      host\n      ${ZZZ}",
            "4:10: the environment variable `ZZZ` is not set → set it, or write `$${` "
                + "for a literal `${`"
        ),
    ])
    func problems(_ text: String, _ expected: String) {
        #expect(complaint(withOld(text), environment: ["PASSWORD": "s3cret"]) == "tandem.yaml:\(expected)")
    }

    @Test func keysAreNotExpanded() {
        #expect(complaint(after: "\"${K}\": x", environment: ["K": "spill"]).contains("unknown key `${K}`"))
    }

    @Test(arguments: [
        "migration: ${SECRET}", "migration: m\npairs: [{name: \"${SECRET}\", old: a, new: b}]\ndata_a: [a.b]",
        "migration: m\npairs: [{name: a, old: \"${SECRET}\", new: \"${SECRET}\"}]\ndata_a: [a.b]",
        smallest + "exclude: [\"${SECRET}\"]", smallest + "exclude: [\"a.${SECRET}\"]",
        smallest + "limits: {memory: \"${SECRET}\"}", smallest + "limits: {on_wal_held: \"${SECRET}\"}",
        smallest + "initial_copy: ${SECRET}", smallest + "initial_copy: {from: \"${SECRET}\"}",
        smallest + "exclude: [\"a.${TABLE}\", \"a.${TABLE}\"]", smallest + "spill: ~/${SECRET}",
        "migration: postgresql://u:s3cret-x@h/d", "postgresql://u:s3cret-x@h/d: x", "- 'password=s3cret-x'",
        "migration: m\npairs: ['host=h password=s3cret-x']\ndata_a: [a.b]",
        "migration: m\npairs: [{name: 'host=h password=s3cret-x', old: a, new: b}]\ndata_a: [a.b]",
        "migration: m\npairs: [{name: a, old: 'password=s3cret-x', new: 'password=s3cret-x'}]\ndata_a: [a.b]",
        smallest + "exclude: ['postgresql://u:s3cret-x@h/d']", smallest + "exclude: ['password=s3cret-x']",
        smallest + "limits: {memory: 'password=s3cret-x'}", smallest + "initial_copy: password=s3cret-x",
        smallest + "password=s3cret-x: 1", smallest + "password=s3cret-x: 1\npassword=s3cret-x: 2",
    ])
    func errorsKeepSecrets(_ text: String) {
        let said = complaint(text, environment: ["SECRET": "s3cret-x!", "TABLE": "s3cret_x"])
        #expect(said.hasPrefix("tandem.yaml:"))
        #expect(!said.contains("s3cret"), "\(said)")
    }
}
