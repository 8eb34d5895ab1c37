#!/bin/sh
# Hook for `on_flip` and `undo_flip`: clients of PgBouncer wait for the moment in which old and new change places, and then go on
# with the side that is in charge. See docs/switch.md.
#
#     hold SIDE   no client gets a server connection any more; those that have one finish their transaction
#     go SIDE     everybody to SIDE, which is in charge now
#     undo SIDE   it came to nothing: everybody back to SIDE, which still is
#
# tandem gives the moment and the side as the last two arguments; what comes before them in tandem.yaml is
#
#     1  PgBouncer's console: a connection string for psql
#     2  a directory with old.ini and new.ini, each with the [databases] lines of one side. pgbouncer.ini has
#        `%include DIRECTORY/current.ini` under [databases], which this makes a link to one of them
#
# Pools must be in transaction mode: a session that a client keeps would never be given back.
set -eu

if [ $# -ne 4 ]; then
    echo "usage: $0 CONSOLE DIRECTORY hold|go|undo old|new" >&2
    exit 2
fi
console=$1 directory=$2 moment=$3 side=$4

admin() { PGCONNECT_TIMEOUT=5 psql -XAtq -d "$console" -c "$1"; }

# Whoever is not held any more is as it should be.
resume() {
    said=$(admin RESUME 2>&1) || case $said in
        *"not paused"*) ;;
        *)
            echo "$said" >&2
            exit 1
            ;;
    esac
}

case $moment in
hold)
    [ -e "$directory/$side.ini" ] || { echo "there is no $directory/$side.ini" >&2; exit 1; }
    admin PAUSE
    ;;
go | undo)
    [ -e "$directory/$side.ini" ] || { echo "there is no $directory/$side.ini" >&2; exit 1; }
    ln -sfn "$side.ini" "$directory/next.ini"
    mv -fT "$directory/next.ini" "$directory/current.ini"
    admin RELOAD
    resume
    ;;
*)
    echo "what is $moment?" >&2
    exit 2
    ;;
esac
