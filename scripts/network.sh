# A network that can fail without a word: whoever connects and each server stand in network namespaces of their own behind a
# router in a further one, which drops what it is told to drop. Sourced after clusters.sh; not run. Needs root.
#
#     open_network old new       # their clusters start there: make_cluster with listen_addresses='0.0.0.0', then trust_network
#     inside command …           # as one who connects to ${net[old]}.2
#     both_ways new              # nothing comes through any more, and nobody is told
#     mend

space=tandem$$
router=$space-m
runner=$space-r
declare -A ns=([old]=$space-o [new]=$space-n) net=([old]=10.99.1 [new]=10.99.2) link=([old]=mo [new]=mn)

# Whoever runs in one of them goes on, and is ended like everybody else.
remove_network() {
    for n in "$router" "$runner" "${ns[@]}"; do ip netns del "$n" 2>/dev/null || true; done
    cluster_space=()
}

join() { # join NAMESPACE ROUTER'S-END NETWORK
    ip netns add "$1"
    ip link add "$2" netns "$router" type veth peer name eth0 netns "$1"
    ip -n "$router" addr add "$3.1/24" dev "$2" && ip -n "$router" link set "$2" up
    ip -n "$1" addr add "$3.2/24" dev eth0 && ip -n "$1" link set eth0 up && ip -n "$1" link set lo up
    ip -n "$1" route add default via "$3.1"
}

open_network() { # SIDE…
    local side
    [ "$(id -u)" -eq 0 ] || fail 'Network namespaces need root.'
    # Who is not told to go through the network goes by socket file, whatever happens to it.
    over=socket
    trap 'ended=$?; remove_network; close_world $ended' EXIT
    ip netns add "$router"
    ip -n "$router" link set lo up
    ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1
    join "$runner" mr 10.99.0
    for side in "$@"; do
        join "${ns[$side]}" "${link[$side]}" "${net[$side]}"
        cluster_space[$side]=${ns[$side]}
    done
}

trust_network() { echo 'host all all 10.99.0.0/16 trust' | as_server tee -a "$world/$1/data/pg_hba.conf" >/dev/null; }

inside() { ip netns exec "$runner" "$@"; }

drop_to() { ip -n "$router" rule add to "${net[$1]}.2" blackhole; }
drop_from() { ip -n "$router" rule add from "${net[$1]}.2" blackhole; }
both_ways() { drop_to "$1" && drop_from "$1"; }
link_down() { ip -n "$router" link set "${link[$1]}" down; }

mend() {
    local side
    while ip -n "$router" rule del type blackhole 2>/dev/null; do :; done
    for side in "${!cluster_space[@]}"; do
        ip -n "$router" link set "${link[$side]}" up
        tc -n "$router" qdisc del dev "${link[$side]}" root 2>/dev/null || true
    done
}
