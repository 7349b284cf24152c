#!/usr/bin/env python3
"""Requests that two readers could understand differently, and what is merely malformed, through the
real `salus proxy`: proxy_catalogue_test.py SALUS. Each case says what must come of it:

REFUSED  one answer of the given status, the connection closed, nothing at the backend
BROKEN   the body turned out to be broken after its head: an answer or just the end, the connection
         closed, and no whole request at the backend
CLEAN    exactly the given requests at the backend, in one reading
"""

import ssl
import socket
import sys
import tempfile
import time

import proxy_rig

REFUSAL_STATUSES = {400, 408, 411, 413, 414, 417, 421, 431, 501, 505}
H = "Host: localhost\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CASES = []


def refused(name, raw, status=None):
    CASES.append(("refused", name, raw, status))


def broken(name, raw):
    CASES.append(("broken", name, raw, None))


def clean(name, raw, *expected):
    """expected: for each request a dict of method, target, body, absent and present fields."""
    CASES.append(("clean", name, raw, expected))


def get(line, fields=H):
    return f"{line}\r\n{fields}\r\n"


def post(fields, body="", line="POST /p HTTP/1.1"):
    return f"{line}\r\n{H}{fields}\r\n{body}"


def request_lines():
    refused("no version", "GET /\r\n\r\n")
    refused("no target", get("GET HTTP/1.1"))
    refused("two spaces", get("GET  / HTTP/1.1"))
    refused("two spaces before the version", get("GET /  HTTP/1.1"))
    refused("tab for the space", get("GET\t/\tHTTP/1.1"))
    refused("space at the end", get("GET / HTTP/1.1 "))
    refused("space in front", get(" GET / HTTP/1.1"))
    refused("empty line in front", "\r\n" + get("GET / HTTP/1.1"))
    refused("bare LF in front", "\n" + get("GET / HTTP/1.1"))
    refused("bare LF everywhere", "GET / HTTP/1.1\nHost: localhost\n\n")
    refused("bare LF after the request line", "GET / HTTP/1.1\nHost: localhost\r\n\r\n")
    refused("bare LF at the end", "GET / HTTP/1.1\r\nHost: localhost\r\n\n\r\n\r\n")
    refused("bare CR after the request line", "GET / HTTP/1.1\rHost: localhost\r\n\r\n")
    refused("CR CR LF", "GET / HTTP/1.1\r\r\nHost: localhost\r\n\r\n")
    refused("HTTP/2.0", get("GET / HTTP/2.0"), 505)
    refused("HTTP/3.0", get("GET / HTTP/3.0"))
    refused("HTTP/1.2", get("GET / HTTP/1.2"))
    refused("HTTP/0.9", get("GET / HTTP/0.9"))
    refused("HTTP/1", get("GET / HTTP/1"))
    refused("HTTP/1.10", get("GET / HTTP/1.10"))
    refused("HTTP/01.1", get("GET / HTTP/01.1"))
    refused("http/1.1", get("GET / http/1.1"))
    refused("HTTP /1.1", get("GET / HTTP /1.1"))
    refused("HTTPS/1.1", get("GET / HTTPS/1.1"))
    refused("HTTP/1,1", get("GET / HTTP/1,1"))
    refused("HTTP/+1.1", get("GET / HTTP/+1.1"))
    refused("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    refused("CONNECT", get("CONNECT localhost:443 HTTP/1.1"))
    refused("CONNECT with a path", get("CONNECT /x HTTP/1.1"), 501)
    refused("TRACE", get("TRACE / HTTP/1.1"), 501)
    refused("absolute form", get("GET http://localhost/ HTTP/1.1"))
    refused("absolute form, other host", get("GET http://other.example/ HTTP/1.1"))
    refused("authority form", get("GET localhost:80 HTTP/1.1"))
    refused("asterisk with GET", get("GET * HTTP/1.1"))
    refused("no slash", get("GET index.html HTTP/1.1"))
    refused("space in the target", get("GET /a b HTTP/1.1"))
    refused("NUL in the target", get("GET /a\0b HTTP/1.1"))
    refused("control character in the target", get("GET /a\x01b HTTP/1.1"))
    refused("DEL in the target", get("GET /a\x7fb HTTP/1.1"))
    refused("tab in the target", get("GET /a\tb HTTP/1.1"))
    refused("fragment", get("GET /a#b HTTP/1.1"))
    refused("long target", get(f"GET /{'a' * 9000} HTTP/1.1"), 414)
    refused("long target without an end", f"GET /{'a' * 20000}", 414)
    refused("long method", get(f"{'A' * 200} / HTTP/1.1"), 501)
    refused("parenthesis in the method", get("GE(T / HTTP/1.1"))
    refused("colon in the method", get("GET: / HTTP/1.1"))
    refused("no method", get("/ HTTP/1.1"))
    refused("TLS hello inside", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "a" * 64)
    refused("binary", "\x00\x01\x02\x03" * 16)
    clean("OPTIONS *", get("OPTIONS * HTTP/1.1"), {"method": "OPTIONS", "target": "*"})
    clean("unknown method", get("PROPFIND /d HTTP/1.1"), {"method": "PROPFIND", "target": "/d"})
    clean("lower-case method is its own method", get("get /l HTTP/1.1"), {"method": "get"})
    clean("dots are the backend's", get("GET /a/../b/%2e%2e/c HTTP/1.1"),
          {"target": "/a/../b/%2e%2e/c"})
    clean("two slashes", get("GET //other.example/x HTTP/1.1"), {"target": "//other.example/x"})
    clean("query", get("GET /q?a=1&b=%0d%0aX:%20y HTTP/1.1"), {"target": "/q?a=1&b=%0d%0aX:%20y"})


def fields():
    line = "GET / HTTP/1.1"
    refused("space before the colon", get(line, H + "X-A : b\r\n"))
    refused("space before Host's colon", get(line, "Host : localhost\r\n"))
    refused("tab before the colon", get(line, H + "X-A\t: b\r\n"))
    refused("no colon", get(line, H + "X-A\r\n"))
    refused("no name", get(line, H + ": b\r\n"))
    refused("folded field", get(line, H + "X-A: b\r\n c\r\n"))
    refused("folded by a tab", get(line, H + "X-A: b\r\n\tc\r\n"))
    refused("folded first field", get(line, " " + H))
    refused("folded Host", get(line, "Host:\r\n localhost\r\n"))
    refused("NUL in a value", get(line, H + "X-A: b\0c\r\n"))
    refused("NUL in a name", get(line, H + "X-\0A: b\r\n"))
    refused("bare CR in a value", get(line, H + "X-A: b\rX-B: c\r\n"))
    refused("bare LF in a value", get(line, H + "X-A: b\nX-B: c\r\n"))
    refused("control character in a value", get(line, H + "X-A: b\x01c\r\n"))
    refused("vertical tab in a value", get(line, H + "X-A: b\x0bc\r\n"))
    refused("DEL in a value", get(line, H + "X-A: b\x7fc\r\n"))
    refused("space in a name", get(line, H + "X A: b\r\n"))
    refused("quote in a name", get(line, H + 'X"A: b\r\n'))
    refused("high bit in a name", get(line, H + "X-\xe9: b\r\n"))
    refused("too many fields", get(line, H + "X-A: b\r\n" * 120), 431)
    refused("long head", get(line, H + "".join(f"X-{i}: {'b' * 900}\r\n" for i in range(30))), 431)
    refused("one long field", get(line, H + f"X-A: {'b' * 17000}\r\n"), 431)
    refused("head without an end", f"{line}\r\n{H}X-A: {'b' * 30000}", 431)
    refused("no Host", get(line, ""))
    refused("no Host, other fields", get(line, "X-A: b\r\n"))
    refused("two Hosts", get(line, H + "Host: other.example\r\n"))
    refused("the same Host twice", get(line, H + H))
    refused("two Hosts, one in small letters", get(line, H + "host: other.example\r\n"))
    refused("empty Host", get(line, "Host:\r\n"))
    refused("list for a Host", get(line, "Host: localhost, other.example\r\n"))
    refused("space in Host", get(line, "Host: localhost other.example\r\n"))
    refused("path in Host", get(line, "Host: localhost/x\r\n"))
    refused("user in Host", get(line, "Host: user@localhost\r\n"))
    refused("other Host", get(line, "Host: other.example\r\n"), 421)
    refused("Host with a dot more", get(line, "Host: localhost.\r\n"), 421)
    refused("Host as a suffix", get(line, "Host: evil-localhost\r\n"), 421)
    refused("Connection names Host", get(line, H + "Connection: close, Host\r\n"))
    refused("Connection names Content-Length",
            post("Connection: Content-Length\r\nContent-Length: 3\r\n", "abc"))
    refused("Connection names Transfer-Encoding",
            post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"))
    refused("unknown expectation", post("Expect: 200-ok\r\nContent-Length: 3\r\n", "abc"), 417)
    clean("high bit in a value", get(line, H + "X-A: b\xe9\r\n"), {"present": {"X-A": "b\xe9"}})
    clean("no space after the colon", get(line, "Host:localhost\r\nX-A:b\r\n"),
          {"present": {"X-A": "b"}})
    clean("empty value", get(line, H + "X-A:\r\n"), {"present": {"X-A": ""}})
    clean("Host with a port", get(line, "Host: localhost:8443\r\n"),
          {"present": {"Host": "localhost:8443"}})
    for value in ("localhost:abc", "localhost:", "localhost:99999", "localhost:65536",
                  "localhost:080443", "localhost:80'&()", "localhost:+80", "localhost: 80",
                  "localhost:80:80", ":80", "localhost%", "localhost%4", "localhost%zz", "[::1",
                  "::1", "[::1]80", "[]", "[localhost]", "[::1%25lo]", "[v1.x]", "local[host]",
                  "local\"host", "local\\host", "localhost/", "localhost?", "localhost#",
                  "user@localhost", "localhost, localhost", "localhost,localhost", "local host",
                  "<localhost>"):
        refused(f"Host {value!r}", get(line, f"Host: {value}\r\n"), 400)
    for value in ("other.example", "other.example:443", "192.0.2.1", "[2001:db8::1]",
                  "[2001:db8::1]:8443", "xn--bcher-kva.example", "a_b", "a%41", "a!$&'()*+;=b"):
        refused(f"Host {value!r} is another", get(line, f"Host: {value}\r\n"), 421)
    clean("Host in capitals", get(line, "Host: LOCALHOST\r\n"), {})
    clean("Connection names a field",
          get(line, H + "Connection: close, X-Hop\r\nX-Hop: a\r\nX-Far: b\r\n"),
          {"absent": ["X-Hop", "Connection"], "present": {"X-Far": "b"}})
    clean("hop-by-hop fields",
          get(line, H + "Keep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: x\r\n"
              "Proxy-Authorization: y\r\nTrailer: X\r\n"),
          {"absent": ["Keep-Alive", "TE", "Proxy-Connection", "Proxy-Authorization", "Trailer"]})


def lengths():
    for value in ("+3", "-3", "3,3", "3, 3", "3 3", "0x3", "3.0", "3e0", "3;", "\"3\"", "", "abc",
                  "3\t3", "\u00b3", "18446744073709551619", "9223372036854775808", "9" * 40,
                  "-0", "0003x"):
        refused(f"Content-Length {value[:24]!r}", post(f"Content-Length: {value}\r\n", "abc"))
    refused("two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"))
    refused("two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"))
    refused("two lengths, other spelling",
            post("Content-Length: 3\r\ncontent-length: 0\r\n", "abc"))
    refused("misspelt length", post("Content_Length: 3\r\n", "abc"))
    refused("misspelt length beside a right one",
            post("Content-Length: 0\r\nContent_Length: 43\r\n", SMUGGLED))
    refused("space before the length's colon", post("Content-Length : 3\r\n", "abc"))
    refused("folded length", post("Content-Length:\r\n 3\r\n", "abc"))
    refused("longer than is taken", post("Content-Length: 5000000\r\n"), 413)
    clean("zeros in front mean nothing", post("Content-Length: 003\r\n", "abc"), {"body": b"abc"})
    clean("space around the length", post("Content-Length:  3 \t\r\n", "abc"), {"body": b"abc"})
    clean("no body", post("Content-Length: 0\r\n"), {"body": b""})
    clean("no length, no body", post(""), {"body": b"", "absent": ["Content-Length"]})
    clean("GET with a body", post("Content-Length: 3\r\n", "abc", "GET /g HTTP/1.1"),
          {"method": "GET", "body": b"abc"})
    clean("a request inside a body stays there",
          post(f"Content-Length: {len(SMUGGLED)}\r\n", SMUGGLED), {"body": SMUGGLED.encode()})
    broken("body cut short", post("Content-Length: 10\r\n", "abc"))


