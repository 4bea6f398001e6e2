#!/usr/bin/env python3
"""serve_speed.py — unshaped throughput of `weir serve` beside nginx's, on loopback, in turns in one run.

One client (bench/serve_load) with 1, 8 and 50 connections, files of the size of a segment and small ones. nginx
(Debian: nginx-light) with worker_processes auto as Debian has it, sendfile and tcp_nopush on and no log; weir serve as
it comes. Target: at least 0.8 of nginx's
bytes per second, by medians."""
import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import common

SIZES = [("4 MB", 4000000), ("200 kB", 200000), ("20 kB", 20000)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_nginx(nginx, folder, workers):
    port = free_port()
    conf = pathlib.Path(folder, "nginx.conf")
    paths = " ".join(f"{kind}_temp_path {folder}/tmp-{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.getuid() == 0 else ""
    conf.write_text(f"""worker_processes {workers}; pid {folder}/nginx.pid; error_log {folder}/nginx.err; daemon off; {user}
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path {folder}/tmp-body; {paths}
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
""")
    process = subprocess.Popen([nginx, "-e", f"{folder}/nginx.err", "-c", conf], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"nginx did not start: {pathlib.Path(folder, 'nginx.err').read_text()}")


def rate(args, port, name, connections):
    out = subprocess.run([args.build / "bench/serve_load", str(port), f"/{name}", str(connections), str(args.seconds),
                          "1000"], capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()
    return {"rate": int(out[2]) / float(out[1])}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", type=pathlib.Path, default=common.ROOT / "build/bench")
    p.add_argument("--runs", type=int, default=7)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--realtime", action="store_true", help="SCHED_RR for client and servers (root)")
    p.add_argument("--workers", default="auto", help="nginx's worker_processes (default auto)")
    p.add_argument("--json", type=pathlib.Path)
    args = p.parse_args()
    args.weir = args.build / "cli/weir"
    for need in (args.weir, args.build / "bench/serve_load"):
        if not need.exists():
            sys.exit(f"bench: {need} is missing (bench/run.sh builds it)")
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx:
        print("bench: nginx is not installed (nginx-light); nothing to compare with")
        return 77
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    print(f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}"
          f"{'; SCHED_RR' if args.realtime else ''}; medians of {args.runs} runs of {args.seconds:g} s, in turns\n")
    rows, least, document = [], None, []
    with common.scratch() as folder:
        os.mkdir(os.path.join(folder, "www"))
        for name, size in SIZES:
            pathlib.Path(folder, "www", name.replace(" ", "")).write_bytes(os.urandom(size))
        process, port = start_nginx(nginx, folder, args.workers)
        try:
            with common.server(args, os.path.join(folder, "www")) as url:
                own = int(url.rstrip("/").rsplit(":", 1)[1])
                for name, _ in SIZES:
                    for connections in (1, 8, 50):
                        theirs, ours = [], []
                        for _ in range(args.runs):
                            theirs.append(rate(args, port, name.replace(" ", ""), connections))
                            ours.append(rate(args, own, name.replace(" ", ""), connections))
                        a, b = common.median(ours, "rate"), common.median(theirs, "rate")
                        least = a / b if least is None else min(least, a / b)
                        rows.append([name, str(connections), f"{a * 8 / 1e9:.2f}", f"{b * 8 / 1e9:.2f}", f"{a / b:.2f}"])
                        document.append({"file": name, "connections": connections, "weir": ours, "nginx": theirs})
        finally:
            process.terminate()
            process.wait()
    common.table(["file", "connections", "weir Gbit/s", "nginx Gbit/s", "ratio"], rows)
    held = common.verdict("least ratio to nginx", least, 0.8, True)
    common.save(args, document)
    return 0 if held else 1


sys.exit(main())
