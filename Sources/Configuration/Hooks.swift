// Programs of the operator's that tandem runs at certain moments. Without a shell: what is written is what is run.

/// A program and its first arguments.
package struct HookProgram: Hashable, Sendable {
    /// An absolute path.
    package let path: String
    package let arguments: [String]
    package let place: Place
}

package struct Hooks: Hashable, Sendable {
    /// Before a transition changes anything; one that fails keeps it from happening.
    package let beforeStep: HookProgram?
    /// Where charge goes to the other side: once to hold clients before anything is fenced, once to let them go afterwards.
    package let onFlip: HookProgram?
    /// When it comes to nothing: lets those go whom the former has held, to where they were.
    package let undoFlip: HookProgram?
    /// With each event that somebody may want to hear of; nothing waits for it.
    package let onEvent: HookProgram?
    /// Seconds after which one is ended and counts as failed.
    package let timeout: Double

    package init(
        beforeStep: HookProgram? = nil, onFlip: HookProgram? = nil, undoFlip: HookProgram? = nil,
        onEvent: HookProgram? = nil, timeout: Double = 60
    ) {
        (self.beforeStep, self.onFlip, self.undoFlip, self.onEvent) = (beforeStep, onFlip, undoFlip, onEvent)
        self.timeout = timeout
    }
}

enum HookKey: String, CaseIterable {
    case beforeStep = "before_step"
    case onFlip = "on_flip"
    case undoFlip = "undo_flip"
    case onEvent = "on_event"
    case timeout
}

extension Field {
    func hooks() throws(ConfigurationError) -> Hooks {
        let section = try Section<HookKey>(self)
        let (onFlip, undoFlip) = (try section.optional(.onFlip)?.hook(), try section.optional(.undoFlip)?.hook())
        if let onFlip, undoFlip == nil {
            throw error(
                "`on_flip` holds clients, and nothing would let them go again", at: onFlip.place,
                hint: "name a program under `undo_flip`, too")
        }
        return Hooks(
            beforeStep: try section.optional(.beforeStep)?.hook(), onFlip: onFlip, undoFlip: undoFlip,
            onEvent: try section.optional(.onEvent)?.hook(),
            timeout: try section.optional(.timeout)?.seconds() ?? Hooks().timeout)
    }

    /// A path, or a list of a path and arguments.
    func hook() throws(ConfigurationError) -> HookProgram {
        guard case .list = node.content else {
            return HookProgram(path: try directory(), arguments: [], place: place)
        }
        let words = try nonEmptyList(of: "program")
        var arguments: [String] = []
        for word in words.dropFirst() { arguments.append(try word.text().value) }
        return HookProgram(path: try words[0].directory(), arguments: arguments, place: place)
    }
}
