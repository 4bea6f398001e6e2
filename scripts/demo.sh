#!/usr/bin/env bash
# demo.sh — shows Weir adapting, from nothing on a fresh Debian 12: installs what is missing, builds, makes a small
# ladder, serves it through a link whose rate steps down and up again, plays it, and says how that went. Then compares
# algorithms over recorded links with the same engine, and writes a report.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'TEXT'
usage: scripts/demo.sh [--seconds N] [--headless]

  --seconds N  how much to play: 12 to 600 (default 60)
  --headless   no window and no sound, even where there is a display

Everything lies under build/ and is kept, so that a second run starts at once. Keys while it plays, in the window
and in the terminal: space pause, + - hold a rung, a automatic, i statistics, q quit.
TEXT
}

seconds=60 headless=no
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        seconds=${2:-}
        shift
        ;;
    --headless) headless=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    [ $# -eq 0 ] || shift
done
if ! [[ $seconds =~ ^[0-9]{2,3}$ ]] || [ "$seconds" -lt 12 ] || [ "$seconds" -gt 600 ]; then
    echo "demo.sh: --seconds: need a number from 12 to 600" >&2
    exit 2
fi

step() { printf '\n== %s\n' "$*"; }

server= player=
cleanup() {
    trap - EXIT
    local pid
    for pid in $player $server; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "packages"
scripts/deps.sh --build --test

step "build"
launcher=()
if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
fi
cmake --preset release "${launcher[@]}" >/dev/null
cmake --build --preset release --target weir
weir=$PWD/build/release/cli/weir

step "media"
demo=build/demo
length=$(((seconds < 60 ? 60 : seconds + seconds % 2)))
media=$demo/media-$length
mkdir -p "$demo"
scripts/make_ladder.sh --small --duration "$length" --only dash-number "$media"

step "server"
# With its sound the ladder needs 0.2 to 1.0 Mbit/s: enough for the top, too little for the middle, enough again.
# Rows are seconds and Mbit/s; each holds for the interval that ends at its time.
awk -v t="$seconds" 'BEGIN { print 0, 0; print t * 0.3, 2.4; print t * 0.65, 0.3; print t * 20, 1.6 }' >"$demo/link.trace"
: >"$demo/server.out"
"$weir" serve --trace "$demo/link.trace" --rtt-ms 50 --log "$demo/requests.jsonl" "$media/dash-number" \
    >"$demo/server.out" 2>&1 &
server=$!
url=
for _ in $(seq 100); do
    url=$(sed -n 's/^listening on //p' "$demo/server.out")
    [ -z "$url" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if [ -z "$url" ]; then
    echo "demo.sh: the server did not start:" >&2
    cat "$demo/server.out" >&2
    exit 1
fi
url+=manifest.mpd
"$weir" inspect "$url"

step "play"
echo "The link: 2.4 Mbit/s for $((seconds * 3 / 10)) s, then 0.3, and 1.6 from second $((seconds * 65 / 100)) on."
out=()
if [ "$headless" = yes ] || [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    out=(--headless)
fi
# A short buffer, so that the steps are felt within the minute.
play=("$weir" play "${out[@]}" --title "Weir" --stats --buffer-max 16 --duration "$seconds"
    --events "$demo/events.jsonl" --summary "$demo/summary.json" "$url")
echo "+ weir${play[*]#"$weir"}"
rm -f "$demo/summary.json" "$demo/events.jsonl"
status=0
if [ -t 2 ]; then
    "${play[@]}" || status=$? # draws its own status line
else
    "${play[@]}" &
    player=$!
    while sleep 3 && kill -0 "$player" 2>/dev/null; do
        grep '"event":"position"' "$demo/events.jsonl" 2>/dev/null | tail -n 1 |
            sed -E 's/.*"media":([0-9]+).*"buffer":([0-9]+).*"rung":([0-9]+).*/  \1 s played, \2 s buffered, rung \3/'
    done
    wait "$player" || status=$?
    player=
fi
if [ "$status" -ne 0 ]; then
    echo "demo.sh: weir play ended with status $status" >&2
    exit "$status"
fi

step "how it went"
python3 - "$demo/summary.json" "$demo/events.jsonl" <<'PYTHON'
import json, sys

s = json.load(open(sys.argv[1]))
events = [json.loads(line) for line in open(sys.argv[2])]
rungs = next(e["rungs"] for e in events if e["event"] == "track" and e["track"] == "video")
played = s["decisions"]
startup = s["startup_delay"]
print(f"start-up      {startup:.2f} s" if startup is not None else "start-up      never began")
print(f"played        {s['played']:.1f} s, {s['frames']['delivered']} pictures, {s['frames']['dropped']} dropped")
print(f"stalls        {s['stall_count']}, {s['stall_time']:.2f} s in all")
print(f"mean bitrate  {s['mean_bitrate'] / 1e3:.0f} kbit/s of pictures")
print(f"switches      {s['switch_count']}")
print("rungs, a column per segment:")
for i in reversed(range(len(rungs))):
    r = rungs[i]
    line = "".join("#" if p == i else "." for p in played)
    print(f"  {i}  {r['width']:>4}x{r['height']:<4} {r['bandwidth'] / 1e3:5.0f} kbit/s  {line}  {played.count(i)}")
PYTHON

step "algorithms compared, by the engine that just played"
sweep=(eval --traces examples/data/traces --contents examples/data/contents/lake.json
    --abr weir,bola,bolae,robustmpc,bba2,throughput --offsets 10 --optimal --report "$demo/report.html")
echo "+ weir ${sweep[*]}"
"$weir" "${sweep[@]}"

echo
echo "Kept in $demo: report.html (open it in a browser), events.jsonl (what happened, docs/events.md), summary.json,"
echo "requests.jsonl, link.trace."
