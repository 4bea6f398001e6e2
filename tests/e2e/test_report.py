#!/usr/bin/env python3
"""`weir report`: one HTML file, looked at in a real browser without a network: headless Chromium."""
import functools
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import zlib

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, weir

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data")
TRACES, CONTENT = os.path.join(DATA, "traces"), os.path.join(DATA, "contents", "lake.json")
ABRS = "bola,throughput,bba0,bba0:reservoir=4,random,fixed,bola:variant=u,random:seed=3,random:seed=4,random:seed=5"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# Put behind the page's own scripts: says what each canvas shows.
PROBE = """<script>
const seen = [...document.querySelectorAll('canvas')].map(c => {
  const pixels = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);
  return {id: c.id, width: c.width, height: c.height, drawn: pixels.filter(p => p >>> 24).length, colours: new Set(pixels).size};
});
const probe = document.createElement('pre');
probe.id = 'probe';
probe.textContent = JSON.stringify({canvases: seen, theme: document.documentElement.dataset.theme,
  ready: document.documentElement.dataset.ready, background: getComputedStyle(document.body).backgroundColor,
  wide: document.documentElement.scrollWidth - innerWidth, rows: document.querySelectorAll('#table tbody tr').length,
  sorts: (() => { const b = document.querySelectorAll('#table thead button')[1]; b.click();
    return document.querySelectorAll('#table th[aria-sort]').length; })(),
  title: document.getElementById('title').textContent});
document.body.append(probe);
</script>"""


def browser():
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise e2e.Skip("no Chromium to look with")
    return found


def look(page, folder, *options, width=1280, height=2600, dark=False):
    """Run Chromium on a page, with every name unknown and no way out. Returns the finished process."""
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]
    return subprocess.run(
        [browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         f"--user-data-dir={folder}/chrome", "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
         "--enable-logging=stderr", f"--window-size={width},{height}", "--virtual-time-budget=5000", *scheme, *options,
         "file://" + page], capture_output=True, timeout=120 * e2e.ARGS.slow, check=False)


def console(run):
    return [line for line in run.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]


