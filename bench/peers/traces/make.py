#!/usr/bin/env python3
# bench/peers/traces/make.py — wrote the four synthetic traces beside it: two plain ones, and two that
# wander between states as mobile links do (seeded, so that it writes the same again).
import json
import math
import pathlib
import random

HERE = pathlib.Path(__file__).resolve().parent


def write(name, latency_ms, intervals):
    document = {"schema": "weir.trace/1", "latency_ms": latency_ms,
                "intervals": [{"duration_ms": d, "bandwidth_kbps": r} for d, r in intervals]}
    (HERE / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")


def mobile(seed, states, spread):
    """2 s at a time around the state's rate; it is left after about eight."""
    rng, state, intervals = random.Random(seed), 1, []
    for _ in range(90):
        if rng.random() < 0.25:
            state = min(max(state + rng.choice((-1, 1)), 0), len(states) - 1)
        intervals.append((2000, round(states[state] * math.exp(rng.uniform(-spread, spread)))))
    return intervals


write("constant-2", 50, [(60000, 2000)])
write("step-6-0.6", 50, [(20000, 6000), (20000, 600)])
write("3g", 100, mobile(3, (450, 900, 1500, 2200), 0.3))
write("4g", 60, mobile(4, (1200, 4500, 9000, 16000), 0.5))
