#!/usr/bin/env python3
"""fidelity.py: does the simulator tell what the player does? One ladder, the same traces and parameters, three hosts.

(a) model: `weir sim` on what `weir content make` recorded; (b) replay: `weir play --virtual`, real media in virtual
time; (c) live: `weir play --headless` in real time against a `weir serve --trace` of its own. Prints, per algorithm,
how many decisions are equal segment by segment, how start-up, stalls, bitrate and QoE differ, and why the first
decision that differs does."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import time

import common

ALGORITHMS = "throughput,bola,bolae,robustmpc,weir"
TARGETS_MBIT = (0.55, 0.7, 0.45, 0.85, 0.35)  # means that a trace is scaled to, until it makes rungs change
SWITCHES = 10
# Differences of what a decision was made from, below which it is a tie that rounding decides.
CLOSE_S, CLOSE_SHARE = 0.05, 0.02


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build/bench", help="a release build of Weir")
    p.add_argument("--media", type=pathlib.Path, default=common.ROOT / "build/fidelity-media",
                   help="made by scripts/make_ladder.sh --small --duration 150 (default: build/fidelity-media)")
    p.add_argument("--packaging", default="dash-sidx", help="which of it: in dash-sidx both hosts know all sizes")
    p.add_argument("--traces", type=pathlib.Path, default=pathlib.Path(
        os.environ.get("WEIR_SHARED", common.ROOT.parent / "shared")) / "traces", help="a folder for each set")
    p.add_argument("--count", type=int, default=20, help="traces, spread over the sets")
    p.add_argument("--algorithms", default=ALGORITHMS)
    p.add_argument("--hosts", default="model,replay", help="of model, replay, live; live takes the content's time")
    p.add_argument("--live-traces", type=int, default=None, help="only the first N with the live host, each set's turn by turn")
    p.add_argument("--live-jobs", type=int, default=4, help="live sessions at once, a server for each")
    p.add_argument("--live-deadline", type=float, default=float("inf"), help="begin no live session after so many seconds")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--rtt-ms", type=int, default=50)
    p.add_argument("--net", default="tcp", choices=("tcp", "fluid"))
    p.add_argument("--buffer-max", default="25")
    p.add_argument("--startup", default="0.24")
    p.add_argument("--resume", default="2")
    p.add_argument("--abandon", default="on", choices=("on", "off"))
    p.add_argument("--realtime", action="store_true", help="live sessions SCHED_RR, on a machine that is not idle (root)")
    p.add_argument("--work", type=pathlib.Path, help="keep traces, events and summaries here; sessions found there are not run again")
    p.add_argument("--json", type=pathlib.Path, help="write every single figure here as well")
    args = p.parse_args()
    args.weir = args.build / "cli/weir"
    args.manifest = args.media / args.packaging / "manifest.mpd"
    for path, how in ((args.weir, "a release build"), (args.traces, "the traces"),
                      (args.manifest, "scripts/make_ladder.sh --small --duration 150")):
        if not path.exists():
            sys.exit(f"fidelity: {path} is missing ({how})")
    return args


# --- traces ---

def scaled(path, mbit, out):
    """The trace times whatever makes its first 150 s as fast on the mean."""
    text = path.read_text()
    if text.lstrip().startswith("["):
        rows = json.loads(text)
        t, bits = 0.0, 0.0
        for r in rows:
            if t < 150e3:
                t, bits = t + r["duration_ms"], bits + r["duration_ms"] * r["bandwidth_kbps"]
        factor = mbit * 1000 / (bits / t)
        rows = [{**r, "bandwidth_kbps": round(r["bandwidth_kbps"] * factor, 3)} for r in rows]
        out.write_text(json.dumps(rows))
        return factor
    rows = [tuple(map(float, line.split())) for line in text.splitlines() if line.strip()]
    early = [(b[0] - a[0], b[1]) for a, b in zip(rows, rows[1:]) if a[0] - rows[0][0] < 150]
    factor = mbit / (sum(d * r for d, r in early) / sum(d for d, _ in early))
    out.write_text("".join(f"{t:.6f}\t{r * factor:.6f}\n" for t, r in rows))
    return factor


def switches(args, content, trace, algorithm):
    return model(args, content, trace, algorithm, None)["switch_count"]


def choose(args, content, folder):
    """Traces on which a buffer-based and a throughput-based session change rungs often enough, each set in its turn."""
    kept = folder / "traces.json"
    if kept.exists():
        return [{**t, "path": folder / t["file"]} for t in json.loads(kept.read_text())]
    sets = {}
    for s in sorted(p for p in args.traces.iterdir() if p.is_dir()):
        files = sorted(f for f in s.iterdir() if f.suffix != ".md")
        random.Random(s.name).shuffle(files)
        sets[s.name] = iter(files)
    chosen = []
    while len(chosen) < args.count and sets:
        for name in list(sets):
            found = next_of(args, content, folder, name, sets[name])
            if found is None:
                del sets[name]
            elif len(chosen) < args.count:
                chosen.append(found)
    kept.write_text(json.dumps([{k: v for k, v in t.items() if k != "path"} for t in chosen]))
    return chosen


def next_of(args, content, folder, name, files):
    for path in files:
        out = folder / f"{name}-{path.stem}{path.suffix if path.suffix == '.json' else '.txt'}"
        for mbit in TARGETS_MBIT:
            try:
                factor = scaled(path, mbit, out)
                if all(switches(args, content, out, a) >= SWITCHES for a in ("bola", "throughput")):
                    return {"set": name, "name": path.stem, "path": out, "file": out.name, "factor": factor}
            except (subprocess.CalledProcessError, ZeroDivisionError):
                pass  # a trace that brings nothing at all
        out.unlink()
    return None


# --- sessions ---

def same(args):
    return ["--rtt-ms", str(args.rtt_ms), "--buffer-max", args.buffer_max, "--startup", args.startup, "--resume", args.resume,
            "--abandon", args.abandon]


def model(args, content, trace, algorithm, events):
    command = [args.weir, "sim", "--content", content, "--trace", trace, "--abr", algorithm, "--net", args.net, *same(args),
               "--json", "-", *(["--events", events] if events else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def replay(args, _content, trace, algorithm, events):
    command = [args.weir, "play", "--virtual", "--decode", "off", "--trace", trace, "--abr", algorithm, "--net", args.net,
               *same(args), "--summary", "-", "--events", events, args.manifest]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)


def soon(args):
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(3))


def live(args, _content, trace, algorithm, events):
    server = subprocess.Popen([args.weir, "serve", "--trace", trace, "--rtt-ms", str(args.rtt_ms), args.manifest.parent],
                              stdout=subprocess.PIPE, text=True, preexec_fn=lambda: soon(args))
    try:
        url = re.search(r"http://\S+", server.stdout.readline()).group(0)
        play = [p for p in same(args)[2:]]  # the latency is the server's
        command = [args.weir, "play", "--headless", "--threads", "1", "--quiet", "--abr", algorithm, *play, "--summary", "-",
                   "--events", events, url + "manifest.mpd"]
        run = subprocess.run(command, check=True, capture_output=True, timeout=900, stdin=subprocess.DEVNULL,
                             preexec_fn=lambda: soon(args))
        return json.loads(run.stdout)
    finally:
        server.terminate()
        server.wait()


HOSTS = {"model": model, "replay": replay, "live": live}


def session(args, host, content, trace, algorithm, folder):
    stem = f"{host}-{trace['path'].stem}-{re.sub('[^a-z0-9]', '_', algorithm)}"
    kept, events = folder / (stem + ".json"), folder / (stem + ".events")
    if not kept.exists():
        summary = HOSTS[host](args, content, trace["path"], algorithm, events)
        kept.write_text(json.dumps(summary))
    lines = events.read_text().splitlines()
    return {"summary": json.loads(kept.read_text()), "events": [json.loads(line) for line in lines]}


def play_all(args, host, traces, content, folder):
    jobs = args.live_jobs if host == "live" else args.jobs
    if host == "live" and args.live_traces is not None:
        traces = traces[:args.live_traces]
    began, sessions = time.monotonic(), {}

    def one(trace, algorithm):
        if host == "live" and time.monotonic() - began > args.live_deadline:
            return
        try:
            sessions[trace["path"].stem, algorithm] = session(args, host, content, trace, algorithm, folder)
        except (subprocess.SubprocessError, AttributeError) as e:
            print(f"fidelity: {host}, {trace['path'].name}, {algorithm}: {e}", file=sys.stderr)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for trace in traces:
            for algorithm in args.algorithms.split(","):
                pool.submit(one, trace, algorithm)
    return sessions


# --- differences ---

def decisions_of(events):
    """segment -> its decisions in order (another one follows where a transfer was given up)."""
    found = {}
    for e in events:
        if e["event"] == "decision" and e.get("track", "video") == "video":
            found.setdefault(e["segment"], []).append(e)
    return found


def differs(a, b):
    return abs(a - b) > CLOSE_SHARE * max(abs(a), abs(b), 1)


def cause(a, b):
    """Why the first segment at another rung is at another one."""
    left, right = a["summary"]["decisions"], b["summary"]["decisions"]
    at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y), None)
    if at is None:
        return None
    one, two = decisions_of(a["events"]).get(at, []), decisions_of(b["events"]).get(at, [])
    if not one or not two:
        return at, "no decision in the log"
    x, y = one[0], two[0]
    # Decided alike, and then only one of them went on with it.
    if x["rung"] == y["rung"]:
        return at, "given up by one alone"
    why = []
    if abs(x["buffer"] - y["buffer"]) > CLOSE_S:
        why.append("buffer level")
    if differs(x["throughput"], y["throughput"]):
        why.append("throughput estimate")
    return at, " and ".join(why) if why else "a tie: inputs within 2 % and 50 ms"


def compare(a, b):
    x, y = a["summary"], b["summary"]
    pairs = list(zip(x["decisions"], y["decisions"]))
    return {
        "equal": sum(p == q for p, q in pairs), "segments": max(len(x["decisions"]), len(y["decisions"])),
        "startup": y["startup_delay"] - x["startup_delay"], "stall": y["stall_time"] - x["stall_time"],
        "stalled": x["stall_time"], "bitrate": y["mean_bitrate"] / x["mean_bitrate"] - 1,
        "qoe": y["qoe"]["lin"] - x["qoe"]["lin"], "qoe_of": x["qoe"]["lin"], "cause": cause(a, b),
        "switches": x["switch_count"], "abandoned": (x["abandoned"], y["abandoned"]),
    }


def report(name, sessions, other, algorithms):
    rows, found = [], []
    for algorithm in algorithms:
        keys = [k for k in sessions if k[1] == algorithm and k in other]
        if not keys:
            continue
        d = [compare(sessions[k], other[k]) for k in keys]
        found += [{"trace": k[0], "algorithm": algorithm, **one} for k, one in zip(keys, d)]
        equal = sum(x["equal"] for x in d) / sum(x["segments"] for x in d)
        qoe = sum(x["qoe"] for x in d) / abs(sum(x["qoe_of"] for x in d))
        near = sum(abs(x["stall"]) <= max(0.3, 0.05 * x["stalled"]) for x in d)
        rows.append([algorithm, str(len(d)), f"{equal:.2%}", f"{sum(x['cause'] is None for x in d)}",
                     f"{statistics.mean(x['startup'] for x in d) * 1000:+.0f} ms",
                     f"{sum(x['stalled'] for x in d):.1f} s {sum(x['stall'] for x in d):+.2f}", f"{near}/{len(d)}",
                     f"{statistics.mean(x['bitrate'] for x in d):+.2%}", f"{qoe:+.2%}",
                     f"{max(abs(x['qoe']) for x in d):.4f}"])
    print(f"model against {name}\n")
    common.table(["algorithm", "sessions", "equal decisions", "sessions without a difference", "start-up", "stalls, all",
                  "within 0.3 s or 5 %", "mean bitrate", "qoe.lin", "largest |Δ qoe.lin|"], rows)
    causes(found)
    return found


def causes(found):
    counts = {}
    for f in found:
        if f["cause"]:
            counts.setdefault(f["cause"][1], []).append(f)
    if counts:
        common.table(["why the first decision that differs does", "sessions", "segments otherwise after it"],
                     [[why, str(len(of)), str(sum(f["segments"] - f["equal"] for f in of))]
                      for why, of in sorted(counts.items(), key=lambda c: -len(c[1]))])


def main():
    args = options()
    folder = args.work or pathlib.Path(common.scratch().name)
    folder.mkdir(parents=True, exist_ok=True)
    content = folder / "content.json"
    subprocess.run([args.weir, "content", "make", args.manifest, "-o", content], check=True)
    traces = choose(args, content, folder)
    print(f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; {len(traces)} traces; "
          f"{args.packaging}; --net {args.net} {common.shell(same(args))}\n")
    common.table(["trace", "times"], [[f"{t['set']}/{t['name']}", f"{t['factor']:.4g}"] for t in traces])
    hosts = args.hosts.split(",")
    sessions = {h: play_all(args, h, traces, content, folder) for h in hosts}
    document = {h: report(h, sessions["model"], sessions[h], args.algorithms.split(",")) for h in hosts if h != "model"}
    common.save(args, document)
    if not args.work:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
