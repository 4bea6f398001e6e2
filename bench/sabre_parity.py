#!/usr/bin/env python3
"""Every decision of `weir eval` with compat=sabre against an independent model of the peer simulator Sabre
(tests/sim/sabre_model.py), over all traces and contents given; with abandonment on, how near.

    bench/sabre_parity.py --weir build/release/cli/weir --traces ../shared/traces/* --contents ../shared/contents/bbb*.json
"""
import argparse
import csv
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "sim"))
import sabre_model

SETTINGS = {
    "throughput:compat=sabre": ("throughput", set()),
    "bola:variant=basic,compat=sabre": ("bola", {"ab"}),
    "bola:compat=sabre": ("bola", set()),
    "bolae:compat=sabre": ("bolae", set()),
    "dynamic:compat=sabre": ("dynamic", set()),
}
FIGURES = ["played_utility", "avg_bitrate_kbps", "rebuffer_s", "avg_switch_kbps", "time_avg_score"]


def modelled(job):
    trace, movie, buffer_s, abandon = job
    with open(trace, encoding="utf-8") as f:
        text = f.read()
    if text.lstrip().startswith("["):
        periods = sabre_model.sabre_periods(json.loads(text))
    else:
        periods = sabre_model.cooked_periods(text)
    out = {}
    for spec, (abr, flags) in SETTINGS.items():
        flags = flags if abandon else flags | {"noa"}
        s = sabre_model.session(periods, movie, abr, flags, buffer_s * 1000, repaired=True)
        out[spec] = {name: s[name] for name in ["decisions", "abandoned", *FIGURES]}
    return out


def files_below(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                yield from (os.path.join(folder, n) for n in sorted(names) if not n.endswith(".md"))
        elif not path.endswith(".md"):
            yield path


def evaluated(args, content, traces, folder):
    out = os.path.join(folder, "out.csv")
    subprocess.run([args.weir, "eval", "--traces", *traces, "--contents", content, "--abr", ";".join(SETTINGS), "--net",
                    "fluid", "--buffer-max", str(args.buffer_max), "--abandon", "on" if args.abandon else "off",
                    "--csv", out, "--quiet"], check=True)
    csv.field_size_limit(1 << 24)
    with open(out, encoding="utf-8") as f:
        return {(r["trace_set"], r["trace"], r["abr"]): r for r in csv.DictReader(f)}


def compare(got, want):
    """The first differing segment (None: none), and the largest relative difference of a figure."""
    decisions = [int(x) for x in got["decisions"].split("|")]
    first = next((i for i, (a, b) in enumerate(zip(decisions, want["decisions"])) if a != b), None)
    worst = max(abs(float(got["sabre." + n]) - want[n]) / max(abs(want[n]), 0.1) for n in FIGURES)
    return first, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", required=True)
    parser.add_argument("--traces", nargs="+", required=True)
    parser.add_argument("--contents", nargs="+", required=True, help="Sabre movies")
    parser.add_argument("--buffer-max", type=float, default=25)
    parser.add_argument("--abandon", action="store_true", help="on, in both")
    parser.add_argument("--verbose", action="store_true", help="name each session that differs")
    args = parser.parse_args()
    traces = list(files_below(args.traces))
    total, differing = 0, 0
    for content in args.contents:
        with open(content, encoding="utf-8") as f:
            movie = json.load(f)
        with tempfile.TemporaryDirectory() as folder:
            rows = evaluated(args, content, traces, folder)
        with multiprocessing.Pool() as pool:
            wanted = pool.map(modelled, [(t, movie, args.buffer_max, args.abandon) for t in traces], chunksize=4)
        for spec in SETTINGS:
            firsts, worsts = [], []
            for trace, want in zip(traces, wanted):
                key = (os.path.basename(os.path.dirname(os.path.abspath(trace))), os.path.basename(trace), spec)
                first, worst = compare(rows[key], want[spec])
                if first is None:
                    worsts.append(worst)
                    continue
                firsts.append(first)
                if args.verbose:
                    print(f"  {key[0]}/{key[1]} {spec}: from segment {first}")
            print(f"{os.path.basename(content)} {spec}: {len(traces)} sessions, {len(firsts)} differ; figures of the "
                  f"others within {max(worsts, default=0):.1e} (median {statistics.median(worsts or [0]):.1e})")
            total += len(traces)
            differing += len(firsts)
    print(f"{total} sessions, {differing} with a decision that differs")
    return 1 if differing and not args.abandon else 0


if __name__ == "__main__":
    sys.exit(main())
