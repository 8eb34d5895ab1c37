# An earlier tandem, for the soaks that replace one by this one in the middle of something. Sourced after clusters.sh, in a $world.
#
#     EARLIER  a tag or commit of this repository, which is built beside it, or a binary. The last tag unless set

# find_earlier: $earlier is its binary, $earlier_name what it was called.
find_earlier() {
    earlier_name=${EARLIER:-$(git -C "$repository" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)}
    earlier=$earlier_name
    [ -n "$earlier" ] || fail 'There is no tag yet: EARLIER=COMMIT, or a binary.'
    [ ! -x "$earlier" ] || return 0
    mkdir "$world/earlier"
    git -C "$repository" archive "$earlier" | tar -C "$world/earlier" -x || fail "there is no $earlier"
    echo "building $earlier" >&2
    (cd "$world/earlier" && swift build --product tandem) >"$world/build.log" 2>&1 || fail "$earlier: $(tail -n 5 "$world/build.log")"
    earlier=$(cd "$world/earlier" && swift build --show-bin-path)/tandem
}

# The layout of schema tandem on a side.
layout() { q "$1" "SELECT coalesce(substring(obj_description('tandem'::regnamespace) FROM 'layout (\d+)$'), '0')"; }
