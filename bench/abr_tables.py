#!/usr/bin/env python3
"""The tables of docs/abr.md about `weir`: against the published algorithms per trace set, with one
set left out, and with one parameter changed. All sessions come from `weir eval`.

    bench/abr_tables.py --weir build/release/cli/weir --shared ../shared [sets] [leave-one-out] [sensitivity]

A `share` places an algorithm between `throughput` (0) and `mpc:oracle=5` (1) in a trace set, the mean
of qoe.lin's and qoe.log's. Only the standard library is used.
"""
import argparse
import collections
import csv
import io
import pathlib
import random
import statistics
import subprocess
import sys

SETS = {"hsdpa": "sd", "oboe": "sd", "puffer": "sd", "norway": "sd", "fcc-sd": "sd", "lte": "hd", "fcc-hd": "hd"}
CONTENTS = {"sd": ["bbb.json", "envivio"], "hd": ["bbb4k.json"]}
PUBLISHED = ["throughput", "bba0", "bba1", "bba2", "bba-others", "bola:variant=basic", "bola:variant=finite",
             "bola:variant=o", "bola", "bolae", "dynamic", "robustmpc", "robustmpc:objective=log", "fastmpc",
             "fastmpc:objective=log", "hyb", "festive", "soda", "l2a", "lolp"]
ORACLE = "mpc:oracle=5"
METRICS = ["qoe.lin", "qoe.log"]
DEFAULTS = {"linear": 0.35, "halflife": 1.3, "error": 0.2, "memory": 25, "carry": 0.15, "collapse": 0.003,
            "horizon": 16, "rescue": 1.8, "patience": 0.7, "hesitation": 0.15}
FACTORS = [0.5, 0.75, 1.33, 2]
RESAMPLES = 4000


def spec(changed):
    return "weir" + ":" * bool(changed) + ",".join(f"{k}={v}" for k, v in changed.items())


def changed_by(name, factor):
    value = DEFAULTS[name] * factor
    if name == "horizon":
        value = min(32, round(value))
    if name == "linear":
        value = min(1, value)
    return {name: float(f"{value:.3g}") if name != "horizon" else value}


