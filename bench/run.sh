#!/usr/bin/env bash
# run.sh — builds a release of Weir and its benchmark programs, makes the media once, and runs every
# benchmark; arguments go to each (--runs N, --realtime, …). Some minutes; an idle machine, please.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${WEIR_BENCH_BUILD:-build/bench} media=${WEIR_BENCH_MEDIA:-build/bench-media}

if [ "${1:-}" = --help ]; then
    echo "usage: bench/run.sh [--runs N] [--realtime]   (WEIR_BENCH_BUILD, WEIR_BENCH_MEDIA: where)"
    exit 0
fi
for tool in ffmpeg ffplay mpv vlc gst-launch-1.0 Xvfb ip; do
    command -v "$tool" >/dev/null || echo "bench: $tool is not installed; what needs it is left out"
done
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=OFF >/dev/null
cmake --build "$build" --target weir decode_loop link watch_window >/dev/null
scripts/make_ladder.sh --full --only dash-number "$media"
failed=0
for bench in fast start memory; do
    echo
    echo "== bench/$bench.py"
    python3 "bench/$bench.py" --build "$build" --media "$media" "$@" || failed=1
done
exit $failed
