"""weir_e2e.py: what the end-to-end tests share: the command under test, the server, the references.

Each test file is a script: it declares cases with @case, and ends in main(). Exit status 0: all held;
1: some did not (each is named); 77: something that the tests need is not there.
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

FPS = 25
RUNGS = 3  # of the small ladder
SIZES = [(160, 90), (320, 180), (480, 270)]
DASH = ["dash-number", "dash-timeline", "dash-list", "dash-sidx", "dash-multiperiod", "dash-uneven"]
HLS = ["hls-fmp4", "hls-ts", "hls-byterange", "hls-audio-group"]
PACKAGINGS = DASH + HLS
# Lengths of the video segments in frames, repeating. scripts/make_ladder.sh puts key frames at
# 0, 2, 3.2, 4, 6 and 7.6 s of every 8.
SEGMENT_FRAMES = {"dash-uneven": [50, 30, 70, 40, 10], "dash-multiperiod": [50, 30, 20, 50, 40, 10]}

ARGS = None
CASES = []


class Skip(Exception):
    """Something outside Weir is missing."""


def case(function):
    CASES.append((function.__name__.replace("_", " "), function))
    return function


def add_case(name, function, *args):
    CASES.append((name, functools.partial(function, *args)))


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, expected {want!r}")


def manifest_of(packaging):
    return f"{packaging}/{'manifest.mpd' if packaging.startswith('dash') else 'master.m3u8'}"


def weir(*args, timeout=60, env=None, stdin=subprocess.DEVNULL, **kwargs):
    """Run the command; bytes out. A run that does not end fails the case."""
    command = [ARGS.weir, *map(str, args)]
    environment = {**os.environ, "LC_ALL": "C", **(env or {})}
    for name in [k for k, v in environment.items() if v is None]:
        del environment[name]
    try:
        return subprocess.run(command, capture_output=True, timeout=timeout * ARGS.slow, env=environment,
                              stdin=stdin, **kwargs)
    except subprocess.TimeoutExpired as late:
        tail = (late.stderr or b"").decode("utf-8", "replace")[-600:]
        raise AssertionError(f"{' '.join(command)}: did not end within {timeout} s; {tail}") from None


def stderr_lines(run):
    return run.stderr.decode("utf-8", "replace").splitlines()


def ended_well(run):
    if run.returncode != 0:
        raise AssertionError(f"exit {run.returncode}: {' '.join(run.args[1:])}: "
                             + " | ".join(stderr_lines(run)[-12:]))
    return run


def refused(run, code, *places):
    """The exit code, and one line on standard error that names each of `places`, then at most a hint."""
    lines = stderr_lines(run)
    said = " | ".join(lines[-12:])
    equal(run.returncode, code, f"exit code ({said})")
    check(lines and lines[0].startswith("weir: "), f"no line `weir: …`: {said}")
    check(len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("try: ")),
          f"more than an error line and a hint: {said}")
    check(re.match(r"weir: .+: .+", lines[0]), f"not `weir: WHERE: WHAT`: {said}")
    for place in places:
        check(re.search(place, lines[0], re.I), f"does not name {place!r}: {said}")
    return said


class Server:
    """`weir serve` of a folder, on a free port."""

    def __init__(self, folder, *options):
        self.process = subprocess.Popen([ARGS.weir, "serve", "--port", "0", *map(str, options), folder],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"listening on (https?://\S+/)\n", line)
        if not match:
            self.process.kill()
            raise AssertionError(f"weir serve: {line!r} {self.process.stderr.read()!r}")
        self.url = match.group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError("weir serve did not end on a signal") from None
        return self.process.returncode


def ffmpeg(*args):
    run = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *map(str, args)], capture_output=True,
                         check=False)
    check(run.returncode == 0, f"ffmpeg {args}: {run.stderr.decode()}")
    return run.stdout


def md5_column(text):
    return [line.split(",")[-1].strip() for line in text.splitlines() if line and not line.startswith("#")]


@functools.lru_cache(maxsize=None)
def reference_frames(rung):
    """MD5 of each frame of a rung, by ffmpeg's own decode of its plain file."""
    path = os.path.join(ARGS.media, "rungs", f"v{rung}.mp4")
    out = ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
    return md5_column(out.decode())


