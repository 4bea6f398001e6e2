#!/usr/bin/env bash
# deps.sh — installs what Weir needs from Debian 12's archive, and nothing that is there already.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/deps.sh [--build] [--test] [--dev] [--check]

Installs Debian packages (with sudo unless root). Without options: all groups.
  --build  compiler, CMake and the libraries that Weir is built with
  --test   what the tests and the demonstration use: ffmpeg, Xvfb, valgrind, …
  --dev    formatting, linting and fuzzing
  --check  install nothing; say what is missing, exit 1 if anything is
TEXT
}

build_packages="cmake ninja-build pkg-config gcc g++ libc6-dev libavformat-dev libavcodec-dev libavutil-dev
    libswresample-dev libswscale-dev libcurl4-openssl-dev libxml2-dev libsdl2-dev libjansson-dev
    libmicrohttpd-dev libssl-dev libsqlite3-dev libjs-chart.js"
test_packages="libcmocka-dev ffmpeg python3 openssl curl xvfb xauth imagemagick xdotool x11-utils openbox nghttp2-server valgrind
    fonts-dejavu-core fontconfig tmux chromium slurm-wlm munge parallel"
dev_packages="clang clang-format clang-tidy libclang-rt-14-dev ccache"

packages= check=no
while [ $# -gt 0 ]; do
    case $1 in
    --build) packages+=" $build_packages" ;;
    --test) packages+=" $test_packages" ;;
    --dev) packages+=" $dev_packages" ;;
    --check) check=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done
packages=${packages:-$build_packages $test_packages $dev_packages}

missing=()
for package in $packages; do
    state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "deps: everything is installed"
    exit 0
fi
echo "deps: missing: ${missing[*]}"
[ "$check" = no ] || exit 1

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "deps: not root, and sudo is not installed" >&2; exit 1; }
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
