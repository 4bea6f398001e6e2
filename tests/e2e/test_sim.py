#!/usr/bin/env python3
"""`weir trace` and `weir sim` from outside: what they print, by hand-worked sessions, and what they refuse."""
import json
import os
import subprocess

import weir_e2e as e2e
from weir_e2e import check, ended_well, equal, refused, weir

SABRE = '[{"duration_ms": 1000, "bandwidth_kbps": 1000, "latency_ms": 20}, ' \
        '{"duration_ms": 3000, "bandwidth_kbps": 3000, "latency_ms": 20}]'
FORMATS = ("sabre", "cooked", "mahimahi", "weir")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)
    return path


def movie(folder, segments=20):
    """2-second segments at 1 and 4 Mbit/s, of exactly their rates."""
    return write(folder, "movie.json", json.dumps({
        "segment_duration_ms": 2000, "bitrates_kbps": [1000, 4000],
        "segment_sizes_bits": [[2000000, 8000000]] * segments}))


def info(path, *options):
    return json.loads(ended_well(weir("trace", "info", "--json", *options, path)).stdout)


def session(*args):
    return json.loads(ended_well(weir("sim", *args, "--json", "-")).stdout)


def near(got, want, what):
    check(abs(got - want) <= 1e-9 * max(1, abs(want)), f"{what}: {got!r}, expected {want!r}")


# --- weir trace ---

@e2e.case
def info_measures_a_trace(folder):
    got = info(write(folder, "t.json", SABRE))
    for member, want in (("schema", "weir.trace_info/1"), ("format", "sabre"), ("duration", 4.0), ("intervals", 2),
                         ("mean_bps", 2.5e6), ("min_bps", 1e6), ("max_bps", 3e6), ("zero_share", 0.0),
                         ("longest_outage", 0.0), ("latency", {"min": 0.02, "mean": 0.02, "max": 0.02})):
        equal(got[member], want, member)
    near(got["std_bps"], 750000 ** 0.5 * 1000, "std_bps")
    equal(got["percentiles_bps"], {"p1": 1e6, "p5": 1e6, "p25": 1e6, "p50": 3e6, "p75": 3e6, "p95": 3e6, "p99": 3e6},
          "percentiles_bps")
    text = ended_well(weir("trace", "info", os.path.join(folder, "t.json"))).stdout.decode()
    for words in ("t.json: sabre", "4.000 s", "2500 kbit/s", "20 to 20 ms"):
        check(words in text, f"{words!r} is not in {text!r}")


@e2e.case
def info_takes_several_traces_and_goes_on_after_a_bad_one(folder):
    good = write(folder, "good", "0 1\n1 2\n")
    bad = write(folder, "bad", "0 1\n1 -2\n")
    run = weir("trace", "info", "--json", good, bad, good)
    refused(run, 3, "bad", "line 2")
    equal([json.loads(line)["format"] for line in run.stdout.splitlines()], ["cooked", "cooked"], "standard output")


@e2e.case
def windows_smooth_single_packets(folder):
    path = write(folder, "packets", "".join(f"{ms}\n" for ms in range(2, 4001, 2)))  # one every 2 ms: 6 Mbit/s
    check(info(path)["cv"] > 0.9, "single packets are steady")
    near(info(path, "--window", "1")["cv"], 0, "cv over windows of a second")
    refused(weir("trace", "info", "--window", "0.000001", write(folder, "long", "0 1\n99999 1\n")), 2, "--window")


@e2e.case
def every_format_converts_into_every_other(folder):
    rate_only = info(write(folder, "t.json", SABRE))
    for first in FORMATS:
        one = os.path.join(folder, first)
        ended_well(weir("trace", "convert", "--to", first, "-o", one, os.path.join(folder, "t.json")))
        equal(info(one)["format"], first, "format")
        for second in FORMATS:
            two = os.path.join(folder, first + "-" + second)
            ended_well(weir("trace", "convert", "--to", second, "-o", two, one))
            got = info(two)
            equal((got["format"], got["duration"]), (second, 4.0), f"{first} to {second}")
            lost = (rate_only["mean_bps"] - got["mean_bps"]) * 4
            check(0 <= lost < 12000, f"{first} to {second}: {lost} bits lost")
            known = "cooked" not in (first, second) and "mahimahi" not in (first, second)
            want = {"min": 0.02, "mean": 0.02, "max": 0.02} if known else None
            if second == "sabre" and not known:
                want = {"min": 0.0, "mean": 0.0, "max": 0.0}
            equal(got["latency"], want, f"latency of {first} to {second}")


