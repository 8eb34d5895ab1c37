// What is different between both sides: the databases as a whole, what new has to have, tables that are there already.

extension Check {
    static let comparisons = databases + schemas + tablesOnNew + partitions + types + writers
}
