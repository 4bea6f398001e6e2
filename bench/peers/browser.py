# bench/peers/browser.py — players that are pages: dash.js, hls.js and Shaka in headless Chromium. The page
# says what happens by POST to a collector here; time 0 is when the page makes its player.
import contextlib
import http.server
import json
import os
import pathlib
import queue
import shutil
import subprocess
import threading
import time
import urllib.parse

import native
from figures import Events

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = {"dashjs": ("dashjs", "dist/modern/umd/dash.all.min.js"),
            "hlsjs": ("hls.js", "dist/hls.min.js"),
            "shaka": ("shaka-player", "dist/shaka-player.compiled.js")}


def fetch_packages(cache):
    """npm's packages into the cache, outside the repository; what is there is kept."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = [package for package, path in PACKAGES.values() if not (cache / "node_modules" / package / path).exists()]
    if wanted and shutil.which("npm"):
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(cache), *wanted],
                       capture_output=True)


class Collector:
    """Serves the page and the libraries, and hands each session its messages."""

    def __init__(self, cache):
        self.queues = {}
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = urllib.parse.urlsplit(self.path).path
                if path == "/page":
                    self.reply(200, "text/html; charset=utf-8", (HERE / "page.html").read_bytes())
                elif path.startswith("/lib/") and path[5:-3] in PACKAGES:
                    package, file = PACKAGES[path[5:-3]]
                    self.reply(200, "text/javascript", (cache / "node_modules" / package / file).read_bytes())
                else:
                    self.reply(404, "text/plain", b"")

            def do_POST(self):
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if (to := collector.queues.get(query.get("id", [""])[0])) is not None:
                    to.put(json.loads(body))
                self.reply(204, "text/plain", b"")

            def reply(self, status, kind, body):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Browser:
    adapts = True

    def __init__(self, name, player, manifest, settings=None):
        self.name, self.player, self.manifest, self.settings = name, player, manifest, settings or {}

    def missing(self, args):
        if not shutil.which("chromium"):
            return "chromium is not installed"
        package, path = PACKAGES[self.player]
        return None if (args.cache / "node_modules" / package / path).exists() else f"npm could not install {package}"

    def version(self, args):
        package = args.cache / "node_modules" / PACKAGES[self.player][0] / "package.json"
        return json.loads(package.read_text())["version"] if package.exists() else "?"

    def shown(self, args):
        return f"{PACKAGES[self.player][0]} {self.version(args)}: {json.dumps(self.settings)}"

    def play(self, args, url, folder, limit_s, duration):
        session = os.path.basename(folder)
        messages = args.collector.queues[session] = queue.Queue()
        query = urllib.parse.urlencode({"id": session, "player": self.player, "url": url,
                                        "settings": json.dumps(self.settings)})
        p = native.start(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
                          "--no-first-run", "--disable-background-networking", "--disable-extensions",
                          "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder}/profile",
                          f"{args.collector.address}/page?{query}"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        events = Events()
        try:
            self.listen(events, messages, limit_s, p)
        finally:
            native.stop(p)
            del args.collector.queues[session]
        return events

    @staticmethod
    def listen(events, messages, limit_s, p):
        began = time.monotonic()
        origin = None  # when the page's clock was 0
        while events.end is None and time.monotonic() - (origin or began) < limit_s:
            if mine := os.getpriority(os.PRIO_PROCESS, 0):  # Chromium sets its own back to 0
                with contextlib.suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PGRP, p.pid, mine)
            try:
                m = messages.get(timeout=0.2)
            except queue.Empty:
                continue
            if origin is None:
                origin = time.monotonic() - m["t"]
            kind, t = m["event"], m["t"]
            if kind == "first":
                events.first = t
            elif kind == "playing":
                events.motion = t
            elif kind == "stall":
                events.stalls.append([t, None])
            elif kind == "resume" and events.stalls and events.stalls[-1][1] is None:
                events.stalls[-1][1] = t
            elif kind == "end":
                events.end = t
            elif kind == "error":
                events.note = str(m.get("detail"))
                if events.motion is None:
                    break
        events.last = events.end if events.end is not None else time.monotonic() - (origin or began)
