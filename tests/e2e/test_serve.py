"""test_serve.py: `weir serve` as a client sees it: files and ranges, origins, faults, TLS, live, the log, the rate.

The client is a bare socket where bytes on the wire matter. Times are compared with wide bounds: a busy machine
only makes things later."""
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import weir_e2e as e2e
from weir_e2e import Skip, case, check, equal, refused, weir

FILE = os.urandom(1 << 20)
MPD = "{urn:mpeg:dash:schema:mpd:2011}"


def put(folder, name, data=FILE):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def port_of(server):
    return urllib.parse.urlsplit(server.url).port


class Raw:
    """One connection: what was sent, and all that came back until its end or a time limit."""

    def __init__(self, server, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port_of(server)), timeout)
        self.rest = b""

    def ask(self, path, method="GET", *headers):
        lines = "".join(f"{h}\r\n" for h in headers)
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n".encode())

    def reply(self, method="GET"):
        """(status, headers, body, how it ended: "whole", "closed", "reset" or "silent")."""
        data, ended = self.rest, None
        while ended is None:
            head, found, body = data.partition(b"\r\n\r\n")
            if found:
                lines = head.decode("latin-1").split("\r\n")
                headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
                length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
                if len(body) >= length:
                    self.rest = body[length:]
                    return int(lines[0].split()[1]), headers, body[:length], "whole"
            try:
                more = self.socket.recv(65536)
                ended = None if more else "closed"
                data += more
            except ConnectionResetError:
                ended = "reset"
            except TimeoutError:
                ended = "silent"
        head, found, body = data.partition(b"\r\n\r\n")
        return (int(head.split()[1]) if found else None), None, body, ended

    def close(self):
        self.socket.close()


def fetch(url, method="GET", headers=None, context=None, timeout=20):
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as r:
            return r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


@case
def one_connection_serves_whole_files_parts_and_heads(folder):
    put(folder, "a.m4s")
    with e2e.Server(folder) as server:
        raw = Raw(server)
        for method, header, status, body in [
                ("GET", None, 200, FILE), ("HEAD", None, 200, b""), ("GET", "Range: bytes=10-19", 206, FILE[10:20]),
                ("GET", "Range: bytes=-5", 206, FILE[-5:]), ("GET", f"Range: bytes={len(FILE)}-", 416, None),
                ("GET", "Range: bytes=0-1,5-6", 200, FILE), ("POST", "Content-Length: 0", 405, None), ("GET", None, 200, FILE)]:
            raw.ask("/a.m4s", method, *([header] if header else []))
            got = raw.reply(method)
            equal((got[0], got[3]), (status, "whole"), f"{method} {header}")
            check(body is None or got[2] == body, f"{method} {header}: other bytes")
            if method == "HEAD":
                equal(int(got[1]["content-length"]), len(FILE), "Content-Length of HEAD")
        raw.close()


@case
def types_are_those_that_players_expect(folder):
    types = {"a.mpd": "application/dash+xml", "a.m3u8": "application/vnd.apple.mpegurl", "a.m4s": "video/iso.segment",
             "a.mp4": "video/mp4", "a.ts": "video/mp2t", "a.aac": "audio/aac", "a.vtt": "text/vtt", "a.webm": "video/webm",
             "a.json": "application/json", "a.html": "text/html; charset=utf-8",
             "a.js": "text/javascript; charset=utf-8", "a.css": "text/css; charset=utf-8"}
    for name in types:
        put(folder, name, b"x")
    with e2e.Server(folder) as server:
        for name, kind in types.items():
            equal(fetch(server.url + name)[1]["Content-Type"], kind, name)


@case
def scripts_of_any_origin_may_read(folder):
    put(folder, "a.m4s")
    with e2e.Server(folder) as server:
        status, headers, body = fetch(server.url + "a.m4s", "OPTIONS", {
            "Origin": "http://elsewhere.example", "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range, x-player"})
        equal((status, body), (204, b""), "the preflight")
        equal(headers["Access-Control-Allow-Origin"], "*", "origin")
        check("GET" in headers["Access-Control-Allow-Methods"], "methods")
        check("range" in headers["Access-Control-Allow-Headers"].lower(), "Range is allowed")
        check("x-player" in headers["Access-Control-Allow-Headers"].lower(), "what was asked for is allowed")
        for path in ("a.m4s", "none"):
            headers = fetch(server.url + path, headers={"Range": "bytes=0-1"})[1]
            equal(headers["Access-Control-Allow-Origin"], "*", path)
            check("Content-Range" in headers["Access-Control-Expose-Headers"], f"{path}: exposes Content-Range")


