# bench/peers/native.py — players that are programs: how each is started, and how what it says becomes
# Events. Times are from exec; nothing is drawn and no sound device is needed, but all keep real time.
import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time

from figures import Events


RUNNING = set()  # what was started and has not ended, for an interrupted campaign to end


def start(command, **how):
    """A program in a session of its own, so that it can be ended with its children."""
    p = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, start_new_session=True, **how)
    RUNNING.add(p)
    return p


def stop(p, wait_s=0.0):
    """Ends it and its children, after so long; however it ended, it is gone after this."""
    try:
        p.wait(wait_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, signal.SIGTERM)
        try:
            p.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
    RUNNING.discard(p)


def stop_all(*_):
    for p in list(RUNNING):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, signal.SIGKILL)
    os._exit(130)


class Native:
    """A program whose output is read line by line as it comes."""
    program = ""
    adapts = True
    manifest = "dash"

    def __init__(self, name, options=()):
        self.name, self.options = name, list(options)

    def missing(self, args):
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def command(self, args, url, folder):
        raise NotImplementedError

    def shown(self, args):
        """The command line as the table prints it."""
        words = [str(w) for w in self.command(args, "URL", "DIR")]
        return " ".join(words[words.index(self.program):] if self.program in words else words)

    def environment(self):
        return dict(os.environ)

    def line(self, events, t, text):
        raise NotImplementedError

    def started(self, events, began, folder):
        """For players that are asked rather than read."""

    def finished(self, events, duration, folder):
        """When the program has ended."""

    def play(self, args, url, folder, limit_s, duration):
        events = Events()
        began = time.monotonic()
        p = start(self.command(args, url, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                  env=self.environment())
        self.started(events, began, folder)
        rest = b""
        while time.monotonic() - began < limit_s:
            if not select.select([p.stdout], [], [], 0.2)[0]:
                continue
            block = os.read(p.stdout.fileno(), 65536)
            if not block:
                break
            now = time.monotonic() - began
            *lines, rest = re.split(rb"[\r\n]", rest + block)
            for text in lines:
                self.line(events, now, text.decode(errors="replace"))
        events.last = time.monotonic() - began
        stop(p, wait_s=1)
        p.stdout.close()
        self.finished(events, duration, folder)
        return events


class Weir(Native):
    def __init__(self, name, options=()):
        super().__init__(name, options)
        self.program = "weir"

    def missing(self, args):
        return None if args.weir.exists() else f"{args.weir} is not built"

    def command(self, args, url, folder):
        return [args.weir, "play", "--headless", "--quiet", "--events", "-", *self.options, url]

    def shown(self, args):
        return " ".join(["weir", *map(str, self.command(args, "URL", "DIR")[1:])])

    def line(self, events, t, text):
        if not text.startswith("{"):
            return
        e = json.loads(text)
        if e["event"] == "first_frame":
            events.first = e["t"]
        elif e["event"] == "playing" and events.motion is None:
            events.motion = e["t"]
        elif e["event"] == "stall":
            events.stalls.append([e["t"], None])
        elif e["event"] == "resume" and events.stalls:
            events.stalls[-1][1] = e["t"]
        elif e["event"] == "end" and e["reason"] == "end":
            events.end = e["t"]
        elif e["event"] == "error":
            events.note = e["message"]


class Gst(Native):
    """gst-launch prints the buffering messages that it obeys. playbin3 takes adaptivedemux2's elements;
    their own properties cannot be reached from its command line. playbin takes the older ones."""
    program = "gst-launch-1.0"

    def __init__(self, name, playbin="playbin3"):
        super().__init__(name)
        self.playbin = playbin

    def command(self, args, url, folder):
        return ["gst-launch-1.0", self.playbin, f"uri={url}", "video-sink=fakevideosink",
                "audio-sink=fakesink sync=true"]

    def line(self, events, t, text):
        if text.startswith("New clock") and events.motion is None:
            events.motion = t
        elif text.startswith("Buffering, setting pipeline to PAUSED") and events.motion is not None:
            events.stalls.append([t, None])
        elif text.startswith("Done buffering") and events.stalls and events.stalls[-1][1] is None:
            events.stalls[-1][1] = t
        elif text.startswith("Got EOS"):
            events.end = t
        elif text.startswith("ERROR"):
            events.note = text[:80]


class Vlc(Native):
    """Its log tells when buffering begins and is done, but begins it only when data comes again: what
    playing took beyond the media's length is added to the last stall. As root it runs as nobody."""
    program = "cvlc"

    def command(self, args, url, folder):
        as_nobody = []
        if os.geteuid() == 0:
            as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"HOME={folder}",
                         f"XDG_RUNTIME_DIR={folder}"]
        return [*as_nobody, "cvlc", "-vv", "--no-color", "--vout=dummy", "--aout=adummy", *self.options, url,
                "vlc://quit"]

    def line(self, events, t, text):
        if "Received first picture" in text and events.first is None:
            events.first = t
        elif "Stream buffering done" in text:
            if events.motion is None:
                events.motion = t
            elif events.stalls:
                events.stalls[-1][1] = t
        elif "Buffering 0%" in text and events.motion is not None and (
                not events.stalls or events.stalls[-1][1] is not None):
            events.stalls.append([t, None])
        elif "dead input" in text:
            events.end = t

    def finished(self, events, duration, folder):
        if events.end is not None and events.motion is not None:
            for stall in events.stalls:
                stall[1] = events.end if stall[1] is None else stall[1]
            late = events.end - events.motion - duration - sum(b - a for a, b in events.stalls)
            if late > 0.5:
                if not events.stalls:
                    events.stalls.append([events.end, events.end])
                events.stalls[-1][1] += late


