#!/usr/bin/env bash
# check_same.sh — results do not depend on compiler, optimisation, machine, locale, directory or number of threads: runs
# one sweep with every `weir` named (builds of different compilers, say) and in different surroundings, and compares
# what they write, byte by byte. Exit 1 where something differs.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1:-}" = --help ]; then
    echo "usage: scripts/check_same.sh WEIR…" >&2
    exit 2
fi
data=$(cd "$(dirname "$0")/../examples/data" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

algorithms=$("$1" sim --abr help | sed -nE 's/^  ([a-z0-9][a-z0-9-]*)  .*/\1/p' | paste -sd, -)
[ -n "$algorithms" ] || { echo "check_same.sh: no algorithm listed by $1" >&2; exit 1; }

# Not over and over in the same words: traces start at three points, transfers are given up, and the optimum is searched.
sweep() { # OUT WEIR ARGUMENT…
    local out=$1 weir=$2
    shift 2
    : >"$out"
    for net in fluid pensieve tcp; do
        local optimal=()
        [ $net != fluid ] || optimal=(--optimal)
        "$weir" eval --traces "$data/traces" --contents "$data/contents/lake.json" --abr "$algorithms" --net $net \
            --offsets 3 --seed 7 "${optimal[@]}" --quiet --csv "$out.csv" --segments "$out.segments" "$@"
        cat "$out.csv" "$out.segments" >>"$out"
    done
}

status=0
same() { # WHAT FILE
    if cmp -s "$work/first" "$2"; then
        echo "same: $1"
    else
        echo "DIFFERS: $1" >&2
        diff "$work/first" "$2" | cut -c1-300 | head -4 >&2 || true
        status=1
    fi
}

sweep "$work/first" "$1" --jobs 1
echo "first: $1, one thread: $(wc -l <"$work/first") lines"
sweep "$work/other" "$1" --jobs 4
same "four threads" "$work/other"
mask=glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX512F,-FMA_Usable,-FMA4_Usable,-AVX2_Usable,-AVX512F_Usable
GLIBC_TUNABLES=$mask sweep "$work/other" "$1"
same "FMA and AVX2 masked" "$work/other"
binary=$(realpath "$1")
(cd / && LC_ALL=$(locale -a | grep -m1 -E '^(de|fr)_' || echo C) sweep "$work/other" "$binary")
same "another directory and locale" "$work/other"
shift
for weir; do
    sweep "$work/other" "$weir"
    same "$weir" "$work/other"
done
exit $status
