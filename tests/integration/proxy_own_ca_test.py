#!/usr/bin/env python3
"""`salus proxy --ca`: the data directory's own authority certifies the front door, in the log;
again when the names change; not while salusd runs there, and then says what to do. The openssl
program and curl ask how the certificate stands.

usage: proxy_own_ca_test.py SALUS SALUSD
"""

import base64
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from acme_rig import Backend, FrontDoor, get, openssl
from salusd_rig import Rig, free_ports

NAME = "front.example.test"
MORE = "other.example.test"


def expect(what, is_so):
    if not is_so:
        raise SystemExit(f"not so: {what}")


class NoFolder:
    """FrontDoor's PATH as it is."""

    def at(self, *_):
        return "/nowhere"


class Door:
    def __init__(self, rig, backend, state="state"):
        self.rig, self.backend, self.state = rig, backend, rig.path(state)

    def arguments(self, port, *names, plain="none", more=()):
        listed = [word for name in names for word in ("--domain", name)]
        return ["--from", f"127.0.0.1:{port}", "--redirect-from", plain, "--to",
                f"127.0.0.1:{self.backend.port}", "--ca", self.rig.data, "--state", self.state,
                *listed, *more]

    def start(self, *names, **options):
        port = free_ports(1)[0]
        door = FrontDoor(self.rig.salus_path, NoFolder(), port,
                         self.arguments(port, *names, **options))
        door.wait_until_listening()
        return door

    def refused(self, *names):
        port = free_ports(1)[0]
        done = subprocess.run([self.rig.salus_path, "proxy", *self.arguments(port, *names)],
                              capture_output=True, text=True, timeout=60, check=False)
        expect("it does not start", done.returncode == 1)
        return done.stderr

    def misused(self, *more, plain="none"):
        port = free_ports(1)[0]
        done = subprocess.run(
            [self.rig.salus_path, "proxy", *self.arguments(port, NAME, plain=plain, more=more)],
            capture_output=True, text=True, timeout=60, check=False)
        expect(f"{more} is wrong usage", done.returncode == 2)
        return done.stderr


def entries(rig):
    """How many entries the log has."""
    return int(rig.salus("log", "fsck", "--data", rig.data).stderr.split(" entries")[0].split()[-1])


def check(rig, backend):
    door = Door(rig, backend)
    before = entries(rig)
    first = door.start(NAME)
    trust = ssl.create_default_context(cafile=os.path.join(rig.data, "root.pem"))
    expect("a visitor who trusts the root is answered",
           get(first.connect(trust)) == (200, b"hello"))
    serial, text = first.serial(), first.certificate()
    expect("no revocation list is promised where none is served", "CRL" not in text)
    first.stop()
    expect("the certificate is an entry of the log", entries(rig) > before)
    chain = rig.path("state", one(rig), "chain.pem")
    days = openssl("x509", "-checkend", str(89 * 86400), "-in", chain)
    expect("it is valid for more than 89 days", "will not expire" in days)
    logged = entries(rig)
    again = door.start(NAME)
    expect("the same certificate after a restart", again.serial() == serial)
    again.stop()
    both = door.start(NAME, MORE)
    expect("a new name, a new certificate", both.serial() != serial)
    expect("it names both", f"DNS:{NAME}, DNS:{MORE}" in both.certificate())
    both.stop()
    expect("in the log too", entries(rig) > logged)
    rig.launch()
    rig.wait_until_listening()
    try:
        during = door.start(NAME, MORE)
        expect("a certificate that is there serves while salusd runs",
               get(during.connect(trust)) == (200, b"hello"))
        during.stop()
        said = Door(rig, backend, "fresh").refused(NAME)
        expect(f"it says who holds the directory, and what to do: {said}",
               "in use" in said and "stop it for a moment" in said)
    finally:
        rig.stop()
    os.chmod(rig.path("state"), 0o777)
    expect("a folder that others may write to", "others may write" in door.refused(NAME))
    os.chmod(rig.path("state"), 0o700)


