"""test_window.py: a window is really looked at. Weir plays in a display of the test's own; a screenshot is taken, and
the frame counter burnt into the picture must be that of the expected frame. Keys go in by way of the X server.
"""
import os
import re
import shutil
import subprocess
import time

import weir_e2e
from weir_e2e import FPS, SIZES, Skip, case, check, equal, exit_with, ffmpeg, main, manifest_of

COUNTER = (0.0, 0.0, 0.5, 0.22)  # of the picture: left, top, width, height of the burnt-in counter's place


class Display:
    """Xvfb on a number of its own choosing, with a window manager if there is one."""

    def __init__(self, size="800x600"):
        for tool in ("Xvfb", "import", "xdotool", "convert", "xwininfo"):
            if not shutil.which(tool):
                raise Skip(f"{tool} is not installed")
        read, write = os.pipe()
        # -noreset: without it the server starts anew whenever its last client leaves, and a player that connects while it
        # does (a look at the tree has just ended) is thrown out.
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-noreset",
                                         "-nolisten", "tcp"], pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as f:
            number = f.readline().strip()
        check(number, "Xvfb did not start")
        self.env = {**os.environ, "DISPLAY": f":{number}", "SDL_AUDIODRIVER": "dummy", "SDL_VIDEODRIVER": "x11"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def run(self, *args):
        return subprocess.run([str(a) for a in args], env=self.env, capture_output=True, check=False, timeout=60)

    def window(self, player):
        """The id and size of Weir's window, once it shows."""
        for _ in range(300):
            tree = self.run("xwininfo", "-root", "-tree").stdout.decode("utf-8", "replace")
            match = re.search(r'(0x[0-9a-f]+) "weir test".*?(\d+)x(\d+)\+', tree)
            if match and b"IsViewable" in self.run("xwininfo", "-id", match.group(1)).stdout:
                return match.group(1), (int(match.group(2)), int(match.group(3)))
            if player.poll() is not None:
                raise AssertionError(f"weir ended with {player.returncode}: {player.stderr.read().strip()}")
            time.sleep(0.05)
        raise AssertionError("no window appeared")


class Player:
    """`weir play` in the display; ended on leaving."""

    def __init__(self, display, *args):
        self.process = subprocess.Popen([weir_e2e.ARGS.weir, "play", "--title", "weir test", *map(str, args)], env=display.env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=60)


def reference(rung, index, folder):
    """Frame `index` of a rung as ffmpeg decodes it, as a PNG."""
    path = os.path.join(folder, f"ref{index}.png")
    ffmpeg("-y", "-i", os.path.join(weir_e2e.ARGS.media, "rungs", f"v{rung}.mp4"), "-vf", f"select=eq(n\\,{index})", "-frames:v",
           "1", path)
    return path


def counter_of(display, picture, size, out):
    width, height = size
    left, top, w, h = COUNTER
    area = f"{int(width * w)}x{int(height * h)}+{int(width * left)}+{int(height * top)}"
    run = display.run("convert", picture, "-crop", area, "+repage", "-colorspace", "Gray", out)
    equal(run.returncode, 0, f"convert: {run.stderr}")
    return out


def difference(display, a, b):
    run = display.run("compare", "-metric", "RMSE", a, b, "null:")
    return float(run.stderr.split(b"(")[1].split(b")")[0])


def expect_counter(display, shot, size, rung, index, folder):
    """The screenshot's counter is nearer to that of `index` than to that of any frame around it."""
    got = counter_of(display, shot, size, os.path.join(folder, "got.png"))
    distances = {}
    for i in range(max(0, index - 3), index + 4):
        want = counter_of(display, reference(rung, i, folder), size, os.path.join(folder, f"want{i}.png"))
        distances[i] = difference(display, got, want)
    best = min(distances, key=distances.get)
    equal(best, index, f"frame counter on the screen (distances {distances})")
    check(distances[index] < 0.05, f"the picture on the screen differs from frame {index}: {distances[index]}")


def shoot(display, window, folder):
    path = os.path.join(folder, "shot.png")
    run = display.run("import", "-window", window, path)
    equal(run.returncode, 0, f"import: {run.stderr}")
    return path


@case
def the_last_picture_on_the_screen_is_the_expected_frame(folder):
    rung, seconds = 2, 2
    with Display() as display:
        url = os.path.join(weir_e2e.ARGS.media, manifest_of("dash-number"))
        with Player(display, "--rung", rung, "--duration", seconds, "--keep-open", url) as player:
            window, size = display.window(player.process)
            equal(size, SIZES[rung], "window size")
            time.sleep(seconds + 1.5 * weir_e2e.ARGS.slow)
            check(player.process.poll() is None, "--keep-open did not keep the window")
            shot = shoot(display, window, folder)
            expect_counter(display, shot, SIZES[rung], rung, seconds * FPS - 1, folder)


@case
def the_window_has_the_largest_rungs_size_whatever_is_played_first(folder):
    with Display() as display:
        url = os.path.join(weir_e2e.ARGS.media, manifest_of("hls-ts"))
        with Player(display, "--abr", "fixed:rung=0", url) as player:
            _, size = display.window(player.process)
            equal(size, SIZES[-1], "window size")


@case
def a_resized_window_keeps_the_pictures_shape(folder):
    with Display() as display:
        url = os.path.join(weir_e2e.ARGS.media, manifest_of("dash-number"))
        with Player(display, "--rung", 2, "--duration", 1, "--keep-open", url) as player:
            window, _ = display.window(player.process)
            time.sleep(1 + 1.5 * weir_e2e.ARGS.slow)
            display.run("xdotool", "windowsize", "--sync", window, 480, 400)
            time.sleep(1)
            shot = shoot(display, window, folder)
            edges = []
            for y in (10, 390, 200):  # black above and below, picture in the middle
                run = display.run("convert", shot, "-crop", f"480x1+0+{y}", "+repage", "-colorspace", "Gray", "-format",
                                  "%[fx:mean]", "info:")
                edges.append(float(run.stdout))
            check(edges[0] < 0.01 and edges[1] < 0.01, f"no letterbox: {edges}")
            check(edges[2] > 0.05, f"no picture in the middle: {edges}")


@case
def q_in_the_window_leaves(folder):
    with Display() as display:
        url = os.path.join(weir_e2e.ARGS.media, manifest_of("dash-number"))
        with Player(display, "--keep-open", url) as player:
            window, _ = display.window(player.process)
            display.run("xdotool", "windowfocus", window)
            time.sleep(0.3)
            display.run("xdotool", "key", "--window", window, "q")
            equal(player.process.wait(20 * weir_e2e.ARGS.slow), 0, "exit code")


if __name__ == "__main__":
    exit_with(main(__doc__))
