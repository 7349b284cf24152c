#!/usr/bin/env python3
"""The front door as its users meet it: proxy_test.py SALUS. The real `salus proxy`, Python's TLS in
front, a Python backend behind."""

import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import proxy_rig
from proxy_rig import Backend, Client, OK, Proxy

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
MIB = 1 << 20
UPLOAD_MIB = 100


def get(target="/", fields=""):
    return GET % (target.encode(), fields.encode())


class Stage:
    """Certificates, and a proxy before a backend for each test that asks for one."""

    def __init__(self, salus, folder):
        self.salus, self.folder = salus, folder
        self.certificates = proxy_rig.Certificates(folder)
        self.context = self.certificates.client_context()
        self.running = []

    def open(self, *flags, answer=None, to=None, **options):
        backend = Backend(answer)
        proxy = Proxy(self.salus, "--from", "127.0.0.1:0", "--to", to or backend.address,
                      "--certificate", self.certificates.chain, "--key", self.certificates.key,
                      "--threads", "2", *flags).start(**options)
        self.running.append((proxy, backend))
        return proxy, backend

    def client(self, proxy, context=None):
        return Client(proxy.port, context or self.context)

    def close(self):
        for proxy, backend in self.running:
            proxy.stop()
            backend.stop()
        self.running = []


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


def test_fields(stage):
    proxy, backend = stage.open("--domain", "localhost")
    client = stage.client(proxy)
    status, answer, body = client.ask(get("/a?b=c", "Cookie: d=e\r\nAccept: */*\r\n"))
    assert (status, body) == (200, b"ok")
    assert answer.all("strict-transport-security") == ["max-age=31536000"]
    request = backend.take()[0]
    assert request.line == "GET /a?b=c HTTP/1.1"
    for name, value in {"Host": "localhost", "Cookie": "d=e", "Accept": "*/*",
                        "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1",
                        "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost",
                        "Forwarded": 'for=127.0.0.1;host="localhost";proto=https'}.items():
        assert request.all(name) == [value], (name, request.all(name))
    assert request.get("x-salus-client-subject") is None
    # The same connection, and the same one behind it.
    for _ in range(20):
        assert client.ask(get())[0] == 200
    assert len(backend.connections) == 1, len(backend.connections)


