#!/usr/bin/env python3
"""check_events.py: docs/events.md lists what sessions emit. Plays the test media (whole, with a missing segment, and
something that is no manifest) and looks each event and member up in the page; and the names that
player/telemetry_events.c and player/session_record.c can emit must be those of the page, both ways.

usage: check_events.py WEIR SOURCE-DIR MEDIA-DIR"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMON = {"t", "event"}


def documented(page):
    """{event: text of its row} of the table."""
    rows = {}
    for line in page.splitlines():
        row = re.match(r"\| `(\w+)` \| .* \| (.*) \|$", line)
        if row:
            rows[row.group(1)] = row.group(2)
    return rows


def emitted(source):
    return set(re.findall(r'\bemit\(\s*t,\s*\w+,\s*"(\w+)"', source))


def recorded(source):
    """Events of --record."""
    return set(re.findall(r'\bweir_telemetry_record\(\s*[^"]*?"(\w+)"', source))


def play(weir, target, code):
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run([weir, "play", "--untimed", "--events", out.name, str(target)], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=120, check=False)
        if done.returncode != code:
            sys.exit(f"{target}: exit code {done.returncode}, not {code}: {done.stderr.decode()}")
        return [json.loads(line) for line in Path(out.name).read_text().splitlines()]


def members(event):
    """Names in an event, those of objects in lists included."""
    names = set(event)
    for value in event.values():
        for item in value if isinstance(value, list) else []:
            names |= set(item) if isinstance(item, dict) else set()
    return names


def main():
    weir, source, media = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    rows = documented((source / "docs/events.md").read_text())
    code = emitted((source / "player/telemetry_events.c").read_text())
    code |= recorded((source / "player/session_record.c").read_text())
    if code != set(rows):
        sys.exit(f"only in the code: {sorted(code - set(rows))}; only in docs/events.md: {sorted(set(rows) - code)}")
    stream = media / "dash-number"
    if not stream.exists():
        print(f"SKIP: no media in {media}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as scratch:
        damaged = Path(scratch) / "damaged"
        shutil.copytree(stream, damaged)
        for file in damaged.glob("v*-3.m4s"):
            file.unlink()
        nothing = Path(scratch) / "nothing.mpd"
        nothing.write_text("<html>no manifest</html>")
        sessions = [play(weir, stream / "manifest.mpd", 0), play(weir, damaged / "manifest.mpd", 0),
                    play(weir, nothing, 3), play(weir, media / "hls-ts" / "master.m3u8", 0)]
    seen = set()
    for session in sessions:
        if session[0]["event"] != "open" or session[-1]["event"] != "end":
            sys.exit(f"a session begins with open and ends with end, not {session[0]} … {session[-1]}")
        for event in session:
            row = rows.get(event["event"])
            seen.add(event["event"])
            if row is None:
                sys.exit(f"docs/events.md does not know {event}")
            for name in members(event) - COMMON:
                if f"`{name}`" not in row:
                    sys.exit(f"docs/events.md does not know the member {name} of {event}")
    if len(seen) < 10:
        sys.exit(f"the sessions showed too little: {sorted(seen)}")
    print(f"{len(rows)} events documented, {len(seen)} seen: {' '.join(sorted(seen))}")


main()
