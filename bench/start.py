#!/usr/bin/env python3
# bench/start.py — how soon is the first picture on the screen, and when does it move for good?
# Every player is watched the same way: on a screen of Xvfb's by watch_window, from exec; its frame
# number is read from the counter burnt into the picture. On loopback, and over a link of 5 Mbit/s
# and 50 ms between two network namespaces (link.c; the server's own shaping where that may not be
# made). Once with one rung alone offered, so that all play the same, and once each as it likes.
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import common as c

SIZE = (1920, 1080)
LINK_RUNG = 2  # 960x540, 1.9 Mbit/s: what 5 Mbit/s can carry
COUNTER = 6    # digits


def players(args, url):
    """Each player's command line: nothing but what keeps sound and questions out of the way, and
    once more with plain X11 output, which spares a peer OpenGL in software."""
    gst = ["gst-launch-1.0", "-q", "playbin", f"uri={url}", "audio-sink=fakesink sync=true"]
    return {
        "weir": [str(args.weir), "play", "--quiet", "--events", str(args.events), url],
        "ffplay": ["ffplay", "-loglevel", "error", url],
        "mpv": ["mpv", "--no-config", "--ao=null", "--no-terminal", url],
        "mpv x11": ["mpv", "--no-config", "--ao=null", "--vo=x11", "--no-terminal", url],
        "vlc": [*args.vlc, "-I", "dummy", "--aout=adummy", "--no-video-title-show", url],
        "vlc x11": [*args.vlc, "-I", "dummy", "--aout=adummy", "--vout=xcb_x11", "--no-video-title-show", url],
        "gstreamer": gst,
        "gstreamer x11": [*gst, "video-sink=ximagesink"],
    }


# --- the screen ---

class Screen:
    def __init__(self, folder):
        self.number = next(n for n in range(90, 200) if not os.path.exists(f"/tmp/.X11-unix/X{n}"))
        self.file = folder / "Xvfb_screen0"
        self.server = subprocess.Popen(
            ["Xvfb", f":{self.number}", "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-fbdir", str(folder),
             "-nolisten", "tcp", "-br", "-nocursor", "-noreset"], stderr=subprocess.DEVNULL)
        while not os.path.exists(f"/tmp/.X11-unix/X{self.number}"):
            time.sleep(0.05)
        time.sleep(0.3)
        os.environ["DISPLAY"] = f":{self.number}"
        os.environ["SDL_AUDIODRIVER"] = "dummy"  # no sound device, but its pace
        os.environ.pop("WAYLAND_DISPLAY", None)

    def close(self):
        self.server.terminate()
        self.server.wait()


# --- the link ---

