"""Tables of every shape, made up from a seed: the same list each time it is asked with the same arguments. As a program it
prints the statements that make them on one side: tables.py old|new SEED COUNT text|binary."""

import random
import sys

from kinds import BIG, KEYS, MAKERS, SETUP, TEXT, TYPES

SCHEMAS = ["public", "Odd \"S\"chema", "select"]
NAMES = ["t", "Camel Case", "quote\"d", "ap'os", "back\\slash", "new\nline", "日本 😀", "percent %s$1", "semi;colon--", "x" * 55]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Column:
    def __init__(self, name, kind, making, nullable=True):
        self.name, self.kind, self.making, self.nullable = name, kind, making, nullable
        self.sql = quoted(name)
        self.generated = ""  # what follows the type: an expression or identity
        self.wider = kind
        self.external = BIG in making

    @property
    def value(self):
        return f"CASE WHEN random() < 0.1 THEN NULL ELSE {self.making} END" if self.nullable else self.making

    def definition(self, kind=None):
        return f"{self.sql} {kind or self.kind}{self.generated}" + ("" if self.nullable else " NOT NULL")


class Table:
    def __init__(self, number, dice, binary):
        self.number, self.dice = number, dice
        self.kinds = [kind for kind in TYPES if kind[2] or not binary]
        self.keys = [kind for kind in KEYS if kind[2] or not binary]
        self.schema = quoted(dice.choice(SCHEMAS))
        self.sql = f"{self.schema}.{quoted(f'{dice.choice(NAMES)} {number}')}"
        self.child = None
        self.parted = dice.random() < 0.2
        self.columns = self.make_columns()
        self.key = self.make_key()
        self.deferrable = self.identity == "deferrable"
        self.unique = self.make_unique()
        self.shape = self.choose_shape()

    # what it is

    def make_columns(self):
        dice = self.dice
        count = 60 if dice.random() < 0.02 else dice.randint(1, 8)
        columns = [Column(f"c{place}" if dice.random() < 0.8 else f"C {place}'\"", *dice.choice(self.kinds)[:2])
                   for place in range(count)]
        if dice.random() < 0.12:
            columns.append(Column("made", "int", ""))
            source = Column("source", "int", "floor(random() * 100)::int")
            columns.insert(0, source)
            columns[-1].generated = f" GENERATED ALWAYS AS ({source.sql} * 2) STORED"
        return columns

    def make_key(self):
        dice = self.dice
        self.identity = dice.choices(
            ["key", "keyless", "full", "deferrable", "index", "nothing"], [55, 20, 6, 8, 8, 3])[0]
        if self.identity in ("keyless", "nothing"):
            if self.parted:
                self.columns.append(Column("part", "int", "floor(random() * 40)::int", False))
            return []
        key = []
        for place in range(1 if dice.random() < 0.65 else dice.randint(2, 3)):
            kind, making, _ = dice.choice(self.keys)
            key.append(Column(f"k{place}", kind, making, False))
        if key[0].kind in ("int", "bigint") and dice.random() < 0.4:
            key[0].generated = f" GENERATED {dice.choice(['ALWAYS', 'BY DEFAULT'])} AS IDENTITY"
        if self.parted:
            key.append(Column("part", "int", "floor(random() * 40)::int", False))
        for column in key:
            self.columns.insert(dice.randint(0, len(self.columns)), column)
        return key

    def make_unique(self):
        if self.parted or self.dice.random() > 0.2:
            return None
        self.columns.append(Column("u", "text", "make.name()"))
        return self.dice.choice(["UNIQUE (u)", "UNIQUE (u) DEFERRABLE INITIALLY DEFERRED", "partial"])

    def choose_shape(self):
        dice = self.dice
        shapes = ["same"] * 4 + ["shuffled"] * 3 + ["trigger", "always"]
        if self.parted:
            shapes += ["flat", "other bounds", "other bounds", "by hash"]
        elif self.identity != "deferrable" and not self.unique and (self.key or self.plain_column()):
            shapes += ["by hash", "by hash"]
        return dice.choice(shapes)

    def plain_column(self):
        return next((c for c in self.columns if c.kind in ("int", "text", "uuid", "bool", "date") and not c.generated and not c.external), None)

    # statements

    def inserted(self):
        return [c for c in self.columns if "STORED" not in c.generated]

    def changed(self):
        return [c for c in self.inserted() if c not in self.key and not c.generated and c.name != "part"]

    def create(self, side):
        new = side == "new"
        shape = self.shape if new else "same"
        columns = list(self.columns)
        parts = []
        if shape == "shuffled":
            random.Random(self.number).shuffle(columns)
            parts = ["own text DEFAULT 'own'", "gone int"]
        wider = {"int": "bigint", "varchar(90)": "text"} if shape == "shuffled" else {}
        for column in columns:
            kind = wider.get(column.kind, column.kind) if column not in self.key and not column.generated else column.kind
            text = column.definition(kind)
            if shape == "always" and column.kind in ("int", "bigint") and not column.generated and not any("ALWAYS" in p for p in parts):
                text = f"{column.sql} {column.kind} GENERATED ALWAYS AS IDENTITY" if not column.nullable else text
            parts.append(text)
        key = ", ".join(c.sql for c in self.key)
        later = []
        if self.key and self.identity != "index":
            parts.append(f"PRIMARY KEY ({key})" + (" DEFERRABLE INITIALLY DEFERRED" if self.deferrable else ""))
        if self.identity == "index":
            name = f"i_{self.number}"
            later.append(f"CREATE UNIQUE INDEX {name} ON {self.sql} ({key});")
            if not new:
                later.append(f"ALTER TABLE {self.sql} REPLICA IDENTITY USING INDEX {name};")
        if self.unique == "partial":
            later.append(f"CREATE UNIQUE INDEX ON {self.sql} (u) WHERE u > 'm';")
        elif self.unique:
            parts.append(self.unique)
        by, leaves = self.partitions(shape)
        text = f"CREATE TABLE {self.sql} ({', '.join(parts)}){by};"
        for name, bounds in leaves:
            text += f"\nCREATE TABLE {name} PARTITION OF {self.sql} {bounds};"
        full = {"keyless": "FULL", "full": "FULL", "deferrable": "FULL", "nothing": "NOTHING"}.get(self.identity)
        if full and not new:
            later += [f"ALTER TABLE {name} REPLICA IDENTITY {full};" for name in [self.sql] + [leaf for leaf, _ in leaves]]
        if self.identity == "index" and leaves and not new:
            later = [line for line in later if "USING INDEX" not in line]
            later += [f"ALTER TABLE {name} REPLICA IDENTITY FULL;" for name, _ in leaves]
        for column in columns:
            if column.external and column.kind in ("text", "jsonb"):
                later += [f"ALTER TABLE {name} ALTER {column.sql} SET STORAGE EXTERNAL;"
                          for name in [self.sql] + [leaf for leaf, _ in leaves]]
        if shape == "shuffled":
            later.append(f"ALTER TABLE {self.sql} DROP COLUMN gone;")
            plain = self.plain_column()
            if plain:
                later.append(f"CREATE INDEX ON {self.sql} ({plain.sql});")
        if shape == "trigger":
            later.append(f"CREATE TRIGGER pass BEFORE INSERT OR UPDATE OR DELETE ON {self.sql} FOR EACH ROW"
                         f" EXECUTE FUNCTION kind.pass(); ALTER TABLE {self.sql} ENABLE ALWAYS TRIGGER pass;")
        return text + "\n" + "\n".join(later)

    def leaf(self, name):
        return f"{self.schema}.{quoted(f'p{self.number} {name}')}"

    def partitions(self, shape):
        if shape == "by hash":
            column = self.key[0] if self.key else self.plain_column() or self.columns[-1]
            bounds = [f"FOR VALUES WITH (MODULUS 3, REMAINDER {rest})" for rest in range(3)]
            return f" PARTITION BY HASH ({column.sql})", [(self.leaf(f"h{rest}"), each) for rest, each in enumerate(bounds)]
        if not self.parted or shape == "flat":
            return "", []
        edges = [10, 20, 30] if shape != "other bounds" else [5, 20, 35]
        names = ["a", "b", "c"] if shape != "other bounds" or self.number % 2 else ["b", "c", "a"]
        leaves, first = [], "MINVALUE"
        for name, edge in zip(names, edges):
            leaves.append((self.leaf(name), f"FOR VALUES FROM ({first}) TO ({edge})"))
            first = edge
        return " PARTITION BY RANGE (part)", leaves + [(self.leaf("d"), "DEFAULT")]