def test_answers(stage):
    answers = {
        "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Hop: y\r\nX-A: b\r\n"
                 b"Connection: x-hop\r\nKeep-Alive: timeout=5\r\n\r\n",
        "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
        "/304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n",
        "/hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n"
                    b"4\r\ndefg\r\n0\r\nX-Trailer: z\r\n\r\n",
        "/none": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "/hsts": b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n"
                 b"Content-Length: 0\r\n\r\n",
    }
    proxy, _ = stage.open(answer=lambda request, peer: peer.sendall(answers[request.target]))
    client = stage.client(proxy)
    status, answer, _ = client.ask(get("/head").replace(b"GET", b"HEAD"), to_head=True)
    assert status == 200 and answer.get("content-length") == "1000"
    assert answer.get("x-a") == "b" and answer.get("x-hop") is None
    assert answer.get("keep-alive") is None and answer.get("connection") is None
    assert client.ask(get("/204"))[0] == 204
    status, answer, _ = client.ask(get("/304"))
    assert status == 304 and answer.get("content-length") == "77" and answer.get("etag") == '"x"'
    client.send(get("/hints"))
    assert b"103 Early Hints\r\nLink: </a>" in client.until(b"\r\n\r\n")
    assert client.response()[0] == 200
    status, answer, body = client.ask(get("/chunked"))
    assert body == b"abcdefg" and answer.get("x-trailer") is None
    assert client.ask(get("/none"))[0] == 200
    assert client.ask(get("/hsts"))[1].all("strict-transport-security") == ["max-age=31536000"]
    # An HTTP/1.0 client knows no chunks: the end of the connection is the end of the answer.
    old = stage.client(proxy)
    status, answer, body = old.ask(b"GET /chunked HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert body == b"abcdefg" and answer.get("transfer-encoding") is None


def test_upload(stage):
    """100 MiB in chunks, to a backend that reads slowly at first: little of it waits in memory."""
    def answer(request, peer):
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" +
                     hashlib.sha256(request.body).hexdigest().encode())

    proxy, backend = stage.open(answer=answer)
    serve = backend.serve
    backend.serve = lambda peer: (time.sleep(1.5), serve(peer))
    client = stage.client(proxy)
    before = resident_kib(proxy.pid)
    piece, digest = os.urandom(MIB), hashlib.sha256()
    client.send(b"POST /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(UPLOAD_MIB):
        digest.update(piece)
        client.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
    client.send(b"0\r\n\r\n")
    assert client.response()[2].decode() == digest.hexdigest()
    grown = resident_kib(proxy.pid) - before
    assert grown < 16 * 1024, f"{grown} KiB more in memory"


def test_download(stage):
    piece = os.urandom(MIB)
    sizes = {"/length": 40, "/chunked": 40, "/close": 40}

    def answer(request, peer):
        count = sizes[request.target]
        kind = request.target[1:]
        head = {"length": f"Content-Length: {count * MIB}\r\n", "close": "Connection: close\r\n",
                "chunked": "Transfer-Encoding: chunked\r\n"}[kind]
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + head.encode() + b"\r\n")
        for _ in range(count):
            peer.sendall(b"%x\r\n" % MIB + piece + b"\r\n" if kind == "chunked" else piece)
        if kind == "chunked":
            peer.sendall(b"0\r\n\r\n")
        return kind != "close"

    proxy, _ = stage.open(answer=answer)
    before = resident_kib(proxy.pid)
    client = stage.client(proxy)
    for target, count in sizes.items():
        client.send(get(target))
        time.sleep(0.7)  # The client is slower than the backend.
        _, _, body = client.response()
        assert body == piece * count, target
    grown = resident_kib(proxy.pid) - before
    assert grown < 16 * 1024, f"{grown} KiB more in memory"


def frame(payload, opcode=1, mask=b"\x01\x02\x03\x04"):
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    if len(payload) < 126:
        size = struct.pack(">B", 0x80 | len(payload))
    else:
        size = struct.pack(">BH", 0x80 | 126, len(payload))
    return bytes([0x80 | opcode]) + size + mask + masked


def read_frame(reader, is_masked):
    first, size = reader.exactly(2)
    size &= 0x7f
    if size == 126:
        size = struct.unpack(">H", reader.exactly(2))[0]
    mask = reader.exactly(4) if is_masked else b"\0\0\0\0"
    payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(reader.exactly(size)))
    return first & 0x0f, payload


def websocket_answer(request, peer):
    key = request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while True:
        opcode, payload = read_frame(request.reader, True)
        size = (struct.pack(">B", len(payload)) if len(payload) < 126 else
                struct.pack(">BH", 126, len(payload)))
        peer.sendall(bytes([0x80 | opcode]) + size + payload)
        if opcode == 8:
            return False


