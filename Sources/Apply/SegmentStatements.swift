// A segment as statements, in the order that makes room before it fills it: whole tables emptied, rows deleted, keys
// changed, rows changed, rows inserted.

internal import Batching
internal import Model
internal import PGOutput

enum PlannedStatement {
    case truncate(sql: String, tables: [TableMapping])
    case rows(RowGroup)

    /// The server can tell by itself whether it touched what it must, and nothing has to be asked or restored after it.
    var canAssert: Bool {
        guard case .rows(let group) = self, !group.mapping.table.firesTriggers, group.mapping.uncheckedKeys.isEmpty
        else { return false }
        switch group.operation {
        case .insert, .delete, .note, .noteWhole, .place, .placeMissing: return true
        case .update: return !group.mapping.updatesRewrite
        case .rekey: return !group.mapping.rekeysRewrite
        case .probe, .deleteImage, .updateImage, .shared, .inTheWay: return false
        }
    }
}

struct SegmentStatements {
    let mapping: (Int) -> TableMapping
    let byTarget: (Int) -> TableMapping
    /// Applications write the target, too.
    let hasTwins: Bool

    func plan(_ segment: Segment) -> [PlannedStatement] {
        var statements: [PlannedStatement] = []
        if let truncation = segment.truncation { statements.append(truncate(truncation)) }
        for table in segment.tables {
            let entries = table.keyed.inKeyOrder
            statements += (hasTwins ? placed(entries) : keyed(entries)).map { .rows($0) }
            statements += images(table.images).map { .rows($0) }
            statements += inserts(table.inserts).map { .rows($0) }
        }
        return statements
    }

    /// What is to be read again of tables that are being copied.
    func notes(_ batch: Batch) -> [PlannedStatement] {
        guard !batch.noted.isEmpty || !batch.notedWhole.isEmpty else { return [] }
        var groups = Groups()
        var tuple = Tuple()
        for row in batch.noted {
            row.read(into: &tuple)
            groups.group(row.shape, .note, mapping).append(tuple)
        }
        for shape in batch.notedWhole.sorted() {
            tuple.columns.removeAll(keepingCapacity: true)
            groups.group(shape, .noteWhole, mapping).append(tuple)
        }
        return groups.order.map { .rows($0) }
    }

    private func truncate(_ truncation: Segment.Truncation) -> PlannedStatement {
        let tables = truncation.targets.map(byTarget)
        let names = tables.map(\.table.sql).joined(separator: ", ")
        let restart = truncation.restartIdentity ? " RESTART IDENTITY" : ""
        return .truncate(sql: "TRUNCATE \(names)\(restart)", tables: tables)
    }

    // MARK: grouping

    struct GroupKey: Hashable {
        let shape: Int
        let operation: Operation
    }

    /// Groups in the order they are first needed.
    struct Groups {
        var order: [RowGroup] = []
        var places: [GroupKey: Int] = [:]
        private var last: (key: GroupKey, place: Int)?

        mutating func group(_ shape: Int, _ operation: Operation, _ mapping: (Int) -> TableMapping) -> RowGroup {
            let key = GroupKey(shape: shape, operation: operation)
            if let last, last.key == key { return order[last.place] }
            if let place = places[key] {
                last = (key, place)
                return order[place]
            }
            // The batch keeps its rows until its statements were sent.
            order.append(RowGroup(mapping(shape), operation, isLent: true))
            places[key] = order.count - 1
            last = (key, order.count - 1)
            return order[order.count - 1]
        }
    }

    private func keyed(_ entries: [KeyedEffects.Entry]) -> [RowGroup] {
        var deletes = Groups()
        var rekeys = Groups()
        var updates = Groups()
        var inserts = Groups()
        var old = Tuple()
        var new = Tuple()
        for entry in entries {
            switch entry.kind {
            case .nothing: continue
            case .delete, .replace:
                entry.old.read(into: &old)
                deletes.group(entry.old.shape, .delete, mapping).append(old)
                guard entry.kind == .replace else { continue }
                entry.new.read(into: &new)
                inserts.group(entry.new.shape, .insert, mapping).append(new)
            case .insert:
                entry.new.read(into: &new)
                inserts.group(entry.new.shape, .insert, mapping).append(new)
            case .update:
                entry.new.read(into: &new)
                updates.group(entry.new.shape, .update(without: left(out: new)), mapping).append(new)
            case .rekey:
                entry.old.read(into: &old)
                entry.new.read(into: &new)
                rekeys.group(entry.new.shape, .rekey(without: left(out: new)), mapping).append(old: old, new: new)
            }
        }
        return deletes.order + rekeys.order + updates.order.filter { $0.changesSomething } + inserts.order
    }

