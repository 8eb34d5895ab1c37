// How rows of one shape reach their table on the target: which table, which columns, and how a row is found again.
// Made by the applier from both sides' catalogs; a pure value here.

package enum Locator: Sendable, Equatable {
    /// Rows are told apart by these columns of the shape, in the order of the target's key.
    case key([Int])
    /// No key anywhere: a row is found by everything it holds, one of several equal ones.
    case image
    /// Only inserts can come.
    case none
}

package struct TablePlan: Sendable {
    /// Which target table; several shapes may lead to one.
    package let target: Int
    /// How many columns the shape has.
    package let columns: Int
    /// Columns of the shape that exist on the target, by index.
    package let carried: [Int]
    package let locator: Locator
    /// The table is set aside: its changes are counted and left out.
    package let isSetAside: Bool
    /// The shape is only a part of the target table, which new keeps whole or parts otherwise.
    package let isPart: Bool
    /// Into how many parts the source divides it, as far as this was looked at; 0 when it does not.
    package var parts = 0
    /// Several changes of one row may become one; not where triggers of the target look at each.
    package let folds: Bool
    /// An equal shape of another part of the same table, whose rows these are taken for.
    package let equal: Int?
    /// Only which rows change counts: the table is being copied, and reads them again afterwards.
    package var isNoted = false

    /// The key columns by index, empty when rows have none.
    package var keyColumns: [Int] { if case .key(let columns) = locator { columns } else { [] } }

    package init(
        target: Int, columns: Int, carried: [Int], locator: Locator, isSetAside: Bool = false, isPart: Bool = false,
        folds: Bool = true, equal: Int? = nil
    ) {
        self.target = target
        self.columns = columns
        self.carried = carried
        self.locator = locator
        self.isSetAside = isSetAside
        self.isPart = isPart
        self.folds = folds
        self.equal = equal
    }
}
