#!/usr/bin/env python3
"""Random keys at random moments, on a terminal, against a server of changing mood: never a crash, a hang, a leak
or a damaged terminal. Each run is named by its seed, which makes its choices again.

WEIR_TORTURE_SEED is the first seed (default 1), WEIR_TORTURE_RUNS how many."""
import fcntl
import json
import os
import pty
import random
import signal
import subprocess
import termios
import threading
import time

import bad_server
import weir_e2e as e2e
from weir_e2e import check

KEYS = {"left": b"\x1b[D", "right": b"\x1b[C", "up": b"\x1b[A", "down": b"\x1b[B", "space": b" ", "slower": b"[",
        "faster": b"]", "normal": b"\x7f", "higher": b"+", "lower": b"-", "auto": b"a", "mute": b"m", "louder": b"0",
        "screenshot": b"s", "full screen": b"f", "track": b"#", "subtitles": b"j", "stats": b"I",
        "stats shortly": b"i", "nothing": b"\x1b[99~", "half an escape": b"\x1b"}
WEIGHTS = {"left": 8, "right": 8, "space": 4, "faster": 3, "slower": 2, "higher": 3, "lower": 3}
MOODS = ["fast", "fast", "slow", "stalled", "stalled", "breaking", "failing"]
PIECE_BYTES = 2048
END_S = 15  # after q or a signal; a stretched limit under sanitizers
FOLDER = os.path.dirname(os.path.abspath(__file__))


class MoodyFile:
    """A connection's way out that sends as the server feels."""

    def __init__(self, inner, server):
        self.inner, self.server = inner, server

    def write(self, data):
        for at in range(0, len(data), PIECE_BYTES):
            if self.server.mood == "slow":
                time.sleep(0.01)
            while self.server.mood == "stalled" and not self.server.over:
                time.sleep(0.01)
            if self.server.mood == "breaking" and self.server.random.random() < 0.02:
                raise ConnectionResetError
            self.inner.write(data[at:at + PIECE_BYTES])
        return len(data)

    def __getattr__(self, name):
        return getattr(self.inner, name)


class MoodyHandler(bad_server.Handler):
    def setup(self):
        super().setup()
        self.wfile = MoodyFile(self.wfile, self.server)

    def do_GET(self):
        if self.server.mood == "failing" and self.server.random.random() < 0.5:
            self.send_answer(bad_server.Answer(503, b"not now"))
            return
        super().do_GET()


def moody_server(folder, seed):
    server = bad_server.BadServer(folder)
    server.RequestHandlerClass = MoodyHandler
    server.mood, server.over, server.random = "fast", False, random.Random(seed)
    return server


