#!/usr/bin/env python3
"""`weir play --trace`: the session's transfers follow the trace, in real time; with `--virtual` a session is the
same to the bit each time, stalls where arithmetic says, and shows the frames that a real one shows."""
import glob
import json
import os
import re
import shutil
import time

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, same_list, weir

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data", "traces")
TRACES = sorted(glob.glob(os.path.join(EXAMPLES, "*", "*")))


def media(packaging):
    return os.path.join(e2e.ARGS.media, e2e.manifest_of(packaging))


def write_trace(folder, *intervals):
    """A trace of (seconds, kbit/s)."""
    path = os.path.join(folder, "made.trace")
    with open(path, "w", encoding="utf-8") as f:
        json.dump([{"duration_ms": round(1000 * s), "bandwidth_kbps": k, "latency_ms": 0} for s, k in intervals], f)
    return path


def replay(folder, name, trace, url, *options, code=0, **kwargs):
    """One session in virtual time: (events, summary, frames) as bytes."""
    paths = [os.path.join(folder, f"{name}.{what}") for what in ("events", "summary", "frames")]
    run = weir("play", "--virtual", "--trace", trace, "--events", paths[0], "--summary", paths[1], "--framemd5", paths[2],
               *options, url, **kwargs)
    if code == 0:
        ended_well(run)
    else:
        refused(run, code)
    out = []
    for path in paths:
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def same_to_the_bit(one, two):
    for what, a, b in zip(("events", "summary", "frames"), one, two):
        same_list(a.splitlines(), b.splitlines(), what)


def events_of(data):
    return [json.loads(line) for line in data.splitlines()]


def twice(packaging, trace, options, folder):
    there = os.path.join(folder, "there")
    os.mkdir(there)
    one = replay(folder, "one", trace, media(packaging), *options)
    two = replay(there, "two", trace, media(packaging), *options, cwd=there,
                 env={"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo"})
    same_to_the_bit(one, two)
    session = json.loads(one[1])
    equal((session["host"], session["trace"]), ("replay", trace), "host and trace")
    check(session["frames"]["delivered"] >= 290, f"frames delivered: {session['frames']}")
    check(events_of(one[0])[0]["t"] == 0, "virtual time begins with 0")


for k, p in enumerate(e2e.PACKAGINGS):
    for t in TRACES if p in ("dash-number", "hls-ts") else TRACES[k % len(TRACES):][:1]:
        e2e.add_case(f"the same twice: {p}, {os.path.basename(t)}", twice, p, t, ())
e2e.add_case("the same twice: tcp, random rungs", twice, "dash-sidx", TRACES[0],
             ("--net", "tcp", "--rtt-ms", "60", "--abr", "random:seed=3"))


@e2e.case
def sound_to_a_file_is_the_same_twice(folder):
    sounds = []
    for name in ("one", "two"):
        path = os.path.join(folder, name + ".wav")
        replay(folder, name, TRACES[1], media("hls-ts"), "--ao", "wav:" + path)
        sounds.append(e2e.read_wav(path))
    equal(sounds[0], sounds[1], "sound")
    check(len(sounds[0][2]) > 11 * 48000 * 4, f"only {len(sounds[0][2])} bytes of sound")


@e2e.case
def over_http_it_is_the_same_twice(folder):
    with e2e.Server(e2e.ARGS.media) as server:
        url = server.url + "hls-audio-group/master.m3u8"
        same_to_the_bit(replay(folder, "one", TRACES[2], url), replay(folder, "two", TRACES[2], url))


@e2e.case
def decoder_threads_change_no_picture(folder):
    one = replay(folder, "one", TRACES[0], media("dash-number"), "--rung", 1)
    four = replay(folder, "four", TRACES[0], media("dash-number"), "--rung", 1, "--threads", 4)
    equal(four[2], one[2], "frames")