def codings():
    chunked = "Transfer-Encoding: chunked\r\n"
    end = "0\r\n\r\n"
    refused("length, then chunked", post("Content-Length: 5\r\n" + chunked, end + SMUGGLED))
    refused("chunked, then length", post(chunked + "Content-Length: 5\r\n", end + SMUGGLED))
    refused("length 0 and chunked", post("Content-Length: 0\r\n" + chunked, end + SMUGGLED))
    for value in ("xchunked", "chunkedx", "identity", "gzip", "gzip, chunked", "chunked, gzip",
                  "chunked, chunked", "chunked, identity", "identity, chunked", "chunked;q=1",
                  "chunked;", "chunked,", ", chunked", "\"chunked\"", "chun ked", "", "none",
                  "chunked\x0b", "\x0bchunked", "chunked\x00", "CHUNKED, CHUNKED", "chunked\xa0"):
        refused(f"Transfer-Encoding {value!r}",
                post(f"Transfer-Encoding: {value}\r\n", end + SMUGGLED))
    refused("chunked twice", post(chunked + chunked, end + SMUGGLED))
    refused("chunked and identity", post(chunked + "Transfer-Encoding: identity\r\n", end))
    refused("folded chunked", post("Transfer-Encoding:\r\n chunked\r\n", end + SMUGGLED))
    refused("space before the coding's colon", post("Transfer-Encoding : chunked\r\n", end))
    refused("misspelt coding", post("Transfer_Encoding: chunked\r\n", end))
    refused("misspelt coding beside a length",
            post("Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", end))
    refused("chunked in HTTP/1.0", post(chunked, end, "POST /p HTTP/1.0"))
    clean("Chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "3\r\nabc\r\n" + end),
          {"body": b"abc"})
    clean("space around chunked", post("Transfer-Encoding: \t chunked \r\n", "3\r\nabc\r\n" + end),
          {"body": b"abc"})
    clean("TE is not Transfer-Encoding", post("TE: chunked\r\nContent-Length: 3\r\n", "abc"),
          {"body": b"abc", "absent": ["TE"]})


