#!/usr/bin/env bash
# Build Weir and pass its tests, from nothing on a fresh Debian 12: installs what is missing, then checks format and
# layering, builds with warnings as errors, and runs the suite under the sanitizers.
#
#   scripts/test.sh            everything
#   scripts/test.sh --quick    the address-sanitizer suite only
#   WEIR_SHARED=DIR            where the shared reference data lies (default: ../shared); tests that need it skip without
set -euo pipefail
cd "$(dirname "$0")/.."

quick=no
for arg in "$@"; do
    case $arg in
    --quick) quick=yes ;;
    *)
        echo "usage: scripts/test.sh [--quick]" >&2
        exit 2
        ;;
    esac
done

step() { printf '\n== %s\n' "$*"; }

step "packages"
scripts/deps.sh

step "layers and format"
python3 scripts/check_includes.py
scripts/check_format.sh

launcher=()
if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
fi

# Leak suppressions are for uninstrumented libraries only; each has its reason beside it.
export LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp:halt_on_error=1"
export UBSAN_OPTIONS="print_stacktrace=1"
# No sound card is needed, nor a display that happens to be there.
export SDL_AUDIODRIVER="${SDL_AUDIODRIVER:-dummy}"
unset DISPLAY WAYLAND_DISPLAY

suite() { # PRESET CTEST-ARGUMENTS…
    local preset=$1
    shift
    step "build: $preset"
    cmake --preset "$preset" "${launcher[@]}" >/dev/null
    cmake --build --preset "$preset"
    step "tests: $preset"
    ctest --preset "$preset" -j2 "$@"
}

if [ "$quick" = yes ]; then
    suite asan
    exit 0
fi

step "build: release, warnings as errors"
cmake --preset release -DWEIR_WERROR=ON "${launcher[@]}" >/dev/null
cmake --build --preset release

step "static checks"
scripts/check_tidy.sh build/release

step "equal results: gcc -O2, clang -O0, threads, locale, no FMA"
cmake --preset clang "${launcher[@]}" >/dev/null
cmake --build --preset clang --target weir
scripts/check_same.sh build/release/cli/weir build/clang/cli/weir

suite tsan
suite asan
