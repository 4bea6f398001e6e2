#!/usr/bin/env bash
# check_symbols.sh LIBRARY INCLUDE-DIR — the shared library exports what the public headers declare with WEIR_API,
# every bit of it and nothing else.
set -euo pipefail
library=$1 include=$2
exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u)
declared=$(cat "$include"/weir/*.h | tr '\n' ' ' | grep -o 'WEIR_API [^;{(]*(' | grep -o 'weir_[a-z0-9_]*($' |
    tr -d '(' | sort -u)
[ "$(wc -l <<<"$declared")" -ge 10 ] || { echo "found too few declarations: $declared" >&2; exit 1; }
if ! diff <(echo "$declared") <(echo "$exported"); then
    echo "left: declared with WEIR_API; right: exported by $library" >&2
    exit 1
fi
echo "$(wc -l <<<"$exported") symbols"
