#!/usr/bin/env python3
"""The front door in operation: certificates, reload, restart, drain, log, messages:
proxy_operation_test.py SALUS [TEST...]."""

import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import proxy_rig
from proxy_rig import OK, get


def test_client_certificates(stage):
    certificates = stage.certificates
    proxy, backend = stage.open("--require-client-cert", certificates.ca)
    identity = certificates.issue("anna", "Anna, \xdcb\xe9r",
                                  "URI:urn:salus:example.org:patient:anna",
                                  "clientAuth")
    client = stage.client(proxy, certificates.client_context(identity))
    for _ in range(2):
        assert client.ask(get("/", "X-Salus-Client-Identity: urn:salus:x:officer:me\r\n"
                              "X_Salus_Client_Subject: CN=root\r\n"))[0] == 200
        request = backend.take()[0]
        assert request.all("x-salus-client-identity") == ["urn:salus:example.org:patient:anna"]
        subject = request.get("x-salus-client-subject")
        assert re.fullmatch(r"[A-Za-z0-9._~%-]+", subject) and subject.startswith("CN%3DAnna")
        assert request.get("x_salus_client_subject") is None
        der = ssl.PEM_cert_to_DER_cert(open(identity[0]).read())
        assert request.all("x-salus-client-fingerprint") == [hashlib.sha256(der).hexdigest()]
    other = proxy_rig.Certificates(stage.folder, "other")
    strangers = [None, other.issue("eve", "Eve", "URI:urn:salus:example.org:patient:anna",
                                   "clientAuth"),
                 certificates.issue("server", "Server", "DNS:localhost", "serverAuth")]
    for stranger in strangers:
        try:
            client = stage.client(proxy, certificates.client_context(stranger))
            answer = client.ask(get())
        except (ssl.SSLError, OSError):
            answer = None
        assert answer is None, f"{stranger} was let in"
    assert not backend.take()


def fingerprint_of(client):
    return hashlib.sha256(client.connection.getpeercert(True)).hexdigest()


def test_reload(stage):
    proxy, _ = stage.open()
    chain, key = stage.certificates.chain, stage.certificates.key
    kept = [shutil.copy2(path, path + ".kept") for path in (chain, key)]
    old = stage.client(proxy)
    assert old.ask(get())[0] == 200
    fresh = stage.certificates.issue("fresh", "localhost", "DNS:localhost", "serverAuth")
    for source, target in zip(fresh, (chain, key)):
        os.replace(source, target)
    proxy.signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while fingerprint_of(stage.client(proxy)) == fingerprint_of(old):
        assert time.monotonic() < deadline, "the certificate was not read again"
        time.sleep(0.05)
    assert old.ask(get())[0] == 200
    # Files that don't fit change nothing.
    served = fingerprint_of(stage.client(proxy))
    os.replace(kept[0], chain)
    proxy.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert fingerprint_of(stage.client(proxy)) == served
    os.replace(kept[1], key)


class Load(threading.Thread):
    """Requests one after the other, on a connection for as long as it is kept."""

    def __init__(self, stage, proxy):
        super().__init__()
        self.stage, self.proxy = stage, proxy
        self.done, self.failures, self.stopped = 0, [], False

    def run(self):
        client = None
        while not self.stopped:
            try:
                client = client or self.stage.client(self.proxy)
                answer = client.ask(b"POST / HTTP/1.1\r\nHost: localhost\r\n"
                                    b"Content-Length: 3\r\n\r\nabc")
            except OSError as failure:
                answer, client = None, None
                self.failures.append(repr(failure))
                continue
            if answer is None or answer[0] != 200:
                self.failures.append(f"answer {answer and answer[0]}")
                client = None
                continue
            self.done += 1
            if answer[1].get("connection") == "close":
                client = None


