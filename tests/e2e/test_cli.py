#!/usr/bin/env python3
"""The command line: verbs, help, versions, refusals by name, output that machines read, and signals."""
import json
import os
import signal
import subprocess
import time

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, weir

SERVER = None


def setup():
    global SERVER
    SERVER = e2e.Server(e2e.ARGS.media)
    return SERVER.stop


def mpd():
    return SERVER.url + "dash-number/manifest.mpd"


@e2e.case
def version_names_weir_and_its_libraries(_):
    out = ended_well(weir("--version")).stdout.decode()
    check(out.startswith("weir "), out)
    for library in ("libavcodec", "libavformat", "libcurl", "libxml2", "SDL"):
        check(library in out, f"{library} is not in: {out}")


@e2e.case
def help_says_the_same_whichever_way_it_is_asked_for(_):
    whole = ended_well(weir("--help")).stdout
    equal(ended_well(weir("help")).stdout, whole, "weir help")
    for verb in ("play", "inspect", "serve"):
        check(verb in whole.decode(), f"{verb} is not in the help")
        one = ended_well(weir(verb, "--help"))
        equal(ended_well(weir("help", verb)).stdout, one.stdout, f"weir help {verb}")
        check(one.stdout.startswith(b"usage: weir " + verb.encode()), one.stdout[:80])
        equal(one.stderr, b"", "standard error")


@e2e.case
def every_option_of_play_is_in_its_help(_):
    text = ended_well(weir("play", "--help")).stdout.decode()
    for option in ("vo ao headless untimed fullscreen title keep-open start duration loop abr rung max-height "
                   "max-bitrate buffer-max startup resume abandon alang slang no-video no-audio no-subs audio-id "
                   "subs-id header user-agent referer cookies netrc proxy ca-file insecure http timeout trace rtt-ms "
                   "net offset fault virtual decode record seed events summary framemd5 stats quiet verbose memory-limit threads").split():
        check(f"--{option}" in text, f"--{option} is not in the help")


USAGE = [
    [], ["nosuchverb"], ["help", "nosuchverb"], ["--nosuchflag"],
    ["play"], ["play", "a.mpd", "b.mpd"], ["play", "--nosuchflag", "x.mpd"], ["play", "--rung"],
    ["play", "--rung", "x", "x.mpd"], ["play", "--rung", "-1", "x.mpd"], ["play", "--rung", "1.5", "x.mpd"],
    ["play", "--rung", "99999999999999999999", "x.mpd"], ["play", "--rung", "", "x.mpd"],
    ["play", "--abr", "nosuchalgorithm", "x.mpd"], ["play", "--abr", "", "x.mpd"],
    ["play", "--abr", "bola:nosuchkey=1", "x.mpd"], ["play", "--abr", "random:seed=x", "x.mpd"],
    ["play", "--start", "yesterday", "x.mpd"], ["play", "--start", "-1", "x.mpd"], ["play", "--start", "1:99", "x.mpd"],
    ["play", "--duration", "", "x.mpd"], ["play", "--buffer-max", "nan", "x.mpd"],
    ["play", "--buffer-max", "inf", "x.mpd"], ["play", "--buffer-max", "0x10", "x.mpd"],
    ["play", "--abandon", "maybe", "x.mpd"], ["play", "--http", "4", "x.mpd"], ["play", "--vo", "paper", "x.mpd"],
    ["play", "--ao", "wav:", "x.mpd"], ["play", "--vo", "y4m:", "x.mpd"], ["play", "--threads", "-2", "x.mpd"],
    ["play", "--memory-limit", "much", "x.mpd"], ["play", "--memory-limit", "-1", "x.mpd"],
    ["play", "--timeout", "-5", "x.mpd"], ["play", "--header", "no colon", "x.mpd"], ["play", "--loop", "x", "x.mpd"],
    ["play", "--events", "-", "--summary", "-", "x.mpd"],
    ["play", "--trace", "t", "--fault", "fire", "x.mpd"], ["play", "--fault", "status", "x.mpd"],
    ["play", "--record", "x.mpd"], ["replay"], ["replay", "a", "b"], ["replay", "--nosuchflag", "a"],
    ["play", "--virtual", "x.mpd"], ["play", "--rtt-ms", "20", "x.mpd"], ["play", "--net", "fast", "--trace", "t", "x.mpd"],
    ["play", "--decode", "off", "--trace", "t", "x.mpd"], ["play", "--decode", "so", "--trace", "t", "x.mpd"],
    ["play", "--virtual", "--trace", "t", "--untimed", "x.mpd"], ["play", "--virtual", "--trace", "t", "--ao", "sdl", "x.mpd"],
    ["play", "--virtual", "--trace", "t", "--keep-open", "x.mpd"], ["play", "--trace", "t", "--rtt-ms", "-1", "x.mpd"],
    ["inspect"], ["inspect", "--nosuchflag", "x.mpd"],
    ["serve"], ["serve", "--nosuchflag", "."], ["serve", "--port", "x", "."], ["serve", "--port", "65536", "."],
    ["serve", "--rtt-ms", "-1", "."], ["serve", ".", "."],
]


