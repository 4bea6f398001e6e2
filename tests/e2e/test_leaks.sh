#!/usr/bin/env bash
# test_leaks.sh WEIR MEDIA SOURCE — a play-through under valgrind: no definite leak, no invalid access. WEIR is a plain
# build (valgrind and the sanitizers exclude each other), MEDIA made by scripts/make_ladder.sh --small, SOURCE the
# source tree (for tests/valgrind.supp). Exit status 77: valgrind, the command or the media are not there.
set -euo pipefail
weir=$1 media=$2 source=$3

command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 77; }
[ -x "$weir" ] || { echo "skipped: the weir command is not there: $weir"; exit 77; }
[ -d "$media/rungs" ] || { echo "skipped: the test media are not there: $media"; exit 77; }

folder=$(mktemp -d)
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT

"$weir" serve --port 0 "$media" >"$folder/serve" &
server=$!
for _ in $(seq 100); do
    [ -s "$folder/serve" ] && break
    sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$folder/serve")
[ -n "$url" ] || { echo "weir serve does not listen"; exit 1; }

play() { # NAME ARGUMENTS…
    local name=$1
    shift
    # Undefined values are left out: a slot lent again counts as undefined, and valgrind loses track of which bytes
    # libavcodec's vector code has written (libavcodec's own pools are zeroed). test_bitexact.py compares the pictures.
    if ! valgrind --quiet --undef-value-errors=no --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --error-exitcode=99 --suppressions="$source/tests/valgrind.supp" --log-file="$folder/$name.log" \
        "$weir" play --headless --untimed "$@" >"$folder/$name.out" 2>&1; then
        echo "FAIL $name: weir play $*"
        cat "$folder/$name.out" "$folder/$name.log"
        exit 1
    fi
    echo "ok   $name"
}

play dash --abr random:seed=1 --duration 6 --summary "$folder/summary" --events "$folder/events" \
    "${url}dash-number/manifest.mpd"
play hls-ts --abr random:seed=1 --duration 4 --framemd5 "$folder/md5" --ao "wav:$folder/wav" \
    "${url}hls-ts/master.m3u8"
play sidx --rung 0 --start 5 --duration 3 "${url}dash-sidx/manifest.mpd"
play file --duration 3 "$media/rungs/v0.mp4"
