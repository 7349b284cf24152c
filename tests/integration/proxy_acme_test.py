#!/usr/bin/env python3
"""`salus proxy` gets its certificate from a real ACME server (pebble): both challenges, renewal, a
refused challenge, an account kept over a restart, a rate limit.

usage: proxy_acme_test.py SALUS
"""

import glob
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

from acme_rig import (NAME, Backend, Folder, FrontDoor, LimitedDirectory, Pebble, can_mount, get,
                      missing_programs)
from salusd_rig import free_ports, is_nightly, wait_for


SECOND = "second.example.test"


def expect(what, is_so):
    if not is_so:
        raise SystemExit(f"not so: {what}")


class Place:
    """One test's folder, authority and backend."""

    def __init__(self, salus, **pebble_options):
        self.salus = salus
        self.temporary = tempfile.TemporaryDirectory(prefix="salus_acme_")
        self.folder = Folder(self.temporary.name)
        self.port, self.plain_port = free_ports(2)
        self.pebble = Pebble(self.folder, self.plain_port, self.port, **pebble_options)
        self.backend = Backend()
        self.door = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.door and self.door.process.poll() is None:
            self.door.process.kill()
            self.door.process.wait()
        self.pebble.stop()
        self.backend.stop()
        self.temporary.cleanup()

    def start(self, *more, acme=None, challenge="http-01"):
        plain = f"127.0.0.1:{self.plain_port}" if challenge == "http-01" else "none"
        self.door = FrontDoor(
            self.salus, self.folder, self.port,
            ["--from", f"127.0.0.1:{self.port}", "--to", f"127.0.0.1:{self.backend.port}",
             "--redirect-from", plain, "--domain", NAME, "--acme", acme or self.pebble.url,
             "--challenge", challenge, "--state", self.folder.at("state"), *more])
        self.door.wait_until_listening()
        return self.door

    def state(self, pattern):
        found = glob.glob(self.folder.at("state", "*", *pattern.split("/")))
        expect(f"one {pattern} in the state directory", len(found) == 1)
        return found[0]


def issue(salus, challenge, **pebble_options):
    with Place(salus, **pebble_options) as place:
        door = place.start("--email", "admin@example.test", "--domain", SECOND.upper(),
                           challenge=challenge)
        door.wait_for_line("was issued")
        door.wait_for_line("the certificate was replaced")
        text = door.certificate()
        expect("both names are certified", f"DNS:{NAME}" in text and f"DNS:{SECOND}" in text)
        expect("a visitor who trusts the authority gets an answer",
               get(door.connect(place.pebble.trust())) == (200, b"hello"))
        expect("the key is for its owner only",
               os.stat(place.state("private/key.pem")).st_mode & 0o077 == 0 and
               os.stat(place.folder.at("state")).st_mode & 0o077 == 0)
        expect("no answer to a challenge is left",
               not glob.glob(place.folder.at("state", challenge, "*")))
        door.stop()


def test_http_01(salus):
    issue(salus, "http-01")


def test_tls_alpn_01(salus):
    issue(salus, "tls-alpn-01")


def test_rejected_nonces(salus):
    issue(salus, "http-01", nonce_reject=40)


def test_renewal(salus):
    """Certificates of 45 seconds, renewed after 30; the visitors notice nothing."""
    renewals = 3 if is_nightly() else 1
    with Place(salus, validity_s=45) as place:
        door = place.start()
        door.wait_for_line("was issued")
        door.wait_for_line("the certificate was replaced")
        trust = place.pebble.trust()
        old = door.connect(trust)
        get(old)
        serials = {door.serial()}

        def renewed():
            expect("a new visitor is answered", get(door.connect(trust)) == (200, b"hello"))
            expect("the old connection goes on", get(old) == (200, b"hello"))
            serials.add(door.serial())
            return len(serials) > renewals

        wait_for("renewals", renewed, 60 * renewals)
        expect("the old connection went on", get(old) == (200, b"hello"))
        door.stop()


def test_refused_challenge(salus):
    """The DNS leads elsewhere when the certificate is to be renewed: the old one stays."""
    with Place(salus, validity_s=15) as place:
        door = place.start()
        door.wait_for_line("the certificate was replaced")
        serial = door.serial()
        place.pebble.set_address("127.0.0.9")
        said = door.wait_for_line("no new certificate for")
        expect(f"it says what failed: {said}",
               "could not connect to this server to check the challenge" in said and
               "the old one stays, valid until" in said and "next try at" in said)
        expect("the old certificate is served", door.serial() == serial)
        orders = place.pebble.orders()
        place.pebble.set_address("127.0.0.1")
        expect("it is not tried again at once", place.pebble.orders() == orders)
        seen = len(door.lines)
        door.hup()
        door.wait_for_line("the certificate was replaced", after=seen)
        expect("a new certificate is served", door.serial() != serial)
        expect("no line shows a token or a key", not any("PRIVATE" in t for t in door.stop()))


def test_no_certificate_yet(salus):
    """Refused from the start: a self-signed certificate is shown, and the reason said."""
    with Place(salus) as place:
        place.pebble.set_address("127.0.0.9")
        door = place.start()
        said = door.wait_for_line("no new certificate for")
        expect(f"it says what visitors see: {said}", "self-signed" in said)
        text = door.certificate()
        expect("the certificate names the domain", f"DNS:{NAME}" in text)
        expect("it is nobody's but its own", "Pebble" not in text)
        door.stop()