def check_neighbours(rig, backend):
    """Two front doors of one data directory keep each their certificate; small letters."""
    door = Door(rig, backend)
    left = door.start(NAME)
    serial = left.serial()
    port = free_ports(1)[0]
    right = door.start(MORE.upper(), plain=f"127.0.0.1:{port}")
    text = right.certificate()
    expect("the other one's own name, in small letters", f"DNS:{MORE}" in text)
    expect("the list's address has the port", f"http://{MORE}:{port}/salus-ca.crl" in text)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/salus-ca.crl", timeout=20) as served:
        expect("the list is there", served.read().startswith(b"\x30"))
        expect("and says how long it is good", served.headers["Expires"]
               and served.headers["Content-Type"] == "application/pkix-crl")
    for one_door in (left, right):
        seen = len(one_door.lines)
        one_door.hup()
        one_door.wait_for_line("the certificate was read again", after=seen)
    expect("the first one keeps its certificate", left.serial() == serial)
    left.stop()
    serial = right.serial()
    right.stop()
    # A list that can't be signed is told, and keeps the certificate from nothing.
    authority = os.path.join(rig.data, "ca")
    os.rename(authority, authority + ".away")
    right = door.start(MORE, plain=f"127.0.0.1:{port}")
    right.wait_for_line("no new revocation list and OCSP responses from")
    expect("the certificate serves without a list", right.serial() == serial)
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/salus-ca.crl", timeout=20)
        expect("there is no list", False)
    except urllib.error.HTTPError as refused:
        expect("it says that there is no list", refused.code == 503)
    os.rename(authority + ".away", authority)
    right.hup()
    right.wait_for_line("the certificate was read again")
    served = urllib.request.urlopen(f"http://127.0.0.1:{port}/salus-ca.crl", timeout=20).read()
    expect("the list is there again", served.startswith(b"\x30"))
    right.stop()


MALFORMED = bytes.fromhex("30030a0101")