def wrong_usage(args, _):
    run = weir(*args)
    if not args:
        equal(run.returncode, 2, "exit code")
        return
    refused(run, 2)


for words in USAGE:
    e2e.add_case(f"exit 2: weir {' '.join(repr(w) if ' ' in w or not w else w for w in words)}", wrong_usage, words)

LATER = [
    ["bench"],
    ["play", "--vo", "gpu", "x.mpd"], ["play", "--vo", "shm:x", "x.mpd"],
    ["play", "--slang", "en", "x.mpd"],
]


def not_built_yet(args, _):
    """What is not built yet is refused by name, never ignored."""
    run = weir(*args)
    check(run.returncode in (2, 4), f"exit {run.returncode}")
    name = next((a.lstrip("-") for a in args[1:] if a.startswith("--")), args[0]) if args[0] in ("play", "serve") \
        else args[0]
    refused(run, run.returncode, name)


for words in LATER:
    e2e.add_case(f"not built yet: weir {' '.join(words)}", not_built_yet, words)


@e2e.case
def a_summary_on_standard_output_stands_alone_there(_):
    run = ended_well(weir("play", "--headless", "--untimed", "--summary", "-", mpd()))
    session = json.loads(run.stdout)
    equal(session["schema"], "weir.session/1", "schema")
    for member in ("abr", "content", "trace", "host", "seed", "startup_delay", "played", "stall_count", "stall_time",
                   "rebuffer_ratio", "mean_bitrate", "switch_count", "switch_bps", "bytes", "wasted_bytes",
                   "abandoned", "errors", "decisions", "qoe", "pool", "frames", "warnings"):
        check(member in session, f"{member} is missing")
    for member in ("segment_hits", "segment_misses", "frame_hits", "frame_misses", "foreign_frames",
                   "high_water_bytes", "copied_bytes"):
        check(member in session["pool"], f"pool.{member} is missing")
    equal((session["host"], session["trace"]), ("live", None), "host and trace")
    equal(len(session["decisions"]), 6, "decisions")
    check(abs(session["played"] - 12) < 0.05, f"played {session['played']}")
    rates = [r["bandwidth"] for r in video_rungs(mpd())]
    mean = sum(rates[d] for d in session["decisions"]) / 6
    check(abs(session["mean_bitrate"] / mean - 1) < 1e-6, f"mean_bitrate {session['mean_bitrate']}, expected {mean}")
    q = [rates[d] / 1e6 for d in session["decisions"]]
    stalls = session["startup_delay"] + session["stall_time"]
    lin = (sum(q) - rates[-1] / 1e6 * stalls - sum(abs(a - b) for a, b in zip(q, q[1:]))) / 6
    check(abs(session["qoe"]["lin"] - lin) < 0.01, f"qoe.lin {session['qoe']['lin']}, expected {lin}")


def video_rungs(url):
    presentation = json.loads(ended_well(weir("inspect", "--json", url)).stdout)
    video = [t for t in presentation["periods"][0]["tracks"] if t["type"] == "video"]
    return sorted(video[0]["representations"], key=lambda r: r["bandwidth"])


@e2e.case
def events_on_standard_output_are_json_lines(folder):
    run = ended_well(weir("play", "--headless", "--untimed", "--events", "-", mpd()))
    path = os.path.join(folder, "events")
    with open(path, "wb") as f:
        f.write(run.stdout)
    events = e2e.read_events(path)
    kinds = [e["event"] for e in events]
    for kind in ("open", "presentation", "track", "request", "response", "segment", "decision", "first_frame", "playing",
                 "end"):
        check(kind in kinds, f"no {kind} event")
    equal(kinds[0], "open", "the first event")
    equal(kinds[-1], "end", "the last event")
    video = [e for e in events if e["event"] == "segment" and e["track"] == "video"]
    check(abs(sum(e["duration"] for e in video) - 12) < 0.05, "video segments do not add up to 12 s")
    requested = {e["id"] for e in events if e["event"] == "request"}
    answered = {e["id"] for e in events if e["event"] == "response"}
    check(answered <= requested, f"responses to no request: {answered - requested}")


