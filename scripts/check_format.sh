#!/usr/bin/env bash
# check_format.sh — every tracked C file is as clang-format leaves it; prints the first differences.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "clang-format is not installed (scripts/deps.sh --dev)" >&2; exit 2; }
git ls-files -z -- '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror --ferror-limit=3
