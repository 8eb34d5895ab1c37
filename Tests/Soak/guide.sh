#!/usr/bin/env bash
# docs/operator-guide.md as an operator walks it, against real servers with a bookstore in use: every block of commands under every
# step, in order, as it stands there, once with strategy `pause` (there, back, there, the end) and once with dual-write (deploying each
# mode after the step that permits it). Questions are answered by typing; a gate that waits is asked again, as the guide says. Meanwhile
# a Prometheus watches, and in the end every query of the packaged dashboard must have shown something at some time. The ledger is clean
# on both sides, and nothing of tandem is left.
#
#     RATE  operations a second of each instance, 20 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
database=shop
guide=$repository/docs/operator-guide.md
declare -A ran=()
prometheus=$(command -v prometheus || true)
port=$((20000 + RANDOM % 10000))

open_world guide
mkdir "$world/bin" && ln -s "$(realpath "$tandem")" "$world/bin/tandem"
PATH=$world/bin:$PATH
# By its name alone, with the configuration that lies where one is.
unset -f tandem

# Blocks of one section, a command a line.
block() { # HEADING
    awk -v want="$1" '/^##+ / { here = $0; sub(/^#+ /, "", here) }
        /^```sh$/ { open = 1; next } /^```$/ { open = 0 } open && here == want' "$guide"
}
fail_said() { tail -n 25 "$world/said" >&2; fail "FAILED: $*"; }
seen() { q old "SELECT step FROM tandem.epoch" 2>/dev/null || true; }

# One line as it stands in the guide. What stands for an address becomes one; who is asked answers.
step_line() {
    local line=$1 code=0 left=60 answer=''
    ran[$line]=1
    line=${line/--old OLD --new NEW/--old \"\$OLD\" --new \"\$NEW\"}
    line=${line/psql -d NEW/psql -X -d \"\$NEW\"}
    line=${line//\/var\/log\/tandem.log/$world/run.log}
    case $line in
    'tandem run'*)
        background run bash -c "cd '$world/here' && exec $line"
        run=$started
        return
        ;;
    *'lag --watch'*)
        (cd "$world/here" && timeout -s INT 4 bash -c "$line") >"$world/said" 2>&1 || code=$?
        [ "$code" -eq 124 ] || fail_said "$line ended with $code"
        return
        ;;
    'tandem init '*) (cd "$world/here" && rm -f tandem.yaml && eval "$line") >"$world/said" 2>&1 || fail_said "$line"; write_guide_configuration; return ;;
    esac
    [[ $line =~ ^tandem\ (advance|back|switch|finish|abort) ]] && [[ $line != *--dry-run* ]] && answer=${BASH_REMATCH[1]}
    [[ $line != 'tandem switch --back'* ]] || answer='switch --back'
    while :; do
        code=0
        if [ -z "$answer" ]; then
            (cd "$world/here" && exec bash -c "$line" </dev/null) >"$world/said" 2>&1 || code=$?
        else
            # At a terminal, where it asks.
            (cd "$world/here" && exec script -qefc "$line" /dev/null <<<"$answer") >"$world/said" 2>&1 || code=$?
        fi
        [ "$code" -ne 0 ] || break
        # Data B while its jobs run: as of the last batch.
        if [[ $line == 'tandem verify' && $code -eq 4 ]] && is_running "$batch" && ! grep -qE '^ *bookstore\..* differs?$' "$world/said"; then break; fi
        # A gate that refuses just now, rows that do not stand still for long enough.
        { [ "$code" -eq 3 ] || [[ $line == 'tandem verify'* && $code -eq 1 ]]; } && [ $((left--)) -gt 0 ] || fail_said "$line ended with $code at step $(seen)"
        sleep 1
    done
    echo "  ok  $1"
}
walk() { # HEADING…
    local heading
    for heading in "$@"; do
        echo "$heading"
        [ -n "$(block "$heading")" ] || fail "FAILED: the guide has no commands below: $heading"
        typed < <(block "$heading")
    done
}
part() { block "$1" | sed -n "$2"; }
typed() { # one line after another, from standard input
    local line
    while read -r line <&3; do [ -z "${line%%#*}" ] || step_line "$line"; done 3<&0
}
at() { [ "$(seen)" = "$1" ] || fail "FAILED: step $(seen), not $1"; }

