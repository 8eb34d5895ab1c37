#!/usr/bin/env bash
# tandem itself is replaced at a later step than the first: an earlier one brings a bookstore in use there, one instance after another
# where it writes both databases, and is killed with SIGKILL while customers are served; this one goes on from that step to the last
# one and all the way back. Rounds: dual-write killed at step 3 and at step 4, `pause` killed at step 2 and at step 6. In the end both
# sides are the same, row by row and by `tandem verify`, the shop's ledger is clean on both, and nothing of either tandem is left.
#
#     EARLIER  the earlier one: see scripts/earlier.sh
#     RATE     operations a second of each of two instances, 20 unless set
#     ROUNDS   which ones, 'dual-write/3 dual-write/4 pause/2 pause/6' unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/earlier.sh"
database=shop

open_world replace-steps
find_earlier
for side in old new; do
    make_cluster "$side" 'max_connections=200 max_wal_senders=20'
    start_cluster "$side"
done

seen() { q old 'SELECT step FROM tandem.epoch' 2>/dev/null || true; }
fail_said() { tail -n 20 "$world/said" >&2; fail "FAILED: $* at step $(seen)"; }
serves() { is_running "$shop" || fail "FAILED: the shop ended: $(tail -n 5 "$world/shop.log")"; }
# move BINARY COMMAND STEP: again and again until the gates let it, and the pair is there.
move() {
    local binary=$1 command=$2 step=$3 left=120
    local waived=(--waive canary --waive rehearsed --waive verified --waive statistics --reason soak)
    until [ "$(seen)" = "$step" ]; do
        is_running "$run" || fail "FAILED: tandem run ended: $(tail -n 5 "$world/run.log")"
        serves
        # Unquoted on purpose: `switch --back` is two words.
        "$binary" $command --yes "${waived[@]}" --config "$world/tandem.yaml" >"$world/said" 2>&1 || true
        [ "$(seen)" = "$step" ] || { [ $((left--)) -gt 0 ] || fail_said "$command to $step"; sleep 0.5; }
    done
    sleep 1
}
deploy() { # MODE
    "$tandem" bookstore set all --mode "$1" --dir "$world/shop" >"$world/said" 2>&1 || fail_said "mode $1"
    sleep 3
    serves
}
climb() { # BINARY FROM TO
    local step
    for ((step = $2 + 1; step <= $3; step++)); do
        move "$1" advance "$step"
        [ "$step" -lt 3 ] || deploy "$step"
    done
}
descend() { # from 6 to 2
    local step
    for step in 5 4 3; do
        deploy "$step"
        move "$tandem" back "$step"
    done
    deploy 1
    move "$tandem" back 2
}
until_settled() {
    local left=180
    until tandem lag --max 5s >/dev/null 2>&1 && tandem status 2>/dev/null | grep 'copy .*complete' >/dev/null; do
        is_running "$run" || fail "FAILED: run ended: $(tail -n 5 "$world/run.log")"
        [ $((left--)) -gt 0 ] || fail "FAILED: it does not catch up: $(tail -n 5 "$world/run.log")"
        sleep 0.5
    done
}
watches() { # the stream back, at step 2 with strategy pause
    until_is old "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
        AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = 'watch'" 1
}

began=$(now)
rounds=0
for round in ${ROUNDS:-dual-write/3 dual-write/4 pause/2 pause/6}; do
    strategy=${round%/*} at=${round#*/}
    for side in old new; do server "$side" createdb -h "$world/$side" -p "${cluster_port[$side]:-5432}" -U postgres "$database"; done
    cat >"$world/tandem.yaml" <<YAML
migration: soak
pairs:
  - { name: shop, old: "$(address old)", new: "$(address new)" }
data_a: ["bookstore.*"]
strategy: $strategy
gates: { quiet: 2s, lag: 30s, verified_within: 1d }
limits: { pause: 5s }
evidence: $world/evidence-$rounds
YAML
    "$tandem" bookstore load --dir "$world/shop" --old "$(address old)" --books 500 >/dev/null
    if [ "$strategy" = dual-write ]; then
        echo 'fleet: ["web-*"]' >>"$world/tandem.yaml"
        way=(--mode 1)
    else
        way=(--follow)
    fi
    background shop "$tandem" bookstore fleet --instances 2 --dir "$world/shop" --old "$(address old)" --new "$(address new)" \
        --strategy "$strategy" --rate "${RATE:-20}" "${way[@]}"
    shop=$started

    background run "$earlier" run --config "$world/tandem.yaml"
    run=$started
    until_is new 'SELECT completed_at IS NOT NULL FROM tandem.copy' t
    if [ "$at" = 6 ]; then
        climb "$earlier" 1 2
        watches
        move "$earlier" switch 6
    else
        climb "$earlier" 1 "$at"
    fi
    was="$(layout old) and $(layout new)"
    kill -KILL -- "-$run"
    wait "$run" 2>/dev/null || true
    # Customers are served meanwhile.
    sleep 2
    serves

    background run "$tandem" run --config "$world/tandem.yaml"
    run=$started
    until_settled
    is="$(layout old) and $(layout new)"
    [ "$(layout new)" -ge "${was##* }" ] || fail "FAILED: layout $is"
    if [ "$strategy" = dual-write ]; then
        climb "$tandem" "$at" 6
        descend
    else
        if [ "$at" = 2 ]; then watches; move "$tandem" switch 6; fi
        move "$tandem" 'switch --back' 2
    fi
    serves
    end_background "$shop"
    until_settled
    tandem verify >"$world/said" 2>&1 || fail_said verify
    for table in $(q old "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = 'bookstore'"); do
        [ "$(content old "$table")" = "$(content new "$table")" ] || fail "FAILED: $table differs: old $(content old "$table"), new $(content new "$table")"
    done
    "$tandem" bookstore check --dir "$world/shop" --old "$(address old)" --new "$(address new)" >"$world/ledger" 2>&1 || { cp "$world/ledger" "$world/said"; fail_said 'the ledger'; }
    tandem evidence verify >"$world/said" 2>&1 || fail_said 'the evidence'
    end_background "$run"
    tandem abort --yes >"$world/said" 2>&1 || fail_said abort
    nothing_left
    echo "$strategy, killed at step $at: layouts $was, then $is; to step 6 and back to 2;$(sed -n 's/^ *\([0-9,]* acknowledged transactions\).*/ \1/p' "$world/ledger" | head -n 1), both sides equal"
    for side in old new; do server "$side" dropdb -f -h "$world/$side" -p "${cluster_port[$side]:-5432}" -U postgres "$database"; done
    rm -rf "$world/shop"
    rounds=$((rounds + 1))
done
version=$(server old postgres --version)
version=${version#* (PostgreSQL) }
echo "soak replace-steps: passed ($rounds rounds, earlier $earlier_name, PostgreSQL ${version%% *}, $(since "$began") s)"
