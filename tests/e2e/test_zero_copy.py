#!/usr/bin/env python3
"""Zero-copy, checked from outside: the counters of the summary against what the server sent, an interposer on
memcpy, malloc and their kin (interpose.c), and the kernel's own account of the pools' pages.

The command under test must be a plain build: sanitizers replace memcpy and malloc by their own.
WEIR_INTERPOSE names the interposer."""
import collections
import json
import os
import re
import subprocess
import threading
import time

import weir_e2e as e2e
from weir_e2e import Skip, check, equal

FRAGMENTED = ["dash-number", "dash-timeline", "dash-list", "dash-sidx", "dash-multiperiod", "dash-uneven",
              "hls-fmp4"]
RUNG = 2  # the largest: the few structs of more than 1 KiB that are copied at the start weigh least
BUFFER_MAX_S = 4
SETTLE_S = 0.5  # what was asked for before the buffer was full may still be under way
NEAR = 0.01


def named(offsets):
    """Return addresses as function and place, innermost first."""
    names = {}
    for offset in sorted(set(offsets)):
        run = subprocess.run(["addr2line", "-fisp", "-e", e2e.ARGS.weir, hex(int(offset, 16) - 1)],
                             capture_output=True, text=True, check=False)
        names[offset] = " ".join(run.stdout.split()) or offset
    return names


class Interposed:
    """What interpose.c reported."""

    def __init__(self, path):
        self.copies, self.allocations = {}, []
        with open(path, encoding="ascii") as f:
            for line in f:
                kind, *rest = line.split()
                if kind == "copy":
                    self.copies[rest[0]] = int(rest[1])
                elif kind == "alloc":
                    self.allocations.append((int(rest[0]) / 1e6, int(rest[1]), rest[2]))
                elif kind == "lost":
                    equal(rest, ["0", "0"], "facts that did not fit into the interposer's tables")
        check(self.copies and self.allocations, "the interposer saw nothing")

    def told_copies(self):
        names = named(self.copies)
        return "; ".join(f"{n} bytes: {names[o]}" for o, n in sorted(self.copies.items(), key=lambda c: -c[1]))


class Pages(threading.Thread):
    """Peak resident pages of the pools' mappings, from /proc, while a process lives."""

    def __init__(self, pid):
        super().__init__()
        self.path, self.over = f"/proc/{pid}/smaps", threading.Event()
        self.peak = collections.Counter()
        self.start()

    def sample(self):
        now, name = collections.Counter(), None
        with open(self.path, encoding="utf-8", errors="replace") as f:
            for line in f:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    found = re.search(r"memfd:(weir-\w+)", line)
                    name = found and found.group(1)
                elif name and line.startswith("Rss:"):
                    now[name] += int(line.split()[1]) * 1024
        now["all"] = sum(now.values())
        self.peak |= now

    def run(self):
        while not self.over.wait(0.1):
            try:
                self.sample()
            except OSError:
                return

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


class Session:
    """One playback of a packaging from `weir serve`, with everything known about it."""

    def __init__(self, folder, packaging, *options):
        library = os.environ.get("WEIR_INTERPOSE", "")
        if not os.path.exists(library):
            raise Skip("WEIR_INTERPOSE names no library")
        paths = {name: os.path.join(folder, name) for name in ("log", "summary", "events", "interposed")}
        with e2e.Server(e2e.ARGS.media, "--log", paths["log"]) as server:
            command = [e2e.ARGS.weir, "play", "--headless", "--summary", paths["summary"],
                       "--events", paths["events"], *options, server.url + e2e.manifest_of(packaging)]
            began = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, env={**os.environ, "LD_PRELOAD": library,
                                                                    "WEIR_INTERPOSE_OUT": paths["interposed"]})
            pages = Pages(process.pid)
            try:
                _, errors = process.communicate(timeout=60 * e2e.ARGS.slow)
            finally:
                process.kill()
                self.pages = pages.stop()
        equal(process.returncode, 0, f"exit code: {errors.decode()}")
        with open(paths["summary"], encoding="utf-8") as f:
            self.pool = json.load(f)["pool"]
        with open(paths["log"], encoding="utf-8") as f:
            self.served_bytes = sum(json.loads(line)["bytes"] for line in f)
        self.events = e2e.read_events(paths["events"])
        self.seen = Interposed(paths["interposed"])
        self.t0 = began  # events count from the start of the process, to a clock tick

    def named(self, name):
        return [e for e in self.events if e["event"] == name]


