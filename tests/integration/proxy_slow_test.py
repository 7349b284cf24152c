#!/usr/bin/env python3
"""Clients that take their time, all at once, before the real `salus proxy`:
proxy_slow_test.py SALUS. Some send a head byte by byte, some a body, some don't read their answer,
some stop in the middle of the TLS handshake. Meanwhile every honest request is answered; and the
slow ones are gone once their time is over."""

import os
import re
import resource
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import proxy_rig

NIGHTLY = os.environ.get("SALUS_NIGHTLY") == "1"
# Of each of the four kinds.
COUNT = 250 if NIGHTLY else 100
# The limits of http::ServerLimits: a head 10 s, a handshake 5 s, and 1 KiB in each window of 15 s,
# of which the first begins when the waiting does.
HEAD_GONE_S, RATE_GONE_S, SLACK_S = 10, 30, 5
HONEST_P99_S = 1.0
BIG = 8 << 20


class SlowClient:
    """One slow connection; drip says what it sends each second."""

    def __init__(self, kind, connection, drip):
        self.kind, self.connection, self.drip = kind, connection, drip
        self.began = time.monotonic()
        self.gone_after = None

    def step(self):
        """Sends a little, and finds out whether the proxy has hung up."""
        if self.gone_after is not None:
            return
        try:
            if self.drip:
                self.connection.send(self.drip)
            if self.is_reset() if self.kind == "read" else self.is_ended():
                self.gone_after = time.monotonic() - self.began
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.gone_after = time.monotonic() - self.began

    def is_ended(self):
        try:
            return self.connection.recv(4096) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            return False

    def is_reset(self):
        """Without reading: whoever does not read must be told so by a reset."""
        poll = select.poll()
        poll.register(self.connection, 0)
        return bool(poll.poll(0))


def open_slow(kind, port, context):
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    if kind == "handshake":
        plain.sendall(b"\x16\x03\x01\x02\x00\x01")
        plain.setblocking(False)
        return SlowClient(kind, plain, b"")
    if kind == "read":
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    first, drip = {
        "head": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"a"),
        "body": (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", b"a"),
        "read": (b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
    }[kind]
    connection.sendall(first)
    connection.setblocking(False)
    return SlowClient(kind, connection, drip)


class Honest(threading.Thread):
    """New and kept connections, one request after the other."""

    def __init__(self, port, context):
        super().__init__()
        self.port, self.context = port, context
        self.times, self.failures, self.stopped = [], [], False

    def run(self):
        while not self.stopped:
            client = None
            for _ in range(5):
                start = time.monotonic()
                try:
                    client = client or proxy_rig.Client(self.port, self.context)
                    answer = client.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    if not answer or answer[0] != 200:
                        self.failures.append(answer and answer[0])
                        break
                except OSError as failure:
                    self.failures.append(repr(failure))
                    break
                self.times.append(time.monotonic() - start)
                time.sleep(0.02)
            if client:
                client.close()


def answer(request, peer):
    if request.target != "/big":
        return peer.sendall(proxy_rig.OK)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
    return peer.sendall(b"b" * BIG)


def resident_mib(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize() / (1 << 20)


def check_gone(slow, kind, limit_s):
    late = [one for one in slow if one.kind == kind and
            (one.gone_after is None or one.gone_after > limit_s + SLACK_S)]
    assert not late, f"{len(late)} slow clients ({kind}) are still there, or were for too long"


def ask_judge(port):
    """slowhttptest (Debian), in the nightly run: the service stays available, and its slow
    connections are all closed before its time is up."""
    if not NIGHTLY:
        return
    if shutil.which("slowhttptest") is None:
        print("skipped: slowhttptest is not installed")
        return
    for kind in ("-H", "-B"):
        said = subprocess.run(["slowhttptest", kind, "-c", "400", "-r", "200", "-i", "5", "-l",
                               "40", "-p", "2", "-x", "10", "-u", f"https://127.0.0.1:{port}/"],
                              capture_output=True, text=True, timeout=120, check=False).stdout
        said = re.sub(r"\x1b\[[\d;]*m", "", said)
        available = re.findall(r"service available:\s+(\w+)", said)
        assert available and set(available) == {"YES"}, (kind, available)
        assert "No open connections left" in said, said[-500:]


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as folder:
        certificates = proxy_rig.Certificates(folder)
        context = certificates.client_context()
        backend = proxy_rig.Backend(answer)
        proxy = proxy_rig.Proxy(sys.argv[1], "--from", "127.0.0.1:0", "--to", backend.address,
                                "--certificate", certificates.chain, "--key", certificates.key,
                                # All come from one address.
                                "--backend-connections", "8192").start()
        honest = [Honest(proxy.port, context) for _ in range(4)]
        for one in honest:
            one.start()
        slow = [open_slow(kind, proxy.port, context)
                for _ in range(COUNT) for kind in ("head", "body", "read", "handshake")]
        peak = 0
        end = time.monotonic() + RATE_GONE_S + SLACK_S
        while time.monotonic() < end:
            for one in slow:
                one.step()
            peak = max(peak, resident_mib(proxy.pid))
            if all(one.gone_after for one in slow):
                break
            time.sleep(1)
        for one in honest:
            one.stopped = True
            one.join()
        times = sorted(t for one in honest for t in one.times)
        failures = [f for one in honest for f in one.failures]
        p99 = times[len(times) * 99 // 100]
        print(f"{len(slow)} slow clients; {len(times)} honest requests, p99 {p99 * 1000:.0f} ms, "
              f"{len(failures)} failed; the proxy held {peak:.0f} MiB")
        assert not failures, failures[:5]
        assert p99 < HONEST_P99_S
        assert peak < 256
        check_gone(slow, "handshake", HEAD_GONE_S)
        check_gone(slow, "head", HEAD_GONE_S)
        check_gone(slow, "body", RATE_GONE_S)
        check_gone(slow, "read", RATE_GONE_S)
        ask_judge(proxy.port)
        proxy.stop()
        backend.stop()


if __name__ == "__main__":
    main()
