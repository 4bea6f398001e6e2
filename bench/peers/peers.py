#!/usr/bin/env python3
# bench/peers/peers.py — Weir and its peers play the same ladder from `weir serve` under the same traces,
# each at its default and as its maintainers' documentation says to set it for adaptation. One command,
# one table per trace, medians over the runs. Rungs from the server's log, stalls from the players.
import argparse
import concurrent.futures
import copy
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import browser
import figures
import native

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MANIFEST = {"dash": ("dash-number", "manifest.mpd"), "hls": ("hls-audio-group", "master.m3u8")}
LIMIT = 1.75  # a session is given up after so many times the media's length


def players():
    """Name, how to start it. The second of a pair: the settings that its maintainers document for
    adaptation (docs/results.md cites where)."""
    return [
        native.Weir("Weir"),
        native.Vlc("VLC"),
        native.Vlc("VLC, nearoptimal", ["--adaptive-logic=nearoptimal"]),
        native.Gst("GStreamer"),
        native.Gst("GStreamer, playbin", "playbin"),
        native.Mpv("mpv"),
        native.Ffplay("ffplay"),
        browser.Browser("dash.js", "dashjs", "dash"),
        browser.Browser("dash.js, BOLA, 60 s", "dashjs", "dash", {"streaming": {
            "buffer": {"bufferTimeDefault": 60, "bufferTimeAtTopQuality": 60},
            "abr": {"rules": {"throughputRule": {"active": False}, "bolaRule": {"active": True}}}}}),
        browser.Browser("hls.js", "hlsjs", "hls"),
        browser.Browser("hls.js, 60 s, estimate", "hlsjs", "hls",
                        {"maxBufferLength": 60, "abrEwmaDefaultEstimate": 2000000}),
        browser.Browser("Shaka", "shaka", "dash"),
        browser.Browser("Shaka, 60 s, quick switches", "shaka", "dash", {
            "streaming": {"bufferingGoal": 60, "rebufferingGoal": 2},
            "abr": {"switchInterval": 4, "bandwidthUpgradeTarget": 0.95}}),
    ]


def arguments():
    p = argparse.ArgumentParser(description="Weir beside its peers, under the same traces.")
    p.add_argument("--media", type=pathlib.Path, default=ROOT / "build/bench-media",
                   help="made by scripts/make_ladder.sh --full --only dash-number,hls-audio-group")
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench", help="a release build of Weir")
    p.add_argument("--cache", type=pathlib.Path, help="where npm's packages go (default: the user's cache folder)")
    p.add_argument("--traces", type=pathlib.Path, nargs="+", default=[HERE / "traces" / f"{n}.json" for n in
                   ("constant-2", "step-6-0.6", "3g", "4g")], help="any trace that weir serve reads")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--jobs", type=int, default=1, help="sessions at once, each with its own server and trace")
    p.add_argument("--nice", type=int, default=0, help="run it all at this niceness: -15 on a machine with other work (root)")
    p.add_argument("--only", help="regular expression: these players alone")
    p.add_argument("--abr", action="append", default=[], help="a row more for Weir with this algorithm")
    p.add_argument("--json", type=pathlib.Path, help="every session's figures, appended as lines")
    p.add_argument("--from-json", type=pathlib.Path, help="no session is run: tables from such a file")
    p.add_argument("--keep", type=pathlib.Path, help="keep server logs in this folder")
    args = p.parse_args()
    if not args.cache:
        args.cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "weir-peers"
    args.weir = args.build / "cli/weir"
    args.players = players()
    at = 1
    for abr in args.abr:
        args.players.insert(at, native.Weir(f"Weir, {abr}", ["--abr", abr]))
        at += 1
    if args.only:
        args.players = [x for x in args.players if re.search(args.only, x.name)]
    return args


def run_session(args, ladder, player, trace, run):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-peers-"))
    folder.chmod(0o777)  # VLC may run as nobody
    packaging, manifest = MANIFEST[player.manifest]
    served = args.media / packaging
    log = folder / "served.jsonl"
    server = native.start([args.weir, "serve", "--trace", trace, "--log", log, served],
                          stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline()).group(0)
        # A copy: what a player keeps of a session is that session's own.
        events = copy.copy(player).play(args, address + manifest, str(folder), LIMIT * ladder.duration, ladder.duration)
        time.sleep(0.3)
    finally:
        native.stop(server)
    result = figures.session(ladder, served, log.read_text().splitlines(), events, player.adapts)
    result |= {"player": player.name, "trace": trace.stem, "run": run, "finished": events.end is not None,
               "end": events.end, "load": os.getloadavg()[0]}
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, args.keep / f"{trace.stem} {player.name} {run}.jsonl")
    shutil.rmtree(folder, ignore_errors=True)
    return result


