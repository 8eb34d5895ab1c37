# The wide row of two benchmarks: a key, text, jsonb, numeric, timestamptz, uuid. Sourced, not run.

wide_table='CREATE TABLE wide (id int8 PRIMARY KEY, name text, document jsonb, price numeric(12, 2), at timestamptz, token uuid)'

# wide_row NUMBER: an expression list for the row of that number.
wide_row() {
    echo "'customer number ' || $1 || ' of a long list',
          jsonb_build_object('number', $1, 'tags', jsonb_build_array('new', 'blue'), 'note', repeat('x', 40)),
          ($1 % 100000) / 7.0, timestamptz '2026-01-01' + $1 * interval '1 second', md5(($1)::text)::uuid"
}