class Ocsp:
    """Asks a front door how its certificate stands."""

    def __init__(self, rig, door, plain):
        self.rig, self.door, self.plain = rig, door, plain
        self.url = f"http://127.0.0.1:{plain}/salus-ocsp"
        self.issuer = os.path.join(rig.data, "ca", "certificate.pem")
        self.leaf = rig.path("leaf.pem")
        self.keep_leaf()

    def keep_leaf(self, path=None):
        with open(path or self.leaf, "w") as f:
            f.write(ssl.get_server_certificate(("127.0.0.1", self.door.port)))

    def program(self, *about):
        done = subprocess.run(
            ["openssl", "ocsp", "-issuer", self.issuer, *about, "-url", self.url, "-CAfile",
             os.path.join(self.rig.data, "root.pem")],
            capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def is_good(self, *more, leaf=None):
        said = self.program(*more, "-cert", leaf or self.leaf)
        return "Response verify OK" in said and ".pem: good" in said

    def send(self, body, content_type="application/ocsp-request"):
        asked = urllib.request.Request(self.url, body, {"Content-Type": content_type})
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def stapled(self):
        """The openssl program's text of what is handed out in the handshake."""
        return openssl("s_client", "-connect", f"127.0.0.1:{self.door.port}", "-servername", NAME,
                       "-status", "-CAfile", os.path.join(self.rig.data, "root.pem"))

    def check_staple(self):
        said = self.stapled()
        serial = openssl("x509", "-noout", "-serial", "-in", self.leaf).strip().split("=")[1]
        expect("a good response is stapled, about the certificate that is shown",
               "OCSP Response Status: successful (0x0)" in said and "Cert Status: good" in said
               and f"Serial Number: {serial}" in said)
        at = f"{NAME}:{self.door.port}"
        done = subprocess.run(
            ["curl", "-sS", "--cert-status", "--cacert", os.path.join(self.rig.data, "root.pem"),
             "--resolve", f"{at}:127.0.0.1", f"https://{at}/"],
            capture_output=True, text=True, timeout=60, check=False)
        expect(f"curl verifies it: {done.stderr}", done.stdout == "hello")


def check_ocsp(rig, backend):
    plain = free_ports(1)[0]
    place = Door(rig, backend, "asked")
    door = place.start(NAME, plain=f"127.0.0.1:{plain}")
    ask = Ocsp(rig, door, plain)
    expect("the certificate says where to ask",
           f"OCSP - URI:http://{NAME}:{plain}/salus-ocsp\n" in door.certificate())
    for more in (["-no_nonce"], ["-nonce"], ["-sha256", "-no_nonce"]):
        expect(f"good, asked with {more}", ask.is_good(*more))
    for about in (["-serial", "0x1234"], ["-cert", ask.leaf, "-serial", "0x1234"]):
        expect(f"nothing is said about {about}", "unauthorized (6)" in ask.program(*about))
    request = rig.path("request.der")
    openssl("ocsp", "-no_nonce", "-issuer", ask.issuer, "-cert", ask.leaf, "-reqout", request)
    with open(request, "rb") as f:
        body = f.read()
    status, good = ask.send(body)
    expect("POST", status == 200 and len(good) > 100)
    text = base64.b64encode(body).decode()
    for path in (text, urllib.parse.quote(text, safe="")):
        with urllib.request.urlopen(f"{ask.url}/{path}", timeout=20) as answer:
            expect("GET gives the same", answer.read() == good)
            head = answer.headers
    expect("its type", head["Content-Type"] == "application/ocsp-response")
    expect("caches may keep it", "public" in head["Cache-Control"] and head["Date"]
           and head["Expires"] and head["Last-Modified"] and head["ETag"])
    expect("a parameter of the type", ask.send(body, "application/ocsp-request; charset=utf-8")
           == (200, good))
    expect("malformed", ask.send(b"\x30\x00") == (200, MALFORMED))
    expect("malformed, too", ask.send(body + b"\0") == (200, MALFORMED))
    expect("as long as is taken", ask.send(b"\x30" * 16384) == (200, MALFORMED))
    status, said = ask.send(b"\x30" * 16385)
    expect("too long", status == 413 and b"16384 bytes" in said)
    status, said = ask.send(body, "application/x-www-form-urlencoded")
    expect("another type", status == 415 and b"application/ocsp-request" in said)
    with urllib.request.urlopen(f"{ask.url}/@@@", timeout=20) as answer:
        expect("a path that is not base64", answer.read() == MALFORMED)
    ask.check_staple()
    seen = len(door.lines)
    door.hup()
    door.wait_for_line("the certificate was read again", after=seen)
    ask.check_staple()

    # Another key, another certificate: what is stapled is about that one. Of the one before clients
    # may still ask.
    before = rig.path("before.pem")
    ask.keep_leaf(before)
    folder = rig.path("asked", one(rig, "asked"))
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
            os.path.join(folder, "key.pem"))
    seen = len(door.lines)
    door.hup()
    door.wait_for_line("our own authority issued a certificate", after=seen)
    door.wait_for_line("the certificate was replaced", after=seen)
    ask.keep_leaf()
    expect("it is another one", open(before).read() != open(ask.leaf).read())
    ask.check_staple()
    for leaf in (before, ask.leaf):
        expect("both are good", ask.is_good("-no_nonce", leaf=leaf))
    door.stop()

    # Where plain HTTP is not answered the certificate names nothing, and stapling works the same.
    door = place.start(NAME)
    expect("no address is promised", "OCSP" not in door.certificate())
    ask = Ocsp(rig, door, plain)
    ask.check_staple()
    door.stop()