class Clock(Native):
    """A player whose media clock is watched: where it stands still for half a second, so does playback."""
    adapts = False
    STILL_S = 0.5

    def started(self, events, began, folder):
        self.clock, self.moved = None, None

    def tick(self, events, t, clock):
        if self.clock is None:
            self.clock = clock
        elif clock > self.clock + 0.001:
            if events.motion is None:
                events.motion = t
            elif t - self.moved > self.STILL_S:
                events.stalls.append([self.moved, t])
            self.moved, self.clock = t, clock

    def finished(self, events, duration, folder):
        if self.clock is not None and self.clock > duration - 1:
            events.end = self.moved
        elif events.motion is not None and events.last - self.moved > self.STILL_S:
            events.stalls.append([self.moved, None])


class Ffplay(Clock):
    """Its status line shows the master clock."""
    program = "ffplay"
    CLOCK = re.compile(r"^\s*(-?[\d.]+) [AM]-[AV]:")

    def environment(self):
        return {**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}

    def command(self, args, url, folder):
        return ["ffplay", "-hide_banner", "-autoexit", *self.options, url]

    def line(self, events, t, text):
        if found := self.CLOCK.match(text):
            self.tick(events, t, float(found.group(1)))


class Mpv(Clock):
    """Asked over its JSON socket for time-pos."""
    program = "mpv"

    def command(self, args, url, folder):
        return ["mpv", "--no-config", "--vo=null", "--ao=null", "--no-terminal",
                f"--input-ipc-server={folder}/mpv", *self.options, url]

    def line(self, events, t, text):
        pass

    def started(self, events, began, folder):
        super().started(events, began, folder)
        self.thread = threading.Thread(target=self.listen, args=(events, began, f"{folder}/mpv"), daemon=True)
        self.thread.start()

    def listen(self, events, began, path):
        s = socket.socket(socket.AF_UNIX)
        for _ in range(400):
            try:
                s.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        try:
            s.sendall(b'{"command":["observe_property",1,"time-pos"]}\n')
            for text in s.makefile():
                self.message(events, time.monotonic() - began, json.loads(text))
        except (OSError, ValueError):
            pass

    def message(self, events, t, e):
        if e.get("event") == "playback-restart" and events.first is None:
            events.first = t
        elif e.get("event") == "property-change" and isinstance(e.get("data"), (int, float)):
            self.tick(events, t, e["data"])
        elif e.get("event") == "end-file" and e.get("reason") != "eof":
            events.note = e.get("file_error", e.get("reason", ""))

    def finished(self, events, duration, folder):
        self.thread.join(2)
        super().finished(events, duration, folder)