@e2e.case
def framemd5_on_standard_output(_):
    run = ended_well(weir("play", "--headless", "--untimed", "--rung", 0, "--framemd5", "-", mpd()))
    e2e.same_list(e2e.md5_column(run.stdout.decode()), e2e.reference_frames(0), "frames")


@e2e.case
def nothing_is_printed_where_nobody_watches(_):
    run = ended_well(weir("play", "--headless", "--untimed", mpd()))
    equal((run.stdout, run.stderr), (b"", b""), "standard output and error")


@e2e.case
def the_same_seed_makes_the_same_choices(folder):
    got = []
    for seed in (7, 7, 8, 9):
        path = os.path.join(folder, "summary")
        ended_well(weir("play", "--headless", "--untimed", "--abr", f"random:seed={seed}", "--summary", path, mpd()))
        with open(path, encoding="utf-8") as f:
            got.append(json.load(f)["decisions"])
    equal(got[0], got[1], "decisions with the same seed")
    check(got[0] != got[2] or got[0] != got[3], "three seeds make the same decisions")


@e2e.case
def limits_on_the_ladder_hold(folder):
    path = os.path.join(folder, "frames")
    ended_well(weir("play", "--headless", "--untimed", "--max-height", 180, "--framemd5", path, mpd()))
    sizes = set(e2e.FrameMd5(path).sizes)
    check(sizes <= {w * h * 3 // 2 for w, h in e2e.SIZES[:2]}, f"frame sizes {sizes}")
    rates = [r["bandwidth"] for r in video_rungs(mpd())]
    ended_well(weir("play", "--headless", "--untimed", "--max-bitrate", rates[0], "--framemd5", path, mpd()))
    e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(0), "frames")
    refused(weir("play", "--headless", "--untimed", "--rung", 3, mpd()), 2, "rung")


@e2e.case
def a_memory_limit_is_kept(folder):
    path = os.path.join(folder, "summary")
    limit = 24 << 20
    ended_well(weir("play", "--headless", "--untimed", "--memory-limit", limit, "--summary", path, mpd()))
    with open(path, encoding="utf-8") as f:
        high = json.load(f)["pool"]["high_water_bytes"]
    check(0 < high <= limit, f"high_water_bytes {high}, limit {limit}")


@e2e.case
def sound_alone_and_pictures_alone(folder):
    summary, frames = os.path.join(folder, "summary"), os.path.join(folder, "frames")
    ended_well(weir("play", "--headless", "--untimed", "--no-video", "--summary", summary, mpd()))
    with open(summary, encoding="utf-8") as f:
        session = json.load(f)
    equal((session["frames"]["delivered"], session["decisions"]), (0, []), "frames and decisions without video")
    ended_well(weir("play", "--headless", "--untimed", "--no-audio", "--rung", 0, "--framemd5", frames, mpd()))
    e2e.same_list(e2e.FrameMd5(frames).md5, e2e.reference_frames(0), "frames without audio")


@e2e.case
def y4m_holds_the_frames(folder):
    path, decoded = os.path.join(folder, "out.y4m"), os.path.join(folder, "decoded")
    ended_well(weir("play", "--untimed", "--rung", 1, "--no-audio", "--vo", f"y4m:{path}", mpd()))
    with open(decoded, "wb") as f:
        f.write(e2e.ffmpeg("-i", path, "-f", "framemd5", "-"))
    with open(decoded, encoding="ascii") as f:
        e2e.same_list(e2e.md5_column(f.read()), e2e.reference_frames(1), "frames")


@e2e.case
def real_time_takes_real_time(folder):
    path = os.path.join(folder, "frames")
    began = time.monotonic()
    ended_well(weir("play", "--headless", "--duration", 3, "--rung", 0, "--framemd5", path, mpd()))
    took = time.monotonic() - began
    check(2.8 < took < 3 + 10 * e2e.ARGS.slow, f"took {took:.2f} s")


def signalled(number, _):
    process = subprocess.Popen([e2e.ARGS.weir, "play", "--headless", mpd()], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    time.sleep(1.0)
    check(process.poll() is None, "ended before its time")
    process.send_signal(number)
    try:
        _, err = process.communicate(timeout=10 * e2e.ARGS.slow)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("did not end on the signal") from None
    equal(process.returncode, 130, f"exit code ({err.decode()[-300:]})")


for wanted in (signal.SIGINT, signal.SIGTERM):
    e2e.add_case(f"{wanted.name} amid play ends with 130", signalled, wanted)


@e2e.case
def interrupted_in_the_middle_of_a_stall(folder):
    trace = os.path.join(folder, "trace")
    with open(trace, "w", encoding="utf-8") as f:
        f.write('[{"duration_ms":1500,"bandwidth_kbps":1000},{"duration_ms":600000,"bandwidth_kbps":0}]')
    events = os.path.join(folder, "events")
    with e2e.Server(e2e.ARGS.media, "--trace", trace) as server:
        process = subprocess.Popen([e2e.ARGS.weir, "play", "--headless", "--events", events,
                                    server.url + "dash-number/manifest.mpd"], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20 * e2e.ARGS.slow
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.2)
            if os.path.exists(events) and any(e["event"] == "stall" for e in complete_events(events)):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20 * e2e.ARGS.slow)
    equal(process.returncode, 130, f"exit code ({err.decode()[-300:]})")
    check(any(e["event"] == "stall" for e in e2e.read_events(events)), "it never stalled: proves nothing")


def complete_events(path):
    """The lines that are written in full so far."""
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.endswith("\n")]


