// A segment as statements where applications write the target, too: every row the stream tells of becomes what it says. Nobody
// counts: a row may be there already, or gone already. Only a row that comes without some of its values must be there, as
// nobody could make it of what came.

internal import Batching
internal import PGOutput

extension SegmentStatements {
    func placed(_ entries: [KeyedEffects.Entry]) -> [RowGroup] {
        var (deletes, rekeys, updates, places) = (Groups(), Groups(), Groups(), Groups())
        var (old, new) = (Tuple(), Tuple())
        for entry in entries {
            entry.old.read(into: &old)
            entry.new.read(into: &new)
            let left = left(out: new)
            switch entry.kind {
            // What came and went again here may have come by itself there, and stayed.
            case .nothing, .delete: deletes.group(entry.old.shape, .delete, mapping).append(old)
            case .rekey where left.isEmpty:
                deletes.group(entry.old.shape, .delete, mapping).append(old)
                places.group(entry.new.shape, .place, mapping).append(new)
            case .rekey:
                rekeys.group(entry.new.shape, .rekey(without: left), mapping).append(old: old, new: new)
            case .insert, .replace, .update:
                guard left.isEmpty else {
                    updates.group(entry.new.shape, .update(without: left), mapping).append(new)
                    continue
                }
                places.group(entry.new.shape, .place, mapping).append(new)
            }
        }
        for group in deletes.order { group.isCounted = false }
        return deletes.order + rekeys.order + updates.order.filter(\.changesSomething)
            + places.order.flatMap { $0.inOneStatement }
    }
}

extension RowGroup {
    /// Placed at once where that can be; otherwise what is there is changed, and what is not is inserted.
    var inOneStatement: [RowGroup] {
        guard operation == .place, !mapping.canBePlaced else { return [self] }
        let (update, insert) = (copy(as: .update(without: [])), copy(as: .placeMissing))
        update.isCounted = false
        return (update.changesSomething ? [update] : []) + [insert]
    }
}