def test_restart(stage):
    proxy, _ = stage.open()
    loads = [Load(stage, proxy) for _ in range(8)]
    for load in loads:
        load.start()
    for _ in range(2):
        time.sleep(0.5)
        old = proxy.pid
        proxy.signal(signal.SIGUSR2)
        proxy.wait_until_listening()
        assert proxy.pid != old
    first = proxy.process.wait(40)
    time.sleep(0.5)
    for load in loads:
        load.stopped = True
        load.join()
    failures = [failure for load in loads for failure in load.failures]
    assert not failures and first == 0, (failures[:5], first)
    assert all(load.done > 10 for load in loads)
    # A new process that can't start leaves the old one as it is.
    chain = stage.certificates.chain
    os.rename(chain, chain + ".away")
    old = proxy.pid
    proxy.signal(signal.SIGUSR2)
    time.sleep(1)
    os.rename(chain + ".away", chain)
    assert stage.client(proxy).ask(get())[0] == 200
    os.kill(old, 0)


def test_drain(stage):
    began = threading.Event()

    def answer(request, peer):
        began.set()
        time.sleep(1)
        peer.sendall(OK)

    proxy, _ = stage.open(answer=answer)
    idle, busy = stage.client(proxy), stage.client(proxy)
    busy.send(get())
    assert began.wait(10)
    proxy.signal(signal.SIGTERM)
    status, answer, _ = busy.response()
    assert status == 200 and answer.get("connection") == "close"
    assert idle.is_closed()
    assert proxy.process.wait(20) == 0
    stage.running.pop()


def test_access_log(stage):
    log = os.path.join(stage.folder, "access.log")
    proxy, _ = stage.open("--access-log", log)
    client = stage.client(proxy)
    client.ask(get("/secret-path?secret-query", "X-A: secret-field\r\n"))
    client.ask(get("/", "Host: again\r\n"))
    deadline = time.monotonic() + 10
    text = ""
    while text.count("\n") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        text = open(log).read()
    lines = text.splitlines()
    assert len(lines) == 2, text
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z GET 200 2 \d\.\d{3} TLSv1\.3",
                        lines[0]), lines[0]
    assert " OTHER 400 " in lines[1]
    assert "secret" not in text and "127.0.0.1" not in text
    assert os.stat(log).st_mode & 0o777 == 0o600


def test_tls_versions(stage):
    def agreed(proxy, version):
        context = stage.certificates.client_context()
        context.minimum_version = context.maximum_version = version
        try:
            client = stage.client(proxy, context)
        except (ssl.SSLError, OSError):
            return None
        assert client.ask(get())[0] == 200
        return client.connection.cipher()[0]

    proxy, _ = stage.open()
    assert agreed(proxy, ssl.TLSVersion.TLSv1_3) and not agreed(proxy, ssl.TLSVersion.TLSv1_2)
    proxy, _ = stage.open("--tls12")
    assert agreed(proxy, ssl.TLSVersion.TLSv1_3)
    cipher = agreed(proxy, ssl.TLSVersion.TLSv1_2)
    assert cipher.startswith("ECDHE") and ("GCM" in cipher or "CHACHA" in cipher)


def test_full_pipe(stage):
    """A standard error that nobody reads: requests go on, and SIGTERM ends the process."""
    unused = proxy_rig.Backend()
    unused.stop()
    for flags in ([], ["--access-log", "-"]):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        proxy, _ = stage.open(*flags, to=unused.address, stderr=writing)
        for _ in range(5):
            assert stage.client(proxy).ask(get())[0] == 502
        proxy.signal(signal.SIGTERM)
        assert proxy.process.wait(20) == 0
        stage.running.pop()[1].stop()
        os.close(reading)
        os.close(writing)


def test_end_while_restarting(stage):
    """SIGTERM while a new process is starting, which takes long: both end at once."""
    copy = os.path.join(stage.folder, "salus")
    shutil.copy(stage.salus, copy)
    own = proxy_rig.Backend()
    proxy = proxy_rig.Proxy(copy, "--from", "127.0.0.1:0", "--to", own.address, "--certificate",
                            stage.certificates.chain, "--key", stage.certificates.key).start()
    stage.running.append((proxy, own))
    started = os.path.join(stage.folder, "started")
    os.remove(copy)
    with open(copy, "w") as f:
        f.write(f"#!/bin/sh\n: > {started}\nexec sleep 60\n")
    os.chmod(copy, 0o755)
    proxy.signal(signal.SIGUSR2)
    deadline = time.monotonic() + 10
    while not os.path.exists(started):
        assert time.monotonic() < deadline, "the new process was not started"
        time.sleep(0.02)
    start = time.monotonic()
    proxy.signal(signal.SIGTERM)
    assert proxy.process.wait(20) == 0
    assert time.monotonic() - start < 10
    stage.running.pop()[1].stop()


