#!/usr/bin/env python3
"""make_data.py: writes the small synthetic content and traces of examples/data, the same every time.

    examples/data/make_data.py [--check] [FOLDER]

With --check nothing is written: exit 1 and a list of what differs from what would be.
"""
import argparse
import json
import os
import random
import sys

SEED = 20240607
SEGMENTS, SEGMENT_S = 60, 4
RUNGS_KBPS = (300, 750, 1200, 1850, 2850, 4300)
# VMAF of a scene of middling difficulty, by rung.
VMAF = (31.0, 62.0, 76.0, 86.0, 93.0, 97.0)


def bell(rng):
    """About normal, mean 0, deviation 1, from sums alone: equal on every machine."""
    return sum(rng.random() for _ in range(12)) - 6


def content():
    """lake.json: 4 minutes in six rungs, scenes of different difficulty, segments around the declared rate."""
    rng = random.Random(SEED)
    weights, scene, left = [], 1.0, 0
    for _ in range(SEGMENTS):
        if left == 0:
            scene, left = max(0.45, min(1.8, 1 + 0.35 * bell(rng))), rng.randrange(3, 9)
        left -= 1
        weights.append(max(0.3, scene * (1 + 0.08 * bell(rng))))
    mean = sum(weights) / SEGMENTS
    sizes, vmaf = [], []
    for weight in weights:
        part = weight / mean
        sizes.append([round(kbps * 125 * SEGMENT_S * max(0.3, part + 0.02 * bell(rng))) for kbps in RUNGS_KBPS])
        # What is hard to code looks worse at the same rung, and most so at the lowest.
        vmaf.append([round(max(5.0, min(100.0, q - (part - 1) * (110 - q) / 4)), 2) for q in VMAF])
    rungs = [{"bitrate": 1000 * kbps, "init_bytes": 700 + i, "index_bytes": 44 + 12 * SEGMENTS}
             for i, kbps in enumerate(RUNGS_KBPS)]
    lines = ['{"schema":"weir.content/1","name":"lake","manifest_bytes":2100,"tracks":{"video":{',
             f'"rungs":{json.dumps(rungs)},', f'"segment_duration":{SEGMENT_S},']
    for key, rows in (("sizes", sizes), ("vmaf", vmaf)):
        text = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        lines.append(f'"{key}":[\n{text}]' + ("," if key == "sizes" else "}},"))
    lines.append('"warnings":[]}')
    return "\n".join(lines) + "\n"


def walk(rng, count, low, high, start, swing):
    """A random walk of rates in kbit/s, turned back at its bounds."""
    rates, at = [], start
    for _ in range(count):
        at = max(low, min(high, at * (1 + swing * bell(rng))))
        rates.append(round(at))
    return rates


def evening():
    """home/evening.txt, cooked columns: a line of about 6 Mbit/s, shared by the house at times."""
    rng = random.Random(SEED + 1)
    rates = walk(rng, 300, 800, 8000, 6000, 0.05)
    for start in (70, 150, 240):
        for i in range(start, start + 20):
            rates[i] = round(rates[i] * 0.25)
    return "".join(f"{t} {kbps / 1000:.3f}\n" for t, kbps in enumerate([rates[0]] + rates))


def wifi():
    """home/wifi.json, weir.trace/1: two rates and short outages, 20 ms."""
    rng = random.Random(SEED + 2)
    intervals, total = [], 0
    while total < 300000:
        ms = rng.randrange(1500, 9000)
        kbps = rng.choice((5200, 5200, 2600, 2600, 900, 0))
        if kbps == 0:
            ms = min(ms, 2000)
        intervals.append({"duration_ms": ms, "bandwidth_kbps": kbps})
        total += ms
    lines = ",\n".join(json.dumps(i) for i in intervals)
    return f'{{"schema":"weir.trace/1","latency_ms":20,"intervals":[\n{lines}]}}\n'


def train():
    """mobile/train.json, Sabre's format: a walk between 0.2 and 4 Mbit/s, and tunnels."""
    rng = random.Random(SEED + 3)
    rates = walk(rng, 240, 200, 4000, 1500, 0.18)
    for start in (60, 140, 190):
        for i in range(start, start + 8):
            rates[i] = 90
    lines = ",\n".join(json.dumps({"duration_ms": 1000, "bandwidth_kbps": r, "latency_ms": 80}) for r in rates)
    return f"[\n{lines}]\n"


def cell():
    """mobile/cell.mahi, Mahimahi's format: 1500-byte packets' milliseconds, 0.3 to 1.6 Mbit/s, 40 s."""
    rng = random.Random(SEED + 4)
    lines, credit = [], 0.0
    for second, kbps in enumerate(walk(rng, 40, 300, 1600, 900, 0.15)):
        for ms in range(1000):
            credit += kbps / 12000
            if credit >= 1:
                credit -= 1
                lines.append(f"{1000 * second + ms + 1}\n")
    return "".join(lines)


FILES = {"contents/lake.json": content, "traces/home/evening.txt": evening, "traces/home/wifi.json": wifi,
         "traces/mobile/train.json": train, "traces/mobile/cell.mahi": cell}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folder", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    args = parser.parse_args()
    different = []
    for name, make in FILES.items():
        path, text = os.path.join(args.folder, name), make()
        if args.check:
            with open(path, encoding="ascii") as f:
                if f.read() != text:
                    different.append(name)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    for name in different:
        print(f"{name}: not what make_data.py writes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
