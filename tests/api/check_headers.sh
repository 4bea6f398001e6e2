#!/usr/bin/env bash
# check_headers.sh CC INCLUDE-DIR — each public header compiles alone, as C11 and as C++17, without a warning.
set -euo pipefail
cc=$1 include=$2
cxx=
for candidate in "${CXX:-}" g++ clang++; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
        cxx=$candidate
        break
    fi
done
strict=(-fsyntax-only -pedantic-errors -Wall -Wextra -Werror -I "$include")
count=0
for header in "$include"/weir/*.h; do
    name=weir/$(basename "$header")
    printf '#include <%s>\n' "$name" | "$cc" -std=c11 -x c "${strict[@]}" -
    if [ -n "$cxx" ]; then
        printf '#include <%s>\n' "$name" | "$cxx" -std=c++17 -x c++ "${strict[@]}" -
    fi
    count=$((count + 1))
done
[ "$count" -ge 3 ] || { echo "only $count headers in $include/weir" >&2; exit 1; }
if [ -z "$cxx" ]; then
    echo "SKIP: no C++ compiler (g++ or clang++); as C11 $count headers compile"
    exit 77
fi
echo "$count headers compile alone, as C11 ($cc) and C++17 ($cxx)"