def chunks():
    def body(raw):
        return post("Transfer-Encoding: chunked\r\n", raw)

    end = "0\r\n\r\n"
    for size in ("0x3", "+3", "-3", " 3", "3 ", "3\t", "3_0", "g", "", "\u0663", "3,", "3.",
                 "10000000000000003", "FFFFFFFFFFFFFFFFF", "0" * 20 + "3"):
        broken(f"chunk size {size!r}", body(f"{size}\r\nabc\r\n{end}{SMUGGLED}"))
    broken("bare LF after the size", body(f"3\nabc\r\n{end}{SMUGGLED}"))
    broken("bare CR after the size", body(f"3\rabc\r\n{end}{SMUGGLED}"))
    broken("bare LF after the data", body(f"3\r\nabc\n{end}{SMUGGLED}"))
    broken("nothing after the data", body(f"3\r\nabc{end}{SMUGGLED}"))
    broken("more data than said", body(f"3\r\nabcd\r\n{end}{SMUGGLED}"))
    broken("less data than said", body(f"4\r\nabc\r\n{end}{SMUGGLED}"))
    broken("CR without LF after the data", body(f"3\r\nabc\rX{end}{SMUGGLED}"))
    broken("LF in an extension", body(f"3;a\nb\r\nabc\r\n{end}{SMUGGLED}"))
    broken("CR in an extension", body(f"3;a\rb\r\nabc\r\n{end}{SMUGGLED}"))
    broken("NUL in an extension", body(f"3;a\0b\r\nabc\r\n{end}{SMUGGLED}"))
    broken("long extension", body(f"3;{'a' * 9000}\r\nabc\r\n{end}"))
    broken("many extensions", body("1;aaaaaaaaaaaaaaaaaaaa\r\nb\r\n" * 500 + end))
    broken("bare LF at the end", body(f"3\r\nabc\r\n0\n\n{SMUGGLED}"))
    broken("end without its line", body(f"3\r\nabc\r\n0\r\n{SMUGGLED}"))
    broken("bare LF in the trailer", body(f"3\r\nabc\r\n0\r\nX: y\n\r\n{SMUGGLED}"))
    broken("folded trailer", body(f"3\r\nabc\r\n0\r\n X: y\r\n\r\n{SMUGGLED}"))
    broken("trailer without a colon", body(f"3\r\nabc\r\n0\r\nXy\r\n\r\n{SMUGGLED}"))
    broken("space in a trailer's name", body(f"3\r\nabc\r\n0\r\nX y: z\r\n\r\n{SMUGGLED}"))
    broken("NUL in a trailer", body(f"3\r\nabc\r\n0\r\nX: y\0\r\n\r\n{SMUGGLED}"))
    broken("long trailer", body(f"3\r\nabc\r\n0\r\nX: {'y' * 9000}\r\n\r\n"))
    broken("longer than is taken", body(f"{0x180000:x}\r\n{'a' * 0x180000}\r\n{end}"))
    broken("chunks cut short", body("3\r\nabc\r\n"))
    broken("chunk cut short", body("ff\r\nabc"))
    clean("chunks", body(f"3\r\nabc\r\nA\r\n0123456789\r\n{end}"), {"body": b"abc0123456789"})
    clean("small letters, zeros in front", body(f"00a\r\n0123456789\r\n{end}"),
          {"body": b"0123456789"})
    clean("extension is dropped", body(f"3;name=\"v\"\r\nabc\r\n0;last\r\n\r\n"), {"body": b"abc"})
    clean("trailer is dropped", body("3\r\nabc\r\n0\r\nX-Trailer: y\r\n\r\n"),
          {"body": b"abc", "absent": ["X-Trailer"]})
    clean("trailer can't set a field",
          body("3\r\nabc\r\n0\r\nContent-Length: 50\r\nX-Salus-Client-Identity: me\r\n\r\n"),
          {"body": b"abc", "absent": ["Content-Length", "X-Salus-Client-Identity"]})
    clean("a request behind the last chunk is the next one", body(f"{end}{get('GET /n HTTP/1.1')}"),
          {"target": "/p", "body": b""}, {"target": "/n"})


