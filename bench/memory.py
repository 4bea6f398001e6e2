#!/usr/bin/env python3
# bench/memory.py — how much memory does playing 1080p take? Peak proportional set size, sampled
# from /proc/PID/smaps_rollup, headless, beside mpv with the same seconds buffered and at its
# default, and beside `ffmpeg -f null`, which buffers nothing. What Weir itself has buffered is
# added up from its events: bytes of segments received and not yet played.
import json
import pathlib
import subprocess
import sys
import time

import common as c

PERIOD_S = 0.02


def pss_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def peak(command, seconds=None):
    """Runs a command, for so long at most; its peak PSS and when that was."""
    p = subprocess.Popen([str(x) for x in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    best, at, began = 0, 0.0, time.monotonic()
    while p.poll() is None:
        now = time.monotonic() - began
        size = pss_bytes(p.pid)
        if size > best:
            best, at = size, now
        if seconds and now > seconds:
            p.terminate()
            break
        time.sleep(PERIOD_S)
    p.wait()
    return {"peak": best, "at": at}


class Buffered:
    """Reads Weir's events while it plays: the most bytes that were received and not yet played."""

    def __init__(self, path):
        self.most, self.most_seconds, self.high_water = 0, 0.0, None
        segments, media = [], 0.0
        for line in path.read_text().splitlines():
            e = json.loads(line)
            if e["event"] == "segment":
                segments.append((e["start"], e["duration"], e["bytes"]))
            elif e["event"] == "position":
                media = e["media"]
                self.most_seconds = max(self.most_seconds, e["buffer"])
            else:
                continue
            # A segment that is being played is held whole.
            self.most = max(self.most, sum(b for start, length, b in segments if start + length > media))


def weir_run(args, url, buffer_s):
    events, summary = args.tmp / "events", args.tmp / "summary"
    command = [args.weir, "play", "--headless", "--quiet", "--threads", args.threads, "--buffer-max", buffer_s, "--rung", 0,
               "--events", events, "--summary", summary, url]
    r = peak(command, args.span)
    buffered = Buffered(events)
    r["buffered"], r["buffered_s"] = buffered.most, buffered.most_seconds
    r["high_water"] = json.loads(summary.read_text())["pool"]["high_water_bytes"]
    return r, command


def mpv_command(args, url, buffer_s):
    command = ["mpv", "--no-config", "--vo=null", "--ao=null", "--no-terminal", f"--vd-lavc-threads={args.threads}"]
    if buffer_s:
        command += ["--cache=yes", f"--demuxer-readahead-secs={buffer_s}", f"--cache-secs={buffer_s}",
                    "--demuxer-max-bytes=1GiB"]
    return command + [url]


def measure(args, url):
    ffmpeg = ["ffmpeg", "-nostdin", "-threads", str(args.threads), "-i", url, "-f", "null", "-"]
    rows, commands = {}, {}
    for n in range(args.runs):
        for buffer_s in args.buffers:
            name = f"weir, {buffer_s:g} s"
            r, commands[name] = weir_run(args, url, buffer_s)
            rows.setdefault(name, []).append(r)
            if c.tool("mpv"):
                name = f"mpv, {buffer_s:g} s"
                commands[name] = mpv_command(args, url, buffer_s)
                rows.setdefault(name, []).append(peak(commands[name], args.span))
        if c.tool("mpv"):
            commands["mpv, its default"] = mpv_command(args, url, None)
            rows.setdefault("mpv, its default", []).append(peak(commands["mpv, its default"], args.span))
        if c.tool("ffmpeg"):
            commands["ffmpeg -f null"] = ffmpeg
            rows.setdefault("ffmpeg -f null", []).append(peak(ffmpeg))
    for command in commands.values():
        print("  " + c.shell(command))
    print()
    return rows


def main():
    p = c.arguments("How much memory does playing 1080p take?", runs=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--span", type=int, default=12, help="seconds to play, then stop")
    p.add_argument("--buffers", type=lambda s: [float(v) for v in s.split(",")], default=[10.0, 60.0],
                   help="seconds to buffer (default 10,60)")
    args = p.parse_args()
    c.prepare(args)
    with c.scratch() as tmp:
        args.tmp = pathlib.Path(tmp)
        c.only_rung(args.media, -1, args.tmp / "served")
        with c.server(args, args.tmp / "served") as address:
            rows = measure(args, address + "manifest.mpd")
    mib = 1 << 20
    c.table(["", "peak PSS, MiB", "least–most", "bytes buffered, MiB", "seconds buffered", "pool high water, MiB"],
            [[name, f"{c.median(many, 'peak') / mib:.1f}",
              "{:.1f}–{:.1f}".format(*(v / mib for v in c.spread(many, "peak"))),
              f"{c.median(many, 'buffered') / mib:.1f}" if "buffered" in many[0] else None,
              c.median(many, "buffered_s"),
              f"{c.median(many, 'high_water') / mib:.1f}" if "high_water" in many[0] else None]
             for name, many in rows.items()])
    ok = True
    for buffer_s in args.buffers:
        ours = rows[f"weir, {buffer_s:g} s"]
        if "ffmpeg -f null" in rows:
            allowed = c.median(rows["ffmpeg -f null"], "peak") + c.median(ours, "buffered")
            ok &= c.verdict(f"peak, {buffer_s:g} s buffered, ÷ (ffmpeg's + bytes buffered)",
                            c.median(ours, "peak") / allowed, 1.0, False)
        if f"mpv, {buffer_s:g} s" in rows:
            ok &= c.verdict(f"peak, {buffer_s:g} s buffered, ÷ mpv's",
                            c.median(ours, "peak") / c.median(rows[f"mpv, {buffer_s:g} s"], "peak"), 1.0, False)
    for name in ("ffmpeg", "mpv"):
        if not c.tool(name):
            print(f"  {name} is not installed")
    c.save(args, rows)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