    func left(out tuple: Tuple) -> [Int] {
        guard tuple.columns.contains(where: { $0.state == .unchanged }) else { return [] }
        return tuple.columns.indices.filter { tuple.columns[$0].state == .unchanged }
    }

    private func inserts(_ rows: [RowReference]) -> [RowGroup] {
        var groups = Groups()
        var tuple = Tuple()
        for row in rows {
            row.read(into: &tuple)
            groups.group(row.shape, .insert, mapping).append(tuple)
        }
        return groups.order
    }

    // MARK: rows without a key

    private func images(_ effects: ImageEffects) -> [RowGroup] {
        guard !effects.pairs.isEmpty else { return [] }
        let groups = ImageGroups(effects)
        var statements: [RowGroup] = []
        var tuple = Tuple()
        for shape in Set(groups.deletes.map(\.row.shape)).sorted() {
            let rows = groups.deletes.filter { $0.row.shape == shape }
            let group = imageGroup(shape, rows.map(\.row), update: false)
            for row in rows {
                row.row.read(into: &tuple)
                group.append(image: tuple, count: row.count, touches: true)
            }
            statements.append(group)
        }
        return statements + imageUpdates(groups) + inserts(groups.inserts)
    }

    /// Old and new row of a pair are of one shape; images are numbered within their own statement.
    private func imageUpdates(_ groups: ImageGroups) -> [RowGroup] {
        var statements: [RowGroup] = []
        var tuple = Tuple()
        for shape in Set(groups.updates.map(\.row.shape)).sorted() {
            let places = groups.updates.indices.filter { groups.updates[$0].row.shape == shape }
            let rows = places.map { groups.updates[$0] }
            let group = imageGroup(shape, rows.map(\.row), update: true)
            var numbers: [Int: Int] = [:]
            for (number, place) in places.enumerated() {
                groups.updates[place].row.read(into: &tuple)
                group.append(image: tuple, count: groups.updates[place].count, touches: false)
                numbers[place + 1] = number + 1
            }
            for pair in groups.pairs {
                guard let number = numbers[pair.group] else { continue }
                pair.new.read(into: &tuple)
                group.append(group: number, rank: pair.rank, new: tuple)
            }
            statements.append(group)
        }
        return statements
    }

    /// Narrowed by an indexed column when none of these rows holds NULL in it.
    private func imageGroup(_ shape: Int, _ rows: [RowReference], update: Bool) -> RowGroup {
        let mapping = mapping(shape)
        var narrow = mapping.narrowingColumn
        var tuple = Tuple()
        if let column = narrow {
            for row in rows {
                row.read(into: &tuple)
                if tuple.columns[column].state == .null { narrow = nil }
            }
        }
        return RowGroup(mapping, update ? .updateImage(narrowedBy: narrow) : .deleteImage(narrowedBy: narrow))
    }
}

extension SegmentStatements {
    init(_ mappings: Mappings, hasTwins: Bool) {
        self.init(mapping: mappings.known(shape:), byTarget: mappings.known(target:), hasTwins: hasTwins)
    }
}

extension TableMapping {
    /// A column that leads a plain index on the target, so that equal values are found without reading the whole table.
    var narrowingColumn: Int? {
        for index in table.indexes where index.isPlain && index.parts[0].equals == "OPERATOR(pg_catalog.=)" {
            if let place = shape.columns.firstIndex(where: { sameName($0.name, index.parts[0].column) }),
                plan.carried.contains(place)
            {
                return place
            }
        }
        return nil
    }
}