class Results:
    """value[abr][set][(trace, content)][metric], filled in by weir eval as needed."""

    def __init__(self, args):
        self.args = args
        self.value = collections.defaultdict(lambda: collections.defaultdict(dict))

    def need(self, abrs):
        missing = [a for a in dict.fromkeys(abrs) if a not in self.value]
        for kind, contents in CONTENTS.items() if missing else []:
            shared = self.args.shared
            command = [self.args.weir, "eval", "--quiet", "--jobs", str(self.args.jobs), "--abr", ";".join(missing),
                       "--csv", "-", "--traces", *[shared / "traces" / s for s in SETS if SETS[s] == kind],
                       "--contents", *[shared / "contents" / c for c in contents]]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode:
                sys.exit(f"abr_tables: {run.stderr.strip()}")
            for row in csv.DictReader(io.StringIO(run.stdout)):
                self.value[row["abr"]][row["trace_set"]][row["trace"], row["content"]] = {
                    m: float(row[m]) for m in [*METRICS, "stall_time"]}

    def mean(self, abr, name, metric):
        return statistics.fmean(v[metric] for v in self.value[abr][name].values())

    def best(self, name, metric):
        return max(PUBLISHED, key=lambda a: self.mean(a, name, metric))

    def share(self, abr, name):
        shares = []
        for m in METRICS:
            low, high = self.mean("throughput", name, m), self.mean(ORACLE, name, m)
            shares.append((self.mean(abr, name, m) - low) / (high - low))
        return statistics.fmean(shares)

    def interval(self, name, metric, a, b):
        """95 % bootstrap interval of the mean paired difference a - b, resampled by trace."""
        by_trace = collections.defaultdict(list)
        for key, value in self.value[a][name].items():
            by_trace[key[0]].append(value[metric] - self.value[b][name][key][metric])
        means = [statistics.fmean(d) for d in by_trace.values()]
        draw = random.Random(1)
        sums = sorted(statistics.fmean(draw.choices(means, k=len(means))) for _ in range(RESAMPLES))
        return sums[RESAMPLES // 40], sums[-RESAMPLES // 40]


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def table_of_sets(r):
    r.need([*PUBLISHED, ORACLE, "weir"])
    rows, closed = [], []
    for name in SETS:
        for m in METRICS:
            best = r.best(name, m)
            top, oracle, mine = (r.mean(a, name, m) for a in (best, ORACLE, "weir"))
            low, high = r.interval(name, m, "weir", best)
            closed.append((mine - top) / (oracle - top))
            verdict = "better" if low > 0 else "worse" if high < 0 else "equal"
            stalls = f"{r.mean('weir', name, 'stall_time'):.2f} / {r.mean('bolae', name, 'stall_time'):.2f}"
            rows.append([name, m[4:], f"`{best}` {top:.3f}", f"{mine:.3f}", f"{oracle:.3f}",
                         f"{low:+.3f} … {high:+.3f}", verdict, f"{100 * closed[-1]:.0f} %",
                         stalls if m == METRICS[0] else ""])
    table(["set", "qoe", "best published", "`weir`", f"`{ORACLE}`", "difference, 95 %", "", "of the gap",
           "stall s, `weir` / `bolae`"], rows)
    print(f"Of the gap, mean over sets and metrics: {100 * statistics.fmean(closed):.0f} %; "
          f"each bounded to 0 … 100 %: {100 * statistics.fmean(max(0, min(1, c)) for c in closed):.0f} %.\n")


def candidates():
    """The default, each parameter changed alone, and mixtures drawn from a fixed seed."""
    draw = random.Random(3)
    found = [{}] + [changed_by(k, f) for k in DEFAULTS for f in FACTORS]
    for _ in range(40):
        mixture = {}
        for k in DEFAULTS:
            mixture |= changed_by(k, 2 ** draw.uniform(-1, 1))
        found.append(mixture)
    return found


def table_left_out(r):
    pool = candidates()
    r.need([*PUBLISHED, ORACLE, *map(spec, pool)])
    rows = []
    for name in SETS:
        others = [s for s in SETS if s != name]
        chosen = max(pool, key=lambda c: statistics.fmean(r.share(spec(c), s) for s in others))
        published = max(PUBLISHED, key=lambda a: statistics.fmean(r.share(a, s) for s in others))
        rows.append([name, " ".join(f"{k} {v:g}" for k, v in chosen.items()) or "the defaults",
                     f"{r.share(spec(chosen), name):.3f}", f"{r.share('weir', name):.3f}",
                     f"{max(r.share(a, name) for a in PUBLISHED):.3f}",
                     f"`{published}` {r.share(published, name):.3f}"])
    table(["left out", "chosen on the six others", "share there", "defaults' share", "best published there",
           "the published one best on the others"], rows)


def table_of_sensitivity(r):
    changes = {k: [changed_by(k, f) for f in FACTORS] for k in DEFAULTS}
    r.need(["throughput", ORACLE, "bolae", "weir", *[spec(c) for row in changes.values() for c in row]])

    def cell(abr):
        share = statistics.fmean(r.share(abr, s) for s in SETS)
        worst = min(r.share(abr, s) - r.share("weir", s) for s in SETS)
        stall = statistics.fmean(r.mean(abr, s, "stall_time") for s in SETS)
        return f"{share:.3f} ({worst:+.3f}; {stall:.1f} s)"

    print(f"Defaults: {cell('weir')}.\n")
    table(["parameter", "default", *[f"× {f:g}" for f in FACTORS]],
          [[f"`{k}`", f"{DEFAULTS[k]:g}", *[cell(spec(c)) for c in row]] for k, row in changes.items()])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--weir", type=pathlib.Path, required=True, help="the command, a release build")
    p.add_argument("--shared", type=pathlib.Path, required=True, help="a folder with traces/ and contents/")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("tables", nargs="*", default=["sets", "leave-one-out", "sensitivity"])
    args = p.parse_args()
    make = {"sets": table_of_sets, "leave-one-out": table_left_out, "sensitivity": table_of_sensitivity}
    for name in args.tables:
        if name not in make:
            p.error(f"no table {name}: {' '.join(make)}")
    r = Results(args)
    for name in args.tables:
        make[name](r)


if __name__ == "__main__":
    main()
