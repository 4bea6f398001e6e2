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
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet 2>/dev/null | {
    grep -E 'error:|warning:' || true
} | sort -u >"$build/tidy.log"
cat "$build/tidy.log"
if grep -q 'error:' "$build/tidy.log"; then
    echo "check_tidy: errors above" >&2
    exit 1
fi
echo "check_tidy: ${#files[@]} files"
