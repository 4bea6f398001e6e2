#!/usr/bin/env python3
"""test_content.py: `weir content` records what a presentation weighs: against the files on disk, from good servers
and poor ones, and what the simulator makes of it."""
import http.server
import json
import os
import shutil
import threading
import urllib.parse

import weir_e2e as e2e
from weir_e2e import Server, add_case, case, check, ended_well, equal, manifest_of, refused, weir

SERVER = None


def setup():
    global SERVER
    SERVER = Server(e2e.ARGS.media)
    return SERVER.stop


def recorded(url, folder, *options):
    path = os.path.join(folder, "content.json")
    ended_well(weir("content", "make", *options, url, "-o", path))
    with open(path, encoding="utf-8") as f:
        return json.load(f), path


def info(path):
    return json.loads(ended_well(weir("content", "info", "--json", path)).stdout)


def local_size(url, span):
    """Bytes of a segment by the file system, its URL as `weir inspect` prints it."""
    if span:
        return span[1] - span[0] + 1
    path = urllib.parse.unquote(urllib.parse.urlparse(url).path).lstrip("/")
    return os.path.getsize(os.path.join(e2e.ARGS.media, path))


def tracks_of(presentation, kind):
    """The representations of each period's track of that kind, by rising bandwidth. Renditions of HLS groups are
    tracks of one each."""
    out = []
    for period in presentation["periods"]:
        rungs = [r for t in period["tracks"] if t["type"] == kind for r in t["representations"]]
        out.append(sorted(rungs, key=lambda r: (r["bandwidth"] or 0, local_size(r["segments"][0]["url"],
                                                                                r["segments"][0]["range"]))))
    return out


def check_track(track, periods, what):
    """Sizes, durations, bitrates and init sizes against the inspected presentation and the disk."""
    equal(len(track["rungs"]), len(periods[0]), f"{what}: rungs")
    for rung, stored in enumerate(track["rungs"]):
        segments = [s for period in periods for s in period[rung]["segments"]]
        want = [local_size(s["url"], s["range"]) for s in segments]
        equal([row[rung] for row in track["sizes"]], want, f"{what} rung {rung}: sizes")
        first = periods[0][rung]
        if first["bandwidth"]:
            equal(stored["bitrate"], first["bandwidth"], f"{what} rung {rung}: bitrate")
        init = first["init"]
        equal(stored.get("init_bytes", 0), local_size(init["url"], init["range"]) if init else 0,
              f"{what} rung {rung}: init segment")
    durations = track["segment_duration"]
    if not isinstance(durations, list):
        durations = [durations] * len(track["sizes"])
    want = [s["duration"] for period in periods for s in period[0]["segments"]]
    check(all(abs(a - b) < 0.02 for a, b in zip(durations, want, strict=True)), f"{what}: {durations}, not {want}")


def is_recorded(packaging, folder):
    url = SERVER.url + manifest_of(packaging)
    content, path = recorded(url, folder)
    equal(content["schema"], "weir.content/1", "schema")
    equal(content["name"], url, "name")
    equal(content["warnings"], [], "warnings")
    local = os.path.join(e2e.ARGS.media, manifest_of(packaging))
    equal(content["manifest_bytes"], os.path.getsize(local), "bytes of the manifest")
    presentation = json.loads(ended_well(weir("inspect", "--json", url)).stdout)
    check_track(content["tracks"]["video"], tracks_of(presentation, "video"), "video")
    sound = tracks_of(presentation, "audio")
    if packaging in ("hls-ts", "hls-fmp4"):  # variants with sound inside; the player leaves the one of sound alone
        sound = [[]]
    equal("audio" in content["tracks"], bool(sound[0]), "a track of sound")
    if sound[0]:
        check_track(content["tracks"]["audio"], sound, "audio")
    # From the disk without any server it is the same content.
    equal(info(path)["hash"], info(local)["hash"], "hash of the recorded and of the local content")
    for rung in content["tracks"]["video"]["rungs"]:
        if packaging == "dash-sidx":
            check(rung["index_bytes"] > 0, "no size of the sidx")
        equal("index_bytes" in rung, packaging == "dash-sidx" or packaging.startswith("hls"), "an index to fetch")


