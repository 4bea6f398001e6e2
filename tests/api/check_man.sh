#!/usr/bin/env bash
# check_man.sh WEIR MAKE-MAN — the manual page of each verb names every option of its --help, with the same words.
set -euo pipefail
weir=$1 make_man=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# A page's text without its markup, all blanks alike; and the help's.
plain() { sed -E 's/^\.(TP|B|SS|SH|PP|nf|fi|BR|TH) ?//; s/\\-/-/g; s/\\e/\\/g; s/\\&//g; s/"//g' "$1" | tr -s ' \n' ' '; }
for verb in $("$weir" --help | awk '/^  [a-z]/ && $1 != "weir" { print $1 }'); do
    "$make_man" "$weir" "weir-$verb" "$scratch/weir-$verb.1"
    page=$(plain "$scratch/weir-$verb.1")
    count=0
    while read -r line; do
        [[ $page == *"$line"* ]] || { echo "weir-$verb.1 lacks: $line" >&2; exit 1; }
        count=$((count + 1))
    done < <("$weir" "$verb" --help | sed 's/^usage: //; s/"//g' | tr -s ' ' | sed '/^ *$/d')
    [ "$count" -ge 5 ] || { echo "weir $verb --help has only $count lines" >&2; exit 1; }
    echo "weir-$verb.1: $count lines of help"
done
if command -v man >/dev/null && man --version 2>/dev/null | grep -q man-db; then
    MANROFFSEQ='' LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$scratch"/weir-*.1 2>"$scratch/warnings" >/dev/null
    if [ -s "$scratch/warnings" ]; then
        cat "$scratch/warnings" >&2
        exit 1
    fi
fi
if "$make_man" "$weir" weir-nonsense "$scratch/none.1" 2>/dev/null; then
    echo "a page was made for a verb that does not exist" >&2
    exit 1
fi