FAULTS = [  # spec; status, bytes of the body, how it ended
    ("status:code=429", 429, None, "whole"),
    ("status", 503, None, "whole"),
    ("refuse", None, 0, "closed"),
    ("reset:at=0", None, 0, "reset"),
    ("reset:at=70000", 200, 70000, "reset"),
    ("truncate:at=70000", 200, 70000, "closed"),
    ("truncate", 200, len(FILE) // 2, "closed"),
    ("truncate:at=0", 200, 0, "closed"),
    ("stall:at=70000", 200, 70000, "silent"),
    ("stall:at=70000,for=0.4", 200, len(FILE), "whole"),
    ("slow:rate=800000,at=1000000", 200, len(FILE), "whole"),
    ("corrupt:at=70000,bytes=100,seed=3", 200, len(FILE), "whole"),
]


def a_fault(spec, status, count, ended, shaped, folder):
    put(folder, "a.m4s")
    put(folder, "fast.json", b'[{"duration_ms":1000,"bandwidth_kbps":200000,"latency_ms":0}]')
    log = os.path.join(folder, "log")
    options = ["--trace", os.path.join(folder, "fast.json")] if shaped else []
    with e2e.Server(folder, "--fault", spec + ("," if ":" in spec else ":") + "match=*.m4s,from=2,count=1",
                    "--log", log, *options) as server:
        for turn in range(3):  # the first and the third are well
            raw = Raw(server, timeout=2 if ended == "silent" else 20)
            raw.ask("/a.m4s")
            began = time.monotonic()
            got = raw.reply()
            took = time.monotonic() - began
            raw.close()
            if turn != 1:
                check(got[0] == 200 and got[2] == FILE and got[3] == "whole", f"request {turn + 1} was not well")
                continue
            equal((got[0], got[3]), (status, ended), "status and end")
            check(count is None or len(got[2]) == count, f"{len(got[2])} bytes of the body")
            if spec.startswith("corrupt"):
                wrong = [i for i, (a, b) in enumerate(zip(got[2], FILE)) if a != b]
                equal((wrong[0], wrong[-1], len(wrong)), (70000, 70099, 100), "bytes that differ")
            elif status == 200:
                check(got[2] == FILE[:len(got[2])], "other bytes")
            if "for=0.4" in spec:
                check(took >= 0.39, f"stalled for {took:.2f} s")
            if spec.startswith("slow"):
                check(took >= 0.95 * (len(FILE) - 1000000) * 8 / 800000, f"took only {took:.2f} s")
        time.sleep(0.3)  # until the stalled one is seen to have gone
    with open(log, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    equal([line["fault"] for line in lines].count(None), 2, "lines without a fault")
    struck = next(line for line in lines if line["fault"])
    equal(struck["fault"], spec.split(":")[0], "fault in the log")
    equal(struck["status"], status or 0, "status in the log")
    if status == 200 and ended in ("closed", "reset"):
        equal(struck["bytes"], count, "bytes in the log")


for row in FAULTS:
    e2e.add_case(f"fault {row[0]}", a_fault, *row, False)
    e2e.add_case(f"fault {row[0]}, shaped", a_fault, *row, True)


@case
def faults_count_in_the_order_of_requests_and_begin_again(folder):
    put(folder, "a.m4s", b"media")
    put(folder, "b.mpd", b"manifest")
    with e2e.Server(folder, "--fault", "status:match=*.m4s,every=3", "--fault", "status:code=404,match=*.mpd,p=0.5,seed=9") \
            as server:
        def codes(name, n):
            return [fetch(server.url + name)[0] for _ in range(n)]
        equal(codes("a.m4s", 7), [503, 200, 200, 503, 200, 200, 503], "every third")
        chances = codes("b.mpd", 20)
        check(0 < chances.count(404) < 20, f"chances: {chances}")
        equal(fetch(server.url + ".weir/reset", "POST")[0], 204, "POST to /.weir/reset")
        equal(codes("a.m4s", 2), [503, 200], "after a reset")
        equal(codes("b.mpd", 20), chances, "the same seed")
        equal(fetch(server.url + ".weir/reset")[0], 405, "GET of /.weir/reset")
    with e2e.Server(folder, "--fault", "status:code=404,match=*.mpd,p=0.5,seed=9") as server:
        equal([fetch(server.url + "b.mpd")[0] for _ in range(20)], chances, "another server, the same seed")


def wrong_options(args, named, folder):
    refused(weir("serve", *args, folder), 2, named)


for words, where in [(["--fault", "burn"], "burn"), (["--fault", "status:code=99"], "code=99"),
                     (["--fault", "slow:every=0"], "every=0"), (["--live", "window=x"], "window=x"),
                     (["--live", "nosuch=1"], "nosuch"), (["--tls", "only"], "CERT:KEY")]:
    e2e.add_case(f"refused: {' '.join(words)}", wrong_options, words, where)


@case
def a_post_makes_the_next_request_time_zero(folder):
    put(folder, "a.m4s", FILE[:50000])
    trace = put(folder, "t.json", b'[{"duration_ms":600,"bandwidth_kbps":40000},{"duration_ms":600000,"bandwidth_kbps":40}]')
    with e2e.Server(folder, "--trace", trace) as server:
        fetch(server.url + "a.m4s")
        time.sleep(0.8)  # now at 40 kbit/s: 10 s for the file
        fetch(server.url + ".weir/reset", "POST")
        began = time.monotonic()
        equal(len(fetch(server.url + "a.m4s")[2]), 50000, "bytes")
        check(time.monotonic() - began < 4, "the trace did not begin again")


@case
def connections_together_follow_the_trace(folder):
    """Wide bounds; bench/serve_rate.py has the narrow ones."""
    put(folder, "a.mp4", FILE * 8)
    trace = put(folder, "t.json", b'[{"duration_ms":1000,"bandwidth_kbps":24000},{"duration_ms":1000,"bandwidth_kbps":6000}]')
    with e2e.Server(folder, "--trace", trace) as server:
        counts, lock, began = [0] * 12, threading.Lock(), time.monotonic()

        def load():
            raw = Raw(server)
            raw.ask("/a.mp4")
            while (at := time.monotonic() - began) < 6:
                got = len(raw.socket.recv(65536))
                with lock:
                    counts[min(int(at * 2), 11)] += got
            raw.close()
        threads = [threading.Thread(target=load) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    total = sum(counts[:12]) * 8 / 6
    check(15e6 * 0.85 < total < 15e6 * 1.05, f"{total / 1e6:.2f} Mbit/s over 6 s of 15")
    fast, slow = sum(counts[1::4] + counts[0::4]), sum(counts[3::4] + counts[2::4])
    check(fast > 2.2 * slow, f"{fast} bytes in fast seconds, {slow} in slow ones")


@case
def tls_with_a_certificate_of_its_own(folder):
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    put(folder, "www/a.m4s")
    pem, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem], check=True, capture_output=True)
    www = os.path.join(folder, "www")
    probe = weir("serve", "--tls", f"{pem}:{pem}.none", www)
    refused(probe, 3, "none")
    refused(weir("serve", "--tls", f"{key}:{pem}", www), 3)
    trace = put(folder, "t.json", b'[{"duration_ms":1000,"bandwidth_kbps":100000}]')
    for options in ([], ["--trace", trace], ["--fault", "reset:from=3"]):
        with e2e.Server(www, "--tls", f"{pem}:{key}", *options) as server:
            check(server.url.startswith("https://"), server.url)
            context = ssl.create_default_context(cafile=pem)
            equal(fetch(server.url + "a.m4s", context=context)[2] == FILE, True, "the file over TLS")
            equal(fetch(server.url + "a.m4s", headers={"Range": "bytes=5-9"}, context=context)[2], FILE[5:10], "a range")
            if "--fault" in options:
                try:
                    fetch(server.url + "a.m4s", context=context)
                    check(False, "no reset over TLS")
                except (urllib.error.URLError, http.client.HTTPException, OSError):
                    pass


def copy_media(folder, *names):
    for name in names:
        shutil.copytree(os.path.join(e2e.ARGS.media, name), os.path.join(folder, name))
    return folder


def seconds(text):
    return float(re.fullmatch(r"PT([\d.]+)S", text).group(1))


@case
def a_live_mpd_slides(folder):
    with e2e.Server(copy_media(folder, "dash-timeline"), "--live", "window=6,start=10") as server:
        url = server.url + "dash-timeline/manifest.mpd"
        seen = set()
        for _ in range(3):
            status, headers, text = fetch(url)
            equal((status, headers["Content-Type"]), (200, "application/dash+xml"), "the manifest")
            mpd = ElementTree.fromstring(text)
            equal(mpd.get("type"), "dynamic", "type")
            check(6 <= seconds(mpd.get("timeShiftBufferDepth")) < 6.1, mpd.get("timeShiftBufferDepth"))
            check("mediaPresentationDuration" not in mpd.attrib, "a duration")
            for name in ("availabilityStartTime", "publishTime", "minimumUpdatePeriod"):
                check(name in mpd.attrib, f"no {name}")
            listed = []
            for period in mpd.iter(MPD + "Period"):
                base = period.find(MPD + "BaseURL")
                template = period.find(f".//{MPD}SegmentTemplate")
                for s in template.iter(MPD + "S"):
                    for k in range(int(s.get("r", "0")) + 1):
                        t = int(s.get("t")) + k * int(s.get("d"))
                        listed.append(f"{base.text if base is not None else ''}seg-0-{t}.m4s")
            check(3 <= len(listed) <= 5, f"{len(listed)} segments in a window of 6 s: {listed}")
            for name in listed:
                equal(fetch(server.url + "dash-timeline/" + name)[0], 200, name)
            seen |= set(listed)
            timing = [t for t in mpd.iter(MPD + "UTCTiming") if "http-iso" in t.get("schemeIdUri")]
            status, _, now = fetch(timing[0].get("value"))
            check(re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now), f"the time: {now}")
            time.sleep(2.2)
        check(len(seen) >= 5, f"the window did not move: {sorted(seen)}")
        check(any(name.startswith("~1/") for name in seen), f"no second round of 12 s: {sorted(seen)}")
        equal(fetch(server.url + "dash-timeline/~5/seg-0-0.m4s")[0], 404, "a round that is not there yet")
        inspected = json.loads(weir("inspect", "--json", url).stdout)
        equal(inspected["type"], "live", "as weir inspect sees it")
        equal(inspected["warnings"], [], "warnings of weir inspect")


