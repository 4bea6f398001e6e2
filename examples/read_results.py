#!/usr/bin/env python3
"""read_results.py: the results of `weir eval --db`, read with Python's standard library alone.

    examples/read_results.py DB [--metric qoe.lin]              a table per trace set and content
    examples/read_results.py DB --session TRACE ABR [CONTENT]   one session and its decisions

The view `session` has a row a session: trace_set, abr, content, trace, offset (seconds), decisions (a byte a
segment: its rung) and the members of weir.session/1 by their names, such as stall_time and "qoe.lin".
"""
import argparse
import collections
import pathlib
import sqlite3
import statistics
import sys

FORMAT = 1  # PRAGMA user_version of the databases that this script knows


def open_results(path):
    db = sqlite3.connect(f"{pathlib.Path(path).absolute().as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found != FORMAT:
        raise ValueError(f"results of format {found}, not {FORMAT}")
    return db


def column(db, name):
    """A member's name, quoted for SQL, if the view has it."""
    known = [row["name"] for row in db.execute("PRAGMA table_info(session)")]
    if name not in known:
        raise ValueError(f"no member {name}; there are {', '.join(known)}")
    return f'"{name}"'


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, round(part * (len(values) - 1)))]


def print_tables(db, metric):
    """Means over a set's traces, each trace counted once however many sessions it has."""
    cells = collections.defaultdict(lambda: collections.defaultdict(list))
    query = (f"SELECT trace_set, content, trace, abr, {column(db, metric)} AS metric, mean_bitrate, stall_time"
             " FROM session ORDER BY trace_set, content, abr, trace")
    for row in db.execute(query):
        cells[row["trace_set"], row["content"]][row["abr"]].append(row)
    for (trace_set, content), by_abr in cells.items():
        print(f"\n{trace_set}, {content}")
        print(f"  {'algorithm':<24} {'sessions':>8} {metric:>10} {'Mbit/s':>8} {'stalling':>9} {'p95 stall':>10}")
        for abr, rows in by_abr.items():
            by_trace = collections.defaultdict(list)
            for row in rows:
                if row["metric"] is not None:
                    by_trace[row["trace"]].append(row["metric"])
            mean = statistics.fmean(map(statistics.fmean, by_trace.values())) if by_trace else float("nan")
            bitrates = [row["mean_bitrate"] for row in rows if row["mean_bitrate"] is not None]
            stalls = [row["stall_time"] for row in rows if row["stall_time"] is not None]
            rate = f"{statistics.fmean(bitrates) / 1e6:8.3f}" if bitrates else f"{'-':>8}"
            stalling = f"{sum(s > 0 for s in stalls) / len(stalls):9.1%}" if stalls else f"{'-':>9}"
            tail = f"{percentile(stalls, 0.95):8.2f} s" if stalls else f"{'-':>10}"
            print(f"  {abr:<24} {len(rows):>8} {mean:>10.4f} {rate} {stalling} {tail}")


def print_session(db, trace, abr, content):
    query = "SELECT * FROM session WHERE trace = ? AND abr = ? AND (? IS NULL OR content = ?) ORDER BY \"offset\""
    rows = db.execute(query, (trace, abr, content, content)).fetchall()
    if not rows:
        raise ValueError(f"no session of {abr} over {trace}")
    for row in rows:
        for name in row.keys():
            if name != "decisions" and row[name] is not None:
                print(f"{name:<20} {row[name]}")
        print(f"{'decisions':<20} {' '.join(str(rung) for rung in row['decisions'] or b'')}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("db", metavar="DB")
    parser.add_argument("--metric", default="qoe.lin", help="member to average (default: qoe.lin)")
    parser.add_argument("--session", nargs="+", metavar="NAME", help="TRACE ABR [CONTENT]")
    args = parser.parse_args()
    if args.session and not 2 <= len(args.session) <= 3:
        parser.error("--session wants TRACE ABR [CONTENT]")
    try:
        db = open_results(args.db)
        if args.session:
            print_session(db, *(args.session + [None])[:3])
        else:
            print_tables(db, args.metric)
    except (sqlite3.Error, ValueError) as error:
        print(f"read_results.py: {args.db}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
