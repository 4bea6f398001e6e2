#!/usr/bin/env bash
# make_man.sh — a manual page of what the command itself says, so that --help and man say the same.
#   scripts/make_man.sh WEIR weir|weir-VERB OUTPUT
set -euo pipefail
weir=${1:?usage: scripts/make_man.sh WEIR weir|weir-VERB OUTPUT} page=${2:?} output=${3:?}

version=$("$weir" --version | sed -n '1s/^weir //p')
if [ "$page" = weir ]; then
    summary="adaptive-bitrate video player"
    text=$("$weir" --help | sed 1,2d)
else
    verb=${page#weir-}
    summary=$("$weir" --help | awk -v v="$verb" '$1 == v { $1 = ""; print substr($0, 2) }')
    text=$("$weir" "$verb" --help)
fi
[ -n "$summary" ] && [ -n "$text" ] || { echo "make_man.sh: weir knows no $page" >&2; exit 1; }

mkdir -p "$(dirname "$output")"
printf '%s\n' "$text" | awk -v page="$page" -v version="$version" -v summary="$summary" '
function roff(s) { gsub(/\\/, "\\e", s); gsub(/-/, "\\-", s); if (s ~ /^[.\047]/) s = "\\&" s; return s }
function verbatim(on) { if (on != in_verbatim) print on ? ".nf" : ".fi"; in_verbatim = on }
# A line that begins at the margin heads what is indented below it, or else is prose.
function margin() {
    if (held == "") return
    verbatim(0)
    if (heads) { section("OPTIONS"); print ".SS \"" roff(held) "\"" }
    else { if (current == "") section("DESCRIPTION"); print roff(held) }
    held = ""
}
function section(name) {
    if (current != name) print ".SH " name
    else if (gap) print ".PP"
    current = name; gap = 0
}
BEGIN {
    printf ".TH %s 1 \"\" \"weir %s\" \"Weir\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", toupper(roff(page)), version,
        roff(page), roff(summary)
}
NR == 1 { sub(/^usage: /, ""); print ".B " roff($0); next }
/^$/ { heads = 0; margin(); verbatim(0); gap = 1; next }
/^  --/ {
    heads = 1; margin(); verbatim(0); section("OPTIONS"); gap = 0
    option = substr($0, 3); rest = ""
    if (match(option, /  +/)) { rest = substr(option, RSTART + RLENGTH); option = substr(option, 1, RSTART - 1) }
    print ".TP\n.B " roff(option)
    if (rest != "") print roff(rest)
    in_option = 1
    next
}
/^        / && in_option { sub(/^ +/, ""); print roff($0); next }
/^ / { heads = 1; margin(); in_option = 0; if (current == "") section("DESCRIPTION"); verbatim(1); print roff($0); next }
{ heads = 0; margin(); in_option = 0; if (gap && current != "") print ".PP"; gap = 0; held = $0 }
END {
    heads = 0; margin(); verbatim(0)
    print ".SH EXIT STATUS"
    split("0 did what was asked|1 ran, and the answer is no|2 wrong usage|3 the input cannot be opened|" \
          "4 understood, not supported|5 started, and failed later|6 an output cannot be opened or written|" \
          "130 interrupted", codes, "|")
    for (i = 1; i in codes; i++) {
        code = codes[i]; sub(/ .*/, "", code); sub(/^[0-9]+ /, "", codes[i])
        print ".TP\n" code "\n" codes[i]
    }
    print ".SH SEE ALSO"
    print page == "weir" ? ".BR weir\\-play (1),\n.BR weir\\-inspect (1),\n.BR weir\\-serve (1),\n.BR weir\\-sim (1),\n.BR weir\\-eval (1),\n" \
        ".BR weir\\-report (1),\n.BR weir\\-trace (1),\n.BR weir\\-content (1)" : ".BR weir (1)"
}' >"$output"
