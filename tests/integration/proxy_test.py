#!/usr/bin/env python3
"""What the front door passes on, and how: proxy_test.py SALUS [TEST...]. The real `salus proxy`,
Python's TLS in front, a Python backend behind."""

import base64
import hashlib
import os
import re
import socket
import struct
import sys
import threading
import time

import proxy_rig
from proxy_rig import OK, get

MIB = 1 << 20
UPLOAD_MIB = 100


def takes_own_memory(pid):
    """A sanitizer keeps what was freed."""
    with open(f"/proc/{pid}/maps") as f:
        return "libasan" in f.read()


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
    assert grown < 16 * 1024 or takes_own_memory(proxy.pid), f"{grown} KiB more in memory"


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
    assert grown < 16 * 1024 or takes_own_memory(proxy.pid), f"{grown} KiB more in memory"


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
        "/bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"
                      b"0\r\n\r\n",
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


def test_late_bytes(stage):
    """The same in a segment of their own, after the answer was passed on: of a body after HEAD, of
    a body after 304, and of anything else."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    heads = {"HEAD": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(evil),
             "GET": b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(evil),
             "PUT": OK}
    # Of the round that is under way: an answer of the round before may still be about to end.
    events = {}

    def answer(request, peer):
        if request.target == "/honest":
            return peer.sendall(OK)
        passed_on, said = events["passed_on"], events["said"]
        peer.sendall(heads[request.method])
        passed_on.wait(10)
        try:
            peer.sendall(evil)
        finally:
            said.set()
        return None

    proxy, _ = stage.open(answer=answer)
    client = stage.client(proxy)
    for number in range(150):
        method = list(heads)[number % 3]
        events.update(passed_on=threading.Event(), said=threading.Event())
        ask = get("/late", "Content-Length: 0\r\n").replace(b"GET", method.encode())
        assert client.ask(ask, to_head=method == "HEAD")[0] in (200, 304)
        events["passed_on"].set()
        # Without a declared body only what has come can be noticed; with one, nothing may.
        if method == "PUT":
            assert events["said"].wait(10)
        for _ in range(2):
            status, _, body = client.ask(get("/honest"))
            assert (status, body) == (200, b"ok"), (number, method, status, body)


def test_no_backend(stage):
    unused = proxy_rig.Backend()
    unused.stop()
    proxy, _ = stage.open(to=unused.address)
    client = stage.client(proxy)
    for _ in range(3):
        assert client.ask(get())[0] == 502
    status, _, _ = client.ask(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab")
    assert status == 502


def test_slow_small_body(stage):
    """A short body is at the backend only once it is whole; what is longer streams."""
    proxy, backend = stage.open()
    slow = [stage.client(proxy) for _ in range(20)]
    for client in slow:
        client.send(b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n" +
                    b"a" * 20_000)
    assert stage.client(proxy).ask(get())[0] == 200
    assert len(backend.connections) == 1, "a body that is not whole takes a connection"
    for client in slow:
        # The rest, and the next request with it.
        client.send(b"b" * 20_000 + get("/next"))
        assert client.response()[0] == 200 and client.response()[0] == 200
    arrived = [one for one in backend.take() if one.target == "/slow"]
    assert [one.body for one in arrived] == [b"a" * 20_000 + b"b" * 20_000] * 20
    # One that goes away in the middle leaves nothing there.
    slow[0].send(b"PUT /gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc")
    slow[0].close()
    assert slow[1].ask(get())[0] == 200
    assert not any(one.target == "/gone" for one in backend.take())


def test_backend_connections(stage):
    """No more requests at the backend than are allowed: others get 503 at once, and are served once
    there is room. One address gets a quarter."""
    release = threading.Event()

    def answer(request, peer):
        if request.target == "/held":
            release.wait(20)
        peer.sendall(OK)

    proxy, backend = stage.open("--backend-connections", "8", answer=answer)
    held = [stage.client(proxy) for _ in range(2)]
    for client in held:
        client.send(get("/held"))
    deadline = time.monotonic() + 10
    while len(backend.take()) < 2 and len(backend.connections) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other = stage.client(proxy)
    status, fields, _ = other.ask(get())
    assert status == 503 and fields.get("retry-after") == "1" and not fields.get("connection")
    late = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    other.send(late)
    time.sleep(0.05)
    assert other.ask(b"abc")[0] == 503
    release.set()
    for client in held:
        assert client.response()[0] == 200
    for _ in range(10):
        assert other.ask(get())[0] == 200
    assert other.ask(late + b"abc")[0] == 200


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


if __name__ == "__main__":
    proxy_rig.run_tests(dict(globals()), sys.argv[1], sys.argv[2:])