def serve_ends(number, code, _):
    server = e2e.Server(e2e.ARGS.media)
    equal(server.stop(number), code, "exit code of weir serve")


e2e.add_case("weir serve ends with 130 on SIGINT", serve_ends, signal.SIGINT, 130)
e2e.add_case("weir serve ends with 0 on SIGTERM", serve_ends, signal.SIGTERM, 0)


@e2e.case
def serve_refuses_what_it_cannot_serve(folder):
    refused(weir("serve", "/nonexistent/folder"), 3, "/nonexistent/folder")
    bad = os.path.join(folder, "bad.trace")
    with open(bad, "w", encoding="utf-8") as f:
        f.write("0 1\nhello\n")
    refused(weir("serve", "--trace", bad, folder), 3, "bad.trace", "line 2")
    refused(weir("serve", "--log", "/nonexistent/log", folder), 6, "/nonexistent/log")
    port = SERVER.url.rstrip("/").rsplit(":", 1)[1]
    refused(weir("serve", "--port", port, folder), 6, port)


@e2e.case
def a_local_manifest_plays_as_a_remote_one(folder):
    for packaging in e2e.PACKAGINGS:
        path = os.path.join(folder, "frames")
        ended_well(weir("play", "--headless", "--untimed", "--rung", 0, "--framemd5", path,
                        os.path.join(e2e.ARGS.media, e2e.manifest_of(packaging))))
        e2e.same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(0), packaging)


def inspected(packaging, _):
    document = json.loads(ended_well(weir("inspect", "--json", SERVER.url + e2e.manifest_of(packaging))).stdout)
    equal(document["schema"], "weir.presentation/1", "schema")
    equal((document["protocol"], document["type"]), ("dash" if packaging.startswith("dash") else "hls", "vod"), "protocol")
    segments, lengths = 0, e2e.segment_of_frames(packaging, 300)
    for period in document["periods"]:
        video = [t for t in period["tracks"] if t["type"] == "video"]
        equal(len(video), 1, "video tracks")
        rungs = sorted(video[0]["representations"], key=lambda r: r["bandwidth"])
        equal([(r["width"], r["height"]) for r in rungs], e2e.SIZES, "sizes")
        for rung in rungs:
            equal(len(rung["segments"]), len(rungs[0]["segments"]), "segments of the rungs")
        for segment in rungs[0]["segments"]:
            first = lengths.index(segments)
            check(abs(segment["start"] - first / e2e.FPS) < 1e-3, f"segment {segments} starts at {segment['start']}")
            check(abs(segment["duration"] - lengths.count(segments) / e2e.FPS) < 1e-3, f"segment {segments}: {segment}")
            check(segment["url"].startswith(SERVER.url), f"not absolute: {segment['url']}")
            segments += 1
    equal(segments, lengths[-1] + 1, "segments")


for name in e2e.PACKAGINGS:
    e2e.add_case(f"inspect {name}", inspected, name)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__, setup))
