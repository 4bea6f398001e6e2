#!/usr/bin/env bash
# gnu-parallel.sh — one sweep of `weir eval` in shards with GNU parallel, on this machine or on several:
#
#     examples/cluster/gnu-parallel.sh 100 --traces T… --contents C… --abr A,B
#     WEIR_HOSTS=8/node1,8/node2 examples/cluster/gnu-parallel.sh 100 --traces …
#
# What follows the number of shards goes to `weir eval` as it is. The shards come to
# $WEIR_OUT/shard-K-of-N.db; then they are merged into $WEIR_DB. Run again, it does what is missing.
#
# Environment: WEIR (the command, default: weir), WEIR_OUT (default: weir-shards), WEIR_DB (default:
# weir.db), WEIR_JOBS (shards at once on this machine, default: its cores), WEIR_HOSTS (parallel's
# --sshlogin: [SLOTS/][USER@]HOST,…; the folder must be the same file system on all).
set -euo pipefail

if [ $# -lt 2 ] || ! [[ $1 =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: gnu-parallel.sh SHARDS --traces … --contents … --abr … [options of weir eval]" >&2
    exit 2
fi
count=$1
shift
weir=${WEIR:-weir}
out=${WEIR_OUT:-weir-shards}
mkdir -p "$out"
out=$(cd "$out" && pwd)

where=(--jobs "${WEIR_JOBS:-$(nproc)}")
if [ -n "${WEIR_HOSTS:-}" ]; then
    where=(--sshlogin "$WEIR_HOSTS" --workdir "$PWD")
fi
# --quote: the arguments reach weir as they are. A shard that fails stops no other.
parallel --quote "${where[@]}" --joblog "$out/joblog" \
    "$weir" eval "$@" --shard "{}/$count" --jobs 1 --db "$out/shard-{}-of-$count.db" \
    ::: $(seq "$count")

shards=()
for ((shard = 1; shard <= count; shard++)); do
    shards+=("$out/shard-$shard-of-$count.db")
done
rm -f "${WEIR_DB:-weir.db}"
"$weir" eval merge "${shards[@]}" --db "${WEIR_DB:-weir.db}"
