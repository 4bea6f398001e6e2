#!/usr/bin/env python3
"""check_includes.py: the house keeps its floors (docs/architecture.md).

Checks the tracked files: a folder includes only folders before it; player/engine/ only core/,
abr/, manifest/ and itself; each outside library appears only where it belongs; every folder has a
README.md; and no file names a machine's paths. Prints FILE:LINE: what, and exits 1, on a breach.
"""
import os
import re
import subprocess
import sys

ORDER = ["core", "abr", "manifest", "net", "demux", "render", "player", "sim", "cli"]
ENGINE = {"core", "abr", "manifest", "player/engine"}
EXTRA = ["include", "tests", "bench", "examples", "docs", "scripts", "cmake"]
LIBRARIES = [  # what an include looks like, who may have it
    (r"<lib(avformat|avcodec|avutil|swresample|swscale|avfilter)/", {"demux", "player", "render", "cli"}),
    (r"<SDL2?[/_.]", {"render"}),
    (r"<curl/", {"net"}),
    (r"<libxml/", {"manifest", "sim"}),  # sim: the server rewrites MPDs for live
    (r"<sqlite3", {"sim"}),
    (r"<microhttpd", {"sim"}),
    (r"<ass/", {"render"}),
    (r"<openssl/", {"net", "demux", "player"}),
]
# `weir --version` prints the versions of the libraries it runs with, so the library headers may
# also stand in the one file that asks for them.
VERSION_FILE = "cli/main.c"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])')
# Built from character classes so that this file does not name what it forbids.
FORBIDDEN = re.compile(r"(?<![\w.$}])/[w]ork/|\.[l]ibrary\b|(?<![\w.$}])/[h]ome/\w|(?<![\w.$}])/[r]oot/")


def folder_of(path):
    if path.startswith("player/engine/"):
        return "player/engine"
    return path.split("/", 1)[0]


def may_include(folder, target):
    """Whether a file in `folder` may include one in `target`."""
    if folder == "player/engine":
        return target in ENGINE
    if target == "player/engine":
        target = "player"
    return target == folder or ORDER.index(target) < ORDER.index(folder)


def check_source(path, text, report):
    folder = folder_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(1)
        if folder == "include":
            if not re.match(r'<(weir/|std\w+\.h)', name):
                report(path, number, f"a public header includes {name}: only <weir/…> and <std…h>")
            continue
        if folder not in ORDER and folder != "player/engine":
            continue  # tests, examples and benches may look anywhere
        top = "player" if folder == "player/engine" else folder
        for pattern, allowed in LIBRARIES:
            if path != VERSION_FILE and re.match(pattern, name) and (top not in allowed or folder == "player/engine"):
                report(path, number, f"{name} belongs to {', '.join(sorted(allowed))} alone")
        if name[0] == '"':
            target = folder_of(name[1:-1])
            if target not in ORDER and target != "player/engine":
                report(path, number, f"{name}: write includes from the repository's root")
            elif not may_include(folder, target):
                report(path, number, f"{folder}/ may not include {target}/")


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.chdir(root)
    names = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], check=True, capture_output=True).stdout
    files = [n for n in names.decode().split("\0") if n and os.path.isfile(n)]
    breaches = []

    def report(path, number, what):
        breaches.append(f"{path}:{number}: {what}")

    for path in files:
        with open(path, "rb") as f:
            data = f.read()
        if b"\0" in data:
            continue
        text = data.decode("utf-8", "replace")
        if path.endswith((".c", ".h")):
            check_source(path, text, report)
        for number, line in enumerate(text.splitlines(), 1):
            if FORBIDDEN.search(line):
                report(path, number, "names a path of one machine")
    present = {folder_of(f) for f in files} | {"player" for f in files if f.startswith("player/")}
    for folder in ORDER + ["player/engine"] + EXTRA:
        if folder in present and not os.path.isfile(os.path.join(folder, "README.md")) and folder not in ("docs", "cmake"):
            report(folder + "/README.md", 1, "missing: every folder says what it is for")
    print("\n".join(breaches) if breaches else f"check_includes: {len(files)} files, all as it should be")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
