#!/usr/bin/env python3
"""test_cluster.py: a sweep in shards, by GNU parallel and as a job array of a real Slurm on this machine (munge,
controller and node, with a configuration and ports of their own), merges into the database of one run."""
import argparse
import glob
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = os.path.join(SOURCE, "examples", "cluster")
DATA = os.path.join(SOURCE, "examples", "data")
SWEEP = ["--traces", os.path.join(DATA, "traces"), "--contents", os.path.join(DATA, "contents", "lake.json"),
         "--abr", "bola,throughput,fixed:rung=1", "--offsets", "3"]
SHARDS = 4
ARGS = None


class Skip(Exception):
    """Something outside Weir is missing."""


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def run(*command, env=None, timeout=120, status=0, cwd=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, check=False,
                          env={**os.environ, **(env or {})}, cwd=cwd)
    check(done.returncode == status, f"{command}: exit {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}")
    return done


def contents_of(path):
    """Every byte: the file itself, and first its dump, which says more when they differ."""
    db = sqlite3.connect(path)
    dump = "\n".join(db.iterdump())
    db.close()
    with open(path, "rb") as f:
        return dump, f.read()


def same_database(got, want):
    (got_dump, got_bytes), (want_dump, want_bytes) = contents_of(got), contents_of(want)
    if got_dump != want_dump:
        pairs = zip(got_dump.splitlines(), want_dump.splitlines())
        raise AssertionError(f"{got}: differs: {next((p for p in pairs if p[0] != p[1]), 'in length')}")
    check(got_bytes == want_bytes, f"{got}: equal dumps, but not equal files")


def one_run(folder):
    path = os.path.join(folder, "one.db")
    run(ARGS.weir, "eval", *SWEEP, "--jobs", "2", "--db", path)
    db = sqlite3.connect(path)
    count = db.execute("SELECT count(*) FROM sessions").fetchone()[0]
    db.close()
    check(count == 4 * 3 * 3, f"{count} sessions in one run, not traces x algorithms x offsets")
    return path


def read_all(paths):
    out = {}
    for path in paths:
        with open(path, "rb") as f:
            out[path] = f.read()
    return out


def with_gnu_parallel(folder):
    if not shutil.which("parallel"):
        raise Skip("GNU parallel is not installed")
    if "GNU" not in run("parallel", "--version").stdout:
        raise Skip("the parallel installed is not GNU's")
    env = {"WEIR": ARGS.weir, "WEIR_OUT": os.path.join(folder, "shards"), "WEIR_DB": os.path.join(folder, "all.db"),
           "HOME": folder}
    script = os.path.join(CLUSTER, "gnu-parallel.sh")
    run(script, SHARDS, *SWEEP, env=env)
    shards = sorted(glob.glob(os.path.join(folder, "shards", "*.db")))
    check(len(shards) == SHARDS, f"shards: {shards}")
    same_database(env["WEIR_DB"], one_run(folder))
    # Again: nothing is left to do. With a shard lost: that one is made, and all is as before.
    before = read_all(shards)
    os.remove(shards[2])
    run(script, SHARDS, *SWEEP, env=env)
    check(read_all(shards) == before, "a second run made other shards")
    same_database(env["WEIR_DB"], os.path.join(folder, "one.db"))
    # A shard that fails is told.
    bad = run(script, 2, "--traces", os.path.join(folder, "none"), *SWEEP[2:], status=2,
              env={**env, "WEIR_OUT": os.path.join(folder, "bad")})
    check("none" in bad.stderr, f"the failure is not named: {bad.stderr}")


