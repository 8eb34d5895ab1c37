"""One of the writers on old: transactions of every kind over torture's tables, made up from a seed, fed to psql in small
scripts. What a crash or a conflict breaks is broken: old is the truth, whatever became of it.
writer.py CONNECTION SEED COUNT text|binary WRITER RATE QUIET, where QUIET is a file: while it exists, nothing is rewritten."""

import os
import random
import subprocess
import sys
import time

from tables import Heir, made


class Writer:
    def __init__(self, tables, dice, name, quiet):
        self.tables, self.dice, self.name, self.quiet = tables, dice, name, quiet
        self.prepared = 0
        self.favourites = dice.sample(tables, max(8, len(tables) // 12))

    # parts of statements

    def table(self):
        return self.dice.choice(self.favourites if self.dice.random() < 0.5 else self.tables)

    @staticmethod
    def own(table):
        """Of a parent by inheritance only its own rows."""
        return ("ONLY " if table.child else "") + table.sql

    def some(self, table, count):
        return f"(tableoid, ctid) IN (SELECT tableoid, ctid FROM {self.own(table)} ORDER BY random() LIMIT {count})"

    def insert(self, table, count):
        columns = [c for c in table.inserted() if "ALWAYS" not in c.generated or self.dice.random() < 0.5]
        if not columns:
            return f"INSERT INTO {table.sql} DEFAULT VALUES"
        names = ", ".join(c.sql for c in columns)
        values = ", ".join(c.value for c in columns)
        text = f"INSERT INTO {table.sql} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM generate_series(1, {count})"
        if table.deferrable or (table.unique or "").endswith("DEFERRED"):
            return self.tried(text)
        if not table.key:
            return text + " ON CONFLICT DO NOTHING"
        rest = [c for c in columns if c in table.changed()]
        if table.identity in ("key", "full") and rest and not table.unique and self.dice.random() < 0.3 and count == 1:
            key = ", ".join(c.sql for c in table.key)
            return f"{text} ON CONFLICT ({key}) DO UPDATE SET " + ", ".join(f"{c.sql} = excluded.{c.sql}" for c in rest)
        return text + " ON CONFLICT DO NOTHING"

    def update(self, table, count):
        columns = table.changed()
        if not columns or table.identity == "nothing":
            return self.insert(table, 1)
        chosen = self.dice.sample(columns, self.dice.randint(1, min(3, len(columns))))
        if self.dice.random() < 0.1:
            sets = ", ".join(f"{c.sql} = {c.sql}" for c in chosen)
        else:
            sets = ", ".join(f"{c.sql} = {c.value}" for c in chosen)
        text = f"UPDATE {self.own(table)} SET {sets} WHERE {self.some(table, count)}"
        return self.tried(text) if table.unique else text

    def move(self, table, count):
        """Rows change their keys, their partitions, their identity."""
        if table.identity == "nothing" or not table.key and not table.parted:
            return self.update(table, count)
        columns = table.key or [c for c in table.columns if c.name == "part"]
        first = columns[0]
        if "ALWAYS" in first.generated:
            return self.tried(f"UPDATE {self.own(table)} SET {first.sql} = DEFAULT WHERE {self.some(table, count)}")
        if table.deferrable and first.kind in ("int", "bigint") and self.dice.random() < 0.5:
            return f"UPDATE {table.sql} SET {first.sql} = -{first.sql}"
        chosen = self.dice.choice(columns)
        sets = [f"{chosen.sql} = " + ("DEFAULT" if "ALWAYS" in chosen.generated else chosen.making)]
        if table.changed() and self.dice.random() < 0.5:
            other = self.dice.choice(table.changed())
            sets.append(f"{other.sql} = {other.value}")
        return self.tried(f"UPDATE {self.own(table)} SET {', '.join(sets)} WHERE {self.some(table, min(count, 3))}")

    def delete(self, table, count):
        if table.identity == "nothing":
            return self.insert(table, 1)
        if self.dice.random() < 0.2:
            return f"DELETE FROM {self.own(table)} WHERE random() < 0.4"
        return f"DELETE FROM {self.own(table)} WHERE {self.some(table, count)}"

    def truncate(self):
        chosen = [self.table() for _ in range(self.dice.choice([1, 1, 2, 4]))]
        whole = [t for t in chosen if t.shape not in ("flat", "other bounds", "by hash")] or chosen[:1]
        restart = self.dice.choice(["", " RESTART IDENTITY"])
        return "TRUNCATE " + ", ".join(sorted({self.own(t) for t in whole})) + restart

    @staticmethod
    def tried(text):
        """A collision takes back a subtransaction, and not the whole."""
        return f"DO $do$ BEGIN {text}; EXCEPTION WHEN unique_violation OR exclusion_violation THEN NULL; END $do$"

    def odd(self):
        table = self.table()
        number = self.dice.randint(0, 5)
        return self.dice.choice([
            "SELECT pg_logical_emit_message(true, 'torture', repeat('x', 5000))",
            "SELECT pg_logical_emit_message(false, 'torture', 'now')",
            f"SELECT count(*) FROM (SELECT FROM {self.own(table)} LIMIT 5 FOR UPDATE) x",
            f"CREATE TABLE IF NOT EXISTS scratch.s{number} (id int); INSERT INTO scratch.s{number} VALUES (1)",
            f"DROP TABLE IF EXISTS scratch.s{number}",
            f"SAVEPOINT ddl; ALTER TABLE {table.sql} ADD COLUMN brief int DEFAULT 3; ROLLBACK TO ddl",
            f"ALTER TABLE {table.sql} SET (autovacuum_enabled = false)" if not table.parted else "SELECT 1",
            "INSERT INTO public.no_columns DEFAULT VALUES",
            "DELETE FROM public.no_columns WHERE ctid = (SELECT min(ctid) FROM public.no_columns)",
            "DO $do$ BEGIN FOR i IN 1..70 LOOP BEGIN " + self.insert(table, 1).replace("$do$", "$in$")
            + "; IF i % 3 = 0 THEN RAISE division_by_zero; END IF; EXCEPTION WHEN division_by_zero OR unique_violation THEN NULL; END; END LOOP; END $do$"
            if not table.deferrable and not table.unique else "SELECT 1",
        ])

    def change(self, count):
        table = self.table()
        return self.dice.choices(
            [lambda: self.insert(table, count), lambda: self.update(table, count), lambda: self.move(table, count),
             lambda: self.delete(table, count), self.truncate, self.odd], [40, 28, 12, 14, 1, 5])[0]()

    # transactions

    def size(self):
        return self.dice.choices([1, self.dice.randint(2, 9), self.dice.randint(20, 80), self.dice.randint(500, 1500)],
                                 [50, 40, 9, 0.4])[0]

    def transaction(self):
        begin = self.dice.choices(["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"], [9, 1])[0]
        lines = [begin] + (["SET LOCAL synchronous_commit = off"] if self.dice.random() < 0.2 else [])
        for _ in range(self.dice.randint(1, 5)):
            if self.dice.random() < 0.2:
                inner = [self.change(self.size()) for _ in range(self.dice.randint(1, 3))]
                if self.dice.random() < 0.3:
                    inner.append("SAVEPOINT b")
                    inner.append(self.change(self.size()))
                    inner.append(self.dice.choice(["RELEASE b", "ROLLBACK TO b"]))
                lines += ["SAVEPOINT a"] + inner + [self.dice.choice(["RELEASE a", "ROLLBACK TO a", "ROLLBACK TO a"])]
            else:
                lines.append(self.change(self.size()))
        kind = self.dice.random()
        if kind < 0.03:
            self.prepared += 1
            name = f"w{self.name}_{self.prepared}"
            end = self.dice.choice(["COMMIT PREPARED", "ROLLBACK PREPARED"])
            return lines + [f"PREPARE TRANSACTION '{name}'", f"{end} '{name}'"]
        return lines + ["ROLLBACK" if kind < 0.08 else "COMMIT"]

    def maintenance(self):
        """Outside of transactions; what rewrites files only while nobody is about to crash."""
        table = self.table()
        plain = f"ANALYZE {table.sql}"
        rewriting = [] if os.path.exists(self.quiet) or table.parted else [f"VACUUM FULL {table.sql}"]
        switch = []
        if table.identity in ("key", "full") and not table.parted and not isinstance(table, Heir):
            switch = [f"ALTER TABLE {table.sql} REPLICA IDENTITY {self.dice.choice(['FULL', 'DEFAULT'])}"]
        return self.dice.choice([plain, f"VACUUM {table.sql}", "CHECKPOINT", "SELECT pg_switch_wal()"] + rewriting + switch * 3)

    def script(self):
        leftover = f"SELECT format('COMMIT PREPARED %L', gid) FROM pg_prepared_xacts WHERE gid LIKE 'w{self.name}\\_%' \\gexec"
        lines = [leftover, "SET lock_timeout = '10s'", f"SELECT setseed({self.dice.random():.6f})"]
        for _ in range(25):
            lines += self.transaction()
            lines.append("SELECT pg_sleep(:pause)")
            if self.dice.random() < 0.04:
                lines.append(self.maintenance())
        return "\n".join(line if line.endswith("gexec") else line + ";" for line in lines) + "\n"


def main():
    connection, seed, count, travel, name, rate, quiet = sys.argv[1:]
    dice = random.Random(f"{seed} writer {name}")
    writer = Writer(made(seed, int(count), travel == "binary"), dice, name, quiet)
    command = ["psql", "-XAtq", "-v", f"pause={1 / float(rate):.4f}", "-d", connection]
    while True:
        result = subprocess.run(command, input=writer.script(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        sys.stderr.write(result.stderr)
        sys.stderr.flush()
        if result.returncode == 2:
            time.sleep(0.3)


if __name__ == "__main__":
    main()