def connections():
    one = get("GET /1 HTTP/1.1")
    clean("two at once", one + get("GET /2 HTTP/1.1"), {"target": "/1"}, {"target": "/2"})
    clean("thirty at once", one * 30, *[{"target": "/1"}] * 30)
    clean("after a body", post("Content-Length: 3\r\n", "abc" + one), {"body": b"abc"},
          {"target": "/1"})
    clean("nothing after close", get("GET /1 HTTP/1.1", H + "Connection: close\r\n") + SMUGGLED,
          {"target": "/1"})
    clean("HTTP/1.0 is one request", get("GET /1 HTTP/1.0") + SMUGGLED, {"target": "/1"})
    refused("HTTP/1.0 without Host, where only some are served",
            get("GET /1 HTTP/1.0", "X-A: b\r\n"), 421)
    clean("a good one, then a bad one", one + get("GET /2  HTTP/1.1") + SMUGGLED, {"target": "/1"})
    clean("h2c is not offered",
          get("GET /u HTTP/1.1", H + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
              "HTTP2-Settings: AAMAAABk\r\n"),
          {"absent": ["Upgrade", "HTTP2-Settings", "Connection"]})
    clean("only a WebSocket is an upgrade",
          get("GET /u HTTP/1.1", H + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
          {"absent": ["Upgrade", "Connection"]})
    clean("an upgrade that Connection does not name",
          get("GET /u HTTP/1.1", H + "Upgrade: websocket\r\n"), {"absent": ["Upgrade"]})
    clean("an upgrade with a body",
          post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n", "abc",
               "GET /u HTTP/1.1"), {"body": b"abc", "absent": ["Upgrade"]})
    clean("an upgrade that the backend does not follow",
          get("GET /u HTTP/1.1", H + "Connection: Upgrade\r\nUpgrade: websocket\r\n") + one,
          {"present": {"Upgrade": "websocket", "Connection": "Upgrade"}}, {"target": "/1"})
    for name in ("X-Forwarded-For", "x-forwarded-for", "X_Forwarded_For", "X-Forwarded_For",
                 "X-Real-IP", "X_Real_IP", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto",
                 "X-Forwarded-Port", "X-Salus-Client-Identity", "x_salus_client_identity",
                 "X-SALUS-CLIENT-SUBJECT", "X-Salus-Anything", "X_Salus-Client-Fingerprint",
                 "Proxy", "X-Forwarded", "True-Client-IP", "True_Client_IP",
                 "X.Salus.Client.Identity", "X-Salus.Client_Fingerprint", "X.Real.IP",
                 "X!Forwarded*For", "X~Forwarded~Proto", "x.salus'client`subject"):
        clean(f"{name} is not believed", get("GET /s HTTP/1.1", H + f"{name}: 6.6.6.6\r\n"),
              {"never": "6.6.6.6"})