@case
def live_segments_are_not_there_before_they_are_over(folder):
    with e2e.Server(copy_media(folder, "dash-number"), "--live", "start=5,loop=off") as server:
        began = time.monotonic()
        name = server.url + "dash-number/v0-{}.m4s"
        equal([fetch(name.format(n))[0] for n in (1, 2, 3)], [200, 200, 404], "at 5 s, segments of 2 s")
        equal(fetch(server.url + "dash-number/v0-init.mp4")[0], 200, "the init segment")
        while fetch(name.format(3))[0] == 404 and time.monotonic() - began < 10:
            time.sleep(0.05)
        check(0.9 <= time.monotonic() - began < 8, f"segment 3 came after {time.monotonic() - began:.2f} s")
        mpd = ElementTree.fromstring(fetch(server.url + "dash-number/manifest.mpd")[2])
        equal(mpd.get("type"), "dynamic", "type while it lasts")
        while time.monotonic() - began < 7.3:
            time.sleep(0.1)
        mpd = ElementTree.fromstring(fetch(server.url + "dash-number/manifest.mpd")[2])
        equal((mpd.get("type"), "mediaPresentationDuration" in mpd.attrib), ("static", True), "after its end")
        equal(fetch(name.format(6))[0], 200, "the last segment")


def sequence(text):
    return int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text).group(1))


