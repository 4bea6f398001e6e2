#!/usr/bin/env python3
"""Sessions and decisions a second of the simulator on one core, figures and decisions written; with --sabre, beside
the peer simulator Sabre in the same run. CPU time counts, so that a busy machine disturbs little; Weir and Sabre take
turns.

    bench/sim.py --build build/release --content ../shared/contents/bbb.json --traces ../shared/traces/hsdpa [--sabre sabre/src]

The exit status is 1 when memory grows with the number of sessions, or, with --sabre, when BOLA is less than 100 times
as fast as Sabre's.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = [("bola", False), ("bola", True), ("throughput", False), ("bolae", False), ("bolae", True), ("robustmpc", False)]
SABRE = {("bola", False): ["-a", "bola", "-noa"], ("bola", True): ["-a", "bola"]}
SABRE_TRACES = 12  # each takes tens of milliseconds
LEAST_RATIO = 100
GROWTH_KIB = 512


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="a release build of Weir")
    p.add_argument("--content", type=pathlib.Path, required=True, help="a Sabre movie, for Sabre's sake")
    p.add_argument("--traces", type=pathlib.Path, required=True, help="a folder of traces (Sabre's JSON, for its sake)")
    p.add_argument("--sabre", type=pathlib.Path, help="folder of sabre.py, or the file itself")
    p.add_argument("--seconds", type=float, default=2, help="CPU seconds a case and run (default 2)")
    p.add_argument("--runs", type=int, default=3, help="runs of each; medians are printed (default 3)")
    p.add_argument("--json", type=pathlib.Path, help="write every single figure here as well")
    return p.parse_args()


def weir(args, traces, folder, abr, abandon):
    program = args.build / "bench/sim_speed"
    run = subprocess.run([program, args.content, abr, "on" if abandon else "off", str(args.seconds),
                          os.path.join(folder, "results"), *traces], capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"bench: {run.stderr.strip()}")
    return json.loads(run.stdout)


def cpu_of(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return run, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sabre(args, traces, flags):
    """Sessions a second, without the start of Python and its imports: in Sabre's favour."""
    program = args.sabre / "sabre.py" if args.sabre.is_dir() else args.sabre
    chosen = traces[:SABRE_TRACES]
    start = min(cpu_of([sys.executable, program, "--help"])[1] for _ in range(5))
    total = 0.0
    for trace in chosen:
        run, cpu = cpu_of([sys.executable, program, "-m", args.content, "-n", trace, "-b", "25", *flags])
        if run.returncode:
            sys.exit(f"bench: {program}: {run.stderr.strip().splitlines()[-1]}")
        total += max(cpu - start, 1e-6)
    return len(chosen) / total


def main():
    args = arguments()
    if not (args.build / "bench/sim_speed").exists():
        sys.exit(f"bench: {args.build / 'bench/sim_speed'} is missing: cmake --build {args.build} --target sim_speed")
    traces = sorted(str(p) for p in args.traces.rglob("*") if p.is_file() and p.suffix != ".md")
    if not traces:
        sys.exit(f"bench: no traces in {args.traces}")
    figures, bad = [], False
    print(f"{time.strftime('%Y-%m-%d')}; one of {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; "
          f"{args.content.name}, {len(traces)} traces; medians of {args.runs}\n")
    print(f"| algorithm | sessions/s | decisions/s |{' Sabre, sessions/s | ratio |' if args.sabre else ''}")
    print(f"|---|---|---|{'---|---|' if args.sabre else ''}")
    with tempfile.TemporaryDirectory() as folder:
        for abr, abandon in CASES:
            runs, peers = [], []
            for _ in range(args.runs):
                runs.append(weir(args, traces, folder, abr, abandon))
                if args.sabre and (abr, abandon) in SABRE:
                    peers.append(sabre(args, traces, SABRE[abr, abandon]))
            sessions = statistics.median(r["sessions_per_s"] for r in runs)
            decisions = statistics.median(r["decisions_per_s"] for r in runs)
            line = f"| {abr}{', abandonment' if abandon else ''} | {sessions:,.0f} | {decisions:,.0f} |"
            if peers:
                ratio = sessions / statistics.median(peers)
                line += f" {statistics.median(peers):,.1f} | {ratio:,.0f} |"
                bad |= ratio < LEAST_RATIO
            print(line, flush=True)
            figures.append({"abr": abr, "abandon": abandon, "runs": runs, "sabre": peers})
    growth = max(r["peak_kib_last"] - r["peak_kib_first"] for f in figures for r in f["runs"])
    print(f"\nPeak memory grew by {growth} KiB at most between the first round of the traces and the last.")
    bad |= growth > GROWTH_KIB
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