def test_both_protocols(stage):
    """All addresses of IPv4 and of IPv6, side by side on one port."""
    if not os.path.exists("/proc/net/if_inet6") or not open("/proc/net/if_inet6").read():
        print("skipped: this machine has no IPv6")
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    certificates = stage.certificates
    backend = proxy_rig.Backend()
    proxy = proxy_rig.Proxy(stage.salus, "--from", f"0.0.0.0:{port}", "--from", f"[::]:{port}",
                            "--to", backend.address, "--certificate", certificates.chain, "--key",
                            certificates.key).start()
    stage.running.append((proxy, backend))
    for address in ("127.0.0.1", "::1"):
        plain = socket.create_connection((address, port), timeout=20)
        peer = proxy_rig.Reader(stage.context.wrap_socket(plain, server_hostname="localhost"))
        peer.connection.sendall(get())
        assert peer.response()[0] == 200
        assert backend.take()[0].get("x-real-ip") == address


def test_few_descriptors(stage):
    said = os.path.join(stage.folder, "said")
    with open(said, "w") as stderr:
        stage.open(stderr=stderr, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                        (1000, 1000)))
        stage.close()
    assert "1000 open files are allowed, 20000 are needed" in open(said).read()


def test_backend_away(stage):
    """What is said when the backend does not listen names the place and the reason."""
    unused = proxy_rig.Backend()
    unused.stop()
    said = os.path.join(stage.folder, "said")
    with open(said, "w") as stderr:
        proxy, _ = stage.open(to=unused.address, stderr=stderr)
        assert stage.client(proxy).ask(get())[0] == 502
        stage.close()
    assert (f"the server behind does not take connections ({unused.address}: Connection refused)"
            in open(said).read())


def test_messages(stage):
    """What goes wrong at the start is a sentence, and names the part."""
    chain, key = stage.certificates.chain, stage.certificates.key
    taken = socket.create_server(("127.0.0.1", 0))
    loose = os.path.join(stage.folder, "loose.key")
    shutil.copy(key, loose)
    os.chmod(loose, 0o644)
    files = ["--certificate", chain, "--key", key]
    to = ["--to", "127.0.0.1:9"]
    here = ["--from", "127.0.0.1:0"]
    cases = [
        (["--from", f"127.0.0.1:{taken.getsockname()[1]}", *to, *files], 1, "in use"),
        ([*here, *files], 2, "--to is required"),
        ([*here, "--to", "example.org:80", *files], 2, "--to: ADDRESS:PORT"),
        ([*here, *to, *files, "--domain", "https://example.org"], 2, "--domain"),
        ([*here, *to, *files, "--domain", "example.org:443"], 2, "--domain"),
        ([*here, *to, *files, "--domain", "*.example.org"], 2, "--domain"),
        (["--from", "127.0.0.1:9", *to, *files], 2, "--to: this is where"),
        (["--from", "0.0.0.0:9", *to, *files], 2, "--to: this is where"),
        ([*here, *to, *files, "--redirect-from", "127.0.0.1:9"], 2, "--to: this is where"),
        ([*here, *to, *files, "--require-client-cert", chain], 1, "no root"),
        ([*here, "--to", "5000", *files], 2, "ADDRESS:PORT"),
        ([*here, *to, "--certificate", key, "--key", key], 1, "PEM"),
        ([*here, *to, "--certificate", chain, "--key", "/none"], 1, "/none"),
        ([*here, *to, "--certificate", chain, "--key", loose], 1, "chmod"),
        ([*here, *to, *files, "--timeout", "never"], 2, "--timeout"),
        ([*here, *to, *files, "--access-log", "/none/log"], 1, "/none/log"),
        ([*here, *to, *files, "--require-client-cert", "/none"], 1, "/none"),
    ]
    for flags, code, words in cases:
        done = subprocess.run([stage.salus, "proxy", *flags], capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)
        assert done.returncode == code and words in done.stderr, (flags, done)
    taken.close()


if __name__ == "__main__":
    proxy_rig.run_tests(dict(globals()), sys.argv[1], sys.argv[2:])