def median(rows, key):
    values = [r[key] for r in rows if r[key] is not None]
    return statistics.median(values) if values else None


def shown(value, digits=2):
    return "–" if value is None else f"{value:.{digits}f}"


def remark(player, rows):
    said = [] if player.adapts else ["does not adapt"]
    cut = sum(not r["finished"] for r in rows)
    if cut:
        said.append(f"cut off at {shown(median([r for r in rows if not r['finished']], 'segments'), 0)} segments, "
                    f"{cut} of {len(rows)}")
    said += sorted({r["note"] for r in rows if r["note"]})
    return "; ".join(said)


def table(args, trace, rows, absent):
    print(f"**{trace}**\n")
    print("| | start-up, s | stalls | stalled, s | mean Mbit/s | switches | wasted, MB | qoe.lin | least–most | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    by = [(x, [r for r in rows if r["player"] == x.name and r["trace"] == trace]) for x in args.players]
    by = sorted((b for b in by if b[1]), key=lambda b: -(median(b[1], "qoe") if median(b[1], "qoe") is not None else -99))
    for x, mine in by:
        q = [r["qoe"] for r in mine if r["qoe"] is not None]
        start = shown(median(mine, "first")) + " / " + shown(median(mine, "motion"))
        print(f"| {x.name} | {start} | {shown(median(mine, 'stalls'), 0)} | {shown(median(mine, 'stall_s'), 1)} "
              f"| {shown(median(mine, 'mbit'))} | {shown(median(mine, 'switches'), 0)} "
              f"| {shown(median(mine, 'wasted_mb'))} | {shown(median(mine, 'qoe'))} "
              f"| {shown(min(q) if q else None)}–{shown(max(q) if q else None)} | {remark(x, mine)} |")
    for name, why in absent.items():
        print(f"| {name} | | | | | | | | | {why} |")
    print()


def commands(args):
    print("| row | command line, or package and settings |\n|---|---|")
    for x in args.players:
        print(f"| {x.name} | `{x.shown(args)}` |")
    print()


def main():
    args = arguments()
    absent = {}
    if args.from_json:
        rows = [json.loads(line) for line in args.from_json.read_text().splitlines()]
    else:
        if not args.weir.exists():
            sys.exit(f"peers: {args.weir} is missing")
        for packaging, manifest in MANIFEST.values():
            if not (args.media / packaging / manifest).exists():
                sys.exit(f"peers: no media: scripts/make_ladder.sh --full --only dash-number,hls-audio-group {args.media}")
        os.nice(args.nice)
        signal.signal(signal.SIGTERM, native.stop_all)
        signal.signal(signal.SIGINT, native.stop_all)
        browser.fetch_packages(args.cache)
        args.collector = browser.Collector(args.cache)
        absent = {x.name: why for x in args.players if (why := x.missing(args))}
        rows = campaign(args, [x for x in args.players if x.name not in absent])
    for trace in dict.fromkeys(r["trace"] for r in rows):
        table(args, trace, rows, absent)
    commands(args)
    return 0


def mixed(present):
    """Pages and programs by turns: Chromium needs more of the machine, and sessions run side by side."""
    pages = [x for x in present if isinstance(x, browser.Browser)]
    programs = [x for x in present if x not in pages]
    return [x for pair in itertools.zip_longest(programs, pages) for x in pair if x]


def campaign(args, present):
    ladder = figures.Ladder(args.media)
    print(f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}, niceness {args.nice}; "
          f"{args.jobs} sessions at once; {args.runs} runs; "
          f"{ladder.duration:.0f} s of media, rungs {', '.join(f'{m:.2f}' for m in ladder.mbit)} Mbit/s\n", flush=True)
    rows = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = {pool.submit(run_session, args, ladder, x, trace.resolve(), run): (x.name, trace.stem)
                   for run in range(args.runs) for trace in args.traces for x in mixed(present)}
        for done in concurrent.futures.as_completed(waiting):
            try:
                row = done.result()
            except (OSError, ValueError, AttributeError) as e:
                print(f"peers: {waiting[done]}: {e}", file=sys.stderr)
                continue
            rows.append(row)
            if args.json:
                with args.json.open("a") as out:
                    out.write(json.dumps(row) + "\n")
            print(f"{len(rows)}/{len(waiting)} {row['trace']} {row['player']}: motion {shown(row['motion'])} stalled "
                  f"{shown(row['stall_s'])} qoe {shown(row['qoe'])} load {row['load']:.1f}", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
