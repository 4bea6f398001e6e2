#!/usr/bin/env python3
"""test_read_results.py WEIR SOURCE: examples/read_results.py prints what the CSV of the same sweep says."""
import csv
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile

WEIR, SOURCE = sys.argv[1:3]
SCRIPT = os.path.join(SOURCE, "examples", "read_results.py")
DATA = os.path.join(SOURCE, "examples", "data")


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    if done.returncode != status:
        sys.exit(f"{command}: exit {done.returncode}, not {status}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return done


def check(holds, what):
    if not holds:
        sys.exit(what)


def tables(text):
    """{(set, content): {abr: the columns behind it}}"""
    out, here = {}, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            here = out.setdefault(tuple(line.split(", ")), {})
        elif line.strip() and "algorithm" not in line:
            abr, *columns = line.split()
            here[abr] = columns
    return out


def check_table(got, rows, metric):
    """Every cell against means made of the CSV's rows: over offsets first, then over traces."""
    cells = {(r["trace_set"], r["content"], r["abr"]) for r in rows}
    check({(s, c, a) for (s, c), abrs in got.items() for a in abrs} == cells, f"cells: {got.keys()}")
    for trace_set, content, abr in cells:
        mine = [r for r in rows if (r["trace_set"], r["content"], r["abr"]) == (trace_set, content, abr)]
        by_trace = {r["trace"]: [] for r in mine}
        for r in mine:
            by_trace[r["trace"]].append(float(r[metric]))
        mean = statistics.fmean(statistics.fmean(v) for v in by_trace.values())
        columns = got[trace_set, content][abr]
        check(int(columns[0]) == len(mine), f"{abr}: {columns[0]} sessions of {len(mine)}")
        check(abs(float(columns[1]) - mean) < 1e-4, f"{abr}: {metric} {columns[1]}, not {mean}")
        rate = statistics.fmean(float(r["mean_bitrate"]) for r in mine) / 1e6
        check(abs(float(columns[2]) - rate) < 1e-3, f"{abr}: {columns[2]} Mbit/s, not {rate}")
        stalling = 100 * sum(float(r["stall_time"]) > 0 for r in mine) / len(mine)
        check(abs(float(columns[3].rstrip("%")) - stalling) < 0.1, f"{abr}: {columns[3]} stalling, not {stalling}")


def main():
    with tempfile.TemporaryDirectory(prefix="weir-results-") as folder:
        db, table = os.path.join(folder, "r.db"), os.path.join(folder, "r.csv")
        run(WEIR, "eval", "--traces", os.path.join(DATA, "traces"), "--contents",
            os.path.join(DATA, "contents", "lake.json"), "--abr", "bola,fixed:rung=2", "--offsets", "2", "--db", db,
            "--csv", table, "--quiet")
        with open(table, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        check(len(rows) == 4 * 2 * 2, f"{len(rows)} rows in the CSV")
        for metric in ("qoe.lin", "qoe.vmaf", "bytes"):
            check_table(tables(run(SCRIPT, db, "--metric", metric).stdout), rows, metric)
        row = next(r for r in rows if r["abr"] == "bola")
        said = run(SCRIPT, db, "--session", row["trace"], "bola", row["content"]).stdout
        check(row["decisions"].replace("|", " ") in said, f"decisions: {said}")
        for arguments, word in ((["--metric", "qoe.none"], "qoe.lin"), (["--session", "none", "bola"], "none")):
            check(word in run(SCRIPT, db, *arguments, status=1).stderr, f"{arguments}: no {word} in the message")
        other = sqlite3.connect(db)
        other.execute("PRAGMA user_version = 99")
        other.close()
        check("format 99" in run(SCRIPT, db, status=1).stderr, "another version is not told")
        check(run(SCRIPT, table, status=1).stderr.count("\n") == 1, "a file that is no database: not one line")
        check(run(SCRIPT, os.path.join(folder, "none"), status=1).stderr.count("\n") == 1, "no file: not one line")
        print("read_results.py: as the CSV says")


if __name__ == "__main__":
    main()