@e2e.case
def what_is_written_does_not_depend_on_where_it_goes_or_the_locale(folder):
    path = write(folder, "t.json", SABRE)
    out = ended_well(weir("trace", "convert", "--to", "cooked", path)).stdout
    equal(out, b"0\t1\n1\t1\n4\t3\n", "standard output")
    file = os.path.join(folder, "out")
    ended_well(weir("trace", "convert", "--to", "cooked", "--output", file, path, env={"LC_ALL": "de_DE.UTF-8"}))
    with open(file, "rb") as f:
        equal(f.read(), out, "the file")
    latency = ended_well(weir("trace", "convert", "--to", "weir", "--latency-ms", "7", path)).stdout
    equal({i["latency_ms"] for i in json.loads(latency)["intervals"]}, {7}, "latencies")


@e2e.case
def a_full_disk_is_an_output_error(folder):
    path = write(folder, "t.json", SABRE)
    if not os.path.exists("/dev/full"):
        raise e2e.Skip("no /dev/full")
    refused(weir("trace", "convert", "--to", "weir", "-o", "/dev/full", path), 6, "/dev/full", "space")
    refused(weir("trace", "convert", "--to", "weir", "-o", os.path.join(folder, "no", "such"), path), 6, "no/such")
    with open("/dev/full", "wb") as full:
        run = subprocess.run([e2e.ARGS.weir, "trace", "info", path], stdout=full, stderr=subprocess.PIPE, check=False)
    equal(run.returncode, 6, "exit code with standard output full")


@e2e.case
def generated_traces_follow_their_options(folder):
    def make(*args):
        path = os.path.join(folder, "made")
        ended_well(weir("trace", "generate", *args, "-o", path))
        with open(path, "rb") as f:
            return f.read()

    made = json.loads(make("constant", "--rate", "2.5M", "--duration", "1:00", "--latency-ms", "5"))
    equal(made, {"schema": "weir.trace/1",
                 "intervals": [{"duration_ms": 60000, "bandwidth_kbps": 2500, "latency_ms": 5}]}, "constant")
    made = json.loads(make("step", "--rate", "1M,4M", "--hold", "60,120", "--duration", "300"))
    equal([(i["duration_ms"], i["bandwidth_kbps"]) for i in made["intervals"]],
          [(60000, 1000), (120000, 4000), (60000, 1000), (60000, 4000)], "step")
    walk = make("markov", "--rate", "500K,1M,2M", "--hold", "3", "--seed", "5")
    equal(make("markov", "--rate", "500K,1M,2M", "--hold", "3", "--seed", "5"), walk, "the same seed")
    check(make("markov", "--rate", "500K,1M,2M", "--hold", "3", "--seed", "6") != walk, "another seed, same trace")
    equal({i["bandwidth_kbps"] for i in json.loads(walk)["intervals"]}, {500, 1000, 2000}, "rates of the walk")
    make("on-off", "--rate", "5M", "--hold", "4,1", "--duration", "2:00:00", "--to", "cooked")
    got = info(os.path.join(folder, "made"))
    check(0.15 < got["zero_share"] < 0.25, f"off {got['zero_share']} of the time, not a fifth")


BAD_TRACES = [
    ("an empty file", "", "empty"), ("blanks", " \r\n\t", "empty"), ("zeros", "0 0\n1 0\n2 0\n", "never"),
    ("a negative rate", "0 1\n1 1\n2 -1\n", "line 3"), ("nan", "0 1\n1 nan\n", "line 2"),
    ("infinity", "0 1\n1 inf\n", "line 2"), ("enormous", "0 1\n1 1e300\n", "line 2"),
    ("time running back", "0 1\n2 1\n1 1\n", "line 3"), ("three columns", "0 1\n1 2 3\n", "line 2"),
    ("words", "hello\n", "line 1"), ("packets running back", "5\n4\n", "line 2"),
    ("half of a JSON", '[{"duration_ms": 1000,', "line 1"), ("no rate", '[{"duration_ms": 1000}]', "interval 1"),
    ("a negative duration", '[{"duration_ms": -1, "bandwidth_kbps": 1}]', "interval 1"),
    ("another schema", '{"schema": "weir.trace/9", "intervals": []}', "schema"),
]