class Link:
    """Two network namespaces joined by link.c; .inside runs a command on the player's side."""

    def __init__(self, args, kbit_s, rtt_ms):
        self.names = (f"weirp{os.getpid()}", f"weirs{os.getpid()}")
        self.devices = (f"wp{os.getpid()}", f"ws{os.getpid()}")
        self.process = None
        try:
            for name in self.names:
                self.ip("netns", "add", name)
            self.process = subprocess.Popen([args.build / "bench/link", *self.devices, str(kbit_s), str(rtt_ms)],
                                            stdout=subprocess.PIPE, text=True)
            if self.process.stdout.readline().strip() != "ready":
                raise OSError("the link program cannot make its devices")
            for i in range(2):
                self.ip("link", "set", self.devices[i], "netns", self.names[i])
                inside = ("-n", self.names[i])
                self.ip(*inside, "addr", "add", f"10.231.0.{i + 1}/30", "dev", self.devices[i])
                self.ip(*inside, "link", "set", self.devices[i], "up")
                self.ip(*inside, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise
        self.inside = ["ip", "netns", "exec", self.names[0]]
        self.server_side = ["ip", "netns", "exec", self.names[1]]
        self.address = "10.231.0.2"

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def constant_trace(path, kbit_s):
    path.write_text(json.dumps([{"duration_ms": 3600000, "bandwidth_kbps": kbit_s, "latency_ms": 0}]))
    return path


# --- reading the frame counter ---

def reference_counters(media, count):
    """The counter's part of the first pictures, as 96x24 grey: what a shown picture is compared with."""
    crop = "crop=iw*0.42:ih*0.2:iw*0.05:ih*0.05,scale=96:24:flags=area,format=gray"
    picture = sorted((media / "rungs").glob("v*.mp4"))[-1]
    raw = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", picture, "-frames:v", str(count),
                          "-vf", crop, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    return [raw[i * 96 * 24:(i + 1) * 96 * 24] for i in range(len(raw) // (96 * 24))]


def picture_corner(data, width, height):
    """Where what is not black begins, and its width; window places and sizes differ by player."""
    lit = [data[y * width:(y + 1) * width] for y in range(height)]
    rows = [y for y, row in enumerate(lit) if sum(v > 24 for v in row) > 32]
    if not rows:
        return None
    columns = [x for x in range(width) if sum(lit[y][x] > 24 for y in rows) > 16]
    return (columns[0], rows[0], columns[-1] + 1 - columns[0]) if columns else None


def patch_difference(data, width, height, corner, scale, references):
    """(mean difference, number) of the best fit, the picture being `scale` wide; None: off screen."""
    x0, y0, _ = corner
    if x0 + scale * 0.47 > width or y0 + scale * 9 / 16 * 0.25 > height:
        return None
    patch = [data[(y0 + int(scale * 9 / 16 * (0.05 + 0.2 * (j + 0.5) / 24))) * width
                  + x0 + int(scale * (0.05 + 0.42 * (i + 0.5) / 96))] for j in range(24) for i in range(96)]
    scores = [sum(abs(a - b) for a, b in zip(patch, r)) / len(patch) for r in references]
    return min(scores), scores.index(min(scores))


def read_counter(data, width, height, references):
    """The number burnt into the picture; None where it cannot be read for sure (a window half
    off the screen, still in the middle of taking its size)."""
    corner = picture_corner(data, width, height)
    if not corner:
        return None
    scales = {corner[2], *(w // 2 for w in (1920, 1600, 1280, 960, 640, 320))}
    found = [f for s in scales if s >= 100 and (f := patch_difference(data, width, height, corner, s, references))]
    best = min(found, default=(255, None))
    return best[1] if best[0] < 30 else None


# --- one start ---

def watch(args, screen, command, seconds):
    out = args.tmp / "watch"
    subprocess.run([args.build / "bench/watch_window", screen.file, out, args.tmp / "player.log",
                    str(1000000 // c.FPS), "1", str(seconds), *command], check=True)
    r = json.loads(out.read_text())
    first = r["pictures"][0] if r["pictures"] else None
    screens = pathlib.Path(str(out) + ".screens").read_bytes()
    if args.keep_screens:
        args.keep_screens.mkdir(exist_ok=True)
        (args.keep_screens / f"{len(list(args.keep_screens.iterdir()))}.pgm").write_bytes(
            b"P5 %d %d 255\n" % (r["width"] // r["step"], r["height"] // r["step"]) + screens)
    number = None
    if r["kept"]:
        number = read_counter(screens, r["width"] // r["step"], r["height"] // r["step"], args.references)
    result = {"first": first, "motion": r.get("motion"), "number": number, "worst_gap": r["worst_gap"]}
    if args.events.exists():
        for line in args.events.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "first_frame":
                result["own_first"] = event["t"]
        args.events.unlink()
    if first is None and args.verbose:
        print(c.shell(command), (args.tmp / "player.log").read_text()[-500:], file=sys.stderr)
    time.sleep(0.3)  # for the screen to be black again
    return result


def campaign(args, screen, title, urls, prefix, seconds, runs):
    print(title)
    rows = {}
    for n in range(runs):
        for kind, url in urls.items():
            for name, command in players(args, url).items():
                if args.only and name not in args.only.split(","):
                    continue
                if n == 0 and kind == "forced":
                    if not c.tool(command[0]):
                        print(f"  {name} is not installed")
                        continue
                    print("  " + c.shell([*prefix, *command]))
                if c.tool(command[0]):
                    rows.setdefault((kind, name), []).append(watch(args, screen, [*prefix, *command], seconds))
    print()
    for kind in urls:
        ours = [r for (k, name), r in rows.items() if k == kind and name == "weir"]
        table = []
        for (k, name), many in rows.items():
            if k != kind:
                continue
            first, motion = c.median(many, "first"), c.median(many, "motion")
            numbers = sorted({r["number"] for r in many if r["number"] is not None})
            table.append([name, first, "{}–{}".format(*(f"{v:.2f}" if v else "–" for v in c.spread(many, "first"))),
                          ", ".join(map(str, numbers)) or "?", motion,
                          f"{sum(r['motion'] is not None for r in many)}/{len(many)}", c.median(many, "own_first"),
                          c.median(ours[0], "first") / first if ours and first and c.median(ours[0], "first") else None])
        print({"forced": "The same rung for all:", "default": "Each at its default:"}[kind])
        c.table(["", "first picture, s", "least–most", "its number", "in motion, s", "reached", "by its own events",
                 "weir's first ÷ its"], table)
    return rows


def judge(rows, target, bound):
    ok = True
    for kind in ("forced", "default"):
        peers = [c.median(m, "first") for (k, name), m in rows.items() if k == kind and name != "weir"]
        peers = [v for v in peers if v]
        ours = rows.get((kind, "weir"))
        if not ours or not peers:
            continue
        value = c.median(ours, "first")
        ratio = value / min(peers) if value else None
        ok &= c.verdict(f"first picture beside the best peer's, {kind}", ratio, target, False)
        if bound and kind == "default":  # the rung is a player's own choice there
            ok &= c.verdict(f"first picture, s, {kind}", value, bound, False)
    print()
    return ok


def on_link(args, screen, folder):
    link = None
    try:
        link = Link(args, args.kbit, args.rtt)
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"(no network namespaces here: {e}; the server shapes instead)")
    how = "network namespaces, link.c" if link else "weir serve --trace --rtt-ms"
    title = f"{args.kbit / 1000:g} Mbit/s, {args.rtt} ms ({how}):"
    prefix, where, extra, bind = [], [], [], "127.0.0.1"
    if link:
        prefix, where, bind = link.inside, link.server_side, link.address
    else:
        extra = ["--trace", constant_trace(args.tmp / "trace.json", args.kbit), "--rtt-ms", args.rtt]
    try:
        with c.server(args, folder, [str(e) for e in extra], where, bind) as address:
            urls = {"forced": f"{address}link/manifest.mpd", "default": f"{address}all/manifest.mpd"}
            return campaign(args, screen, title, urls, prefix, args.seconds, args.link_runs)
    finally:
        if link:
            link.close()


def vlc_command(tmp):
    """VLC refuses to run as root: then it runs as nobody."""
    if os.geteuid():
        return ["vlc"]
    home = tmp / "nobody"
    home.mkdir()
    tmp.chmod(0o755)
    home.chmod(0o777)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"HOME={home}",
            f"XDG_RUNTIME_DIR={home}", "vlc"]


def main():
    p = c.arguments("How soon does a player show its first picture, and move?", runs=5)
    p.add_argument("--link-runs", type=int, default=3)
    p.add_argument("--kbit", type=int, default=5000)
    p.add_argument("--rtt", type=int, default=50)
    p.add_argument("--seconds", type=int, default=15, help="to wait for motion")
    p.add_argument("--rung", type=int, default=-1, help="forced on loopback (default: the highest)")
    p.add_argument("--only", help="these players alone: weir,mpv,…")
    p.add_argument("--where", choices=("both", "loopback", "link"), default="both")
    p.add_argument("--keep-screens", type=pathlib.Path, help="first pictures, as PGM files, into this folder")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    c.prepare(args, "watch_window", "link")
    if not c.tool("Xvfb"):
        sys.exit("bench: Xvfb is not installed")
    print("Versions: " + ", ".join(f"{n} {c.version(n)}" for n in ("ffplay", "mpv", "vlc", "gst-launch-1.0") if c.tool(n)) + "\n")
    ok, document = True, {}
    with c.scratch() as tmp:
        args.tmp = pathlib.Path(tmp)
        args.events = args.tmp / "events"
        args.vlc = vlc_command(args.tmp)
        folder = args.tmp / "served"
        c.only_rung(args.media, None, folder / "all")
        c.only_rung(args.media, args.rung, folder / "one")
        c.only_rung(args.media, LINK_RUNG, folder / "link")
        (args.tmp / "screen").mkdir()
        args.references = reference_counters(args.media, 30)
        screen = Screen(args.tmp / "screen")
        try:
            if args.where != "link":
                with c.server(args, folder) as address:
                    urls = {"forced": f"{address}one/manifest.mpd", "default": f"{address}all/manifest.mpd"}
                    rows = campaign(args, screen, "Loopback:", urls, [], args.seconds, args.runs)
                ok &= judge(rows, 0.5, None)
                document["loopback"] = {f"{k} {n}": r for (k, n), r in rows.items()}
            if args.where != "loopback":
                rows = on_link(args, screen, folder)
                ok &= judge(rows, 1.0, 0.25)
                document["link"] = {f"{k} {n}": r for (k, n), r in rows.items()}
        finally:
            screen.close()
    c.save(args, document)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