def check_refused(client, status):
    answer = client.response()
    assert answer, "no answer"
    assert answer[0] in REFUSAL_STATUSES, f"answered {answer[0]}"
    assert status in (None, answer[0]), f"answered {answer[0]}, not {status}"
    # A refusal that leaves a whole request behind may keep the connection; any other must not.
    if answer[0] != 421:
        assert client.is_closed(), "not closed"


def check_broken(client, needs_end):
    if needs_end:
        client.connection.shutdown(socket.SHUT_WR)
    answer = client.response()
    if answer:
        assert answer[0] in REFUSAL_STATUSES, f"answered {answer[0]}"
        assert client.is_closed(), "not closed"


def check_request(request, want):
    assert request.method == want.get("method", request.method), request.method
    assert request.target == want.get("target", request.target), request.target
    assert request.body == want.get("body", request.body), request.body[:80]
    for name in want.get("absent", []):
        assert request.get(name) is None, f"{name} was passed on"
    for name, value in want.get("present", {}).items():
        assert request.all(name) == [value], f"{name}: {request.all(name)}"
    if "never" in want:
        assert all(want["never"] not in value for _, value in request.fields), request.fields
    assert request.get("x-forwarded-for") == "127.0.0.1", request.fields
    assert len(request.all("x-forwarded-for")) == 1 and len(request.all("host")) == 1
    assert len(request.all("content-length")) + len(request.all("transfer-encoding")) <= 1