write_guide_configuration() {
    cat >"$world/here/tandem.yaml" <<YAML
migration: shop
pairs:
  - name: shop
    old: \${OLD}
    new: \${NEW}
data_a: ["bookstore.*"]
data_b:
  - { table: bookstore_stats.daily_sales, modified: updated_at, every: 2s, deletes: 10s }
  - { table: bookstore_stats.bestsellers, refresh: full, every: 5s }
exclude: ["bookstore_stats.ratings"]
strategy: $strategy
fleet: $fleet
gates: { quiet: 2s, lag: 30s, verified_within: 1d }
limits: { pause: 5s }
canary:
  - { name: a book, query: SELECT * FROM books WHERE id = \$1, parameters: SELECT id FROM books LIMIT 5, search_path: bookstore, slower: 1000 }
  - { name: errors, program: [/usr/bin/test, -e, tandem.yaml] }
listen: 127.0.0.1:$port
YAML
    [ "$strategy" = dual-write ] || sed -i '/^fleet:/d' "$world/here/tandem.yaml"
}
open_shop() { # WORDS…
    shop=$world/shop-$strategy
    tandem bookstore load --dir "$shop" --old "$OLD" --books 1000 >/dev/null
    background shop "$tandem" bookstore fleet --instances 3 --dir "$shop" --old "$OLD" --new "$NEW" --strategy "$strategy" --rate "${RATE:-20}" "$@"
    service=$started
    background batch "$tandem" bookstore batch --on "$OLD" --every 2s
    batch=$started
}
serves() { is_running "$service" || fail "FAILED: the shop ended: $(tail -n 5 "$world/shop.log")"; }
close_shop() { # The ledger, and then nothing of it.
    end_background "$service"
    [ "${1:-}" = abandoned ] || tandem bookstore check --dir "$shop" --old "$OLD" --new "$NEW" >"$world/said" 2>&1 || fail_said 'the ledger'
    tail -n 1 "$world/said"
}
until_settled() { # caught up, all copied
    local left=180
    until (cd "$world/here" && tandem lag --max 5s && tandem status | grep 'copy .*complete' >/dev/null) >/dev/null 2>&1; do
        is_running "$run" || fail "FAILED: run ended: $(tail -n 5 "$world/run.log")"
        [ $((left--)) -gt 0 ] || fail "FAILED: it does not catch up: $(tail -n 5 "$world/run.log")"
        sleep 1
    done
}
deploy() {
    tandem bookstore set all --mode "$1" --dir "$shop" >"$world/said" 2>&1 || fail_said "mode $1"
    serves
    sleep 3
    echo "  mode $1"
}

for side in old new; do
    make_cluster "$side" 'max_connections=200'
    start_cluster "$side"
done
export OLD NEW
OLD=$(address old) NEW=$(address new)
if [ -n "$prometheus" ]; then
    cat >"$world/prometheus.yml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 5s}
rule_files: ["$repository/packaging/prometheus/tandem.rules.yml"]
scrape_configs: [{job_name: tandem, static_configs: [{targets: ["127.0.0.1:$port"]}]}]
YAML
    background prometheus "$prometheus" --config.file="$world/prometheus.yml" --storage.tsdb.path="$world/tsdb" --web.listen-address="127.0.0.1:$((port + 1))"
fi
began=$(date +%s)

