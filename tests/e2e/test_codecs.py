"""test_codecs.py: codecs beside H.264 and AAC, made by ffmpeg where it has the encoder: decoded bit for bit as ffmpeg does,
and pictures that a decoder keeps in memory of its own (libdav1d) are counted.
"""
import json
import os
import subprocess

import weir_e2e as e2e
from weir_e2e import Skip, add_case, check, ended_well, equal, ffmpeg, weir

# codec, encoder and its options, whether its decoder writes into Weir's slots
VIDEO = [
    ("hevc", ["libx265", "-x265-params", "log-level=none:keyint=25"], True),
    ("vp9", ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25"], True),
    ("av1", ["libsvtav1", "-preset", "12", "-g", "25"], False),
]


def encoders():
    run = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=False)
    return run.stdout


def plays_as_ffmpeg_decodes(name, encoder, slots, folder):
    if f" {encoder[0]} " not in encoders():
        raise Skip(f"ffmpeg has no {encoder[0]}")
    mpd = os.path.join(folder, "manifest.mpd")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=3", "-pix_fmt", "yuv420p", "-c:v", *encoder,
           "-seg_duration", "1", "-f", "dash", mpd)
    frames, summary = os.path.join(folder, "frames"), os.path.join(folder, "summary")
    ended_well(weir("play", "--headless", "--untimed", "--framemd5", frames, "--summary", summary, mpd))
    whole = os.path.join(folder, "whole.mp4")
    with open(whole, "wb") as out:
        for part in sorted(f for f in os.listdir(folder) if "stream0" in f):
            if "init" in part:
                with open(os.path.join(folder, part), "rb") as f:
                    out.write(f.read())
        for part in sorted(f for f in os.listdir(folder) if "chunk" in f):
            with open(os.path.join(folder, part), "rb") as f:
                out.write(f.read())
    want = e2e.md5_column(ffmpeg("-i", whole, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-").decode())
    e2e.same_list(e2e.FrameMd5(frames).md5, want, "frames")
    equal(len(want), 75, "frames of the reference")
    with open(summary, encoding="utf-8") as f:
        pool = json.load(f)["pool"]
    foreign = pool["foreign_frames"]
    check(foreign == 0 if slots else foreign == len(want), f"foreign frames of {name}: {pool}")


for codec, how, in_slots in VIDEO:
    add_case(f"{codec} plays as ffmpeg decodes it", plays_as_ffmpeg_decodes, codec, how, in_slots)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
