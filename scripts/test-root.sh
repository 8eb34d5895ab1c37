#!/usr/bin/env bash
# Prints where the servers of the tests shall live: in memory, where there is enough of it. A test makes and deletes some
# thousand small files, and a file system on a disk takes more processor for that than anything else in a test does.
set -euo pipefail
name=tandem-tests-$(id -u)
memory=/dev/shm
needed=$((4 << 20)) # kB; a whole run has taken 1.4 GB

# Tests write programs there too, and run them.
runs_programs() {
    local program status=0
    program=$(mktemp "$memory/$name.XXXXXX") || return 1
    printf '#!/bin/sh\n' >"$program"
    chmod 700 "$program"
    "$program" 2>/dev/null || status=1
    rm -f "$program"
    return "$status"
}

if [ "$(stat -f -c %T "$memory" 2>/dev/null)" = tmpfs ] \
    && [ "$(df -k --output=avail "$memory" | tail -n 1)" -ge "$needed" ] \
    && [ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge $((2 * needed)) ] \
    && runs_programs; then
    echo "$memory/$name"
else
    echo "/tmp/$name"
fi