def no_copies(packaging, folder):
    session = Session(folder, packaging, "--untimed", "--rung", str(RUNG))
    copied = session.pool["copied_bytes"]
    equal((copied["demux"], copied["decode"], copied["render"]), (0, 0, 0), "bytes copied beyond the network's")
    equal(session.pool["foreign_frames"], 0, "pictures outside the frame slots")
    equal(copied["net"], session.served_bytes, "net bytes, beside the bodies that the server sent")
    counted, seen = sum(copied.values()), sum(session.seen.copies.values())
    if abs(seen - counted) > NEAR * counted:
        raise AssertionError(f"the counters say {counted} bytes, the interposer {seen}: {session.seen.told_copies()}")


def filled(session):
    """When the buffer was full for the first time; seconds since the start."""
    for event in session.named("position"):
        if event["buffer"] >= BUFFER_MAX_S - 0.6:
            return event["t"] + SETTLE_S
    raise AssertionError("the buffer was never full")


def no_allocations(session):
    full, end = filled(session), session.named("end")[0]["t"]
    refills = [e for e in session.named("segment") if full < e["t"] < end]
    check(len(refills) >= 4, f"{len(refills)} segments arrived after the buffer had been full")
    late = [a for a in session.seen.allocations if full < a[0] - session.t0 < end - 0.05]
    names = named(a[2] for a in late)
    equal([f"{a[0] - session.t0:.2f} s: {a[1]} bytes: {names[a[2]]}" for a in late][:8], [],
          "allocations by weir after the buffer had been full")
    equal((session.pool["segment_misses"], session.pool["frame_misses"]), (0, 0), "pool misses")


def buffered_bytes(session):
    """The most media at once in hand, by the events alone: segments that arrived and whose end is not yet played."""
    segments, playhead, most, at = [], (0.0, 0.0), 0, 0.0
    for event in session.events:
        if event["event"] == "segment":
            segments.append((event["start"] + event["duration"], event["bytes"]))
        elif event["event"] == "position":
            playhead = (event["t"], event["media"])
        else:
            continue
        at = playhead[1] + (event["t"] - playhead[0] if playhead[0] else 0)
        held = [size for end, size in segments if end > at]
        most = max(most, sum(held))
    return most


def memory_as_said(session):
    high, pages = session.pool["high_water_bytes"], session.pages
    check(pages["all"] > 0, "the pools have no mappings of their own in /proc")
    # The sampling may miss a peak of milliseconds, and a page is committed before it is touched.
    check(0.9 * high <= pages["all"] <= 1.1 * high,
          f"high_water_bytes is {high}, the kernel counted {dict(pages)}")
    wanted = buffered_bytes(session) + pages["weir-frames"]
    check(high <= 1.1 * wanted,
          f"high_water_bytes is {high}; buffered and frame slots together {wanted}: {dict(pages)}")


def steady_state(packaging, folder):
    session = Session(folder, packaging, "--rung", str(RUNG), "--buffer-max", str(BUFFER_MAX_S))
    no_allocations(session)
    memory_as_said(session)


def steady_switching(packaging, folder):
    session = Session(folder, packaging, "--abr", "random:seed=4", "--buffer-max", str(BUFFER_MAX_S))
    check(len({e["rung"] for e in session.named("segment") if e["track"] == "video"}) == e2e.RUNGS,
          "not every rung was played")
    no_allocations(session)
    memory_as_said(session)


for kind in FRAGMENTED:
    e2e.add_case(f"{kind} copies nothing but the network's bytes", no_copies, kind)
for kind in ("dash-number", "dash-sidx", "hls-fmp4"):
    e2e.add_case(f"{kind} allocates nothing once the buffer was full", steady_state, kind)
e2e.add_case("dash-number allocates nothing while rungs change", steady_switching, "dash-number")

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
