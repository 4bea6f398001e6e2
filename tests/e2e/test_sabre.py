#!/usr/bin/env python3
"""test_sabre.py: `weir sim` with compat=sabre decides as the peer simulator Sabre: the rows of its own results in
../shared (WEIR_SHARED), and sessions at random against an independent model of it (tests/sim/sabre_model.py), over
real traces where they are there and over drawn ones everywhere."""
import csv
import glob
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sim"))
import sabre_model
import weir_e2e as e2e
from weir_e2e import Skip, case, check, ended_well, equal, weir

# Sabre's algorithm and flags, and what Weir calls them.
SETTINGS = {
    ("throughput", ""): "throughput:compat=sabre",
    ("bola", "-ab"): "bola:variant=basic,compat=sabre",
    ("bola", ""): "bola:compat=sabre",
    ("bolae", ""): "bolae:compat=sabre",
    ("dynamic", ""): "dynamic:compat=sabre",
}
FIGURES = ["played_utility", "avg_bitrate_kbps", "rebuffer_s", "avg_switch_kbps", "time_avg_score", "startup_or_rampup_s"]
REAL_SESSIONS = 100
DRAWN_CONTENTS = 20


def shared(*parts):
    root = os.environ.get("WEIR_SHARED") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared")
    path = os.path.join(root, *parts)
    if not os.path.exists(path):
        raise Skip(f"{path} is not there (WEIR_SHARED says where)")
    return path


def sim(content, trace, spec, buffer_s=25):
    run = weir("sim", "--content", content, "--trace", trace, "--abr", spec, "--net", "fluid", "--buffer-max", buffer_s,
               "--abandon", "off", "--json", "-")
    return json.loads(ended_well(run).stdout)


def near(got, want, share, what):
    check(abs(got - want) <= share * abs(want) + 1e-5, f"{what}: {got}, expected {want}")


def compare(session, want, what, share):
    """`want` has Sabre's columns; decisions to be equal, figures within that share."""
    got = session["decisions"]
    first = next((i for i, (a, b) in enumerate(zip(got, want["decisions"])) if a != b), None)
    if first is not None:
        raise AssertionError(f"{what}: segment {first} at rung {got[first]}, Sabre's {want['decisions'][first]}")
    equal(len(got), len(want["decisions"]), f"{what}: segments")
    for name in FIGURES:
        near(session["sabre"][name], float(want[name]), share, f"{what}: {name}")
    near(session["stall_time"], float(want["rebuffer_s"]), share, f"{what}: stall_time")


