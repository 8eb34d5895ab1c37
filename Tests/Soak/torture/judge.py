"""Compares every table of torture on both sides, byte for byte and equal rows counted, and shows what differs.
judge.py OLD NEW SEED COUNT text|binary: exit 1 when anything does, and then the tables' names."""

import subprocess
import sys

from tables import made

SETTINGS = """
SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex';
SET TimeZone = 'UTC'; SET search_path = ''; SET xmloption = 'content'; SET row_security = off; SET lc_monetary = 'C';
SET client_encoding = 'UTF8'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
"""


def ask(connection, sql):
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connection]
    return subprocess.run(command, input=SETTINGS + sql, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def source(table):
    return ("ONLY " if table.child else "") + table.sql


def row(table):
    # A wider type on new prints the same.
    return "ROW(" + ", ".join(column.sql for column in table.columns) + ")::text"


def fingerprint(name, row, source):
    return f"""
SELECT '{name}', count(*), coalesce(sum(('x' || substr(h, 1, 16))::bit(64)::bigint::numeric), 0),
       coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint::numeric), 0)
  FROM (SELECT md5({row}) AS h FROM {source}) x;"""


def main():
    old, new, seed, count, travel = sys.argv[1:]
    tables = made(seed, int(count), travel == "binary")
    sql = "".join(fingerprint(place, row(table), source(table)) for place, table in enumerate(tables))
    sql += fingerprint("no_columns", "ROW()::text", "public.no_columns")
    left, right = ask(old, sql), ask(new, sql)
    if len(left) != len(tables) + 1 or len(right) != len(left):
        sys.exit("FAILED: could not ask both sides for every table")
    rows = sum(int(line.split("|")[1]) for line in left)
    filled = sum(line.split("|")[1] != "0" for line in left)
    differing = [place for place in range(len(tables)) if left[place] != right[place]]
    print(f"  compared         {len(left)} tables, {filled} of them with rows, {rows} rows; {len(differing)} differ")
    for place in differing:
        table = tables[place]
        print(f"DIFFERENT: {table.sql} ({table.identity}, on new {table.shape}, parted {table.parted}, unique {table.unique})")
        query = f"SELECT left(replace({row(table)}, E'\\n', ' '), 300) FROM {source(table)} ORDER BY 1"
        one, other = ask(old, query), ask(new, query)
        for mark, here, there in (("only on old", one, other), ("only on new", other, one)):
            rest = list(there)
            only = [line for line in here if line not in rest or rest.remove(line)]
            for line in only[:5]:
                print(f"  {mark}: {line}")
    if left[-1] != right[-1]:
        print(f"DIFFERENT: public.no_columns: {left[-1]} on old, {right[-1]} on new")
    sys.exit(1 if differing or left[-1] != right[-1] else 0)


if __name__ == "__main__":
    main()