def test_account_kept(salus):
    with Place(salus) as place:
        door = place.start()
        door.wait_for_line("the certificate was replaced")
        serial = door.serial()
        account = open(place.state("private/key.pem"), "rb").read()
        door.stop()
        door = place.start()
        expect("the same certificate is served from the start", door.serial() == serial)
        door.stop()
        expect("nothing was ordered again", place.pebble.orders() == 1)
        # Lost certificate, same account.
        os.unlink(place.state(f"{NAME}/cert.pem"))
        door = place.start()
        door.wait_for_line("the certificate was replaced")
        expect("another certificate", door.serial() != serial)
        expect("one account", place.pebble.accounts() == 1)
        expect("one account key", open(place.state("private/key.pem"), "rb").read() == account)
        door.stop()


def limited(salus, retry_after_of):
    """A limit of a few seconds: no request before its end, over SIGHUP and a restart; told."""
    with Place(salus) as place:
        stub = LimitedDirectory(place.folder, place.pebble)
        wait_s = 8
        stub.retry_after = retry_after_of(wait_s)
        door = place.start(acme=stub.url)
        said = door.wait_for_line("no new certificate for")
        until = stub.times[0] + wait_s - 1  # a date has whole seconds
        expect(f"it tells the limit: {said}",
               "rate limit is reached" in said and "too many orders" in said and
               "the authority asks to wait" in said)
        seen = len(door.lines)
        door.hup()
        door.wait_for_line("asked not to be asked before", after=seen)
        door.stop()
        door = place.start(acme=stub.url)
        door.wait_for_line("asked not to be asked before")
        expect("one request so far, or the time was over",
               len(stub.times) == 1 or stub.times[1] >= until)
        stub.retry_after = None
        door.wait_for_line("the certificate was replaced")
        expect(f"nothing was asked before the time: {stub.times}", stub.times[1] >= until)
        door.stop()
        stub.stop()


def test_rate_limit_in_seconds(salus):
    limited(salus, str)


def test_rate_limit_until_a_date(salus):
    limited(salus, lambda wait_s: formatdate(time.time() + wait_s, usegmt=True))


def test_precise_sentences(salus):
    with tempfile.TemporaryDirectory(prefix="salus_acme_") as folder:
        state = os.path.join(folder, "state")

        def said(*arguments, path=None, before=()):
            environment = dict(os.environ, NO_COLOR="1", PATH=path or os.environ["PATH"])
            port = free_ports(1)[0]
            done = subprocess.run(
                [*before, os.path.abspath(salus), "proxy", "--from", f"127.0.0.1:{port}", "--to",
                 "127.0.0.1:9", "--state", state, *arguments],
                env=environment, capture_output=True, text=True, timeout=60, check=False)
            expect(f"{arguments} is refused", done.returncode in (1, 2))
            return done.stderr

        names = ("--redirect-from", "none", "--domain", NAME)
        expect("uacme is missing", "apt install uacme" in said(*names, path=folder))
        expect("a name without a full stop",
               "full stop" in said("--redirect-from", "none", "--domain", "localhost"))
        expect("a wildcard", "DNS name" in said("--redirect-from", "none", "--domain", "*.a.test"))
        expect("http-01 needs port 80",
               "--redirect-from" in said(*names, "--challenge", "http-01"))
        expect("no such challenge", "http-01 or tls-alpn-01" in said(*names, "--challenge", "x"))
        expect("plain http", "https://" in said(*names, "--acme", "http://a.test/dir"))
        expect("two ways", "name one" in said(*names, "--ca", folder, "--acme", "https://a/"))
        os.makedirs(state, exist_ok=True)
        how = "-m" if os.geteuid() == 0 else "-Urm"
        mount = f"mount -t tmpfs -o noexec,mode=700 none {state} && exec \"$@\""
        expect("the hook could not run",
               "noexec" in said(*names, before=["unshare", how, "sh", "-c", mount, "sh"]))
        os.chmod(state, 0o777)
        expect("a state directory for all", "others may write" in said(*names))


TESTS = [test_renewal, test_http_01, test_tls_alpn_01, test_refused_challenge,
         test_no_certificate_yet, test_account_kept, test_rate_limit_in_seconds,
         test_rate_limit_until_a_date, test_precise_sentences]
if is_nightly():
    TESTS.append(test_rejected_nonces)


def passes(test):
    start = time.monotonic()
    try:
        test(sys.argv[1])
    except (SystemExit, OSError, ValueError, subprocess.SubprocessError) as wrong:
        print(f"{test.__name__}: {wrong}", flush=True)
        return False
    print(f"{test.__name__}: {time.monotonic() - start:.1f} s", flush=True)
    return True


def main():
    missing = missing_programs()
    if missing or not can_mount():
        why = f"{', '.join(missing)} not installed" if missing else "no mount namespace is allowed"
        print(f"skipped: proxy_acme_test: {why}\n0 passed, 0 failed, {len(TESTS)} skipped")
        return 0
    chosen = sys.argv[2:]
    tests = [test for test in TESTS if not chosen or test.__name__ in chosen]
    # Most of the time they wait, each for its own authority.
    with ThreadPoolExecutor(4) as pool:
        failed = sum(pool.map(lambda test: not passes(test), tests))
    print(f"{len(tests) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
