// A certificate authority and a server's certificate, made by openssl for a test.

import Foundation
import TestSupport

struct Certificates {
    let authority: String
    private let directory: String

    init(in directory: String, named host: String) throws {
        self.directory = directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        authority = "\(directory)/ca.crt"
        let make = """
            openssl req -new -x509 -days 2 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
                -subj '/CN=authority of \(host)' -keyout ca.key -out ca.crt &&
            openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
                -subj '/CN=\(host)' -keyout server.key -out server.csr &&
            openssl x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt
            """
        try run(make)
    }

    /// Where a file of this name is, without its ending.
    func path(_ file: String) -> String { "\(directory)/\(file)" }

    /// A client's certificate and key, `file`.crt and `file`.key; the name is its role's.
    func client(_ name: String, file: String) throws -> String {
        try run(
            """
            openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
                -subj '/CN=\(name)' -keyout '\(file).key' -out '\(file).csr' &&
            openssl x509 -req -days 2 -in '\(file).csr' -CA ca.crt -CAkey ca.key -CAcreateserial -out '\(file).crt' &&
            chmod 600 '\(file).key'
            """)
        return file
    }

    /// A revocation list of these certificates; its path.
    func revocations(_ file: String, of revoked: [String]) throws -> String {
        let revoke = revoked.map { "openssl ca -config '\(file).conf' -keyfile ca.key -cert ca.crt -revoke '\($0)' &&" }
        try run(
            """
            : >'\(file).index' && printf '[ca]\\ndefault_ca=a\\n[a]\\ndatabase=\(file).index\\ndefault_md=sha256\\n' >'\(file).conf' &&
            \(revoke.joined(separator: "\n"))
            openssl ca -config '\(file).conf' -keyfile ca.key -cert ca.crt -gencrl -crldays 2 -out '\(file).crl'
            """)
        return path(file) + ".crl"
    }

    /// Clients may show certificates from now on, but not these.
    func demandFromClients(on cluster: Cluster, revoked: String) throws {
        try install(file: "ca.crt", on: cluster)
        try install(file: revoked.split(separator: "/").last.map(String.init) ?? "", as: "clients.crl", on: cluster)
        try cluster.configure(["ssl_ca_file": "ca.crt", "ssl_crl_file": "clients.crl"])
        try cluster.reload()
    }

    private func run(_ script: String) throws {
        let outcome = try Command("/bin/bash", ["-c", script], directory: directory).run()
        guard outcome.status == .exited(0) else { throw CertificateFailure(said: outcome.stderr) }
    }

    /// Another certificate of the server's key, which takes over from now on; `days` may have passed.
    func renew(_ days: Int, on cluster: Cluster) throws {
        try run(
            "openssl x509 -req -days \(days) -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out renewed.crt")
        try install(file: "renewed.crt", as: "server.crt", on: cluster)
        try cluster.reload()
    }

    /// In the server's data directory, with the owner and mode that it wants.
    func install(on cluster: Cluster) throws {
        for file in ["server.key", "server.crt"] { try install(file: file, on: cluster) }
        try cluster.configure(["ssl": "on"])
        try cluster.restart()
    }

    private func install(file: String, as name: String? = nil, on cluster: Cluster) throws {
        let target = "\(cluster.dataDirectory)/\(name ?? file)"
        try run(
            """
            cat '\(file)' >'\(target)' && chown --reference='\(cluster.dataDirectory)' '\(target)' && chmod 600 '\(target)'
            """)
    }
}

struct CertificateFailure: Error {
    let said: String
}
