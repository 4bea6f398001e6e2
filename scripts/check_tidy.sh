#!/usr/bin/env bash
# clang-tidy over every C file of the library and the command, with .clang-tidy's checks; errors fail.
#   scripts/check_tidy.sh BUILD-DIR [FILE…]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: scripts/check_tidy.sh BUILD-DIR [FILE…]}
shift
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files -- '*.c' ':!tests' ':!bench' ':!examples')
fi
log=$build/tidy.log
# xargs says 123 where a clang-tidy found something; anything else but 0, and one did not run.
status=0
printf '%s\n' "${files[@]}" |
    xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet --extra-arg=-Wno-ignored-optimization-argument >"$log.all" 2>"$log.stderr" || status=$?
if [ "$status" -ne 0 ] && [ "$status" -ne 123 ]; then
    tail -n 20 "$log.stderr" >&2
    echo "check_tidy: clang-tidy could not be run (xargs: $status)" >&2
    exit 1
fi
{ grep -E '(error|warning):' "$log.all" || true; } | sort -u >"$log"
cat "$log"
if grep -q 'error:' "$log"; then
    echo "check_tidy: errors above" >&2
    exit 1
fi
echo "check_tidy: ${#files[@]} files"
