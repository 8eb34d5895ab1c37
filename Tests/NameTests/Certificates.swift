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
        let outcome = try Command("/bin/bash", ["-c", make], directory: directory).run()
        guard outcome.status == .exited(0) else { throw CertificateFailure(said: outcome.stderr) }
    }

    /// In the server's data directory, with the owner and mode that it wants.
    func install(on cluster: Cluster) throws {
        for file in ["server.key", "server.crt"] {
            let target = "\(cluster.dataDirectory)/\(file)"
            let copy =
                "cat '\(directory)/\(file)' > '\(target)'; chown --reference='\(cluster.dataDirectory)' '\(target)'"
            _ = try Command("/bin/bash", ["-c", "\(copy); chmod 600 '\(target)'"], directory: "/").run()
        }
        try cluster.configure(["ssl": "on"])
        try cluster.restart()
    }
}

struct CertificateFailure: Error {
    let said: String
}
