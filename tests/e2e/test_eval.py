#!/usr/bin/env python3
"""`weir eval` from outside: the same results however they are found, nothing lost, and clear refusals."""
import csv
import io
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import time

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, stderr_lines, weir

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "data")
TRACES, CONTENT = os.path.join(DATA, "traces"), os.path.join(DATA, "contents", "lake.json")
ABRS = "bola,throughput:compat=sabre,random,bba0:reservoir=5,cushion=10"
ABR_LIST = ["bola", "throughput:compat=sabre", "random", "bba0:reservoir=5,cushion=10"]


def inputs(abrs=ABRS, traces=TRACES):
    return ["--traces", traces, "--contents", CONTENT, "--abr", abrs, "--quiet"]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text.decode())))


def make_traces(folder, count, seconds=30):
    """Traces that differ, in two sets."""
    for i in range(count):
        rates = [300 + (i * 7919 + t * 104729) % 4000 for t in range(seconds)]
        write(os.path.join(folder, ("even", "odd")[i % 2], f"{i:04}.json"), json.dumps(
            [{"duration_ms": 1000, "bandwidth_kbps": r, "latency_ms": 30} for r in rates]))
    return folder


def flatten(document, prefix=""):
    out = {}
    for key, value in document.items():
        if isinstance(value, dict):
            out.update(flatten(value, prefix + key + "."))
        elif not isinstance(value, list):
            out[prefix + key] = value
    return out


@e2e.case
def a_row_of_csv_is_what_sim_says(folder):
    rows = rows_of(ended_well(weir("eval", *inputs(), "--seed", 5, "--buffer-max", 15, "--csv", "-")).stdout)
    equal(len(rows), 4 * len(ABR_LIST), "rows")
    equal(list(rows[0])[:5], ["trace_set", "schema", "abr", "content", "trace"], "first columns")
    equal(sorted({r["trace_set"] for r in rows}), ["home", "mobile"], "trace sets")
    for row in rows:
        trace = os.path.join(TRACES, row["trace_set"], row["trace"])
        document = json.loads(ended_well(weir("sim", "--content", CONTENT, "--trace", trace, "--abr", row["abr"],
                                              "--seed", 5, "--buffer-max", 15, "--json", "-")).stdout)
        equal(row["decisions"], "|".join(map(str, document["decisions"])), f"decisions of {row['abr']} over {trace}")
        flat = flatten(document)
        compared = 0
        for member, text in row.items():
            if member not in flat or member in ("trace", "content"):
                continue
            want = flat[member]
            if isinstance(want, (int, float)):
                check(text and abs(float(text) - want) <= 1e-9 * max(1, abs(want)), f"{member}: {text}, sim says {want}")
            else:
                equal(text, "" if want is None else str(want), member)
            compared += 1
        check(compared >= 18, f"only {compared} members of weir.session/1 are in the CSV")
        equal("sabre.played_utility" in flat, row["sabre.played_utility"] != "", "sabre's figures where asked for")


@e2e.case
def json_lines_hold_what_the_csv_holds(folder):
    lines, table = os.path.join(folder, "s.jsonl"), os.path.join(folder, "s.csv")
    ended_well(weir("eval", *inputs(), "--jsonl", lines, "--csv", table))
    rows = rows_of(read(table))
    documents = [json.loads(line) for line in read(lines).splitlines()]
    equal(len(documents), len(rows), "sessions")
    for document, row in zip(documents, rows):
        equal(document["schema"], "weir.session/1", "schema")
        equal("|".join(map(str, document["decisions"])), row["decisions"], "decisions")
        for member, value in flatten(document).items():
            text = row[member]
            equal(text, "" if value is None else text, member)
            if isinstance(value, (int, float)):
                equal(float(text), float(value), member)


@e2e.case
def neither_threads_nor_the_directory_nor_the_locale_show(folder):
    traces = make_traces(os.path.join(folder, "t"), 40)
    made = []
    for jobs, cwd, locale in ((1, folder, "C"), (2, "/", "de_DE.UTF-8"), (5, traces, "C.UTF-8")):
        db, table, segments = (os.path.join(folder, f"{jobs}.{kind}") for kind in ("db", "csv", "segments"))
        ended_well(weir("eval", *inputs(traces=traces), "--offsets", 3, "--jobs", jobs, "--db", db, "--csv", table,
                        "--segments", segments, cwd=cwd, env={"LC_ALL": locale}))
        made.append((read(db), read(table), read(segments)))
    for i, what in enumerate(("database", "CSV", "segments")):
        check(made[0][i] == made[1][i] == made[2][i], f"the {what} differs")
    rows, segments = rows_of(made[0][1]), rows_of(made[0][2])
    equal(len(rows), 40 * 3 * len(ABR_LIST), "sessions")
    equal(len(segments), sum(len(r["decisions"].split("|")) for r in rows), "segments")


