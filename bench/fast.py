#!/usr/bin/env python3
# bench/fast.py — how fast, and at what cost? 1080p with sound: Weir untimed beside a bare decoding
# loop and ffmpeg; CPU time of playing in real time beside decoding alone and mpv. A and B take
# turns in one run, so that whatever else happens on the machine happens to both.
import json
import pathlib
import subprocess
import sys

import common as c


def decode_loop(args, *more):
    rungs = args.media / "rungs"
    sound = sorted(rungs.glob("a*.mp4"))[-1]
    picture = sorted(rungs.glob("v*.mp4"))[-1]
    return [args.build / "bench/decode_loop", "--threads", args.threads, *more, picture, sound]


def loop_figures(args, *more):
    command = decode_loop(args, *more)
    r = subprocess.run([str(x) for x in command], capture_output=True, text=True, check=True)
    return json.loads(r.stdout)


def steady_fps(events, frames):
    """Frames a second from the first picture to the end, by Weir's own events: start-up left out."""
    at = {e["event"]: e["t"] for e in map(json.loads, events.read_text().splitlines())}
    return (frames - 1) / (at["end"] - at["first_frame"])


def untimed(args, url, where):
    events = pathlib.Path(where) / "events"
    weir = [args.weir, "play", "--untimed", "--threads", args.threads, "--quiet", "--events", events, url]
    ffmpeg = ["ffmpeg", "-nostdin", "-threads", args.threads, "-i", url, "-f", "null", "-"]
    print("Untimed, whole runs from exec to exit (the loop: its decoding alone):")
    for command in (decode_loop(args), weir, ffmpeg):
        print("  " + c.shell(command))
    print()
    rows = {"decoding alone": [], "weir": [], "ffmpeg -f null": []}
    frames = 0
    for _ in range(args.runs):
        r = loop_figures(args)
        frames = r["video_frames"]
        rows["decoding alone"].append(r)
        r = c.timed(weir)
        rows["weir"].append({**r, "steady": steady_fps(events, frames)})
        if c.tool("ffmpeg"):
            rows["ffmpeg -f null"].append(c.timed(ffmpeg))
    for many in rows.values():
        for r in many:
            r["fps"] = frames / r["wall"]
    base = {k: c.median(rows["weir"], k) for k in ("fps", "cpu")}
    c.table(["", "frames/s", "least–most", "CPU s", "weir's frames/s ÷ its", "weir's CPU ÷ its"],
            [[name, c.median(many, "fps"), "{:.0f}–{:.0f}".format(*c.spread(many, "fps")),
              f"{c.median(many, 'cpu'):.2f}", f"{base['fps'] / c.median(many, 'fps'):.3f}",
              f"{base['cpu'] / c.median(many, 'cpu'):.3f}"] for name, many in rows.items() if many])
    print(f"  weir from its first picture to its end: {c.median(rows['weir'], 'steady'):.0f} frames/s, "
          f"{c.median(rows['weir'], 'steady') / c.median(rows['decoding alone'], 'fps'):.3f} of decoding alone")
    ok = c.verdict("frames/s beside decoding alone", base["fps"] / c.median(rows["decoding alone"], "fps"), 0.97, True)
    if rows["ffmpeg -f null"]:
        ok &= c.verdict("frames/s beside ffmpeg", base["fps"] / c.median(rows["ffmpeg -f null"], "fps"), 1.15, True)
        ok &= c.verdict("CPU time beside ffmpeg", base["cpu"] / c.median(rows["ffmpeg -f null"], "cpu"), 0.9, False)
    else:
        print("  ffmpeg is not installed")
    print()
    return ok, rows


def paced(args, url):
    span = args.span
    loop = ["--paced", "--span", span]
    weir = [args.weir, "play", "--headless", "--threads", args.threads, "--quiet", "--duration", span, url]
    mpv = ["mpv", "--no-config", "--vo=null", "--ao=null", f"--vd-lavc-threads={args.threads}",
           "--no-terminal", f"--length={span}", url]
    print(f"Played in real time, {span} s of it:")
    for command in (decode_loop(args, *loop), weir, mpv):
        print("  " + c.shell(command))
    print()
    rows = {"decoding alone": [], "weir": [], "mpv": []}
    for _ in range(args.paced_runs):
        rows["decoding alone"].append(loop_figures(args, *loop))
        rows["weir"].append(c.timed(weir))
        if c.tool("mpv"):
            rows["mpv"].append(c.timed(mpv))
    base = c.median(rows["decoding alone"], "cpu")
    c.table(["", "CPU s per minute", "least–most", "÷ decoding alone"],
            [[name, f"{c.median(many, 'cpu') * 60 / span:.2f}",
              "{:.2f}–{:.2f}".format(*(v * 60 / span for v in c.spread(many, "cpu"))),
              f"{c.median(many, 'cpu') / base:.3f}"] for name, many in rows.items() if many])
    ok = c.verdict("CPU time beside decoding alone", c.median(rows["weir"], "cpu") / base, 1.05, False)
    if not rows["mpv"]:
        print("  mpv is not installed")
    print()
    return ok, rows


def main():
    p = c.arguments("How fast does Weir play, and at what cost?", runs=5)
    p.add_argument("--threads", type=int, default=2, help="decoder threads, the same for all (default 2)")
    p.add_argument("--span", type=int, default=30, help="seconds to play in real time")
    p.add_argument("--paced-runs", type=int, default=3)
    p.add_argument("--skip-paced", action="store_true")
    p.add_argument("--skip-untimed", action="store_true")
    args = p.parse_args()
    c.prepare(args, "decode_loop")
    ok, document = True, {}
    with c.scratch() as tmp:
        c.only_rung(args.media, -1, pathlib.Path(tmp) / "one")
        with c.server(args, tmp) as address:
            url = address + "one/manifest.mpd"
            if not args.skip_untimed:
                held, document["untimed"] = untimed(args, url, tmp)
                ok &= held
            if not args.skip_paced:
                held, document["paced"] = paced(args, url)
                ok &= held
    c.save(args, document)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
