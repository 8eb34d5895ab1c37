// What changed between two looks at one schema, object by object, said so that an operator finds it. Pure.

package import Model

package struct SchemaDifference: Sendable, Equatable, CustomStringConvertible {
    package enum Change: Sendable, Equatable {
        case appeared([String: String])
        case vanished
        /// Trait, before, after.
        case altered(trait: String, from: String?, to: String?)
    }

    package let object: SchemaObject
    package let change: Change

    package init(_ object: SchemaObject, _ change: Change) {
        self.object = object
        self.change = change
    }

    package var description: String {
        switch change {
        case .appeared(let traits):
            let said = traits.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.shown($0.value))" }
            return "\(object) is new" + (said.isEmpty ? "" : " (\(said.joined(separator: ", ")))")
        case .vanished: return "\(object) is gone"
        case .altered(let trait, let before, let after):
            return "\(object): \(trait) was \(Self.shown(before)), is \(Self.shown(after))"
        }
    }

    private static func shown(_ value: String?) -> String {
        guard let value else { return "not set" }
        let line = withoutControls(value)
        return line.count > 120 ? line.prefix(119) + "…" : line
    }

    /// The stream itself would not stop at it: rows could be changed, hidden or lost on new without anybody being told.
    package func isSilent(on side: Side) -> Bool {
        switch (object.kind, change) {
        case (.type, .altered(let trait, _, _)): return trait == "fields"
        case (.trigger, .appeared(let traits)), (.rule, .appeared(let traits)):
            return side == .new && traits[Self.inReplication] != nil
        case (.trigger, .altered(let trait, _, let after)), (.rule, .altered(let trait, _, let after)):
            return side == .new && trait == Self.inReplication && after != nil
        case (.table, .altered(let trait, _, let after)):
            return side == .new && ["row security", "persistence"].contains(trait) && after != nil
        case (.table, _), (.column, _), (.constraint, _), (.index, _), (.sequence, _), (.type, _),
            (.trigger, .vanished),
            (.rule, .vanished):
            return false
        }
    }

    /// The trait of triggers and rules that fire for what replication writes, too.
    static let inReplication = "in replication"
}

extension SchemaDescription {
    /// What is different in `later`, in the order of names; parts of a table that appeared or vanished as a whole are not
    /// listed by themselves.
    package func differences(to later: SchemaDescription) -> [SchemaDifference] {
        var found: [SchemaDifference] = []
        for (object, traits) in objects {
            guard let now = later.objects[object] else {
                found.append(SchemaDifference(object, .vanished))
                continue
            }
            for trait in Set(traits.keys).union(now.keys).sorted() where !same(traits[trait], now[trait]) {
                found.append(
                    SchemaDifference(object, .altered(trait: trait, from: traits[trait], to: now[trait])))
            }
        }
        for (object, traits) in later.objects where objects[object] == nil {
            found.append(SchemaDifference(object, .appeared(traits)))
        }
        let whole = Set(
            found.filter { difference in
                if case .altered = difference.change { return false }
                return difference.object.kind == .table
            }.map(\.object.name))
        return found.filter { difference in
            difference.object.kind == .table || difference.object.part.isEmpty
                || !whole.contains(difference.object.name) || difference.isSilent(on: .new)
        }.sorted { $0.object < $1.object }
    }

    /// By bytes: Swift's own equality takes composed and decomposed letters for the same.
    private func same(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == right }
        return sameName(left, right)
    }
}