def test_websocket(stage):
    proxy, _ = stage.open(answer=websocket_answer)
    client = stage.client(proxy)
    ask = get("/ws", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")
    # The first frame does not wait for the answer.
    client.send(ask + frame(b"at once"))
    status, answer, _ = client.response()
    assert status == 101 and answer.get("upgrade") == "websocket"
    assert answer.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert read_frame(client, False) == (1, b"at once")
    for payload in (b"hello", os.urandom(60_000), b""):
        client.send(frame(payload, 2))
        assert read_frame(client, False) == (2, payload)
    client.send(frame(b"\x03\xe8", 8))
    assert read_frame(client, False)[0] == 8
    assert client.is_closed()


def test_events(stage):
    """Each event arrives when it is sent; a client that goes away is noticed behind."""
    noticed, next_event = threading.Event(), threading.Semaphore(0)

    def answer(request, peer):
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            next_event.acquire()
            event = b"data: %d\n\n" % number
            peer.sendall(b"%x\r\n" % len(event) + event + b"\r\n")
        if not peer.recv(1):
            noticed.set()
        return False

    proxy, _ = stage.open(answer=answer)
    client = stage.client(proxy)
    client.send(get("/events"))
    assert b"event-stream" in client.until(b"\r\n\r\n")
    for number in range(3):
        next_event.release()
        assert client.until(b"\n\n\r\n").endswith(b"data: %d" % number)
    client.close()
    assert noticed.wait(10), "the backend was not told that the client went away"


def test_continue(stage):
    def answer(request, peer):
        return None

    proxy, backend = stage.open(answer=answer)

    def serve(peer):
        reader = proxy_rig.Reader(peer)
        head = reader.until(b"\r\n\r\n")
        while head is not None:
            assert b"Expect: 100-continue" in head or b"/late" in head
            if b"/no " in head:
                peer.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                break
            if b"/yes" in head:
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert reader.exactly(3) == b"abc"
            peer.sendall(OK)
            head = reader.until(b"\r\n\r\n")
        peer.close()

    backend.serve = serve
    ask = "POST {} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    for target in ("/yes", "/silent"):
        client = stage.client(proxy)
        client.send(ask.format(target).encode())
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        assert client.ask(b"abc")[0] == 200
    client = stage.client(proxy)
    status, answer, _ = client.ask(ask.format("/no").encode())
    assert status == 417 and answer.get("connection") == "close" and client.is_closed()


def test_early_answer(stage):
    proxy, backend = stage.open()

    def serve(peer):
        proxy_rig.Reader(peer).until(b"\r\n\r\n")
        peer.sendall(b"HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno")
        time.sleep(0.5)
        peer.close()

    backend.serve = serve
    client = stage.client(proxy)
    client.send(b"POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\nabc")
    status, answer, body = client.response()
    assert (status, body) == (413, b"no") and answer.get("connection") == "close"
    assert client.is_closed()


def test_stale(stage):
    """A backend that closes its connections without a word: nobody in front notices."""
    def answer(request, peer):
        peer.sendall(OK)
        if request.target.endswith("7"):
            peer.shutdown(socket.SHUT_RDWR)
            return False
        return None

    proxy, backend = stage.open(answer=answer)
    client = stage.client(proxy)
    for number in range(60):
        method = b"POST" if number % 2 else b"GET"
        ask = get(f"/{number}", "Content-Length: 1\r\n").replace(b"GET", method) + b"x"
        assert client.ask(ask)[0] == 200, number
    assert len(backend.take()) == 60, "a request was sent twice"


def test_bad_backend(stage):
    head = b"HTTP/1.1 200 OK\r\n"
    bad = {
        "lengths": head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "equal-lengths": head + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        "length-and-chunked": head + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"0\r\n\r\n",
        "gzip": head + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "sign": head + b"Content-Length: +2\r\n\r\nab",
        "list": head + b"Content-Length: 2, 2\r\n\r\nab",
        "space": head + b"Content-Length : 2\r\n\r\nab",
        "fold": head + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
        "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "bare-cr": head + b"X-A: b\rc\r\nContent-Length: 0\r\n\r\n",
        "nul": head + b"X-A: b\0c\r\nContent-Length: 0\r\n\r\n",
        "no-colon": head + b"X-A\r\nContent-Length: 0\r\n\r\n",
        "status": b"HTTP/1.1 20 OK\r\n\r\n",
        "status-1000": b"HTTP/1.1 1000 OK\r\n\r\n",
        "status-600": b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        "version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "garbage": b"\x16\x03\x01 this is no answer\r\n\r\n",
        "text": b"hello\r\n\r\n",
        "big-head": head + b"X-A: " + b"b" * 80_000 + b"\r\n\r\n",
        "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\n",
        "hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40,
        "204-length": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde",
        "nothing": b"",
    }
    proxy, _ = stage.open(answer=lambda request, peer: (peer.sendall(bad[request.target[1:]]),
                                                        False)[1])
    for name in bad:
        client = stage.client(proxy)
        status, answer, _ = client.ask(get("/" + name))
        # Interim answers are passed on as they come; what is final is ours.
        assert status == 502, (name, status)
        assert answer.get("content-type") == "application/problem+json"
        client.close()


def test_cut_answers(stage):
    """What was begun can't be taken back: the client must see that it is not whole."""
    cut = {
        "/length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "/chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "/bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    }
    proxy, _ = stage.open(answer=lambda request, peer: (peer.sendall(cut[request.target]),
                                                        False)[1])
    for target in cut:
        client = stage.client(proxy)
        client.send(get(target))
        answer = client.response()
        assert answer is None or (answer[0] == 200 and answer[2] is None), (target, answer)


def test_extra_bytes(stage):
    """Bytes behind an answer are nobody's: they never become the answer to the next request."""
    def answer(request, peer):
        peer.sendall(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    proxy, _ = stage.open(answer=answer)
    client = stage.client(proxy)
    for _ in range(10):
        assert client.ask(get())[2] == b"ok"


def test_no_backend(stage):
    unused = proxy_rig.Backend()
    unused.stop()
    proxy, _ = stage.open(to=unused.address)
    client = stage.client(proxy)
    for _ in range(3):
        assert client.ask(get())[0] == 502
    status, _, _ = client.ask(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab")
    assert status == 502


def test_slow_backend(stage):
    def answer(request, peer):
        if request.target == "/half":
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        time.sleep(4)

    proxy, _ = stage.open("--timeout", "1", answer=answer)
    client = stage.client(proxy)
    assert client.ask(get())[0] == 504
    client = stage.client(proxy)
    assert client.ask(get("/half"))[2] is None


def test_redirect(stage):
    proxy, backend = stage.open("--redirect-from", "127.0.0.1:0", "--domain", "localhost")

    def plain(raw):
        with socket.create_connection(("127.0.0.1", proxy.ports[1]), timeout=10) as connection:
            connection.sendall(raw)
            return proxy_rig.Reader(connection).response()

    status, answer, _ = plain(get("/a/b?c=d"))
    assert status == 308
    assert answer.get("location") == f"https://localhost:{proxy.port}/a/b?c=d"
    assert answer.get("strict-transport-security") is None
    assert plain(get().replace(b"localhost", b"other.example"))[0] == 421
    assert plain(b"GET / HTTP/1.1\r\n\r\n")[0] == 400
    assert not backend.take()


def test_client_certificates(stage):
    certificates = stage.certificates
    proxy, backend = stage.open("--require-client-cert", certificates.ca)
    identity = certificates.issue("anna", "Anna, \xdcb\xe9r", "URI:urn:salus:example.org:patient:anna",
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
        ([*here, "--to", "example.org:80", *files], 1, "neither IPv4 nor IPv6"),
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


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    wanted = sys.argv[2:]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(os.path.abspath(sys.argv[1]), folder)
        for test in tests:
            if wanted and test.__name__ not in wanted:
                continue
            start = time.monotonic()
            try:
                test(stage)
                stage.close()
                print(f"ok {test.__name__} {time.monotonic() - start:.1f} s", flush=True)
            except Exception as failure:  # noqa: BLE001: each test tells its own failure
                failures += 1
                line = failure.__traceback__
                while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                    line = line.tb_next
                print(f"FAILED {test.__name__}, line {line.tb_lineno}: {failure!r}", flush=True)
                for proxy, backend in stage.running:
                    os.kill(proxy.pid, signal.SIGKILL)
                    backend.stop()
                stage.running = []
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
