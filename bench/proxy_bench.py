#!/usr/bin/env python3
"""Measures `salus proxy` beside nginx: the same backend (an nginx with files), the same
certificate, TLS 1.3, keep-alive, wrk with 64 connections; each proxy on core 0, backend and wrk on
core 1. The two take turns, and the middle of the rounds is told. Figures go to the standard output,
one JSON object a line, words to the standard error."""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

SIZES = {"1 KiB": 1024, "100 KiB": 100 * 1024}
CONNECTIONS = 64
UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}

NGINX = """daemon off; master_process off; worker_processes 1;
pid {folder}/{name}.pid; error_log {folder}/{name}.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  open_file_cache max=100;
  {temporary}
  {body}
}}
"""
BACKEND = "server {{ listen 127.0.0.1:{port}; root {folder}/files; }}"
# The same fields as ours sets.
PROXY = """upstream backend {{
    server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass http://backend; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Host $host;
      add_header Strict-Transport-Security "max-age=31536000";
    }}
  }}"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def start(core, *command):
    return subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL,
                            stdin=subprocess.DEVNULL)


def start_nginx(folder, name, core, body):
    temporary = " ".join(f"{kind}_temp_path {folder}/{name}-{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as f:
        f.write(NGINX.format(folder=folder, name=name, temporary=temporary, body=body))
    return start(core, shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", path)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(value) * UNITS_MS[unit]


def measure(pid, port, file_name, seconds):
    before = processor_seconds(pid)
    text = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
                           "--latency", f"https://localhost:{port}/{file_name}"],
                          check=True, capture_output=True, text=True).stdout
    used = processor_seconds(pid) - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"proxy_bench: requests failed\n{text}")
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
            "p50": milliseconds(re.search(r"^ +50% +(\S+)", text, re.M).group(1)),
            "p99": milliseconds(re.search(r"^ +99% +(\S+)", text, re.M).group(1)),
            "processor": used * 1e6 / int(re.search(r"(\d+) requests in", text).group(1))}


def figure(name, value, unit):
    print(json.dumps({"section": "proxy", "name": name, "value": value, "unit": unit}), flush=True)


def report(size, rounds):
    middle = {name: {key: statistics.median(one[key] for one in taken) for key in taken[0]}
              for name, taken in rounds.items()}
    for name, found in middle.items():
        figure(f"{size}, {name}, requests", found["rate"], "1/s")
        figure(f"{size}, {name}, p50", found["p50"], "ms")
        figure(f"{size}, {name}, p99", found["p99"], "ms")
        figure(f"{size}, {name}, processor time a request", found["processor"], "us")
    ours, theirs = middle["salus proxy"], middle["nginx"]
    for key, words in (("rate", "requests"), ("p99", "p99"), ("processor", "processor time")):
        figure(f"{size}, salus proxy to nginx, {words}", ours[key] / theirs[key], "times")


def prepare(folder):
    os.makedirs(os.path.join(folder, "files"), exist_ok=True)
    for name, size in SIZES.items():
        with open(os.path.join(folder, "files", name.replace(" ", "")), "wb") as f:
            f.write(os.urandom(size))
    key, chain = os.path.join(folder, "key.pem"), os.path.join(folder, "chain.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", chain, "-days",
                    "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    os.chmod(key, 0o600)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--salus", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    folder = os.path.abspath(given.directory)
    os.chmod(folder, 0o755)
    prepare(folder)
    backend, theirs, ours = free_port(), free_port(), free_port()
    running = [start_nginx(folder, "backend", 1, BACKEND.format(port=backend, folder=folder))]
    try:
        proxies = {
            "nginx": (start_nginx(folder, "proxy", 0, PROXY.format(
                backend=backend, port=theirs, folder=folder)), theirs),
            "salus proxy": (start(0, given.salus, "proxy", "--from", f"127.0.0.1:{ours}", "--to",
                                  f"127.0.0.1:{backend}", "--threads", "1", "--certificate",
                                  f"{folder}/chain.pem", "--key", f"{folder}/key.pem"), ours),
        }
        running += [process for process, _ in proxies.values()]
        for port in (backend, theirs, ours):
            wait_for(port)
        for size in SIZES:
            rounds = {name: [] for name in proxies}
            for number in range(given.rounds):
                for name, (process, port) in proxies.items():
                    found = measure(process.pid, port, size.replace(" ", ""), given.seconds)
                    rounds[name].append(found)
                    print(f"{size}, round {number + 1}, {name}: {found['rate']:,.0f}/s, "
                          f"p99 {found['p99']:.1f} ms, {found['processor']:.1f} us a request",
                          file=sys.stderr)
            report(size, rounds)
    finally:
        for process in running:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
