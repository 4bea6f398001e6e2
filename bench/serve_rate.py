#!/usr/bin/env python3
"""serve_rate.py — does `weir serve --trace` follow the trace? Ratios of bytes received to bytes offered.

A trace of steps up to 200 Mbit/s, 1 to 50 connections at once, all asking without pause. Targets: within 3 % over
every window of 1 s and within 1 % over the whole; 100 ms windows are shown. The client and the server need to be
scheduled in time: on a busy machine use --realtime, and see the load beside the figures."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import common

# Neighbours differ by ten times at most: what leaves 1 ms late at a step from 200 to 20 Mbit/s is 1 % of the second
# after it, and no process is scheduled to much better than that.
STEPS = [(1500, 200000), (1000, 50000), (700, 120000), (300, 12000), (1500, 100000), (2000, 20000), (1000, 2000)]


def offered(until_s, steps=STEPS):
    """Bytes that the trace offers from its beginning."""
    period = sum(ms for ms, _ in steps) / 1000
    total = sum(ms * kbps for ms, kbps in steps) / 8
    rounds, left = divmod(until_s, period)
    bytes_ = rounds * total
    for ms, kbps in steps:
        part = min(left, ms / 1000)
        bytes_ += part * kbps * 125
        left -= part
    return bytes_


def measure(args, folder, connections, seconds):
    trace = pathlib.Path(folder, "trace.json")
    trace.write_text(json.dumps([{"duration_ms": ms, "bandwidth_kbps": k, "latency_ms": 0} for ms, k in STEPS]))
    with common.server(args, folder, ("--trace", str(trace))) as url:
        port = url.rstrip("/").rsplit(":", 1)[1]
        out = subprocess.run([args.build / "bench/serve_load", port, "/big.bin", str(connections), str(seconds), "100"],
                             capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[1]) for line in out[:-1]]


def ratios(windows, width):
    """Of each window of `width` tenths of a second: received to offered."""
    out = []
    for i in range(0, len(windows) - width + 1, width):
        want = offered((i + width) / 10) - offered(i / 10)
        out.append(sum(windows[i:i + width]) / want)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build/bench")
    p.add_argument("--seconds", type=int, default=16, help="of each run (default 16: two rounds of the trace)")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--realtime", action="store_true", help="SCHED_RR for client and server (root)")
    p.add_argument("--json", type=pathlib.Path)
    args = p.parse_args()
    args.weir = args.build / "cli/weir"
    for need in (args.weir, args.build / "bench/serve_load"):
        if not need.exists():
            sys.exit(f"bench: {need} is missing (bench/run.sh builds it)")
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    print(f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}"
          f"{'; SCHED_RR' if args.realtime else ''}; {args.runs} runs of {args.seconds} s each")
    print("steps (ms at kbit/s): " + ", ".join(f"{ms} at {k}" for ms, k in STEPS) + "\n")
    rows, whole_worst, second_worst, document = [], 0, 0, []
    with common.scratch() as folder:
        with open(os.path.join(folder, "big.bin"), "wb") as f:
            f.truncate(4 << 30)
        for connections in (1, 6, 50):
            runs = [measure(args, folder, connections, args.seconds) for _ in range(args.runs)]
            document.append({"connections": connections, "runs": runs})
            for n, windows in enumerate(runs):
                whole = sum(windows) / offered(args.seconds)
                second, tenth = ratios(windows, 10), sorted(ratios(windows, 1))
                whole_worst = max(whole_worst, abs(whole - 1))
                second_worst = max(second_worst, *(abs(r - 1) for r in second))
                rows.append([str(connections), str(n + 1), f"{whole:.4f}", f"{min(second):.3f}", f"{max(second):.3f}",
                             f"{tenth[len(tenth) // 20]:.3f}", f"{tenth[-1 - len(tenth) // 20]:.3f}"])
    common.table(["connections", "run", "whole", "1 s least", "1 s most", "100 ms p5", "100 ms p95"], rows)
    held = common.verdict("largest error over the whole", whole_worst, 0.01, False)
    held = common.verdict("largest error over any 1 s", second_worst, 0.03, False) and held
    common.save(args, document)
    return 0 if held else 1


sys.exit(main())