def the_scripts_refuse_wrong_use(folder):
    run("bash", os.path.join(CLUSTER, "gnu-parallel.sh"), "x", status=2)
    env = {"SLURM_ARRAY_TASK_ID": "", "SLURM_SUBMIT_DIR": folder}
    check("--array" in run("bash", os.path.join(CLUSTER, "slurm.sbatch"), status=2, env=env).stderr, "no hint")
    env = {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_SUBMIT_DIR": folder}
    check("WEIR_SHARDS" in run("bash", os.path.join(CLUSTER, "slurm.sbatch"), status=2, env=env).stderr, "no hint")


# --- Slurm ---

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def daemon(name):
    path = shutil.which(name) or next((p for p in (f"/usr/sbin/{name}", f"/sbin/{name}") if os.path.exists(p)), None)
    if not path:
        raise Skip(f"{name} is not installed (packages slurm-wlm, munge)")
    return path


class Slurm:
    """A controller and one node of two processors, and the munge they trust each other by. Everything of theirs is
    in `folder`; what was started is ended by its process id."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.socket = os.path.join(folder, "munge.socket")
        self.conf = os.path.join(folder, "slurm.conf")
        self.env = {"SLURM_CONF": self.conf}

    def start(self, *command):
        name = os.path.basename(command[0])
        with open(os.path.join(self.folder, f"{name}.out"), "ab") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       cwd=self.folder, start_new_session=True,
                                       env={**os.environ, **self.env})
        self.processes.append(process)
        return process

    def said(self, name):
        with open(os.path.join(self.folder, f"{name}.out"), encoding="utf-8", errors="replace") as f:
            return " | ".join(f.read().splitlines()[-6:])

    def write_conf(self):
        host = socket.gethostname().split(".")[0]
        user = run("id", "-un").stdout.strip()
        for name in ("state", "spool"):
            os.mkdir(os.path.join(self.folder, name), 0o755)
        settings = {
            "ClusterName": "weirtest", "SlurmctldHost": f"{host}(127.0.0.1)", "SlurmUser": user, "SlurmdUser": user,
            "AuthType": "auth/munge", "AuthInfo": f"socket={self.socket}", "CredType": "cred/munge",
            "SlurmctldPort": free_port(), "SlurmdPort": free_port(),
            "SlurmctldPidFile": f"{self.folder}/slurmctld.pid", "SlurmdPidFile": f"{self.folder}/slurmd.pid",
            "StateSaveLocation": f"{self.folder}/state", "SlurmdSpoolDir": f"{self.folder}/spool",
            "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none",
            "JobAcctGatherType": "jobacct_gather/none", "AccountingStorageType": "accounting_storage/none",
            "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_Core", "SchedulerType": "sched/builtin",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=1", "MpiDefault": "none",
            "ReturnToService": 2, "KillWait": 5,
        }
        with open(self.conf, "w", encoding="ascii") as f:
            for key, value in settings.items():
                f.write(f"{key}={value}\n")
            f.write(f"NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs={min(2, os.cpu_count())}"
                    " State=UNKNOWN\nPartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n")

    def state(self):
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False, timeout=30,
                              env={**os.environ, **self.env})
        return done.stdout.strip()

    def wait_until(self, holds, seconds):
        end = time.monotonic() + seconds * ARGS.slow
        while time.monotonic() < end:
            if holds():
                return True
            if any(p.poll() is not None for p in self.processes):
                return False
            time.sleep(0.2)
        return False

    def start_node(self):
        """slurmd, with the control groups that this machine lets it have, which nobody uses."""
        command = [daemon("slurmd"), "-D", "-f", self.conf, "-N", "node1", "-c"]
        for groups in ("CgroupPlugin=autodetect\n", "CgroupPlugin=disabled\n",
                       "CgroupPlugin=cgroup/v2\nIgnoreSystemd=yes\n", "CgroupPlugin=cgroup/v1\n"):
            with open(os.path.join(self.folder, "cgroup.conf"), "w", encoding="ascii") as f:
                f.write(groups)
            node = self.start(*command)
            if self.wait_until(lambda: self.state().startswith("idle"), 20):
                return
            if node.poll() is None:
                break
            self.processes.remove(node)
        raise Skip(f"slurmd does not run here: {self.said('slurmd')}")

    def __enter__(self):
        try:
            munged, controller, key = daemon("munged"), daemon("slurmctld"), os.path.join(self.folder, "munge.key")
            daemon("slurmd")
            for tool in ("sbatch", "sinfo", "squeue"):
                if not shutil.which(tool):
                    raise Skip(f"{tool} is not installed (package slurm-wlm)")
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(os.urandom(128))
            self.write_conf()
            self.start(munged, "--foreground", "--force", f"--socket={self.socket}", f"--key-file={key}",
                       f"--pid-file={self.folder}/munge.pid", f"--log-file={self.folder}/munge.log",
                       f"--seed-file={self.folder}/munge.seed")
            if not self.wait_until(lambda: os.path.exists(self.socket), 10):
                raise Skip(f"munged does not run here: {self.said('munged')}")
            self.start(controller, "-D", "-f", self.conf, "-c", "-i")
            if not self.wait_until(lambda: self.state() != "", 20):
                raise Skip(f"slurmctld does not run here: {self.said('slurmctld')}")
            self.start_node()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def submit(self, array, env=None):
        """sbatch, as the documentation says, and wait for every task."""
        return subprocess.run(["sbatch", "--wait", f"--array={array}", os.path.join(CLUSTER, "slurm.sbatch"), *SWEEP],
                              capture_output=True, text=True, check=False, cwd=self.folder,
                              timeout=240 * ARGS.slow, env={**os.environ, **self.env, **(env or {})})

    def logs(self):
        out = []
        for path in sorted(glob.glob(os.path.join(self.folder, "weir-eval-*.log"))):
            with open(path, encoding="utf-8", errors="replace") as f:
                out.append(f"{os.path.basename(path)}: {f.read()[-300:]}")
        return " | ".join(out)


def merged(folder, name, shards):
    path = os.path.join(folder, name)
    run(ARGS.weir, "eval", "merge", *shards, "--db", path)
    return path


def with_slurm(folder):
    one = one_run(folder)
    with Slurm(folder) as slurm:
        env = {"WEIR": ARGS.weir}
        done = slurm.submit(f"1-{SHARDS}", env)
        check(done.returncode == 0, f"sbatch: exit {done.returncode}: {done.stdout} {done.stderr} {slurm.logs()}")
        shards = [os.path.join(folder, "weir-shards", f"shard-{k}-of-{SHARDS}.db") for k in range(1, SHARDS + 1)]
        check(all(map(os.path.exists, shards)), f"shards missing: {os.listdir(folder)} {slurm.logs()}")
        same_database(merged(folder, "all.db", shards), one)
        # A lost shard is submitted alone; one that is there is left as it is.
        before = read_all(shards)
        os.remove(shards[1])
        done = slurm.submit("2,3", {**env, "WEIR_SHARDS": str(SHARDS)})
        check(done.returncode == 0, f"sbatch again: {done.stderr} {slurm.logs()}")
        check(read_all(shards) == before, "submitting again made other shards")
        # On the node's own disk, merged in another order.
        scratch = os.path.join(folder, "scratch")
        os.mkdir(scratch)
        out = os.path.join(folder, "elsewhere")
        done = slurm.submit(f"1-{SHARDS}", {**env, "WEIR_OUT": out, "WEIR_SCRATCH": scratch})
        check(done.returncode == 0, f"sbatch with scratch: {done.stderr} {slurm.logs()}")
        same_database(merged(folder, "all2.db", sorted(glob.glob(os.path.join(out, "*.db")), reverse=True)), one)
        check(os.listdir(scratch) == [], "scratch was left behind")
        # A task that fails is told to Slurm.
        done = slurm.submit("1-1", {**env, "WEIR": "/nonexistent/weir"})
        check(done.returncode != 0, "a failed task counts as done")


CASES = [the_scripts_refuse_wrong_use, with_gnu_parallel, with_slurm]


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weir", required=True, help="the command under test")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--slow", type=float, default=1, help="stretch time limits")
    ARGS = parser.parse_args()
    ARGS.weir = os.path.abspath(ARGS.weir)
    results = []
    for function in CASES:
        if ARGS.only not in function.__name__:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="weir-cluster-") as folder:
            try:
                function(folder)
                result, why = "ok", ""
            except Skip as skip:
                result, why = "skip", str(skip)
            except AssertionError as failed:
                result, why = "FAIL", str(failed)
            except Exception:
                result, why = "FAIL", traceback.format_exc()
        results.append(result)
        name = function.__name__.replace("_", " ")
        print(f"{result:4} {name} ({time.monotonic() - began:.1f} s){': ' + why if why else ''}", flush=True)
    if "FAIL" in results or not results:
        return 1
    return 77 if "skip" in results else 0


if __name__ == "__main__":
    sys.exit(main())