def run_case(case, port, context, backend):
    kind, _, raw, want = case
    late = backend.take()
    assert not late, f"the case before left {[one.line for one in late]}"
    client = proxy_rig.Client(port, context)
    client.connection.settimeout(10)
    # What is not Latin-1 is a case about digits of other scripts.
    data = raw.encode("utf-8" if any(ord(c) > 255 for c in raw) else "latin-1")
    try:
        client.send(data)
    except OSError:
        pass  # refused before it was all sent
    if kind == "refused":
        check_refused(client, want)
    elif kind == "broken":
        check_broken(client, "cut short" in case[1])
    else:
        for expected in want:
            answer = client.response()
            assert answer and answer[0] == 200, f"answer {answer and answer[0]}"
    client.close()
    arrived = backend.take()
    if kind != "clean":
        assert not arrived, f"reached the backend: {[one.line for one in arrived]}"
        return
    assert len(arrived) == len(want), f"{len(arrived)} requests arrived, not {len(want)}"
    for request, expected in zip(arrived, want):
        check_request(request, expected)
    assert not any("smuggled" in one.target for one in arrived), "smuggled"


def other_protocols(port, context, backend):
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    plain.sendall(get("GET / HTTP/1.1").encode())
    answer = plain.recv(100)
    assert not answer.startswith(b"HTTP"), "plain HTTP was answered on the TLS port"
    plain.close()
    context.set_alpn_protocols(["h2"])
    try:
        proxy_rig.Client(port, context)
        raise AssertionError("h2 was agreed on")
    except ssl.SSLError:
        pass
    context.set_alpn_protocols(["http/1.1"])
    assert not backend.take()


def main():
    for group in (request_lines, fields, lengths, codings, chunks, connections):
        group()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        certificates = proxy_rig.Certificates(folder)
        context = certificates.client_context()
        backend = proxy_rig.Backend()
        proxy = proxy_rig.Proxy(sys.argv[1], "--from", "127.0.0.1:0", "--to", backend.address,
                                "--certificate", certificates.chain, "--key", certificates.key,
                                "--domain", "localhost", "--max-body", "1000000").start()
        start = time.monotonic()
        for case in CASES:
            try:
                run_case(case, proxy.port, context, backend)
            except (AssertionError, OSError, ValueError) as failure:
                failures.append(f"{case[1]}: {failure!r}")
        other_protocols(proxy.port, context, backend)
        # What came late would be here; and an honest request is still answered.
        time.sleep(0.2)
        assert not backend.take(), "something arrived late"
        client = proxy_rig.Client(proxy.port, context)
        assert client.ask(get("GET /last HTTP/1.1").encode())[0] == 200
        client.close()
        proxy.stop()
        backend.stop()
    for failure in failures:
        print(f"FAILED {failure}")
    counts = {kind: sum(case[0] == kind for case in CASES)
              for kind in ("refused", "broken", "clean")}
    print(f"{len(CASES)} cases ({counts}), {len(failures)} failed, "
          f"{time.monotonic() - start:.1f} s")
    assert len(CASES) >= 100
    print(f"{len(CASES) - len(failures)} passed, {len(failures)} failed, 0 skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
