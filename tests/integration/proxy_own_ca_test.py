#!/usr/bin/env python3
"""`salus proxy --ca`: the data directory's own authority certifies the front door, in the log;
again when the names change; not while salusd runs there, and then says what to do.

usage: proxy_own_ca_test.py SALUS SALUSD
"""

import os
import shutil
import ssl
import subprocess
import sys
import tempfile
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
    served = urllib.request.urlopen(f"http://127.0.0.1:{port}/salus-ca.crl", timeout=20).read()
    expect("the list is there", served.startswith(b"\x30"))
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
    right.wait_for_line("no new revocation list from")
    expect("the certificate serves without a list", right.serial() == serial)
    os.rename(authority + ".away", authority)
    right.hup()
    right.wait_for_line("the certificate was read again")
    served = urllib.request.urlopen(f"http://127.0.0.1:{port}/salus-ca.crl", timeout=20).read()
    expect("the list is there again", served.startswith(b"\x30"))
    right.stop()


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


def one(rig):
    names = [name for name in os.listdir(rig.path("state")) if name.startswith("own-")]
    expect("one folder for the authority", len(names) == 1)
    return names[0]


def main():
    backend = Backend()
    with tempfile.TemporaryDirectory(prefix="salus_own_ca_") as folder:
        rig = Rig(sys.argv[1], sys.argv[2], folder)
        rig.set_up([], [])
        try:
            for part in (check, check_neighbours, check_authorities, check_new_root):
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
