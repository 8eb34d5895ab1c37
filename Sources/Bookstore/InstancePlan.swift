// What one instance is to do: who it is, where its databases are, how much it does, and how.

internal import Ledger

package struct InstancePlan: Sendable {
    package var name: String
    package var old: String
    /// Nil where there is one address only.
    package var new: String?
    package var strategy = Strategy.dualWrite
    package var mode = InstanceMode.oldOnly
    package var clients = 2
    /// Operations a second; 0 is as many as come.
    package var rate = 0.0
    /// Seconds after each operation, of each client.
    package var think = 0.0
    package var patience = 10.0
    package var seconds: Double?
    package var seed: UInt64 = 1
    /// Letters of a long text.
    package var text = 4000
    package var importRows = 5000
    package var mix: String?
    package var lockTimeout = 2.0
    package var statementTimeout = 5.0
    package var isDeclared = true
    package var fault: Fault?
    /// With one address at a time: goes to the other one when nobody writes here.
    package var follows = false

    package init(name: String, old: String) { (self.name, self.old) = (name, old) }

    /// An application that knows nothing declares nothing.
    var habits: Dealing.Habits {
        Dealing.Habits(
            lockTimeout: lockTimeout, statementTimeout: statementTimeout,
            isDeclared: isDeclared && strategy == .dualWrite, fault: fault)
    }
}