@e2e.case
def shards_merge_to_the_same_bytes(folder):
    traces = make_traces(os.path.join(folder, "t"), 11)
    name = lambda part: os.path.join(folder, f"{part}.db")
    ended_well(weir("eval", *inputs(traces=traces), "--db", name("whole")))
    for k in range(1, 4):
        ended_well(weir("eval", *inputs(traces=traces), "--shard", f"{k}/3", "--jobs", k, "--db", name(k)))
    ended_well(weir("eval", "merge", name(3), name(1), "--db", name("merged")))
    check(read(name("merged")) != read(name("whole")), "a part is all there is")
    ended_well(weir("eval", "merge", name(2), "--db", name("merged")))
    check(read(name("merged")) == read(name("whole")), "merged shards differ from one run")
    check(not os.path.exists(name("merged") + ".partial"), "a partial file stays behind")
    ended_well(weir("eval", *inputs(traces=traces), "--shard", "0/3", "--db", name("zero")))
    check(read(name("zero")) == read(name(3)), "shard 0/3 is not 3/3")
    ended_well(weir("eval", *inputs(traces=traces), "--buffer-max", 30, "--db", name("other")))
    refused(weir("eval", "merge", name(1), name("other"), "--db", name("mixed")), 2, "buffer_max_us")
    check(not os.path.exists(name("mixed")), "a refused merge leaves a file")


def kill_mid_way(command, db):
    """Start a sweep that takes a while, kill it when something is stored."""
    process = subprocess.Popen([e2e.ARGS.weir, "eval", *map(str, command), "--db", db], stderr=subprocess.DEVNULL)
    for _ in range(int(600 * e2e.ARGS.slow)):
        time.sleep(0.05)
        if process.poll() is not None or (os.path.exists(db) and os.path.getsize(db) > 400000):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process.returncode


@e2e.case
def a_killed_sweep_goes_on_where_it_was(folder):
    traces = make_traces(os.path.join(folder, "t"), 60, seconds=120)
    db, whole = os.path.join(folder, "killed.db"), os.path.join(folder, "whole.db")
    offsets = int(200 / e2e.ARGS.slow)
    command = [*inputs(abrs="bola,mpc", traces=traces)[:-1], "--offsets", offsets]
    equal(kill_mid_way(command, db), -signal.SIGKILL, "how the first run ended")
    run = ended_well(weir("eval", *command, "--db", db, timeout=240))
    said = " ".join(stderr_lines(run))
    match = re.search(r"(\d+) sessions were there, (\d+) were run", said)
    check(match, f"does not say what was there: {said}")
    before, after = map(int, match.groups())
    check(before > 0 and before + after == 60 * offsets * 2, f"{before} were there, {after} were run")
    ended_well(weir("eval", *command, "--db", whole, timeout=240))
    check(read(db) == read(whole), "the database differs from that of one run")


@e2e.case
def an_interrupted_sweep_says_what_is_stored(folder):
    traces = make_traces(os.path.join(folder, "t"), 60, seconds=120)
    db = os.path.join(folder, "s.db")
    process = subprocess.Popen([e2e.ARGS.weir, "eval", *inputs(abrs="bola,mpc", traces=traces), "--offsets", "4000",
                                "--db", db], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5 * e2e.ARGS.slow)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60 * e2e.ARGS.slow)
    equal(process.returncode, 130, f"exit code ({said})")
    stored = sqlite3.connect(db).execute("SELECT count(*) FROM session").fetchone()[0]
    check(stored > 0 and f"{stored} sessions are stored" in said, f"{stored} are stored, it says: {said}")


