#!/usr/bin/env python3
"""Algorithms from shared objects, and `--abr help`, from outside: a plug-in plays and simulates; one that answers
nonsense is contained and reported; one that cannot be used is refused."""
import json
import os

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, weir

FOLDER = os.environ.get("WEIR_PLUGINS", "")  # of the hostile ones
EXAMPLE = os.environ.get("WEIR_EXAMPLE_PLUGIN", "")
VERBS = ("sim", "play", "eval")

# What a mode answers, and a word of what is said of it; None: nothing that needs mending.
MODES = {
    "rung": "beyond the ladder", "nan-rung": "beyond the ladder", "negative-wait": "negative wait",
    "nan": "negative wait", "huge-wait": "wait for more", "committed-wait": "wait for more", "long-reason": "reason",
    "bad-reason": "reason", "abandon-up": "not lower", "abandon-same": "not lower", "abandon-beyond": "not lower",
    "all": "beyond the ladder", "null-reason": None, "abandon-always": None, "watch": None,
}


def hostile(mode):
    return f"{FOLDER}/hostile.so:mode={mode}"


def inputs(folder):
    movie, trace = os.path.join(folder, "movie.json"), os.path.join(folder, "trace.json")
    with open(movie, "w", encoding="utf-8") as f:
        json.dump({"segment_duration_ms": 2000, "bitrates_kbps": [500, 1000, 4000],
                   "segment_sizes_bits": [[1000000, 2000000, 8000000]] * 30}, f)
    with open(trace, "w", encoding="utf-8") as f:
        f.write('[{"duration_ms": 7000, "bandwidth_kbps": 3000, "latency_ms": 20}, '
                '{"duration_ms": 3000, "bandwidth_kbps": 700, "latency_ms": 20}]')
    return "--content", movie, "--trace", trace


def simulated(folder, spec):
    return json.loads(ended_well(weir("sim", *inputs(folder), "--abr", spec, "--json", "-")).stdout)


def played(spec, *options):
    url = f"{e2e.ARGS.media}/{e2e.manifest_of('dash-number')}"
    run = ended_well(weir("play", "--headless", "--quiet", "--duration", "3", "--abr", spec, "--summary", "-", *options,
                          url))
    return json.loads(run.stdout)


def expect_warning(session, word):
    said = [w for w in session["warnings"] if "hostile" in w or "--abr" in w]
    if word is None:
        equal(said, [], "warnings")
    else:
        check(len(said) == 1 and word in said[0], f"not one warning of {word!r}: {session['warnings']}")


def simulation_contains(mode, folder):
    session = simulated(folder, hostile(mode))
    expect_warning(session, MODES[mode])
    equal(len(session["decisions"]), 30, "segments")
    check(all(0 <= rung <= 2 for rung in session["decisions"]), f"decisions: {session['decisions']}")
    equal(session["played"], 60.0, "played")


for name in MODES:
    e2e.add_case(f"a simulation contains {name}", simulation_contains, name)


@e2e.case
def the_player_contains_nonsense(folder):
    events = os.path.join(folder, "events")
    session = played(hostile("all"), "--events", events)
    check(session["played"] >= 2.9, f"played {session['played']}")
    check(any("beyond the ladder" in w for w in session["warnings"]), f"warnings: {session['warnings']}")
    warned = [e for e in e2e.read_events(events) if e["event"] == "warning"]
    check(1 <= len(warned) <= 2, f"one warning a track, not {len(warned)}")


@e2e.case
def the_player_takes_a_plug_in(_):
    session = played(f"{EXAMPLE}:least=40,most=120")
    equal(session["warnings"], [], "warnings")
    check(session["abr"].startswith(EXAMPLE), session["abr"])
    check(session["played"] >= 2.9, f"played {session['played']}")


@e2e.case
def a_plug_in_is_found_beside_the_caller(folder):
    os.symlink(EXAMPLE, os.path.join(folder, "mine.so"))
    run = weir("sim", *inputs(folder), "--abr", "./mine.so", "--json", "-", cwd=folder)
    session = json.loads(ended_well(run).stdout)
    equal(session["abr"], "./mine.so", "abr")
    check(len(set(session["decisions"])) > 1, "it never changed the rung")
    refused(weir("sim", *inputs(folder), "--abr", "mine.so", cwd=folder), 2, "mine.so")  # no '/': a name


@e2e.case
def a_sweep_takes_a_plug_in(folder):
    _, movie, _, trace = inputs(folder)
    rows = []
    for jobs in ("1", "3"):
        csv = os.path.join(folder, f"{jobs}.csv")
        ended_well(weir("eval", "--traces", trace, "--contents", movie, "--abr", f"bola,{EXAMPLE}:least=40,most=90",
                        "--offsets", "4", "--jobs", jobs, "--csv", csv))
        with open(csv, encoding="utf-8") as f:
            rows.append(f.read())
    equal(rows[0], rows[1], "rows by one and by three jobs")
    check(f"{EXAMPLE}:least=40" in rows[0], "no row of the plug-in")


def refuses(spec, words, folder):
    refused(weir("sim", *inputs(folder), "--abr", spec), 2, *words)
    refused(weir("play", "--abr", spec, "http://127.0.0.1:9/x.mpd"), 2, *words)


for spec, words in (
        ("./no-such.so", ("./no-such.so", "cannot load", "No such file")),
        (FOLDER + "/CTestTestfile.cmake", ("CTestTestfile", "cannot load")),
        (FOLDER + "/hostile_NO_ENTRY.so", ("NO_ENTRY", "weir_abr_plugin")),
        (FOLDER + "/hostile_WRONG_INTERFACE.so", ("WRONG_INTERFACE", "interface 77")),
        (FOLDER + "/hostile_SMALL_TABLE.so", ("SMALL_TABLE", "8 bytes")),
        (FOLDER + "/hostile_NO_DECIDE.so", ("NO_DECIDE", "no decide")),
        (FOLDER + "/hostile_HUGE_STATE.so", ("HUGE_STATE", "bytes of state")),
        (hostile("refuse"), ("hostile.so", "refuses")),
        (EXAMPLE + ":least=much", ("--abr", "bad value")),
        (EXAMPLE + ":leest=1", ("--abr", "no parameter")),
):
    e2e.add_case(f"refuses {os.path.basename(spec)}", refuses, spec, words)


@e2e.case
def help_lists_every_algorithm_in_100_columns(_):
    pages = [ended_well(weir(verb, "--abr", "help")).stdout.decode() for verb in VERBS]
    equal(len(set(pages)), 1, "pages")
    lines = pages[0].splitlines()
    for line in lines:
        check(len(line) <= 100 and line == line.rstrip(), f"{len(line)} columns: {line!r}")
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    for name in ("bba-others", "bba0", "bba1", "bba2", "bola", "bolae", "dynamic", "fastmpc", "festive", "fixed", "hyb",
                 "l2a", "lolp", "mpc", "random", "robustmpc", "soda", "throughput", "weir"):
        check(name in names, f"{name} is not listed")
    check("(default 37.5 % of the buffer)" in pages[0], "no default of bba0's reservoir")


if not FOLDER or not EXAMPLE:
    print("skipped: WEIR_PLUGINS and WEIR_EXAMPLE_PLUGIN say where the plug-ins are")
    e2e.exit_with(77)
e2e.exit_with(e2e.main(__doc__))
