// Every check there is, in the order in which they are made and listed. Each stands in the file of its topic.

extension Check {
    package static let all: [Check] =
        reaching + servers + room + privileges + tables + derived + comparisons + reverse + fencing + leftovers

    package static func named(_ name: String) -> Check? { all.first { $0.name == name } }
}