def golden():
    with open(shared("reference", "sabre_golden_sample.csv"), encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    equal(len(rows), 25, "rows of the sample")
    for row in rows:
        row["decisions"] = [int(x) for x in row["decisions"].split("|")]
        flags = row["flags"].split()
        check("-noa" in flags, f"a row with abandonment: {row['flags']}")
        flags.remove("-noa")
        yield row, (row["abr"], " ".join(flags))


@case
def the_peer_s_own_results(_):
    for row, setting in golden():
        content = shared("contents", row["movie"])
        trace = shared("traces", row["trace_set"], row["trace"])
        what = f"{row['trace_set']}/{row['trace']} {SETTINGS[setting]}"
        session = sim(content, trace, SETTINGS[setting])
        compare(session, row, what, 1e-5)
        # One row counts an event of 1.8e-15 s, rounding at the end of the session.
        events = int(row["rebuffer_events"])
        got = session["sabre"]["rebuffer_events"]
        check(got in (events, events - 1), f"{what}: {got} stalls, expected {events}")
        equal(session["stall_count"], got, f"{what}: stall_count")


@case
def the_model_is_the_peer_s_as_well(_):
    for row, (abr, flags) in golden():
        with open(shared("contents", row["movie"]), encoding="utf-8") as f:
            movie = json.load(f)
        with open(shared("traces", row["trace_set"], row["trace"]), encoding="utf-8") as f:
            periods = sabre_model.sabre_periods(json.load(f))
        got = sabre_model.session(periods, movie, abr, flags_of(flags))
        equal(got["decisions"], row["decisions"], f"{row['trace']} {abr} {flags}")
        for name in FIGURES:
            near(got[name], float(row[name]), 1e-7, f"{row['trace']} {abr} {flags}: {name}")


def flags_of(flags):
    return {"noa", *flags.replace("-", "").split()}


def periods_of(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return sabre_model.sabre_periods(json.loads(text)) if path.endswith(".json") else sabre_model.cooked_periods(text)


@case
def real_traces_at_random(_):
    lots = random.Random(1)
    traces = [p for s in ["hsdpa", "lte", "fcc-sd", "fcc-hd", "norway", "oboe", "puffer"]
              for p in sorted(glob.glob(shared("traces", s) + "/*"))]
    movies = {}
    for name in ["bbb.json", "bbb4k.json"]:
        with open(shared("contents", name), encoding="utf-8") as f:
            movies[name] = json.load(f)
    for _ in range(REAL_SESSIONS):
        trace, name, setting = lots.choice(traces), lots.choice(sorted(movies)), lots.choice(sorted(SETTINGS))
        # No multiples of 3 s: at those Sabre's rounding decides in which stretch a segment begins to play.
        buffer_s = lots.choice([25, 25, 10, 16, 40])
        want = sabre_model.session(periods_of(trace), movies[name], setting[0], flags_of(setting[1]), buffer_s * 1000)
        what = f"{trace} {name} {SETTINGS[setting]} {buffer_s} s"
        compare(sim(shared("contents", name), trace, SETTINGS[setting], buffer_s), want, what, 1e-4)


def draw_trace(lots):
    base = lots.choice([300, 800, 2000, 5000, 20000])
    latency = lots.choice([0, 20, 100, 300, None])
    periods = [{"duration_ms": lots.choice([lots.randint(50, 20000), 5000, 1000]),
                "bandwidth_kbps": 0 if lots.random() < 0.08 else lots.randint(base // 5, base * 3),
                "latency_ms": latency if latency is not None else lots.choice([0, 10, 50, 100, 400])}
               for _ in range(lots.randint(2, 60))]
    periods[0]["bandwidth_kbps"] = base  # not all of them zero
    return base, periods


def draw_movie(lots, base_kbps):
    duration_ms = lots.choice([1000, 2000, 3000, 2002, 6000, 5005])
    rates = sorted(lots.sample(range(100, base_kbps * 3 + 500), lots.randint(2, 10)))
    sizes = []
    for _ in range(lots.randint(10, 200)):
        busy = lots.lognormvariate(0, 0.35)
        sizes.append([8 * int(rate * duration_ms * busy * lots.uniform(0.9, 1.1) / 8) for rate in rates])
    return {"segment_duration_ms": duration_ms, "bitrates_kbps": rates, "segment_sizes_bits": sizes}


@case
def drawn_traces_and_ladders(folder):
    content, trace = os.path.join(folder, "movie.json"), os.path.join(folder, "trace.json")
    buffer_s = 25.5
    for seed in range(DRAWN_CONTENTS):
        lots = random.Random(seed)
        base, intervals = draw_trace(lots)
        movie = draw_movie(lots, base)
        for path, data in [(content, movie), (trace, intervals)]:
            with open(path, "w", encoding="utf-8") as f:
                json.dump(data, f)
        for (abr, flags), spec in SETTINGS.items():
            want = sabre_model.session(sabre_model.sabre_periods(intervals), movie, abr, flags_of(flags),
                                       buffer_s * 1000)
            compare(sim(content, trace, spec, buffer_s), want, f"seed {seed} {spec}", 1e-4)


@case
def others_have_no_such_figures(_):
    content, trace = shared("contents", "bbb.json"), shared("traces", "lte", "report_bus_0001.json")
    check("sabre" not in sim(content, trace, "bola"), "Sabre's figures without compat=sabre")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