class Heir(Table):
    """A child by inheritance, whose rows its parent shows unless asked with ONLY."""

    def __init__(self, number, parent):
        self.number, self.dice, self.parent, self.schema = number, parent.dice, parent, parent.schema
        self.sql = f"{parent.schema}.{quoted(f'heir {number}')}"
        self.own = Column("extra", "text", TEXT)
        self.columns = parent.columns + [self.own]
        self.key, self.identity, self.deferrable, self.parted = parent.key, "key", False, False
        self.unique, self.shape, self.child = None, "same", None

    def create(self, side):
        key = ", ".join(c.sql for c in self.key)
        return f"CREATE TABLE {self.sql} ({self.own.definition()}, PRIMARY KEY ({key})) INHERITS ({self.parent.sql});"


def made(seed, count, binary):
    tables = []
    while len(tables) < count:
        number = len(tables)
        table = Table(number, random.Random(f"{seed} {number}"), binary)
        tables.append(table)
        fit = table.identity == "key" and not table.parted and table.shape == "same" and not any(c.generated for c in table.columns)
        if fit and table.dice.random() < 0.3 and len(tables) < count:
            table.child = Heir(number + 1, table)
            tables.append(table.child)
    return tables


def main():
    side, seed, count, travel = sys.argv[1:]
    print(SETUP)
    if side == "old":
        print(MAKERS)
        print("CREATE SCHEMA scratch;")
    for schema in SCHEMAS[1:]:
        print(f"CREATE SCHEMA {quoted(schema)};")
    for table in made(seed, int(count), travel == "binary"):
        print(table.create(side))
    print("CREATE TABLE public.no_columns ();" + ("ALTER TABLE public.no_columns REPLICA IDENTITY FULL;" if side == "old" else ""))


if __name__ == "__main__":
    main()