def bad_trace(text, place, folder):
    path = write(folder, "bad.trace", text)
    for args in (["trace", "info", path], ["trace", "convert", "--to", "weir", path],
                 ["sim", "--content", movie(folder), "--trace", path, "--abr", "bola"]):
        run = weir(*args)
        refused(run, 3, "bad.trace", place)
        equal(run.stdout, b"", "standard output")


for title, body, where in BAD_TRACES:
    e2e.add_case(f"no trace: {title}", bad_trace, body, where)


@e2e.case
def crlf_and_a_missing_last_newline_are_fine(folder):
    equal(info(write(folder, "a", "0 1\r\n1 2\r\n3 5"))["duration"], 3.0, "cooked")
    equal(info(write(folder, "b", "1\r\n2\r\n4"))["duration"], 0.004, "Mahimahi")


TRACE_USAGE = [
    ["trace"], ["trace", "nosuchtask"], ["trace", "info"], ["trace", "info", "--nosuchflag", "x"],
    ["trace", "info", "--window"], ["trace", "info", "--window", "0", "x"], ["trace", "info", "--window", "nan", "x"],
    ["trace", "info", "--to", "weir", "x"], ["trace", "convert"], ["trace", "convert", "x"],
    ["trace", "convert", "--to", "csv", "x"], ["trace", "convert", "--to", "weir", "x", "y"],
    ["trace", "convert", "--to", "weir", "--rate", "1M", "x"],
    ["trace", "convert", "--to", "weir", "--latency-ms", "-1", "x"], ["trace", "generate"],
    ["trace", "generate", "noise", "--rate", "1M"], ["trace", "generate", "constant"],
    ["trace", "generate", "constant", "--rate", "fast"], ["trace", "generate", "constant", "--rate", "-1"],
    ["trace", "generate", "constant", "--rate", "0"], ["trace", "generate", "constant", "--rate", "9999G"],
    ["trace", "generate", "constant", "--rate", "1M,2M"], ["trace", "generate", "constant", "--rate", "1M,"],
    ["trace", "generate", "constant", "--rate", ",".join(["1M"] * 33)],
    ["trace", "generate", "on-off", "--rate", "1M,2M,3M"], ["trace", "generate", "step", "--rate", "1M", "--hold", "0"],
    ["trace", "generate", "step", "--rate", "1M", "--hold", "1,2"],
    ["trace", "generate", "constant", "--rate", "1M", "--duration", "0"],
    ["trace", "generate", "constant", "--rate", "1M", "--duration", "9000:00:00"],
    ["trace", "generate", "markov", "--rate", "1M", "--step", "0.000001"],
    ["trace", "generate", "constant", "step", "--rate", "1M"],
    ["trace", "generate", "markov", "--rate", "1M", "--seed", "-1"],
]


# --- weir sim ---

@e2e.case
def a_session_by_hand(folder):
    # 2 Mbit/s, 50 ms: a segment of 2 Mbit every 1.05 s, from which 2 s play; 20 are there after 21 s.
    trace = write(folder, "t", '[{"duration_ms": 9000, "bandwidth_kbps": 2000, "latency_ms": 50}]')
    got = session("--content", movie(folder), "--trace", trace, "--abr", "fixed:rung=0", "--full")
    for member, want in (("schema", "weir.session/1"), ("host", "model"), ("abr", "fixed:rung=0"),
                         ("startup_delay", 1.05), ("played", 40.0), ("stall_count", 0), ("stall_time", 0.0),
                         ("mean_bitrate", 1e6), ("switch_count", 0), ("switch_bps", 0.0), ("bytes", 5000000),
                         ("wasted_bytes", 0), ("abandoned", 0), ("errors", 0), ("decisions", [0] * 20)):
        equal(got[member], want, member)
    # mean over segments of q - mu * stall - |dq|: q 1 Mbit/s, the first charged 1.05 s at mu 4.
    near(got["qoe"]["lin"], 1 - 4 * 1.05 / 20, "qoe.lin")
    # At 4 Mbit/s of 8 Mbit each it takes 4.05 s for 2 s of media.
    got = session("--content", movie(folder), "--trace", trace, "--abr", "fixed:rung=1")
    near(got["startup_delay"], 4.05, "startup_delay")
    equal(got["stall_count"], 19, "stall_count")
    near(got["stall_time"], 19 * 2.05, "stall_time")
    near(got["rebuffer_ratio"], 19 * 2.05 / (19 * 2.05 + 40), "rebuffer_ratio")