@case
def a_live_playlist_slides(folder):
    with e2e.Server(copy_media(folder, "hls-fmp4"), "--live", "window=6,start=10") as server:
        playlist = server.url + "hls-fmp4/media-r0.m3u8"
        first = fetch(playlist)[2].decode()
        check("#EXT-X-ENDLIST" not in first and "PLAYLIST-TYPE" not in first, first)
        check("#EXT-X-PROGRAM-DATE-TIME:" in first and "#EXT-X-MAP:" in first, first)
        time.sleep(4.5)
        second = fetch(playlist)[2].decode()
        check(sequence(second) in (sequence(first) + 2, sequence(first) + 3), f"{first}\n{second}")
        check("#EXT-X-DISCONTINUITY\n" in second and "~1/seg-r0-0.m4s" in second, f"no second round: {second}")
        for line in second.splitlines():
            if line and not line.startswith("#"):
                equal(fetch(server.url + "hls-fmp4/" + line)[0], 200, line)
        equal(fetch(server.url + "hls-fmp4/master.m3u8")[2], open(os.path.join(folder, "hls-fmp4/master.m3u8"), "rb").read(),
              "the multivariant playlist")
        equal(json.loads(weir("inspect", "--json", server.url + "hls-fmp4/master.m3u8").stdout)["type"], "live", "type")
    with e2e.Server(folder, "--live", "window=6,start=10,loop=off") as server:
        time.sleep(2.3)
        check("#EXT-X-ENDLIST" in fetch(server.url + "hls-fmp4/media-r0.m3u8")[2].decode(), "it does not end")


