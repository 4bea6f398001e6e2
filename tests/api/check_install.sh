#!/usr/bin/env bash
# check_install.sh BUILD SOURCE CC LIBDIR SANITIZE — installs Weir into a scratch folder, builds examples/play_url.c
# against that tree through pkg-config and through find_package, and plays a second of media with both. The same for
# examples/abr_plugin.c, which the installed command then runs.
set -euo pipefail
build=$1 source=$2 cc=$3 libdir=$4 sanitize=$5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/usr
flags=()
[ -z "$sanitize" ] || flags=("-fsanitize=$sanitize")

cmake --install "$build" --prefix "$prefix" >/dev/null
for file in bin/weir include/weir/player.h include/weir/abr.h "$libdir/libweir.so.0" "$libdir/pkgconfig/weir.pc" \
    "$libdir/cmake/weir/weirConfig.cmake"; do
    [ -e "$prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
read -ra weir_flags <<<"$(pkg-config --cflags --libs weir)"
"$cc" -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$source/examples/play_url.c" "${weir_flags[@]}" \
    -o "$scratch/by-pkg-config"

mkdir "$scratch/project"
cp "$source/examples/play_url.c" "$scratch/project"
cat >"$scratch/project/CMakeLists.txt" <<'TEXT'
cmake_minimum_required(VERSION 3.25)
project(embedder LANGUAGES C)
find_package(weir 0.1 REQUIRED)
add_executable(play_url play_url.c)
target_link_libraries(play_url PRIVATE weir::weir)
TEXT
cmake -S "$scratch/project" -B "$scratch/project/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="${flags[*]}" \
    -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$scratch/project/build" >/dev/null

read -ra weir_cflags <<<"$(pkg-config --cflags weir)"
"$cc" -std=c11 -Wall -Wextra -Werror "${flags[@]}" -shared -fPIC "$source/examples/abr_plugin.c" "${weir_cflags[@]}" \
    -o "$scratch/mine.so"
"$prefix/bin/weir" sim --content "$source/examples/data/contents/lake.json" \
    --trace "$source/examples/data/traces/home/evening.txt" --abr "$scratch/mine.so:least=40" --json "$scratch/session"
grep -q '"warnings": *\[\]' "$scratch/session" || { cat "$scratch/session" >&2; exit 1; }
echo "mine.so: simulated"

media=$build/media/dash-number/manifest.mpd
[ -e "$media" ] || { echo "no media in $build/media: built, not played" >&2; exit 77; }
export LD_LIBRARY_PATH=$prefix/$libdir
for program in "$scratch/by-pkg-config" "$scratch/project/build/play_url"; do
    "$program" "$media" 1 >"$scratch/pictures"
    pictures=$(wc -l <"$scratch/pictures")
    [ "$pictures" -ge 20 ] || { echo "$program: only $pictures pictures" >&2; exit 1; }
    if "$program" "$scratch/nothing-here.mpd" 2>"$scratch/error"; then
        echo "$program: a missing file is no error" >&2
        exit 1
    fi
    grep -q 'nothing-here.mpd: ' "$scratch/error" || { cat "$scratch/error" >&2; exit 1; }
    echo "$(basename "$program"): $pictures pictures"
done