@functools.lru_cache(maxsize=None)
def reference_sound(*source):
    """Interleaved float samples by ffmpeg's own decode; `source` names a file below the media."""
    return ffmpeg("-i", os.path.join(ARGS.media, *source), "-map", "0:a:0", "-f", "f32le", "-")


class FrameMd5:
    """What --framemd5 wrote: a list each of PTS in us, size and MD5."""

    def __init__(self, path):
        self.pts, self.sizes, self.md5 = [], [], []
        with open(path, encoding="ascii") as f:
            for line in f:
                if line.startswith("#"):
                    continue
                match = re.fullmatch(r"0, *(-?\d+), *(\d+), *([0-9a-f]{32})\n", line)
                check(match, f"a framemd5 line that is none: {line!r}")
                self.pts.append(int(match.group(1)))
                self.sizes.append(int(match.group(2)))
                self.md5.append(match.group(3))


def first_difference(got, want):
    for i, (a, b) in enumerate(zip(got, want)):
        if a != b:
            return i
    return min(len(got), len(want))


def same_list(got, want, what):
    if got != want:
        at = first_difference(got, want)
        raise AssertionError(f"{what}: {len(got)} of {len(want)}; first difference at {at}")


def segment_of_frames(packaging, count):
    """For each frame the number of its video segment, in order of playback."""
    lengths = SEGMENT_FRAMES.get(packaging, [50])
    out, segment = [], 0
    while len(out) < count:
        out += [segment] * lengths[segment % len(lengths)]
        segment += 1
    return out[:count]


def read_wav(path):
    """(channels, rate, float samples as bytes) of a WAV file of 32-bit floats."""
    with open(path, "rb") as f:
        data = f.read()
    check(data[:4] == b"RIFF" and data[8:12] == b"WAVE", "not a WAV file")
    at, channels, rate, samples = 12, 0, 0, None
    while at + 8 <= len(data):
        kind, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8:at + 8 + size]
        if kind == b"fmt ":
            tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if tag == 0xFFFE:
                tag = struct.unpack_from("<H", body, 24)[0]
            equal((tag, bits), (3, 32), "format tag and bits of the WAV file")
        elif kind == b"data":
            samples = body
        at += 8 + size + size % 2
    check(samples is not None, "no data in the WAV file")
    return channels, rate, samples


def read_events(path):
    events = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            event = json.loads(line)
            check(isinstance(event.get("t"), (int, float)) and isinstance(event.get("event"), str),
                  f"an event without t and event: {line!r}")
            events.append(event)
    return events


def md5_of(data):
    return hashlib.md5(data).hexdigest()


def run_case(item):
    name, function = item
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="weir-e2e-") as folder:
        try:
            function(folder)
            result, why = "ok", ""
        except Skip as skip:
            result, why = "skip", str(skip)
        except AssertionError as failed:
            result, why = "FAIL", str(failed)
        except Exception:  # a mistake in the test is a failure too, with its place
            result, why = "FAIL", traceback.format_exc()
    print(f"{result:4} {name} ({time.monotonic() - began:.1f} s){': ' + why if why else ''}", flush=True)
    return result


def main(doc, setup=None):
    global ARGS
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--weir", required=True, help="the command under test")
    parser.add_argument("--media", required=True, help="folder made by scripts/make_ladder.sh --small")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--slow", type=float, default=float(os.environ.get("WEIR_E2E_SLOW", "1")),
                        help="stretch time limits (sanitizers, valgrind)")
    ARGS = parser.parse_args()
    ARGS.weir = os.path.abspath(ARGS.weir)
    ARGS.media = os.path.abspath(ARGS.media)
    for need, what in ((ARGS.weir, "the weir command"), (os.path.join(ARGS.media, "rungs"), "the test media")):
        if not os.path.exists(need):
            print(f"skipped: {what} is not there: {need}")
            return 77
    for tool in ("ffmpeg", "ffprobe"):
        if not shutil.which(tool):
            print(f"skipped: {tool} is not installed (scripts/deps.sh --test)")
            return 77
    closing = setup() if setup else None
    try:
        chosen = [c for c in CASES if ARGS.only in c[0]]
        with concurrent.futures.ThreadPoolExecutor(ARGS.jobs) as pool:
            results = list(pool.map(run_case, chosen))
    finally:
        if closing:
            closing()
    failed = results.count("FAIL")
    print(f"{len(results)} cases, {failed} failed, {results.count('skip')} skipped")
    return 1 if failed or not results else 0


def exit_with(status):
    sys.exit(status)