def ffmpeg_plays(path, folder):
    with e2e.Server(copy_media(folder, path.split("/")[0]), "--live", "window=10,start=10") as server:
        run = subprocess.run(["timeout", "-s", "KILL", str(int(60 * e2e.ARGS.slow)), "ffmpeg", "-nostdin", "-loglevel",
                              "error", "-i", server.url + path, "-t", "4", "-map", "0:v:0", "-f", "null", "-"],
                             capture_output=True, check=False)
        equal((run.returncode, run.stderr), (0, b""), "ffmpeg")


for path in ("hls-fmp4/master.m3u8", "hls-ts/master.m3u8", "dash-timeline/manifest.mpd"):
    e2e.add_case(f"ffmpeg plays live {path}", ffmpeg_plays, path)


@case
def chunks_leave_while_the_segment_is_made(folder):
    source = os.path.join(e2e.ARGS.media, "rungs", "v1.mp4")
    package = os.path.join(folder, "ll")
    os.makedirs(package)
    e2e.ffmpeg("-i", source, "-c", "copy", "-f", "dash", "-seg_duration", "2", "-frag_type", "duration", "-frag_duration",
               "0.4", "-use_timeline", "0", "-use_template", "1", "-init_seg_name", "init.mp4", "-media_seg_name",
               "$Number$.m4s", os.path.join(package, "manifest.mpd"))
    with e2e.Server(folder, "--live", "start=4.1,ll=on") as server:
        mpd = ElementTree.fromstring(fetch(server.url + "ll/manifest.mpd")[2])
        template = next(mpd.iter(MPD + "SegmentTemplate"))
        equal(template.get("availabilityTimeComplete"), "false", "availabilityTimeComplete")
        check(1 < float(template.get("availabilityTimeOffset")) < 2, template.get("availabilityTimeOffset"))
        equal(fetch(server.url + "ll/5.m4s")[0], 404, "a segment that is not begun")
        while fetch(server.url + "ll/3.m4s", "HEAD")[0] == 404:
            time.sleep(0.02)
        connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=20)
        connection.request("GET", "/ll/3.m4s")
        response = connection.getresponse()
        equal((response.status, response.getheader("Transfer-Encoding")), (200, "chunked"), "a segment in the making")
        came, data = [], b""
        while part := response.read1(1 << 20):
            came.append(time.monotonic())
            data += part
        check(data == open(os.path.join(package, "3.m4s"), "rb").read(), "other bytes")
        check(came[-1] - came[0] > 0.5, f"all at once: {came}")
        equal(fetch(server.url + "ll/3.m4s")[1]["Content-Length"], str(len(data)), "once it is whole")


@case
def what_cannot_be_live_is_said(folder):
    copy_media(folder, "dash-sidx", "dash-number")
    with e2e.Server(folder, "--live", "on") as server:
        status, _, text = fetch(server.url + "dash-sidx/manifest.mpd")
        check(status == 404 and b"live" in text, f"{status}: {text}")
        equal(fetch(server.url + "dash-number/manifest.mpd")[0], 200, "its neighbour")
    shutil.rmtree(os.path.join(folder, "dash-number"))
    refused(weir("serve", "--live", "on", folder), 3, "live")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
