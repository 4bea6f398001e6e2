# bench/common.py — what the benchmarks share: places, a server, runs with their wall and CPU time,
# medians and tables. Only the standard library is used.
import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
MPD = "{urn:mpeg:dash:schema:mpd:2011}"
FPS = 25


def arguments(description, runs):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--media", type=pathlib.Path, default=ROOT / "build/bench-media",
                   help="made by scripts/make_ladder.sh --full (default: build/bench-media)")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench",
                   help="a release build of Weir (default: build/bench)")
    p.add_argument("--runs", type=int, default=runs, help="runs of each; medians are printed")
    p.add_argument("--realtime", action="store_true",
                   help="schedule everything SCHED_RR, for figures from a machine that is not idle (root)")
    p.add_argument("--json", type=pathlib.Path, help="write every single figure here as well")
    return p


def prepare(args, *programs):
    """Checks that all is there, and says on what and under what load the figures come about."""
    args.weir = args.build / "cli/weir"
    for name in ("weir", *programs):
        path = args.weir if name == "weir" else args.build / "bench" / name
        if not path.exists():
            sys.exit(f"bench: {path} is missing (bench/run.sh builds it)")
    args.dash = args.media / "dash-number/manifest.mpd"
    if not args.dash.exists():
        sys.exit(f"bench: no media in {args.media}: scripts/make_ladder.sh --full --only dash-number {args.media}")
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    print(f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}"
          f"{', all scheduled SCHED_RR' if args.realtime else ''}; medians of {args.runs}\n")


def tool(name):
    return shutil.which(name)


def version(name):
    if not tool(name):
        return None
    flag = {"ffmpeg": "-version", "ffplay": "-version"}.get(name, "--version")
    # VLC refuses to run as root; what is asked here is its wrapper's text only.
    r = subprocess.run([name, flag], capture_output=True, text=True, timeout=20)
    found = re.search(r"\d+\.\d+(\.\d+)*", r.stdout + r.stderr)
    return found.group(0) if found else "?"


def only_rung(media, rung, out):
    """A copy of the DASH ladder that offers one rung and the best sound alone, files hard-linked:
    so every player plays the same rung, also those that cannot be told to. None: the whole ladder."""
    source = media / "dash-number"
    out.mkdir(parents=True)
    for f in source.iterdir():
        if f.suffix in (".m4s", ".mp4"):
            os.symlink(f, out / f.name) if f.stat().st_dev != out.stat().st_dev else os.link(f, out / f.name)
    ElementTree.register_namespace("", MPD[1:-1])
    tree = ElementTree.parse(source / "manifest.mpd")
    for adaptation in tree.iter(MPD + "AdaptationSet"):
        kept = sorted(adaptation.findall(MPD + "Representation"), key=lambda r: int(r.get("bandwidth")))
        wanted = kept[rung if adaptation.get("contentType") == "video" else -1] if rung is not None else None
        for r in kept:
            if wanted is not None and r is not wanted:
                adaptation.remove(r)
    tree.write(out / "manifest.mpd", encoding="utf-8", xml_declaration=True)


@contextlib.contextmanager
def server(args, folder, extra=(), prefix=(), bind="127.0.0.1"):
    """weir serve of a folder; gives its URL."""
    command = [*prefix, str(args.weir), "serve", "--bind", bind, *extra, str(folder)]
    p = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            raise RuntimeError(f"the server did not start: {command}")
        yield found.group(0)
    finally:
        p.send_signal(signal.SIGTERM)
        p.wait()


def timed(command, log=None, check=True):
    """Runs a command; wall seconds from exec to exit, CPU seconds of it and its children."""
    with open(log or os.devnull, "w") as out:
        began = time.monotonic()
        p = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - began
        p.returncode = os.waitstatus_to_exitcode(status)
    if check and p.returncode:
        raise RuntimeError(f"exit {p.returncode}: {shell(command)}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime}


def shell(command):
    return shlex.join(str(c) for c in command)


def median(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    return statistics.median(values) if values else None


def spread(rows, key):
    values = [r[key] for r in rows if r.get(key) is not None]
    return (min(values), max(values)) if values else (None, None)


def table(header, rows):
    cells = [header] + [[("–" if c is None else c if isinstance(c, str) else f"{c:.3g}") for c in r] for r in rows]
    widths = [max(len(r[i]) for r in cells) for i in range(len(header))]
    for n, r in enumerate(cells):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |")
        if n == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    print()


def verdict(name, value, target, at_least):
    held = value is not None and (value >= target if at_least else value <= target)
    shown = "no figure" if value is None else f"{value:.3f}"
    print(f"  {'holds ' if held else 'MISSED'}  {name}: {shown} (target {'≥' if at_least else '≤'} {target})")
    return held


def save(args, document):
    if args.json:
        args.json.write_text(json.dumps(document, indent=1))


def scratch():
    return tempfile.TemporaryDirectory(prefix="weir-bench-")