@e2e.case
def networks_differ_as_they_should(folder):
    trace, content = write(folder, "t", "0 1\n9 2\n"), movie(folder)

    def startup(*options):
        return session("--content", content, "--trace", trace, "--abr", "fixed:rung=0", *options)["startup_delay"]

    near(startup(), 1, "fluid, no latency")
    near(startup("--rtt-ms", "100"), 1.1, "fluid, 100 ms")
    check(abs(startup("--net", "pensieve") - (0.08 + 1 / 0.95)) < 1e-6, "pensieve: 80 ms, 0.95")
    # tcp: two round trips, then 14,600 bytes at 0.25 bytes/us: 58.4 ms, so the link's turn to wait.
    near(startup("--net", "tcp", "--rtt-ms", "100", "--startup", "2"), 0.2 + 0.1 + 250000 / 250000 - 0.0584,
         "tcp: the second round begins 100 ms after the first")
    near(startup("--offset", "4.5"), 1, "an offset into a constant trace")


@e2e.case
def the_same_command_gives_the_same_bytes(folder):
    trace, content = os.path.join(folder, "t"), movie(folder, 100)
    ended_well(weir("trace", "generate", "markov", "--rate", "500K,2M,6M", "--hold", "5", "-o", trace))
    for abr in ("bola", "throughput", "random", "bba0"):
        args = ["sim", "--content", content, "--trace", trace, "--abr", abr, "--seed", "3", "--json", "-", "--full"]
        first = ended_well(weir(*args)).stdout
        equal(ended_well(weir(*args, env={"LC_ALL": "de_DE.UTF-8"}, cwd=folder)).stdout, first, abr)


@e2e.case
def clients_share_and_jain_says_how_evenly(folder):
    trace, content = write(folder, "t", "0 1\n9 8\n"), movie(folder)
    args = ("--content", content, "--trace", trace, "--abr", "fixed:rung=0", "--clients", "4")
    got = session(*args)
    equal((len(got["clients"]), got["jain"]), (4, 1.0), "clients and jain")
    for client in got["clients"]:
        equal((client["schema"], client["startup_delay"]), ("weir.session/1", 1.0), "a client")
    text = ended_well(weir("sim", *args)).stdout.decode()
    for words in ("client 1", "client 4", "1.0000"):
        check(words in text, f"{words!r} is not in {text!r}")
    # The index follows from the rows: (sum x)^2 / (n sum x^2) of the mean bitrates.
    got = session("--content", content, "--trace", trace, "--abr", "random", "--clients", "3", "--stagger", "5",
                  "--seed", "4")
    x = [client["mean_bitrate"] for client in got["clients"]]
    check(len(set(x)) > 1, "three random clients did the same")
    near(got["jain"], sum(x) ** 2 / (3 * sum(v * v for v in x)), "jain")


@e2e.case
def events_are_json_lines_in_order(folder):
    trace, content = write(folder, "t", "0 1\n9 3\n"), movie(folder)
    path = os.path.join(folder, "events")
    ended_well(weir("sim", "--content", content, "--trace", trace, "--abr", "bola", "--events", path))
    events = e2e.read_events(path)
    times = [event["t"] for event in events]
    equal(times, sorted(times), "times")
    kinds = [event["event"] for event in events]
    for kind, count in (("decision", 20), ("segment", 20), ("request", 20), ("playing", 1), ("end", 1)):
        check(kinds.count(kind) >= count, f"{kinds.count(kind)} of {kind}, expected {count}")
    equal(kinds[-1], "end", "the last event")


@e2e.case
def a_link_that_carries_too_little_is_a_failure_with_its_cause(folder):
    trace = write(folder, "t", "0 1\n9 0.000001\n")
    refused(weir("sim", "--content", movie(folder), "--trace", trace, "--abr", "bola"), 5, "too little")