class Player:
    """`weir play` on a terminal of its own."""

    def __init__(self, folder, arguments):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.reports = os.path.join(folder, "sanitizer")
        environment = {**os.environ, "LC_ALL": "C", "TERM": "xterm", "SDL_AUDIODRIVER": "dummy",
                       "ASAN_OPTIONS": f"log_path={self.reports}:" + os.environ.get("ASAN_OPTIONS", ""),
                       "UBSAN_OPTIONS": f"log_path={self.reports}:print_stacktrace=1:"
                                        + os.environ.get("UBSAN_OPTIONS", ""),
                       "TSAN_OPTIONS": f"log_path={self.reports}:" + os.environ.get("TSAN_OPTIONS", "")}
        environment.setdefault("LSAN_OPTIONS",
                               f"suppressions={FOLDER}/../lsan.supp:print_suppressions=0")
        self.process = subprocess.Popen([e2e.ARGS.weir, "play", *arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env=environment, start_new_session=True, cwd=folder,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave, self.output = slave, b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while True:
                self.output = (self.output + os.read(self.master, 4096))[-20000:]
        except OSError:
            return

    def press(self, key):
        os.write(self.master, KEYS[key])

    def told(self):
        said = self.output[-600:].decode("utf-8", "replace")
        folder, prefix = os.path.split(self.reports)
        for name in sorted(os.listdir(folder)):
            if name.startswith(prefix):
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                    return f.read()[:6000]
        return said

    def reported(self):
        folder, prefix = os.path.split(self.reports)
        return any(name.startswith(prefix) for name in os.listdir(folder))

    def end(self, how, within_s):
        """Ask to end, wait for it; the exit status."""
        if self.process.poll() is None:
            if how == "q":
                os.write(self.master, b"q")
            else:
                self.process.send_signal(how)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            stacks = subprocess.run(["gdb", "-p", str(self.process.pid), "-batch", "-ex", "thread apply all bt 12"],
                                    capture_output=True, text=True, check=False).stdout if which("gdb") else ""
            raise AssertionError(f"did not end within {within_s} s of {how!r}: {self.told()} {stacks[-6000:]}") from None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        # Before the terminal goes: what the player left of it.
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        self.reader.join(5)
        os.close(self.master)
        return after


def which(name):
    return any(os.access(os.path.join(d, name), os.X_OK) for d in os.environ.get("PATH", "").split(":"))


def choose_arguments(choice, folder, url):
    arguments = ["--vo", "null", "--ao", choice.choice(["sdl", "sdl", "null"]), "--buffer-max",
                 choice.choice(["2", "4", "10", "60"]), "--resume", choice.choice(["0.5", "2"]),
                 "--abr", choice.choice(["bola", "bba0", "throughput", f"random:seed={choice.randrange(99)}"]),
                 "--threads", choice.choice(["1", "2", "4"]), "--timeout", "3",
                 "--summary", os.path.join(folder, "summary"), "--events", os.path.join(folder, "events")]
    for extra in (["--no-audio"], ["--no-video"], ["--start", "7"], ["--loop", "2"], ["--stats"], ["--untimed"]):
        if choice.random() < 0.12:
            arguments += extra
    if "--no-audio" in arguments and "--no-video" in arguments:
        arguments.remove("--no-audio")
    return [*arguments, url]


def run_keys(choice, server, player):
    """Play for a while; False when it ended by itself."""
    names, pressed = list(KEYS), []
    weights = [WEIGHTS.get(n, 1) for n in names]
    for _ in range(choice.randrange(3, 30)):
        if player.process.poll() is not None:
            return pressed
        if choice.random() < 0.25:
            server.mood = choice.choice(MOODS)
            pressed.append(server.mood.upper())
        key = choice.choices(names, weights)[0]
        pressed.append(key)
        try:
            player.press(key)
        except OSError:
            return pressed
        time.sleep(choice.choice([0, 0, 0.005, 0.02, 0.1, 0.3, 0.6]))
    return pressed


def torture(seed, folder):
    choice = random.Random(seed)
    packaging = choice.choice(e2e.PACKAGINGS)
    server = moody_server(e2e.ARGS.media, seed)
    with server:
        player = Player(folder, choose_arguments(choice, folder, server.url + e2e.manifest_of(packaging)))
        pressed, after = [], None
        try:
            time.sleep(choice.choice([0, 0.05, 0.2, 0.5, 1]) * e2e.ARGS.slow)
            pressed = run_keys(choice, server, player)
            how = choice.choice(["q", "q", signal.SIGINT, signal.SIGTERM])
            status = player.end(how, END_S * e2e.ARGS.slow)
        except AssertionError as failed:
            raise AssertionError(f"{packaging} {player.process.args[2:-1]} {pressed}: {failed}") from None
        finally:
            server.over = True
            after = player.close()
    story = f"{packaging} {' '.join(player.process.args[2:-1])}; {pressed}; {how}: {status}: "
    check(not player.reported(), story + player.told())
    # Ended or quit; could not be opened, could not go on (the server was in such a mood); a signal.
    check(status in (0, 3, 5, 130), story + player.told())
    check(after == player.before, story + f"the terminal is not as it was: {after}")
    if status in (0, 130, 143) and os.path.exists(os.path.join(folder, "summary")):
        with open(os.path.join(folder, "summary"), encoding="utf-8") as f:
            json.load(f)
    e2e.read_events(os.path.join(folder, "events"))


def fails_for_good(packaging, folder):
    """Everything is answered 503 from one moment on: what was buffered is played, then it ends and says why."""
    with bad_server.BadServer(e2e.ARGS.media) as server:
        process = subprocess.Popen([e2e.ARGS.weir, "play", "--headless", "--quiet", "--rung", "0", "--buffer-max", "4",
                                    server.url + e2e.manifest_of(packaging)], stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(e2e.ARGS.slow)
            server.answers = {".*": bad_server.Answer(503, b"not any more")}
            _, said = process.communicate(timeout=40 * e2e.ARGS.slow)
        except subprocess.TimeoutExpired:
            raise AssertionError("did not end") from None
        finally:
            process.kill()
    check(process.returncode == 5 and "503" in said, f"exit {process.returncode}: {said}")


for kind in ("dash-number", "hls-fmp4", "hls-ts"):
    e2e.add_case(f"{kind} from a server that fails for good", fails_for_good, kind)
first = int(os.environ.get("WEIR_TORTURE_SEED", "1"))
for number in range(first, first + int(os.environ.get("WEIR_TORTURE_RUNS", "24"))):
    e2e.add_case(f"seed {number}", torture, number)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
