// An old and a new cluster. Most tests take the shared pair, started once in a process, and differ by their databases;
// one that crashes or reconfigures servers makes a pair of its own.

package final class ClusterPair: Sendable {
    package let old: Cluster
    package let new: Cluster

    package init(
        old: ClusterOptions = ClusterOptions(), new: ClusterOptions = ClusterOptions(),
        oldInstallation: PostgresInstallation? = nil, newInstallation: PostgresInstallation? = nil
    ) throws {
        let (oldAsked, newAsked) = try (
            PostgresInstallation.asked(for: "TANDEM_TEST_OLD"), PostgresInstallation.asked(for: "TANDEM_TEST_NEW")
        )
        self.old = try Cluster("old", options: old, installation: oldInstallation ?? oldAsked)
        self.new = try Cluster("new", options: new, installation: newInstallation ?? newAsked)
    }

    /// Lives as long as the process; do not stop or reconfigure it.
    package static var shared: ClusterPair { get throws { try started.get() } }

    private static let started = Result<ClusterPair, any Error> { try ClusterPair() }

    package func remove() {
        old.remove()
        new.remove()
    }
}
