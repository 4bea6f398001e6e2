#!/usr/bin/env python3
"""test_fault_mix.py: seeded mixtures of faults for real, `weir serve --fault` on one of two base URLs or both.

tests/player/test_fault_mix.c does 2,000 in virtual time; here a few go over sockets. WEIR_FAULT_MIXES=100 runs more.
A case's name has its seed: --only 'mixture 17 ' runs that one again, and its specs are printed where it fails.
"""
import os
import random
import shutil

import weir_e2e as e2e
from weir_e2e import check, weir

KINDS = ("status", "reset", "truncate", "stall", "slow", "corrupt", "refuse")
TARGETS = ("a/*.m4s", "a/v*.m4s", "a/*init.mp4", "a/*", "*.m4s", "*init.mp4", "v2*.m4s", "*.mpd")
AT = ("", ",at=0", ",at=1", ",at=700", ",at=20000")


def specs_of(seed):
    """What the server does, and whether the second one and the manifest are spared."""
    r = random.Random(seed)
    specs, spared = [], True
    for _ in range(r.randint(1, 3)):
        kind, match = r.choice(KINDS), r.choice(TARGETS)
        own = {"status": f",code={r.choice((404, 403, 429, 500, 503))}", "slow": f",rate={r.choice((256, 512, 1000)) * 1000}",
               "stall": r.choice(("", ",for=1"))}.get(kind, "")
        at = r.choice(AT) if kind not in ("status", "refuse") else ""
        count = f",count={r.randint(1, 4)}" if r.random() < 0.5 else ""
        specs.append(f"{kind}:match={match},from={r.randint(1, 4)},every={r.randint(1, 4)},seed={seed}{own}{at}{count}")
        spared = spared and match.startswith("a/")
    return specs, spared


def mixture(seed, folder):
    specs, spared = specs_of(seed)
    site = os.path.join(folder, "site")
    for server in "ab":
        shutil.copytree(os.path.join(e2e.ARGS.media, "dash-number"), os.path.join(site, server), copy_function=os.link)
    with open(os.path.join(site, "a/manifest.mpd"), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(site, "two.mpd"), "w", encoding="utf-8") as f:
        f.write(text.replace("<Period", "<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><Period", 1))
    events = os.path.join(folder, "events")
    said = " ".join(f"--fault '{s}'" for s in specs)
    with e2e.Server(site, *[word for s in specs for word in ("--fault", s)]) as server:
        run = weir("play", "--untimed", "--timeout", 2, "--events", events, server.url + "two.mpd", timeout=240)
    lines = e2e.stderr_lines(run)
    parsed = any(e["event"] == "segment" for e in e2e.read_events(events))
    codes = (0,) if spared else (0, 5) if parsed else (0, 3, 4, 5)
    check(run.returncode in codes, f"exit {run.returncode}, expected one of {codes}: {said}: {' | '.join(lines[-6:])}")
    check(run.returncode == 0 or any(line.startswith("weir: ") for line in lines), f"no cause: {said}")


for number in range(1, 1 + int(os.environ.get("WEIR_FAULT_MIXES", "6"))):
    e2e.add_case(f"mixture {number} ", mixture, number)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