@e2e.case
def frames_are_those_of_a_session_in_real_time(folder):
    trace = write_trace(folder, (1, 3000))
    virtual = os.path.join(folder, "virtual.frames")
    real = os.path.join(folder, "real")
    replay(folder, "virtual", trace, media("dash-number"), "--rung", 2)
    ended_well(weir("play", "--headless", "--rung", 2, "--trace", trace, "--framemd5", real, media("dash-number")))
    same_list(e2e.FrameMd5(virtual).md5, e2e.reference_frames(2), "frames in virtual time")
    played = e2e.FrameMd5(real)
    wanted = dict(zip(range(0, 12000000, 1000000 // e2e.FPS), e2e.reference_frames(2)))
    check(len(played.md5) > 50, f"only {len(played.md5)} frames: a machine too busy to tell")
    same_list(played.md5, [wanted[pts] for pts in played.pts], "frames in real time")  # some may be dropped


# --- by arithmetic ---

def size(*names):
    return sum(os.path.getsize(os.path.join(e2e.ARGS.media, *name.split("/"))) for name in names)


def requests_of(events):
    """(kind, segment) → (time of request, time of the last byte)."""
    asked, out = {}, {}
    for e in events:
        if e["event"] == "request":
            asked[e["id"]] = e
        elif e["event"] == "response" and e["id"] in asked:
            r = asked[e["id"]]
            out[r["kind"], r["segment"]] = (r["t"], r["t"] + e["duration"], e["bytes"])
    return out


@e2e.case
def an_outage_stalls_where_arithmetic_says(folder):
    """2 s segments back to back at 500 kbit/s; an outage as the fourth is complete, for 20 s."""
    kbps, options = 500, ("--rung", 1, "--no-audio", "--startup", 1, "--resume", 2, "--timeout", 60)
    steady = write_trace(folder, (1, kbps))
    events = events_of(replay(folder, "steady", steady, media("dash-number"), *options)[0])
    got = requests_of(events)
    total = 0
    for key in [("manifest", None), ("init", None)] + [("media", i) for i in range(6)]:
        total += got[key][2]
        if key[0] == "media":  # the link never rests, so what has come is what it carried
            check(abs(got[key][1] - total * 8 / (1000 * kbps)) < 2e-6,
                  f"{key} complete at {got[key][1]}, not {total * 8 / (1000 * kbps)}")
        if key == ("media", 3):
            outage_at = total * 8 / (1000 * kbps)
        if key == ("media", 4):
            after = total * 8 / (1000 * kbps) - outage_at
    check(not [e for e in events if e["event"] == "stall"], "a stall without an outage")
    begin = round(outage_at, 3)
    cut = write_trace(folder, (begin, kbps), (20, 0), (60, kbps))
    events = events_of(replay(folder, "cut", cut, media("dash-number"), *options)[0])
    stalls = [e for e in events if e["event"] in ("stall", "resume")]
    equal([e["event"] for e in stalls], ["stall", "resume"], "stalls")
    playing = next(e for e in events if e["event"] == "playing")["t"]
    stall, resume = stalls
    check(abs(stall["t"] - (playing + 8)) < 0.06, f"stalled at {stall['t']}, playing from {playing}")
    check(abs(resume["t"] - (begin + 20 + after)) < 0.06, f"resumed at {resume['t']}, not {begin + 20 + after}")
    check(abs(resume["duration"] - (resume["t"] - stall["t"])) < 1e-5, "duration of the stall")


@e2e.case
def latency_is_paid_by_every_request(folder):
    trace = write_trace(folder, (1, 100000))
    events = events_of(replay(folder, "one", trace, media("dash-number"), "--rtt-ms", 70)[0])
    waits = [e["ttfb"] for e in events if e["event"] == "response"]
    check(len(waits) > 10 and all(abs(w - 0.07) < 1e-6 for w in waits), f"first bytes after {waits}")
    check(all(e["from"] == "network" for e in events if e["event"] == "response"), "a local file is no cache here")


@e2e.case
def decisions_follow_the_trace(folder):
    trace = write_trace(folder, (4, 4000), (30, 60))
    session = json.loads(replay(folder, "one", trace, media("dash-number"), "--abr", "throughput", "--buffer-max", 4)[1])
    check(max(session["decisions"]) == e2e.RUNGS - 1 and session["decisions"][-1] == 0, session["decisions"])


@e2e.case
def without_decoding_time_passes_all_the_same(folder):
    args = ("play", "--virtual", "--trace", TRACES[1], "--decode", "off", "--summary", "-")
    session = json.loads(ended_well(weir(*args, media("dash-number"))).stdout)
    decoded = json.loads(replay(folder, "one", TRACES[1], media("dash-number"))[1])
    equal(session["frames"]["delivered"], 0, "frames")
    equal(session["decisions"], decoded["decisions"], "decisions")
    check(abs(session["played"] - decoded["played"]) < 0.1, f"{session['played']} s played, {decoded['played']} decoded")
    same_again = json.loads(ended_well(weir(*args, media("dash-number"))).stdout)
    equal(same_again, session, "the second time")


# --- what goes wrong, goes wrong at the same time ---

def broken(packaging, folder):
    copy = os.path.join(folder, "copy")
    shutil.copytree(os.path.join(e2e.ARGS.media, packaging), copy)
    return copy


@e2e.case
def a_missing_segment_is_missed_the_same_way_twice(folder):
    copy = broken("dash-number", folder)
    for path in glob.glob(os.path.join(copy, "*")):
        if path.endswith("4.m4s"):
            os.remove(path)
    url = os.path.join(copy, "manifest.mpd")
    one, two = (replay(folder, name, TRACES[0], url) for name in ("one", "two"))
    same_to_the_bit(one, two)
    check(any(e["event"] == "response" and e["status"] == 0 and "error" in e for e in events_of(one[0])),
          "nothing went wrong")


@e2e.case
def damaged_media_is_met_at_the_same_time(folder):
    copy = broken("dash-number", folder)
    for path in glob.glob(os.path.join(copy, "*3.m4s")):
        with open(path, "r+b") as f:
            f.seek(600)
            f.write(bytes(range(256)) * 8)
    url = os.path.join(copy, "manifest.mpd")
    one, two = (replay(folder, name, TRACES[0], url) for name in ("one", "two"))
    same_to_the_bit(one, two)
    check(any(e["event"] == "warning" for e in events_of(one[0])), "the damage was not noticed")


@e2e.case
def an_outage_without_end_has_an_end(folder):
    trace = write_trace(folder, (2, 800), (86400, 0))
    one, two = (replay(folder, name, trace, media("dash-number"), "--rung", 2, "--no-audio", code=5)
                for name in ("one", "two"))
    same_to_the_bit(one, two)


def struck(spec, codes, folder):
    runs = []
    for name in ("one", "two"):
        path = os.path.join(folder, name)
        run = weir("play", "--virtual", "--trace", TRACES[3], "--fault", spec, "--events", path, media("dash-number"))
        check(run.returncode in codes, f"exit {run.returncode}: {e2e.stderr_lines(run)}")
        with open(path, "rb") as f:
            runs.append(f.read().splitlines())
    same_list(runs[0], runs[1], "events")
    check(any(b'"error"' in line for line in runs[0]) or "slow" in spec or "for=" in spec, "nothing happened")


for f, c in (("status:match=*.m4s,every=3", (0,)), ("status:code=404,match=*v*-2.m4s", (0,)), ("reset:every=4,from=3", (0,)),
             ("truncate:match=*.m4s,every=2", (0,)), ("stall:match=*.m4s,every=5", (0,)), ("stall:every=3,for=2", (0,)),
             ("slow:every=2,rate=300000", (0,)), ("corrupt:match=*v*.m4s,every=2", (0, 5)), ("refuse:from=2,every=3", (0,)),
             ("status", (3,)), ("truncate:match=*.mpd", (3,)), ("status:match=*.m4s", (5,))):
    e2e.add_case(f"struck the same twice: {f}", struck, f, c)


# --- weir replay: the engine again from the log ---

def record(folder, packaging, *options):
    path = os.path.join(folder, "log.jsonl")
    ended_well(weir("play", "--virtual", "--trace", TRACES[3], "--events", path, "--record", *options, media(packaging)))
    return path


def replayed(packaging, options, folder):
    run = ended_well(weir("replay", record(folder, packaging, *options)))
    steps, decisions = map(int, re.search(rb": (\d+) steps, (\d+) decisions: all the same", run.stdout).groups())
    check(steps > 100 and decisions >= 6, run.stdout)


for p in e2e.PACKAGINGS:
    e2e.add_case(f"replayed from its log: {p}", replayed, p, ())
for a in ("throughput", "bola", "robustmpc", "random:seed=4", "dynamic"):
    e2e.add_case(f"replayed from its log: {a}", replayed, "dash-timeline", ("--abr", a, "--buffer-max", "6"))


@e2e.case
def a_session_in_real_time_is_replayed_from_its_log(folder):
    path = os.path.join(folder, "log.jsonl")
    with e2e.Server(e2e.ARGS.media) as server:
        ended_well(weir("play", "--headless", "--duration", 3, "--events", path, "--record",
                        server.url + "hls-audio-group/master.m3u8"))
    ended_well(weir("replay", path))


def with_sums(lines):
    """Each line with its checksum anew, as if it had been written so."""
    total, out = 0, []
    for line in lines:
        total ^= 0xcbf29ce484222325
        for byte in line.encode():
            total = (total ^ byte) * 0x100000001b3 & 0xffffffffffffffff
        out.append(f'{line[:-1]},"sum":"{total:016x}"}}')
    return out


def plain(path):
    with open(path, encoding="utf-8") as f:
        return [re.sub(r',"sum":"[0-9a-f]{16}"\}$', "}", line.rstrip("\n")) for line in f]


def replay_of(folder, lines):
    path = os.path.join(folder, "changed.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return weir("replay", path)


def differs_at(run, line, words):
    equal(run.returncode, 1, f"exit code ({run.stdout[-300:]!r})")
    check(f": line {line}," in run.stdout.decode() and words in run.stdout.decode(),
          f"line {line}, {words!r}: {run.stdout.decode()}")


@e2e.case
def one_time_changed_by_a_millisecond_is_found_at_its_line(folder):
    with open(record(folder, "dash-number"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    check(with_sums(plain(os.path.join(folder, "log.jsonl"))) == lines, "the checksum is another one")
    for at in range(0, len(lines), max(1, len(lines) // 60)):
        t = json.loads(lines[at])["t"]
        changed = list(lines)
        changed[at] = re.sub(r'^\{"t":[^,]*', f'{{"t":{round(t + 0.001, 6)}', lines[at])
        check(changed[at] != lines[at], lines[at])
        differs_at(replay_of(folder, changed), at + 1, "not as it was written")


@e2e.case
def the_engine_itself_minds_a_millisecond(folder):
    """A time changed before the log was written: what a last byte a millisecond later means is another estimate."""
    lines = plain(record(folder, "dash-number", "--abr", "throughput", "--no-audio"))
    found = 0
    for at, line in enumerate(lines):
        e = json.loads(line)
        if e["event"] != "step" or e["in"]["kind"] != "done" or e["in"].get("bytes", 0) < 30000:
            continue
        changed = list(lines)
        changed[at] = line.replace(f'"last":{e["in"]["last"]}', f'"last":{e["in"]["last"] - 1000}', 1)
        differs_at(replay_of(folder, with_sums(changed)), at + 1, "the engine does otherwise")
        found += 1
    check(found > 3, f"only {found} transfers tried")


@e2e.case
def another_decision_is_shown(folder):
    lines = plain(record(folder, "dash-number"))
    at = [i for i, line in enumerate(lines) if '"report":"decision"' in line][3]
    changed = list(lines)
    e = json.loads(lines[at])
    decision = next(a for a in e["out"] if a.get("report") == "decision")
    decision["rung"] = decision.get("rung", 0) + 1
    changed[at] = json.dumps(e, separators=(",", ":"))
    differs_at(replay_of(folder, with_sums(changed)), at + 1, '"report":"decision"')
    other = weir("replay", "--abr", "fixed:rung=2", os.path.join(folder, "log.jsonl"))
    equal(other.returncode, 1, "another algorithm")
    check(b"the engine does otherwise" in other.stdout, other.stdout)


@e2e.case
def a_log_that_is_none_is_refused(folder):
    refused(weir("replay", "/nonexistent"), 3, "/nonexistent")
    without = os.path.join(folder, "without.jsonl")
    ended_well(weir("play", "--virtual", "--trace", TRACES[0], "--events", without, media("dash-number")))
    said = refused(weir("replay", without), 3, "without.jsonl")
    check("--record" in said, said)
    refused(replay_of(folder, ["what?"]), 3, "line 1")
    lines = plain(record(folder, "dash-number"))
    at = next(i for i, line in enumerate(lines) if '"event":"engine"' in line)
    lines[at] = lines[at].replace('"abr":["weir"', '"abr":["/tmp/mine.so"').replace('"abr":["bola"', '"abr":["/tmp/mine.so"')
    refused(replay_of(folder, with_sums(lines)), 4, "mine.so")


# --- in real time ---

@e2e.case
def real_transfers_follow_the_trace(folder):
    kbps, seconds = 640, 6
    trace = write_trace(folder, (1, kbps))
    events = os.path.join(folder, "events")
    began = time.monotonic()
    ended_well(weir("play", "--headless", "--rung", 2, "--no-audio", "--trace", trace, "--events", events,
                    "--duration", seconds, media("dash-number")))
    check(time.monotonic() - began >= seconds, "faster than real time")
    got = requests_of(e2e.read_events(events))
    spans = sorted(span for (kind, _), span in got.items() if kind == "media")
    busy = spans[-1][1] - spans[0][0]
    rate = sum(n for _, _, n in spans) * 8 / busy / 1000
    check(0.9 * kbps < rate < 1.03 * kbps, f"{rate:.0f} kbit/s, the trace has {kbps}")


@e2e.case
def a_trace_that_is_none_is_refused(folder):
    path = os.path.join(folder, "no.trace")
    with open(path, "w", encoding="utf-8") as f:
        f.write("hello\n")
    refused(weir("play", "--trace", path, "x.mpd"), 3, "no.trace")
    refused(weir("play", "--trace", "/nonexistent", "x.mpd"), 3, "/nonexistent")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