@e2e.case
def a_model_pools_and_shows_nothing_and_says_so(folder):
    trace = write(folder, "t", "0 1\n9 3\n")
    told = json.loads(ended_well(weir("sim", "--content", movie(folder), "--trace", trace, "--abr", "bola", "--json",
                                      "-")).stdout)
    equal(told["frames"], {"delivered": 0, "dropped": 0, "repeated": 0}, "frames")
    pool = told["pool"]
    equal(pool.pop("copied_bytes"), {"net": 0, "demux": 0, "decode": 0, "render": 0}, "copied_bytes")
    equal(pool, dict.fromkeys(("segment_hits", "segment_misses", "frame_hits", "frame_misses", "foreign_frames",
                               "high_water_bytes"), 0), "pool")


@e2e.case
def missing_inputs_are_named(folder):
    trace, content = write(folder, "t", "0 1\n9 3\n"), movie(folder)
    refused(weir("sim", "--content", os.path.join(folder, "none"), "--trace", trace, "--abr", "bola"), 3, "none")
    refused(weir("sim", "--content", content, "--trace", os.path.join(folder, "none"), "--abr", "bola"), 3, "none")
    refused(weir("sim", "--content", content, "--trace", trace, "--abr", "bola", "--json",
                 os.path.join(folder, "no", "such")), 6, "no/such")
    refused(weir("sim", "--content", content, "--trace", trace, "--abr", "bola", "--events",
                 os.path.join(folder, "no", "such")), 6, "no/such")


@e2e.case
def help_names_every_option_and_algorithm(_):
    for verb, options in (("sim", "content trace abr net rtt-ms buffer-max startup resume abandon offset seed clients "
                                  "json events"),
                          ("trace", "json window to output latency-ms rate hold duration step seed")):
        text = ended_well(weir(verb, "--help")).stdout.decode()
        for option in options.split():
            check(f"--{option}" in text, f"--{option} is not in the help of {verb}")
    for task in ("info", "convert", "generate"):
        check(task in text, f"{task} is not in the help of trace")
        equal(ended_well(weir("trace", task, "--help")).stdout.decode(), text, f"weir trace {task} --help")
    listed = ended_well(weir("sim", "--abr", "help")).stdout.decode()
    for name in ("fixed", "random", "throughput", "bola", "bba0"):
        check(name in listed, f"{name} is not among the algorithms")


GOOD = ["sim", "--content", "movie", "--trace", "trace", "--abr", "bola"]
SIM_USAGE = [
    ["sim"], GOOD[:-2], ["sim", "--abr", "bola"], GOOD + ["extra"], GOOD + ["--nosuchflag"], GOOD + ["--net"],
    GOOD + ["--net", "udp"], GOOD + ["--rtt-ms", "-1"], GOOD + ["--rtt-ms", "1.5"], GOOD + ["--buffer-max", "0"],
    GOOD + ["--buffer-max", "nan"], GOOD + ["--startup", "-1"], GOOD + ["--resume", "soon"],
    GOOD + ["--abandon", "maybe"], GOOD + ["--offset", "-5"], GOOD + ["--seed", "x"], GOOD + ["--clients", "0"],
    GOOD + ["--clients", "1000"], GOOD + ["--clients", "2", "--events", "e"], GOOD + ["--json", "-", "--events", "-"],
]


def wrong_usage(args, _):
    refused(weir(*args), 2)


for words in TRACE_USAGE + SIM_USAGE:
    e2e.add_case(f"exit 2: weir {' '.join(words)[:90]}", wrong_usage, words)


def wrong_abr(abr, place, folder):
    trace, content = write(folder, "t", "0 1\n9 3\n"), movie(folder)
    refused(weir("sim", "--content", content, "--trace", trace, "--abr", abr), 2, place)


for name, named in (("nosuch", "nosuch"), ("bola:nosuchkey=1", "nosuchkey"), ("bola:gamma", "gamma"),
                    ("fixed:rung=x", "rung"), ("./nosuch.so", "nosuch.so")):
    e2e.add_case(f"no algorithm: {name}", wrong_abr, name, named)

if __name__ == "__main__":
    e2e.exit_with(e2e.main(__doc__))
