// One part of a table pattern: a name, in which unless it was quoted `*` stands for any characters and `?` for one.
// Names are compared as PostgreSQL does, code point by code point.

struct NamePattern: Hashable, Sendable {
    enum Element: Hashable, Sendable {
        case character(Unicode.Scalar)
        case one
        case many
    }

    let elements: [Element]

    /// The name itself, when only one name can match.
    var literal: String? {
        var name = String.UnicodeScalarView()
        for element in elements {
            guard case .character(let scalar) = element else { return nil }
            name.append(scalar)
        }
        return String(name)
    }

    /// How many bytes a name that matches has at least.
    var leastBytes: Int {
        elements.reduce(0) { sum, element in
            switch element {
            case .character(let scalar): sum + UTF8.width(scalar)
            case .one: sum + 1
            case .many: sum
            }
        }
    }

    func matches(_ name: String) -> Bool {
        let name = Array(name.unicodeScalars)
        var at = 0
        var element = 0
        var resume: (element: Int, at: Int)?
        while at < name.count {
            if element < elements.count, elements[element] == .many {
                resume = (element + 1, at)
                element += 1
            } else if element < elements.count, accepts(elements[element], name[at]) {
                (element, at) = (element + 1, at + 1)
            } else if let (after, tried) = resume {
                // The last `*` takes one character more, and everything after it is tried again.
                resume = (after, tried + 1)
                (element, at) = (after, tried + 1)
            } else {
                return false
            }
        }
        return elements[element...].allSatisfy { $0 == .many }
    }

    private func accepts(_ element: Element, _ scalar: Unicode.Scalar) -> Bool {
        switch element {
        case .character(let own): own == scalar
        case .one, .many: true
        }
    }
}

extension UTF8 {
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int { encode(scalar)?.count ?? 0 }
}
