#!/usr/bin/env bash
# The examples of docs/guide.md as they stand there: taken out of the page, compiled, and used by a shop in each language, several
# workers at a time on few books, with tandem between the sides: in mode 3 at step 3, where new crashes meanwhile; in mode 4 at step 4;
# in mode 5 at step 5. Each purchase that a worker was told of is in old once; both sides come to be the same; and nobody is told
# an error that the guide does not name. Installs what the three languages need from Debian.
#
#     COUNT    purchases of each language at each step, 600 unless set
#     WORKERS  of each language, 3 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
here=$repository/Tests/Soak/languages
count=${COUNT:-600} workers=${WORKERS:-3}
migration=soak
initial_copy=all

needed=(python3-psycopg golang-go golang-github-jackc-pgx-v4-dev default-jdk-headless libpostgresql-jdbc-java)
dpkg-query -W "${needed[@]}" >/dev/null 2>&1 || {
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${needed[@]}" >&2
}

open_world languages

# --- the examples, out of the page
example() { awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } $0 == "```" { on = 0 } on' "$repository/docs/guide.md"; }
mkdir -p "$world/python" "$world/go" "$world/java"
example python >"$world/python/both.py"
cp "$here/shop.py" "$world/python/"
{
    printf 'package main\n\nimport (\n\t"context"\n\t"errors"\n\t"fmt"\n\n\t"github.com/jackc/pgconn"\n\t"github.com/jackc/pgx/v4/pgxpool"\n)\n\n'
    example go
} >"$world/go/both.go"
cp "$here/shop.go.txt" "$world/go/shop.go"
{
    printf 'import java.sql.*;\n\n'
    example java
} >"$world/java/Both.java"
cp "$here/Shop.java" "$world/java/"
for file in python/both.py go/both.go java/Both.java; do
    [ "$(wc -l <"$world/$file")" -gt 40 ] || fail "FAILED: docs/guide.md has no such example: $file"
done
/usr/bin/python3 -m py_compile "$world/python/both.py"
(cd "$world/go" && GOFLAGS= GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$world/go/cache go build -o "$world/go/shop" both.go shop.go)
jars=/usr/share/java/postgresql.jar
javac -Xlint:all -Werror -cp "$jars" -d "$world/java" "$world/java/Both.java" "$world/java/Shop.java"

# --- the two sides
settings="max_connections=100 listen_addresses='127.0.0.1'"
declare -A port=([old]=$((20000 + $$ % 20000)) [new]=$((40000 + $$ % 20000)))
for side in old new; do
    make_cluster "$side" "$settings port=${port[$side]}"
    start_cluster "$side"
done
address() { echo "host=127.0.0.1 port=${port[$1]} user=postgres dbname=$database"; }
q old "CREATE TABLE stock (book int PRIMARY KEY, pieces int NOT NULL CHECK (pieces >= 0));
       CREATE TABLE orders (id bigserial PRIMARY KEY, book int NOT NULL REFERENCES stock, account int NOT NULL, price numeric NOT NULL);
       INSERT INTO stock SELECT i, 1000000 FROM generate_series(1, 5) i"
write_configuration "strategy: dual-write
fleet: [python, go, java]
gates: {quiet: 2s, lag: 60s}
limits: {pause: 5s}
evidence: $world/evidence"
background run "$tandem" run --config "$world/tandem.yaml"
run=$started
move() {
    local try
    for try in $(seq 1 60); do
        is_running "$run" || fail "tandem run ended: $(tail -n 5 "$world/run.log")"
        if tandem "$1" --yes --waive rehearsed --waive canary --waive verified --waive statistics --reason 'a soak' \
            >"$world/said" 2>&1 && [ "$(q old 'SELECT step FROM tandem.epoch')" = "$2" ]; then return; fi
        sleep 0.5
    done
    fail "FAILED: tandem $1 to $2: $(tail -n 20 "$world/said")"
}
uri() { echo "postgresql://postgres@127.0.0.1:${port[$1]}/$database?application_name=$2"; }
sell() { # LANGUAGE MODE
    case $1 in
        python) /usr/bin/python3 "$world/python/shop.py" "$(uri old python)" "$(uri new python)" "$2" "$count" "$workers" ;;
        go) "$world/go/shop" "$(uri old go)" "$(uri new go)" "$2" "$count" "$workers" ;;
        java)
            java -cp "$world/java:$jars" Shop "jdbc:postgresql://127.0.0.1:${port[old]}/$database?user=postgres&ApplicationName=java" \
                "jdbc:postgresql://127.0.0.1:${port[new]}/$database?user=postgres&ApplicationName=java&connectTimeout=2" "$2" "$count" "$workers"
            ;;
    esac
}
sold=0
everybody_sells() { # MODE
    local language sellers=()
    rm -f "$world"/*.err
    for language in python go java; do
        sell "$language" "$1" >"$world/$language.out" 2>"$world/$language.err" &
        sellers+=($!)
        until [ -e "$world/$language.err" ]; do sleep 0.05; done
    done
    if [ "$1" = 3 ]; then
        for language in python go java; do
            for _ in $(seq 1 200); do
                ! grep -q '^ready' "$world/$language.err" || break
                sleep 0.1
            done
        done
        sleep 1
        stop_cluster new immediate
        sleep 3
        start_cluster new
    fi
    for language in python go java; do
        wait "${sellers[0]}" || fail "FAILED: $language in mode $1: $(tail -n 5 "$world/$language.err")"
        sellers=("${sellers[@]:1}")
        echo "mode $1: $language: $(cat "$world/$language.out")"
        sold=$((sold + $(grep -o '^[0-9]*' "$world/$language.out")))
    done
    [ "$(q old 'SELECT (SELECT count(*) FROM orders) || $$ $$ || (SELECT 5000000 - sum(pieces) FROM stock)')" = "$sold $sold" ] ||
        fail "FAILED: $sold purchases were told to be made, and old has $(q old 'SELECT count(*) FROM orders') orders, $(q old 'SELECT 5000000 - sum(pieces) FROM stock') pieces gone"
}
same() {
    local try
    for try in $(seq 1 100); do
        if [ "$(content old orders) $(content old stock)" = "$(content new orders) $(content new stock)" ]; then
            tandem verify >"$world/said" 2>&1 || fail "FAILED: $(tail -n 5 "$world/said")"
            return
        fi
        sleep 0.3
    done
    fail 'FAILED: the sides differ'
}

for try in $(seq 1 200); do
    [ "$(q new 'SELECT completed_at IS NOT NULL FROM tandem.copy' 2>/dev/null)" != t ] || break
    sleep 0.1
done
move advance 2
for step in 3 4 5; do
    move advance $step
    everybody_sells $step
    same
done
tandem fleet | sed 's/^/  /'
q old "SELECT 'ledger of twins, '|| application || ': ' || sum(matched) || ' matched, ' || sum(late) || ' late, ' || sum(failed) || ' failed, '
          || sum(orphan) || ' orphans' FROM tandem.twin GROUP BY application ORDER BY application"
end_background "$run"
echo "languages: $sold purchases in three languages, both sides the same"
