// What helps when a stream cannot go on from where it is, for the hints of messages.

package import Model

extension StreamName {
    package var startingOver: String {
        switch direction {
        case .forward: "`tandem abort`, then `tandem prepare` and load new again"
        case .reverse: "`tandem resync` makes the way back again"
        }
    }
}