for name in e2e.PACKAGINGS:
    add_case(f"{name} is recorded as it weighs", is_recorded, name)


@case
def nothing_but_headers_is_fetched_of_the_media(folder):
    log = os.path.join(folder, "log")
    with Server(e2e.ARGS.media, "--log", log) as server:
        content, _ = recorded(server.url + manifest_of("dash-number"), folder)
    with open(log, encoding="utf-8") as f:
        requests = [json.loads(line) for line in f]
    media = [r for r in requests if r["path"].endswith((".m4s", ".mp4"))]
    check(media, "no request for media in the log")
    equal(sum(r["bytes"] for r in media), 0, "bytes of media")
    tracks = content["tracks"].values()
    wanted = sum(len(t["rungs"]) * (len(t["sizes"]) + 1) for t in tracks)
    equal(len(media), wanted, "requests, one each for segments and init segments")


class PoorServer:
    """The media again, from a server with a habit: "no-head" answers HEAD with 405; "no-length" says no length and
    sends chunked; "missing" has not got one segment; "flaky" answers every third GET and HEAD with 503."""

    def __init__(self, habit):
        poor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, body, status=200):
                chunked = poor.habit == "no-length" and body is not None
                self.send_response(status)
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                elif poor.habit != "no-length":
                    self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command == "HEAD" or not body:
                    return
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body)

            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                poor.asked += 1
                path = self.path.lstrip("/")
                if self.command == "HEAD" and poor.habit == "no-head":
                    return self.answer(b"", 405)
                if poor.habit == "flaky" and poor.asked % 3 == 0:
                    return self.answer(b"", 503)
                if poor.habit == "missing" and path == "dash-list/v1-3.m4s":
                    return self.answer(b"", 404)
                with open(os.path.join(e2e.ARGS.media, path), "rb") as f:
                    return self.answer(f.read())

        self.habit, self.asked = habit, 0
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        self.thread = threading.Thread(target=self.http.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def from_a_poor_server(habit, folder):
    local = info(os.path.join(e2e.ARGS.media, manifest_of("dash-number")))
    with PoorServer(habit) as server:
        jobs = ["--jobs", "1"] if habit == "flaky" else []
        _, path = recorded(server.url + manifest_of("dash-number"), folder, *jobs)
    equal(info(path)["hash"], local["hash"], "hash")


for habit in ("no-head", "no-length", "flaky"):
    add_case(f"a server with the habit {habit}", from_a_poor_server, habit)


@case
def a_missing_segment_is_named(folder):
    path = os.path.join(folder, "x.json")
    with PoorServer("missing") as server:
        run = weir("content", "make", server.url + manifest_of("dash-list"), "-o", path)
    refused(run, 3, "dash-list/v1-3.m4s", "404")
    check(not os.path.exists(path), "a file was left behind")


@case
def what_is_not_on_this_machine_is_guessed(folder):
    shutil.copy(os.path.join(e2e.ARGS.media, manifest_of("dash-number")), folder)
    path = os.path.join(folder, "manifest.mpd")
    got = info(path)
    check(any("guessed" in w for w in got["warnings"]), f"no warning: {got['warnings']}")
    for rung in got["tracks"]["video"]["rungs"]:
        check(abs(rung["mean_bitrate"] / rung["bitrate"] - 1) < 1e-3, f"not the declared bitrate: {rung}")
    check("guessed" in ended_well(weir("content", "info", path)).stdout.decode(), "people are not warned")


@case
def an_index_elsewhere_is_refused(folder):
    with open(os.path.join(e2e.ARGS.media, manifest_of("dash-sidx")), encoding="utf-8") as f:
        text = f.read()
    text = text.replace("<Period", "<BaseURL>http://127.0.0.1:9/</BaseURL><Period", 1)
    path = os.path.join(folder, "remote.mpd")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    refused(weir("content", "info", path), 4, "127.0.0.1:9", "index")


@case
def info_figures_follow_from_the_sizes(folder):
    content, path = recorded(SERVER.url + manifest_of("dash-uneven"), folder)
    got = info(path)
    equal(got["schema"], "weir.content-info/1", "schema")
    for kind, track in content["tracks"].items():
        durations = track["segment_duration"]
        if not isinstance(durations, list):
            durations = [durations] * len(track["sizes"])
        told = got["tracks"][kind]
        equal(told["segments"], len(track["sizes"]), "segments")
        check(abs(told["duration"] - sum(durations)) < 1e-6, "duration")
        for rung, figures in enumerate(told["rungs"]):
            sizes = [row[rung] for row in track["sizes"]]
            peak = max(8 * s / d for s, d in zip(sizes, durations, strict=True))
            equal(figures["bytes"], sum(sizes), "bytes")
            check(abs(figures["mean_bitrate"] - 8 * sum(sizes) / sum(durations)) < 1, "mean bitrate")
            check(abs(figures["peak_bitrate"] - peak) < 1, "peak bitrate")
            check(abs(figures["vbr_ratio"] - peak / figures["mean_bitrate"]) < 1e-6, "peak to mean")
    people = ended_well(weir("content", "info", path)).stdout.decode()
    for word in ("declared", "peak", "video", "audio", got["hash"]):
        check(word in people, f"people are not told {word}")


@case
def the_simulator_plays_what_was_recorded(folder):
    trace = os.path.join(folder, "trace")
    with open(trace, "w", encoding="ascii") as f:
        f.write("0 1\n10 2\n20 1\n")
    content, path = recorded(SERVER.url + manifest_of("dash-sidx"), folder)
    run = ended_well(weir("sim", "--content", path, "--trace", trace, "--abr", "fixed:rung=1", "--json", "-"))
    session = json.loads(run.stdout)
    equal(session["decisions"], [1] * len(content["tracks"]["video"]["sizes"]), "decisions")
    least = sum(row[1] for row in content["tracks"]["video"]["sizes"])
    check(session["bytes"] >= least, f"{session['bytes']} bytes, of at least {least}")


@case
def standard_output_holds_the_content_alone(_):
    run = ended_well(weir("content", "make", SERVER.url + manifest_of("dash-list"), "--output", "-"))
    equal(json.loads(run.stdout)["schema"], "weir.content/1", "schema")
    equal(run.stderr, b"", "standard error")


def wrong(args, code, places, _):
    refused(weir("content", *[a.format(url=SERVER.url, media=e2e.ARGS.media) for a in args]), code, *places)


WRONG = [
    ("no word", [], 2, []),
    ("another word", ["list"], 2, ["list"]),
    ("nothing to record", ["make", "-o", "-"], 2, ["make"]),
    ("nowhere to write", ["make", "{url}dash-list/manifest.mpd"], 2, ["--output"]),
    ("too many jobs", ["make", "--jobs", "17", "x", "-o", "-"], 2, ["--jobs"]),
    ("an unknown option", ["info", "--nonsense", "x"], 2, ["--nonsense"]),
    ("two files", ["info", "a", "b"], 2, ["b"]),
    ("no such file", ["info", "/nonexistent/x.json"], 3, ["/nonexistent/x.json"]),
    ("no such resource", ["make", "{url}none.mpd", "-o", "-"], 3, ["none.mpd", "404"]),
    ("media, not a manifest", ["make", "{url}rungs/v0.mp4", "-o", "-"], 3, ["v0.mp4"]),
    ("media, not a content", ["info", "{media}/rungs/v0.mp4"], 3, ["v0.mp4"]),
    ("a folder of something else", ["info", "{media}/rungs"], 3, ["rungs", "video_size_0"]),
    ("a full disk", ["make", "{url}dash-list/manifest.mpd", "-o", "/dev/full"], 6, ["/dev/full"]),
    ("a folder that is not there", ["make", "{url}dash-list/manifest.mpd", "-o", "/nonexistent/x"], 6,
     ["/nonexistent/x"]),
]
for what, args, code, places in WRONG:
    add_case(f"refused: {what}", wrong, args, code, places)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__, setup))