def check_plain_url(rig, backend):
    """The certificate names the address that visitors use, where a port forward is between."""
    plain, forwarded = f"127.0.0.1:{free_ports(1)[0]}", "http://status.example.test"
    place = Door(rig, backend, "forwarded")
    door = place.start(NAME, plain=plain, more=("--plain-url", forwarded))
    text = door.certificate()
    expect("it names the address that was given",
           f"OCSP - URI:{forwarded}/salus-ocsp\n" in text
           and f"URI:{forwarded}/salus-ca.crl" in text and plain.split(":")[1] not in text)
    openssl("crl", "-inform", "DER", "-in", fetch(rig, f"http://{plain}/salus-ca.crl"))
    expect("it answers under any name", Ocsp(rig, door, plain.split(":")[1]).is_good("-no_nonce"))
    door.stop()
    expect("nothing is answered", "--redirect-from" in place.misused("--plain-url", forwarded))
    for wrong in ("", "status.example.test", "https://status.example.test", "http://",
                  "http://a.example/", "http://a.example/x", "http://A.example",
                  "http://a.example:", "http://a.example:0", "http://a.example:65536",
                  "http://a.example:8x", "http://a@b.example", "http://a.example?x", "http://a b"):
        said = place.misused("--plain-url", wrong, plain=plain)
        expect(f"{wrong!r} is refused: {said}", "http://NAME" in said)
    done = subprocess.run([rig.salus_path, "proxy", "--to", "127.0.0.1:9", "--certificate", "x",
                           "--key", "y", "--plain-url", forwarded],
                          capture_output=True, text=True, timeout=60, check=False)
    expect("only with --ca", done.returncode == 2 and "--plain-url is for --ca" in done.stderr)


def fetch(rig, url):
    path = rig.path("fetched")
    with open(path, "wb") as f:
        f.write(urllib.request.urlopen(url, timeout=20).read())
    return path


def is_let_in(door, certificate, key):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    try:
        return get(door.connect(context)) == (200, b"hello")
    except OSError:
        return False


def check_authorities(rig, backend):
    """The clients' authorities are read again on SIGHUP, though the certificate stays."""
    pairs = []
    for name in ("one", "two"):
        pair = rig.path(f"{name}.pem"), rig.path(f"{name}.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-out", pair[0], "-keyout", pair[1], "-days", "2", "-subj", f"/CN={name}")
        pairs.append(pair)
    gate = rig.path("gate.pem")
    shutil.copy(pairs[0][0], gate)
    door = Door(rig, backend).start(NAME, more=("--require-client-cert", gate))
    expect("the first is let in", is_let_in(door, *pairs[0]))
    expect("the second is not", not is_let_in(door, *pairs[1]))
    door.wait_for_line("a client's certificate was refused: its authority is unknown here")
    shutil.copy(pairs[1][0], gate)
    door.hup()
    door.wait_for_line("open connections go on")
    expect("now the second is let in", is_let_in(door, *pairs[1]))
    expect("and the first is not", not is_let_in(door, *pairs[0]))
    door.stop()


def check_new_root(rig, backend):
    """A data directory set up anew at the same place: the old authority's certificate goes."""
    state = rig.path("state")
    shutil.rmtree(rig.data)
    rig.salus("init", "--data", rig.data, "--origin", "example.test/anew")
    door = Door(rig, backend).start(NAME)
    trust = ssl.create_default_context(cafile=os.path.join(rig.data, "root.pem"))
    expect("the new root's", get(door.connect(trust)) == (200, b"hello"))
    serial = door.serial()
    door.stop()
    for name in os.listdir(state):
        if name.startswith("own-"):
            shutil.copy(rig.path("one.key"), os.path.join(state, name, "key.pem"))
    door = Door(rig, backend).start(NAME)
    expect("another key, another certificate", door.serial() != serial)
    expect("that fits", get(door.connect(trust)) == (200, b"hello"))
    door.stop()


def one(rig, state="state"):
    names = [name for name in os.listdir(rig.path(state)) if name.startswith("own-")]
    expect("one folder for the authority", len(names) == 1)
    return names[0]


def main():
    backend = Backend()
    with tempfile.TemporaryDirectory(prefix="salus_own_ca_") as folder:
        rig = Rig(sys.argv[1], sys.argv[2], folder)
        rig.set_up([], [])
        try:
            for part in (check, check_neighbours, check_ocsp, check_plain_url, check_authorities,
                         check_new_root):
                part(rig, backend)
            failed = 0
        except SystemExit as wrong:
            failed = 1
            print(wrong)
        finally:
            backend.stop()
            if rig.server:
                rig.kill()
    print(f"{1 - failed} passed, {failed} failed, 0 skipped")
    return failed


if __name__ == "__main__":
    sys.exit(main())