def probed(page, folder, **how):
    with open(page, encoding="utf-8") as f:
        text = f.read()
    copy = os.path.join(folder, "probed.html")
    with open(copy, "w", encoding="utf-8") as f:
        f.write(text.replace("</body>", PROBE + "</body>"))
    run = look(copy, folder, "--dump-dom", **how)
    equal(console(run), [], "messages on the console")
    found = re.search(r'<pre id="probe">(.*?)</pre>', run.stdout.decode("utf-8", "replace"), re.S)
    check(found, "the page did not come to its end")
    return json.loads(found.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


@functools.lru_cache(maxsize=None)
def png_rows(path):
    """Width, and rows of RGB bytes, of an 8-bit PNG that is not interlaced."""
    with open(path, "rb") as f:
        data = f.read()
    at, width, channels, packed = 8, 0, 0, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            width, _, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, at + 8)
            channels = {2: 3, 6: 4}[colour]
            check(depth == 8 and not interlace, "a PNG of another kind")
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    raw, step, rows, above = zlib.decompress(packed), width * channels, [], bytes(width * channels)
    for y in range(len(raw) // (step + 1)):
        way, line = raw[y * (step + 1)], bytearray(raw[y * (step + 1) + 1:(y + 1) * (step + 1)])
        for i in range(step):
            left, up = (line[i - channels] if i >= channels else 0), above[i]
            corner = above[i - channels] if i >= channels else 0
            if way == 1:
                line[i] = (line[i] + left) & 255
            elif way == 2:
                line[i] = (line[i] + up) & 255
            elif way == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif way == 4:
                p = left + up - corner
                near = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                line[i] = (line[i] + near) & 255
        above = bytes(line)
        rows.append(above)
    return width, channels, rows


def screenshot(page, folder, name, **how):
    path = os.path.join(folder, name)
    look(page, folder, "--screenshot=" + path, **how)
    check(os.path.exists(path), "no screenshot was made")
    width, channels, rows = png_rows(path)
    pixels = [row[i:i + 3] for row in rows[::4] for i in range(0, width * channels, channels * 4)]
    return sum(sum(p) for p in pixels) / len(pixels) / 3, len(set(pixels))


def make(folder, *options):
    db, page = os.path.join(folder, "s.db"), os.path.join(folder, "r.html")
    ended_well(weir("eval", "--traces", TRACES, "--contents", CONTENT, "--abr", ABRS, "--db", db, "--quiet", *options,
                    timeout=240))
    ended_well(weir("report", db, "-o", page, "--baseline", "bola"))
    return db, page


def data_of(page):
    with open(page, encoding="utf-8") as f:
        text = f.read()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


@e2e.case
def the_page_draws_everything_in_both_themes(folder):
    _, page = make(folder, "--optimal")
    check(os.path.getsize(page) < 5 << 20, f"the page has {os.path.getsize(page)} bytes")
    themes = {}
    for dark in (False, True):
        got = probed(page, folder, dark=dark)
        equal((got["ready"], got["theme"]), ("yes", "dark" if dark else "light"), "the page's state")
        ids = {c["id"] for c in got["canvases"]}
        check({"cdf", "plane", "t-rate", "t-buffer", "t-rung"} <= ids, f"canvases {ids}")
        equal(len(got["canvases"]), 5 + 2 + 2, "canvases: of the set, means, shares")
        for c in got["canvases"]:
            check(c["drawn"] > 0.01 * c["width"] * c["height"] and c["colours"] >= 8, f"hardly anything is drawn: {c}")
        equal(got["rows"], 14, "rows of the table")
        equal(got["sorts"], 1, "columns sorted after pressing a heading")
        check(got["title"].startswith("Comparison of 10 algorithms"), got["title"])
        themes[dark] = got["background"]
    check(themes[False] != themes[True], "light and dark have one background")
    light, light_colours = screenshot(page, folder, "light.png", height=1200)
    dark, dark_colours = screenshot(page, folder, "dark.png", height=1200, dark=True)
    check(light > 200 and dark < 90, f"mean brightness {light:.0f} in light, {dark:.0f} in dark")
    check(light_colours > 100 and dark_colours > 100, f"{light_colours} and {dark_colours} colours on the page")


@e2e.case
def the_page_fits_a_phone_and_paper(folder):
    _, page = make(folder)
    got = probed(page, folder, width=390, height=800)
    check(got["wide"] <= 0, f"the page is {got['wide']} pixels wider than a phone")
    equal(probed(page, folder, width=1000, height=900)["wide"] <= 0, True, "fits 1000 pixels")
    pdf = os.path.join(folder, "r.pdf")
    look(page, folder, "--print-to-pdf=" + pdf)
    check(os.path.exists(pdf) and os.path.getsize(pdf) > 30000, "nothing to print")


@e2e.case
def nothing_is_fetched(folder):
    _, page = make(folder)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    check("default-src 'none'" in text, "no policy against fetching")
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    check(not re.search(r'\b(src|href)\s*=|url\(', markup), "the page names something outside")


@e2e.case
def figures_are_those_of_the_table(folder):
    db, page = make(folder)
    data = data_of(page)
    equal(data["schema"], "weir.report/1", "schema")
    equal(data["sessions"], 4 * 10, "sessions")
    names = [a["name"] for a in data["abrs"]]
    for shown in data["sets"]:
        for name, cell in zip(names, shown["cells"]):
            want = sqlite3.connect(db).execute(
                'SELECT avg("qoe.lin"), avg(mean_bitrate), sum(stall_time > 0) FROM session WHERE abr = ? AND trace_set = ?',
                (name, shown["name"])).fetchone()
            check(abs(cell["lin"][0] - want[0]) < 1e-4 * max(1, abs(want[0])), f"qoe.lin of {name}: {cell['lin']}, {want}")
            check(abs(cell["bitrate"] - want[1]) < 1e-4 * want[1], f"bitrate of {name}")
            equal(cell["stalled"], want[2], f"stalled sessions of {name}")
            check(cell["lin"][1] <= cell["lin"][0] <= cell["lin"][2], f"interval of {name}")
            check(cell["curve_lin"] == sorted(cell["curve_lin"]), f"curve of {name}")
        equal([e["label"] for e in shown["examples"]], ["worst", "best"], "sessions over time")
        for example in shown["examples"]:
            equal(len(example["sessions"]), len(names), "algorithms over time")
    equal(data["missing"], None, "what is missing")


@e2e.case
def traces_that_are_gone_or_changed_are_left_out_and_said(folder):
    traces = os.path.join(folder, "t", "mine")
    shutil.copytree(os.path.join(TRACES, "home"), traces)
    db, page = os.path.join(folder, "s.db"), os.path.join(folder, "r.html")
    ended_well(weir("eval", "--traces", traces, "--contents", CONTENT, "--abr", "bola", "--db", db, "--quiet"))
    shutil.move(traces, os.path.join(folder, "elsewhere"))
    ended_well(weir("report", db, "-o", page))
    data = data_of(page)
    equal(data["sets"][0]["examples"], [], "sessions over time")
    check(data["missing"] and "mine" in data["missing"], f"says {data['missing']!r}")
    equal(probed(page, folder)["ready"], "yes", "the page without them")
    ended_well(weir("report", db, "-o", page, "--traces", os.path.join(folder, "elsewhere"), "--contents", CONTENT))
    equal(len(data_of(page)["sets"][0]["examples"]), 2, "sessions over time, found elsewhere")


@e2e.case
def hostile_names_stay_text(folder):
    name = "<img src=x onerror=alert(1)>&\"'"
    place = os.path.join(folder, "t", "a<b>&'\"")
    os.makedirs(place)
    shutil.copy(os.path.join(TRACES, "home", "wifi.json"), os.path.join(place, name))
    page = os.path.join(folder, "r.html")
    ended_well(weir("eval", "--traces", place, "--contents", CONTENT, "--abr", "bola,bba0", "--report", page, "--quiet"))
    equal(data_of(page)["sets"][0]["name"], "a<b>&'\"", "the set's name")
    equal(probed(page, folder)["ready"], "yes", "the page with such names")


@e2e.case
def wrong_usage_is_named(folder):
    db, _ = make(folder)
    refused(weir("report"), 2, "DB")
    refused(weir("report", db), 2, "-o")
    refused(weir("report", db, db, "-o", "x"), 2, "one database")
    refused(weir("report", db, "-o", os.path.join(folder, "no", "r.html")), 6, "no/r.html")
    refused(weir("report", os.path.join(folder, "none.db"), "-o", os.path.join(folder, "r.html")), 3, "none.db")
    refused(weir("report", db, "--baseline", "nobody", "-o", os.path.join(folder, "r.html")), 2, "nobody")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