for strategy in pause dual-write; do
    echo "== strategy $strategy"
    fleet='["web-*"]'
    for side in old new; do server "$side" createdb -h "$world/$side" -p "${cluster_port[$side]:-5432}" -U postgres shop; done
    mkdir -p "$world/here"
    if [ "$strategy" = pause ]; then open_shop --follow; else open_shop --mode 1; fi
    walk 'Step 0: decide'
    # Followed once there is something to follow.
    typed < <(part 'Step 1: follow' 1p)
    until_settled
    typed < <(part 'Step 1: follow' '2,$p')
    serves
    # What a blocked stream and a stranger's write look like, for who watches.
    q old 'ALTER TABLE bookstore.books ADD COLUMN guide int'
    q old 'UPDATE bookstore.books SET guide = 1 WHERE id = 7'
    until (cd "$world/here" && tandem status) 2>/dev/null | grep remedy >/dev/null; do sleep 0.5; done
    q new 'ALTER TABLE bookstore.books ADD COLUMN guide int'
    until_settled
    q new 'ALTER TABLE bookstore.books ADD CONSTRAINT guide CHECK (guide < 3)'
    q old 'UPDATE bookstore.books SET guide = 3 WHERE id = 8'
    until (cd "$world/here" && tandem status) 2>/dev/null | grep 23514 >/dev/null; do sleep 0.5; done
    sleep 5
    q new 'ALTER TABLE bookstore.books DROP CONSTRAINT guide'
    until_settled
    q new 'SET session_replication_role = replica; DELETE FROM bookstore.books WHERE id = 9'
    q old 'UPDATE bookstore.books SET guide = 2 WHERE id = 9'
    until_settled
    # As gate `schema` will ask.
    (cd "$world/here" && tandem preflight) >"$world/said" 2>&1 || fail_said 'preflight of the altered schema'
    end_background "$batch"
    walk 'Step 2: derived tables at rest'
    at 2
    until (cd "$world/here" && tandem status) 2>/dev/null | grep '^ *rollback .*available: yes' >/dev/null || [ "$strategy" = dual-write ]; do sleep 0.5; done
    if [ "$strategy" = pause ]; then
        heading='Strategy `pause`: the switch'
        echo "$heading"
        q new 'ANALYZE'
        # Trial, the switch and two looks, and back.
        typed < <(block "$heading")
        at 2
        serves
        typed < <(block "$heading" | sed '/^tandem b final/,$d')
        at 6
    else
        walk 'From step 3 on'
        at 2
        for step in '3: write both' '4: strictly' '5: read new' '6: new alone'; do
            walk "Step $step"
            at "${step%%:*}"
            deploy "${step%%:*}"
        done
    fi
    end_background "$service"
    until_settled
    sleep 3
    end_background "$run"
    walk 'The end'
    echo -n '  '
    close_shop
    nothing_left
    for side in old new; do server "$side" dropdb -h "$world/$side" -p "${cluster_port[$side]:-5432}" -U postgres shop; done
    rm -r "$world/here"
done

if [ -n "$prometheus" ]; then
    python3 - "$repository/packaging/grafana/tandem.json" "http://127.0.0.1:$((port + 1))" "$began" <<'PY' || fail 'FAILED: the dashboard'
import json, sys, time, urllib.parse, urllib.request
board, address, began = json.load(open(sys.argv[1])), sys.argv[2], int(sys.argv[3])
empty, asked = [], 0
for panel in board["panels"]:
    for target in panel.get("targets", []):
        query = target["expr"].replace("$pair", ".*").replace("$__rate_interval", "30s")
        words = urllib.parse.urlencode({"query": query, "start": began, "end": int(time.time()), "step": 1})
        answer = json.load(urllib.request.urlopen(f"{address}/api/v1/query_range?{words}"))
        asked += 1
        if not answer["data"]["result"]: empty.append(f'{panel["title"]}: {query}')
print(f"dashboard: {asked - len(empty)} of {asked} queries showed something")
for one in empty: print("  nothing:", one)
sys.exit(1 if empty else 0)
PY
fi
missing=$(awk '/^```sh$/ { open = 1; next } /^```$/ { open = 0 } open' "$guide" | while read -r line; do [ -z "${line%%#*}" ] || [ -n "${ran[$line]:-}" ] || echo "$line"; done)
[ -z "$missing" ] || fail "FAILED: the guide shows what was not run: $missing"
version=$(server old postgres --version)
version=${version#* (PostgreSQL) }
echo "soak guide: passed (${#ran[@]} different lines of the guide, PostgreSQL ${version%% *})"
