#!/usr/bin/env python3
"""Every packaging and rung plays bit for bit as ffmpeg decodes that rung's plain file; with switching,
every frame comes once and from the rung that `decisions` names; and the sound is ffmpeg's too."""
import json
import os

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, same_list, weir

SERVER = None
AAC_FRAME_BYTES = 1024 * 2 * 4


def setup():
    global SERVER
    SERVER = e2e.Server(e2e.ARGS.media)
    return SERVER.stop


def url_of(packaging):
    return SERVER.url + e2e.manifest_of(packaging)


def frames_in_order(out, packaging):
    """Presentation times rise by one frame's duration, from 0: nothing lost, doubled or moved."""
    want = [i * 1000000 // e2e.FPS for i in range(len(out.pts))]
    same_list(out.pts, want, f"{packaging}: PTS_US")


def plays_one_rung(packaging, rung, folder):
    path = os.path.join(folder, "frames")
    ended_well(weir("play", "--headless", "--untimed", "--rung", rung, "--framemd5", path, url_of(packaging)))
    out = e2e.FrameMd5(path)
    same_list(out.md5, e2e.reference_frames(rung), "frames")
    width, height = e2e.SIZES[rung]
    equal(set(out.sizes), {width * height * 3 // 2}, "SIZE of the frames")
    frames_in_order(out, packaging)


def plays_random_rungs(packaging, seed, folder):
    frames, summary = os.path.join(folder, "frames"), os.path.join(folder, "summary")
    ended_well(weir("play", "--headless", "--untimed", "--abr", f"random:seed={seed}", "--framemd5", frames,
                    "--summary", summary, url_of(packaging)))
    out = e2e.FrameMd5(frames)
    with open(summary, encoding="utf-8") as f:
        session = json.load(f)
    equal(session["schema"], "weir.session/1", "schema")
    decisions = session["decisions"]
    references = [e2e.reference_frames(r) for r in range(e2e.RUNGS)]
    count = len(references[0])
    segments = e2e.segment_of_frames(packaging, count)
    equal(len(decisions), segments[-1] + 1, "number of decisions")
    check(len(set(decisions)) > 1, f"no switch in {decisions}: proves nothing")
    want = [references[decisions[segments[i]]][i] for i in range(count)]
    same_list(out.md5, want, f"frames, decisions {decisions}")
    frames_in_order(out, packaging)
    equal(session["switch_count"], sum(a != b for a, b in zip(decisions, decisions[1:])), "switch_count")
    equal(session["frames"]["delivered"], count, "frames delivered")
    equal(session["errors"], 0, "errors")


def sound_of(folder, url, *options):
    path = os.path.join(folder, "sound.wav")
    ended_well(weir("play", "--vo", "null", "--ao", f"wav:{path}", "--untimed", *options, url))
    channels, rate, samples = e2e.read_wav(path)
    equal((channels, rate), (2, 48000), "channels and rate")
    return samples


def sound_is_one_rungs(packaging, folder):
    samples = sound_of(folder, url_of(packaging), "--rung", 1)
    same_sound(samples, [e2e.reference_sound("hls-ts", "media-r1.m3u8")] if packaging == "hls-ts"
               else segmented_references())


def segmented_references():
    """Each audio rung as ffmpeg decodes its segments. It delivers the priming of fragmented MP4, whose edit
    list it does not apply, before time 0; of a plain file it does not."""
    return [e2e.reference_sound("fragments", f"a{i}.mp4") for i in (0, 1)]


def same_sound(samples, candidates):
    if samples in candidates:
        return
    step = AAC_FRAME_BYTES
    firsts = [next((at for at in range(0, max(len(samples), len(c)), step)
                    if samples[at:at + step] != c[at:at + step]), 0) // 8 for c in candidates]
    raise AssertionError(f"{len(samples) // 8} samples, expected {[len(c) // 8 for c in candidates]}; "
                         f"first difference in the AAC frame at sample {firsts}")


def sound_of_a_plain_file(folder):
    source = os.path.join(folder, "both.mp4")
    e2e.ffmpeg("-i", os.path.join(e2e.ARGS.media, "rungs/v0.mp4"), "-i",
               os.path.join(e2e.ARGS.media, "rungs/a1.mp4"), "-c", "copy", "-movie_timescale", 48000, source)
    same_sound(sound_of(folder, source), [e2e.reference_sound("rungs", "a1.mp4")])


def sound_across_periods(folder):
    """As one rung's but for the first two AAC frames of the second period, whose decoder may be new."""
    samples = sound_of(folder, url_of("dash-multiperiod"), "--rung", 1)
    holds_but_for_switches(samples)


def holds_but_for_switches(samples):
    """Each AAC frame is one rung's at that very place, but for the first two after a change of rung."""
    rungs = segmented_references()
    equal(len(samples) // 8, len(rungs[0]) // 8, "samples")
    strange = 0
    for at in range(0, len(samples), AAC_FRAME_BYTES):
        block = slice(at, at + AAC_FRAME_BYTES)
        if samples[block] in (rungs[0][block], rungs[1][block]):
            strange = 0
            continue
        strange += 1
        check(strange <= 2, f"sample {at // 8}: neither rung's, and no switch just before")


def sound_keeps_its_place_across_switches(packaging, seed, folder):
    holds_but_for_switches(sound_of(folder, url_of(packaging), "--abr", f"random:seed={seed}"))


def plain_file_plays(name, rung, remote, folder):
    source = (SERVER.url if remote else e2e.ARGS.media + "/") + name
    path = os.path.join(folder, "frames")
    ended_well(weir("play", "--headless", "--untimed", "--framemd5", path, source))
    same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(rung), "frames")


def plain_container_plays(extension, folder):
    source, path = os.path.join(folder, "media" + extension), os.path.join(folder, "frames")
    e2e.ffmpeg("-i", os.path.join(e2e.ARGS.media, "rungs/v1.mp4"), "-i",
               os.path.join(e2e.ARGS.media, "rungs/a1.mp4"), "-c", "copy", source)
    ended_well(weir("play", "--headless", "--untimed", "--framemd5", path, source))
    same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(1), "frames")


def part_plays(start, duration, folder):
    path = os.path.join(folder, "frames")
    ended_well(weir("play", "--headless", "--untimed", "--rung", 0, "--start", start, "--duration", duration,
                    "--framemd5", path, url_of("dash-number")))
    first, count = int(start * e2e.FPS), int(duration * e2e.FPS)
    same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(0)[first:first + count], "frames")


@e2e.case
def nothing_is_copied_between_the_wire_and_the_renderer(folder):
    summary, log = os.path.join(folder, "summary"), os.path.join(folder, "log")
    with e2e.Server(e2e.ARGS.media, "--log", log) as server:
        ended_well(weir("play", "--headless", "--untimed", "--abr", "random:seed=3", "--summary", summary,
                        server.url + "dash-timeline/manifest.mpd"))
    with open(summary, encoding="utf-8") as f:
        session = json.load(f)
    with open(log, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    body_bytes = sum(line["bytes"] for line in lines if not line["path"].endswith(".mpd"))
    copied = session["pool"]["copied_bytes"]
    equal((copied["demux"], copied["decode"], copied["render"]), (0, 0, 0), "bytes copied: demux, decode, render")
    # The manifest is read by other means than media are; whether it is counted is not laid down.
    manifest_bytes = sum(line["bytes"] for line in lines) - body_bytes
    check(copied["net"] in (body_bytes, body_bytes + manifest_bytes),
          f"net {copied['net']}, the server sent {body_bytes} + {manifest_bytes}")


@e2e.case
def a_thread_more_or_less_changes_no_frame(folder):
    for threads in (1, 2, 4):
        path = os.path.join(folder, f"frames{threads}")
        ended_well(weir("play", "--headless", "--untimed", "--threads", threads, "--abr", "fixed:rung=2",
                        "--framemd5", path, url_of("dash-number")))
        same_list(e2e.FrameMd5(path).md5, e2e.reference_frames(2), f"{threads} threads")


@e2e.case
def a_link_that_stalls_the_player_loses_no_frame(folder):
    """Slower than the lowest rung at times: stalls, yet every frame comes once. Nothing is given up: a segment that is
    may have been shown in part by then, and `decisions` names the rung that replaced it."""
    trace, path, summary = (os.path.join(folder, n) for n in ("trace.json", "frames", "summary"))
    with open(trace, "w", encoding="utf-8") as f:
        json.dump([{"duration_ms": 1000, "bandwidth_kbps": 1500, "latency_ms": 20},
                   {"duration_ms": 2500, "bandwidth_kbps": 20, "latency_ms": 20}], f)
    with e2e.Server(e2e.ARGS.media, "--trace", trace) as server:
        ended_well(weir("play", "--headless", "--abr", "bba0", "--abandon", "off", "--buffer-max", 4, "--framemd5", path,
                        "--summary", summary, server.url + "dash-number/manifest.mpd", timeout=120))
    with open(summary, encoding="utf-8") as f:
        session = json.load(f)
    references = [e2e.reference_frames(r) for r in range(e2e.RUNGS)]
    out = e2e.FrameMd5(path)
    # Late frames may be dropped when played in real time; what is shown is right, in order, and once.
    check(len(out.md5) >= 250, f"{len(out.md5)} frames")
    check(all(a < b for a, b in zip(out.pts, out.pts[1:])), "frames out of order or doubled")
    for pts, md5 in zip(out.pts, out.md5):
        i = round(pts * e2e.FPS / 1e6)
        check(md5 == references[session["decisions"][i // 50]][i], f"frame {i}: other pixels")


for packaging in e2e.PACKAGINGS:
    for rung in range(e2e.RUNGS):
        e2e.add_case(f"{packaging} rung {rung} is bit-exact", plays_one_rung, packaging, rung)
for packaging in e2e.PACKAGINGS:
    for seed in (1, 2):
        e2e.add_case(f"{packaging} random rungs, seed {seed}", plays_random_rungs, packaging, seed)
for packaging in e2e.PACKAGINGS:
    if packaging != "dash-multiperiod":
        e2e.add_case(f"{packaging} sound is bit-exact", sound_is_one_rungs, packaging)
e2e.add_case("dash-multiperiod sound", sound_across_periods)
e2e.add_case("a plain file's sound is bit-exact", sound_of_a_plain_file)
for packaging in ("dash-number", "dash-timeline", "hls-audio-group"):
    e2e.add_case(f"{packaging} sound keeps its place across switches", sound_keeps_its_place_across_switches,
                 packaging, 5)
e2e.add_case("a plain MP4 over HTTP", plain_file_plays, "rungs/v1.mp4", 1, True)
e2e.add_case("a plain MP4 from the disk", plain_file_plays, "rungs/v2.mp4", 2, False)
e2e.add_case("a fragmented MP4 from the disk", plain_file_plays, "fragments/v0.mp4", 0, False)
e2e.add_case("an MKV from the disk", plain_container_plays, ".mkv")
e2e.add_case("a TS from the disk", plain_container_plays, ".ts")
e2e.add_case("a part from a segment's start", part_plays, 4, 2)
e2e.add_case("a part from a segment's middle", part_plays, 5, 2.2)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__, setup))