@e2e.case
def a_full_disk_is_an_error_and_loses_nothing(folder):
    traces = make_traces(os.path.join(folder, "t"), 60, seconds=60)
    db = os.path.join(folder, "s.db")
    ended_well(weir("eval", *inputs(traces=traces), "--offsets", 2, "--shard", "1/2", "--db", db))
    # A limit on the size of files stands for a disk that is full. SIGXFSZ must not kill.
    limit = os.path.getsize(db)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    run = weir("eval", *inputs(traces=traces), "--offsets", 2, "--db", db, preexec_fn=limited)
    refused(run, 6, r"s\.db", "full|written")
    check("240 sessions are stored" in " ".join(stderr_lines(run)), "does not say what is stored")
    equal(sqlite3.connect(db).execute("SELECT count(*) FROM session").fetchone()[0], 240, "sessions that are left")
    ended_well(weir("eval", *inputs(traces=traces), "--offsets", 2, "--db", db))
    equal(sqlite3.connect(db).execute("SELECT count(*) FROM session").fetchone()[0], 480, "sessions in the end")
    if os.path.exists("/dev/full"):
        for output in ("--csv", "--jsonl", "--segments", "--report"):
            refused(weir("eval", *inputs(), output, "/dev/full"), 6, "/dev/full")


@e2e.case
def other_databases_are_refused(folder):
    db = os.path.join(folder, "s.db")
    refused(weir("eval", *inputs(), "--db", write(db, "not a database, but a text of some length\n" * 40)), 3, "s.db")
    os.unlink(db)
    ended_well(weir("eval", *inputs(), "--db", db))
    good = read(db)

    def changed(sql):
        with open(db, "wb") as f:
            f.write(good)
        connection = sqlite3.connect(db)
        connection.execute(sql)
        connection.commit()
        connection.close()
        return db
    refused(weir("eval", *inputs(), "--db", changed("PRAGMA user_version = 99")), 3, "format 99")
    refused(weir("report", db, "-o", os.path.join(folder, "r.html")), 3, "format 99")
    refused(weir("eval", *inputs(), "--db", changed("UPDATE meta SET value = '9.9' WHERE key = 'weir_version'")), 3, "9.9")
    refused(weir("eval", *inputs(), "--db", changed("PRAGMA application_id = 7")), 3, "not of Weir")
    refused(weir("eval", *inputs(), "--db", changed("UPDATE contents SET hash = '0'")), 2, "lake")
    refused(weir("eval", *inputs(), "--net", "tcp", "--db", changed("SELECT 1")), 2, "--net fluid there, tcp here")
    with open(db, "wb") as f:
        f.write(good)
    with open(db, "r+b") as f:
        f.truncate(len(good) // 2)
    run = weir("eval", *inputs(), "--db", db)
    check(run.returncode in (3, 6) and stderr_lines(run), f"a cut database: exit {run.returncode}")
    connection = sqlite3.connect(changed("SELECT 1"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    refused(weir("eval", *inputs(), "--db", db), 6, "locked")
    connection.close()


@e2e.case
def bad_traces_are_named_before_anything_is_run(folder):
    traces = make_traces(os.path.join(folder, "t"), 6)
    write(os.path.join(traces, "even", "negative.json"), '[{"duration_ms": 1000, "bandwidth_kbps": -5}]')
    write(os.path.join(traces, "odd", "empty"), "")
    write(os.path.join(traces, "odd", "back.txt"), "0 1\n2 1\n1 1\n")
    write(os.path.join(traces, "README.md"), "no trace")
    db = os.path.join(folder, "s.db")
    run = weir("eval", *inputs(traces=traces), "--db", db)
    lines = stderr_lines(run)
    equal(run.returncode, 3, "exit code")
    for name in ("negative.json", "empty", "back.txt"):
        check(any(name in line and line.startswith("weir: ") for line in lines), f"{name} is not named: {lines}")
    check("--skip-bad" in lines[-1], f"no way out is named: {lines}")
    check(not os.path.exists(db), "something was run")
    table = ended_well(weir("eval", *inputs(traces=traces), "--skip-bad", "--csv", "-")).stdout
    equal(len(rows_of(table)), 6 * len(ABR_LIST), "sessions over the others")
    refused(weir("eval", *inputs(traces=os.path.join(folder, "none"))), 3, "none")
    os.makedirs(os.path.join(folder, "nothing"))
    refused(weir("eval", *inputs(traces=os.path.join(folder, "nothing"))), 3, "no traces")


@e2e.case
def a_trace_not_finished_by_all_is_in_no_figure(folder):
    """bola finishes dead.json's sibling only; fixed:rung=0 finishes both: their means are over the same trace."""
    traces = make_traces(os.path.join(folder, "t"), 2)
    write(os.path.join(traces, "even", "dead.json"), '[{"duration_ms": 1000, "bandwidth_kbps": 0.0001}]')
    db = os.path.join(folder, "s.db")
    command = ["eval", *inputs("bola", traces=traces)[:-1], "--db", db, "--csv", "-", "--fail-if", "max(errors) > 1"]
    run = weir(*command)
    equal(run.returncode, 5, "exit code")
    said = "\n".join(stderr_lines(run))
    check("even/dead.json, bola" in said and "1 such session" in said, f"does not tell of it: {said}")
    rows = {r["trace"]: r for r in rows_of(run.stdout)}
    equal((rows["dead.json"]["errors"], rows["dead.json"]["qoe.lin"]), ("1", ""), "errors and QoE")
    mean = float(rows["0000.json"]["qoe.lin"])
    check(f"{mean:.3f} -" in said, f"the mean of the set is not that of its other trace, {mean:.3f}: {said}")
    check("1 in no figure" in said and "bola: 1 trace not finished, 1 session failed" in said, f"not said by whom: {said}")
    equal(weir(*command).returncode, 5, "exit code where the failure was there")
    equal(weir(*command[:-1], "max(errors) > 0").returncode, 1, "exit code of a condition that holds")
    # One trace that takes bola days is one that another algorithm played: its session is edited to have been finished.
    ended = weir("eval", *inputs("bola,fixed", traces=traces), "--db", db)
    equal(ended.returncode, 5, "exit code")
    connection = sqlite3.connect(db)
    connection.execute('UPDATE sessions SET errors = 0, qoe_lin = 1000, qoe_log = 1000 WHERE errors > 0 AND id & 4095 = 1')
    equal(connection.total_changes, 1, "sessions of fixed over dead.json")
    connection.commit()
    connection.close()
    run = weir("eval", *inputs("bola,fixed", traces=traces)[:-1], "--db", db)
    equal(run.returncode, 5, "exit code")
    fixed = [line for line in run.stdout.decode().splitlines() if line.startswith("fixed ")]
    check(fixed and all("1000" not in line for line in fixed), f"fixed is judged by a trace that bola did not finish: {fixed}")


@e2e.case
def what_cannot_work_is_refused_before_the_sweep(folder):
    db = os.path.join(folder, "s.db")
    for options, code, place in (
            (["--csv", os.path.join(folder, "no", "x")], 6, "no/x"), (["--jsonl", folder], 6, folder),
            (["--segments", os.path.join(folder, "no", "x")], 6, "no/x"),
            (["--report", os.path.join(folder, "no", "x")], 6, "no/x"), (["--baseline", "nobody"], 2, "nobody"),
            (["--fail-if", "mean(qoe.lin) @nobody < 1"], 2, "nobody")):
        refused(weir("eval", *inputs("bola"), "--db", db, *options), code, place)
        check(not os.path.exists(db), f"something was run despite {options}")
    kept = write(os.path.join(folder, "kept.csv"), "as it was")
    refused(weir("eval", *inputs("bola"), "--csv", kept, "--baseline", "nobody"), 2, "nobody")
    equal(read(kept), b"as it was", "an output of a sweep that was refused")
    ended_well(weir("eval", *inputs("bola"), "--db", db))
    refused(weir("eval", *inputs("fixed"), "--db", db, "--baseline", "nobody"), 2, "nobody")
    connection = sqlite3.connect(db)
    equal(connection.execute("SELECT count(*) FROM sessions").fetchone(), (4,), "sessions")
    connection.close()
    ended_well(weir("eval", *inputs("fixed"), "--db", db, "--baseline", "bola"))
    for name in ("bola", "home", "lake.json"):
        ended_well(weir("eval", *inputs("bola"), "--fail-if", f"mean(qoe.lin) @{name} < -1e9"))


@e2e.case
def wrong_usage_is_named(folder):
    for options, place in (
            (["--abr", "nobody"], "nobody"), (["--abr", "bola,,bba0"], "--abr"), (["--shard", "4/3"], "--shard"),
            (["--shard", "1"], "--shard"), (["--jobs", "0"], "--jobs"), (["--offsets", "0"], "--offsets"),
            (["--net", "warp"], "--net"), (["--buffer-max", "0"], "--buffer-max"), (["--fail-if", "mean(x) < 1"], "--fail-if"),
            (["--fail-if", "mean(qoe.lin) @nobody < 1"], "nobody"), (["--baseline", "nobody"], "nobody"),
            (["--no-such"], "--no-such"), (["stray"], "stray"), (["--csv", "-", "--jsonl", "-"], "-")):
        refused(weir("eval", *inputs("bola"), *options), 2, place)
    refused(weir("eval", "--contents", CONTENT, "--abr", "bola"), 2, "--traces")
    refused(weir("eval", "--traces", TRACES, "--abr", "bola"), 2, "--contents")
    refused(weir("eval", "--traces", TRACES, "--contents", CONTENT), 2, "--abr")
    refused(weir("eval", *inputs("bola"), "--optimal", "--net", "tcp"), 4, "--optimal")
    refused(weir("eval", *inputs("bola"), "--csv", os.path.join(folder, "no", "x")), 6, "no/x")
    refused(weir("eval", *inputs("bola"), "--db", os.path.join(folder, "no", "x")), 6, "no/x")
    refused(weir("eval", "merge", os.path.join(folder, "none.db"), "--db", os.path.join(folder, "o.db")), 3, "none.db")
    refused(weir("eval", "merge", "--db", os.path.join(folder, "o.db")), 2, "merge")


@e2e.case
def conditions_decide_the_exit_status(folder):
    table = rows_of(ended_well(weir("eval", *inputs(), "--csv", "-")).stdout)
    mean = sum(float(r["qoe.lin"]) for r in table if r["abr"] == "bola") / 4
    for text, code in ((f"mean(qoe.lin) @bola < {mean + 1e-6:.9f}", 1), (f"mean(qoe.lin) @bola < {mean - 1e-6:.9f}", 0),
                       ("max(errors) > 0", 0), ("min(played) @home > 1", 1), ("share(stall_time) > 100%", 0)):
        run = weir("eval", *inputs(), "--fail-if", text)
        equal(run.returncode, code, text)
        if code:
            check(re.search(r"--fail-if: .*: it is [-0-9.e+]+ \(", " ".join(stderr_lines(run))),
                  f"the value is not named: {stderr_lines(run)}")


@e2e.case
def tables_fit_and_stay_off_standard_output_when_that_is_taken(folder):
    run = ended_well(weir("eval", *inputs()[:-1], "--baseline", "bola", "--offsets", 2))
    text = run.stdout.decode()
    check(max(map(len, text.splitlines())) <= 120, "a line is wider than 120 columns")
    for words in ("home, lake.json: 2 traces", "mobile, lake.json", "QoE lin [95 % CI]", "p (Holm)", "throughput"):
        check(words in text, f"{words!r} is not in the table")
    again = ended_well(weir("eval", *inputs()[:-1], "--baseline", "bola", "--offsets", 2, "--jobs", 1))
    check(again.stdout == run.stdout, "the table depends on the threads")
    taken = ended_well(weir("eval", *inputs()[:-1], "--csv", "-"))
    equal(len(rows_of(taken.stdout)), 4 * len(ABR_LIST), "rows on standard output")
    check(any("QoE lin" in line for line in stderr_lines(taken)), "no table on standard error")


@e2e.case
def the_optimum_brackets_every_algorithm(folder):
    run = ended_well(weir("eval", *inputs("bola,bba0")[:-1], "--optimal", "--csv", os.path.join(folder, "o.csv"), timeout=240))
    check("share of the bound" in run.stdout.decode(), "no shares in the table")
    sessions = {}
    for row in rows_of(read(os.path.join(folder, "o.csv"))):
        sessions[row["trace"], row["abr"]] = row
    for trace in sorted({t for t, _ in sessions}):
        for metric in ("lin", "log"):
            value = lambda abr, m=metric, t=trace: float(sessions[t, abr]["qoe." + m])
            bound, optimum = value("bound-" + metric), value("optimum-" + metric)
            check(optimum <= bound, f"{trace}: the optimum of {metric} is {optimum}, the bound {bound}")
            for abr in ("bola", "bba0"):
                check(value(abr) <= bound, f"{trace}: {abr} has {value(abr)} of {metric}, the bound is {bound}")
        equal(sessions[trace, "bound-lin"]["decisions"], "", "decisions of a bound")


@e2e.case
def a_progress_bar_is_drawn_on_a_terminal_alone(folder):
    quiet = ended_well(weir("eval", *inputs()[:-1], "--offsets", 20))
    check(b"\r" not in quiet.stderr, "progress in a file")
    script = subprocess.run(["script", "-qec", " ".join([e2e.ARGS.weir, "eval", *inputs("bola,mpc")[:-1], "--offsets", "300"]),
                             "/dev/null"], capture_output=True, timeout=120 * e2e.ARGS.slow, stdin=subprocess.DEVNULL)
    check(b"sessions, " in script.stdout and b"#" in script.stdout, "no progress on a terminal")


if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
