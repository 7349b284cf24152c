#!/usr/bin/env python3
"""seal_bad_input_test.py SALUS: what is broken, wrong or hostile, before the real seal and open.

Every byte of a sealed file flipped and every prefix cut, chunks reordered, a header without end,
wrong keys, a full disk, a closed pipe: never output where a file was asked for, never a crash, and
each time the exit code and the sentence that tell what happened."""

import base64
import concurrent.futures
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges" / "seal"))
from judging import (Cases, bytes_of, missing, must, run, run_on_terminal,  # noqa: E402
                     scratch_folder, write)

CHUNK = 65536
SEALED_CHUNK = CHUNK + 16
MANY = 10000
HEADER_BYTES = 100 * 1000 * 1000
HEADER_READ_BYTES = 40 << 20  # of the 100 MB, what may have been taken before it was refused
MEMORY_BYTES = 256 << 20  # of address space, for what is read without end
FAILED, USAGE, TAMPERED = 1, 2, 3


class Place:
    """A folder with a key, a message, and the message sealed."""

    def __init__(self, salus, folder):
        self.salus, self.folder = salus, folder
        self.key = self.path("key")
        self.ok("keygen", "-o", self.key)
        self.recipient = self.ok("keygen", "-y", self.key).decode().strip()
        self.message = write(folder / "message", "a message of a few words")
        self.sealed = self.path("sealed")
        self.ok("seal", "-r", self.recipient, "-o", self.sealed, self.message)

    def path(self, name):
        return str(self.folder / name)

    def run(self, *words, **options):
        return run([self.salus, *words], **options)

    def ok(self, *words, **options):
        done = self.run(*words, **options)
        must(done.code == 0, f"salus {words[0]}: {done.code}: {done.err[-300:]}")
        return done.out

    def refused(self, code, texts, *words, **options):
        """Runs, and wants this exit code, no output, and each of texts in one short sentence."""
        done = self.run(*words, **options)
        must(done.code == code, f"ends with {done.code} instead of {code}: {done.err[-300:]}")
        must(not done.out, f"{len(done.out)} bytes came")
        for text in texts:
            must(text.lower() in done.err.lower(), f"does not say {text!r}: {done.err[-300:]}")
        must(len(done.err.splitlines()) <= 3, f"says too much: {done.err}")
        return done


def open_broken(place, content, name):
    """Opens content to a file and to a pipe; returns the exit code, or raises."""
    file, target = write(place.folder / f"{name}.in", content), place.folder / f"{name}.out"
    done = place.run("open", "-i", place.key, "-o", str(target), file)
    must(done.code in (0, FAILED, TAMPERED), f"ends with {done.code}: {done.err[-300:]}")
    must(done.code == 0 or not target.exists(), "there is a file")
    must(done.code == 0 or done.err.startswith("salus: "), f"says {done.err[-300:]}")
    piped = place.run("open", "-i", place.key, stdin=content)
    must(piped.code == done.code, f"{done.code} from a file, {piped.code} from a pipe")
    must(done.code == 0 or not piped.out, "bytes came before they were authentic")
    return done.code


def broken_forms(sealed):
    for at in range(len(sealed)):
        flipped = bytes([sealed[at] ^ 1 << at % 8])
        yield f"byte {at} flipped", sealed[:at] + flipped + sealed[at + 1:]
        yield f"cut to {at} bytes", sealed[:at]


def judge_every_byte(cases, place):
    """One case for each flip and each cut."""
    sealed = pathlib.Path(place.sealed).read_bytes()

    def check(numbered):
        number, (name, content) = numbered
        return name, open_broken(place, content, f"broken-{number}")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(name, pool.submit(check, (number, (name, content))))
                for number, (name, content) in enumerate(broken_forms(sealed))]
    for name, job in jobs:
        with cases.case(name):
            code = job.result()[1]
            must(code != 0, "opens")
            # What is no longer a sealed file, or no longer for this key, is nobody's forgery.
            header_size = sealed.index(b"\n--- ") + 1
            at = int(name.split()[1 if name.startswith("byte") else 2])
            must(at < header_size or code == TAMPERED, f"ends with {code}")
    with cases.case("nothing is left behind"):
        left = [name for name in os.listdir(place.folder)
                if name.startswith("broken-") and not name.endswith(".in")]
        must(not left, str(left))


def judge_armor(cases, place):
    """Armor may lose white space at its end; whatever else is changed is refused."""
    armored = place.ok("seal", "-a", "-r", place.recipient, place.message)
    wanted = pathlib.Path(place.message).read_bytes()
    with cases.case("armor, every third byte flipped or cut"):
        for at in range(0, len(armored), 3):
            flipped = bytes([armored[at] ^ 1])
            for content in (armored[:at], armored[:at] + flipped + armored[at + 1:]):
                done = place.run("open", "-i", place.key, stdin=content)
                must(done.code in (FAILED, TAMPERED) or done.out == wanted and
                     at >= len(armored.rstrip()), f"at {at}: {done.code}")
                must(done.code == 0 or not done.out, f"at {at}: bytes came")


def judge_chunks(cases, place):
    """Three chunks and a bit: what comes to a pipe is the authentic part, and no more."""
    content = bytes_of(3 * CHUNK + 1000)
    sealed = place.ok("seal", "-r", place.recipient, stdin=content)
    start = sealed.index(b"\n", sealed.index(b"\n--- ") + 1) + 1 + 16
    chunks = [sealed[at:at + SEALED_CHUNK] for at in range(start, len(sealed), SEALED_CHUNK)]
    other = place.ok("seal", "-r", place.recipient, stdin=content)[-1016:]
    forms = {
        "first two exchanged": ([1, 0, 2, 3], 0), "middle two exchanged": ([0, 2, 1, 3], 1),
        "last two exchanged": ([0, 1, 3, 2], 2), "one repeated": ([0, 0, 1, 2, 3], 1),
        "one left out": ([0, 2, 3], 1), "the last left out": ([0, 1, 2], 3),
        "only the last": ([3], 0), "the last twice": ([0, 1, 2, 3, 3], 3),
    }
    for name, (order, authentic) in forms.items():
        with cases.case(f"chunks: {name}"):
            check_chunks(place, sealed[:start] + b"".join(chunks[i] for i in order), content,
                         authentic)
    with cases.case("chunks: a byte more"):
        check_chunks(place, sealed + b"\0", content, 3)
    with cases.case("chunks: a whole file more"):
        check_chunks(place, sealed + sealed, content, 3)
    with cases.case("chunks: the end of another file"):
        check_chunks(place, sealed[:start] + b"".join(chunks[:3]) + other, content, 3)
    with cases.case("chunks: cut inside the second"):
        check_chunks(place, sealed[:start + SEALED_CHUNK + 100], content, 1)


def check_chunks(place, sealed, content, most):
    done = place.run("open", "-i", place.key, stdin=sealed)
    must(done.code == TAMPERED, f"ends with {done.code}")
    must(len(done.out) % CHUNK == 0 and len(done.out) <= most * CHUNK and
         done.out == content[:len(done.out)], f"{len(done.out)} bytes came")
    target = place.folder / "target"
    must(place.run("open", "-i", place.key, "-o", str(target),
                   write(place.folder / "in", sealed)).code == TAMPERED, "differs to a file")
    must(not target.exists(), "there is a file")
    must(not [n for n in os.listdir(place.folder) if n.startswith((".target", "target"))],
         "a temporary file is left")


# Bech32 (BIP 173), enough to write public keys that nobody has the private ones of.
def bech32(prefix, content):
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in content)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for value in expanded + words + [0] * 6:
        top = check >> 25
        check = (check & 0x1ffffff) << 5 ^ value
        for i, term in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            check ^= term if top >> i & 1 else 0
    check ^= 1
    words += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(alphabet[word] for word in words)


def judge_many_recipients(cases, place):
    with cases.case(f"{MANY} recipients"):
        # Below 2^255, so that all are different points.
        keys = bytes_of(32 * MANY)
        lines = [bech32("age", keys[32 * i:32 * i + 31] + bytes([keys[32 * i + 31] & 0x7f]))
                 for i in range(MANY)]
        lines.insert(MANY // 2, place.recipient)
        sealed = place.ok("seal", "-R", write(place.folder / "many", "\n".join(lines) + "\n"),
                          place.message)
        must(sealed.count(b"\n-> X25519 ") == MANY + 1, "some are missing")
        must(place.ok("open", "-i", place.key, stdin=sealed) ==
             pathlib.Path(place.message).read_bytes(), "differs")


def endless(kind):
    """Pieces of a header that never ends."""
    if kind == "stanzas":
        line = base64.b64encode(bytes_of(32)).rstrip(b"=")
        return b"age-encryption.org/v1\n", (b"-> X25519 " + line + b"\n" + line + b"\n") * 5000
    if kind == "body":
        return (b"age-encryption.org/v1\n-> unknown\n",
                (base64.b64encode(bytes_of(48)) + b"\n") * 5000)
    if kind == "arguments":
        return b"age-encryption.org/v1\n->", b" argument" * 50000
    return b"age-encryption.org/v1\n-> X25519 ", b"A" * 400000


def judge_endless_header(cases, place):
    for kind in ("stanzas", "body", "arguments", "line"):
        with cases.case(f"a header of 100 MB is refused early: {kind}"):
            head, piece = endless(kind)
            process = subprocess.Popen(
                [place.salus, "open", "-i", place.key], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)))
            taken = 0
            try:
                process.stdin.write(head)
                while taken < HEADER_BYTES:
                    process.stdin.write(piece)
                    taken += len(piece)
            except BrokenPipeError:
                pass
            try:
                out, err = process.communicate(timeout=60)
            except BrokenPipeError:
                out, err = process.communicate(timeout=60)
            must(process.returncode in (FAILED, TAMPERED) and not out,
                 f"{process.returncode}: {err[-300:]}")
            must(taken < HEADER_READ_BYTES, f"{taken} bytes were taken")


CA_CONFIGURATION = """[ca]
default_ca = own
[own]
database = {0}/index.txt
new_certs_dir = {0}
serial = {0}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[usable]
keyUsage = critical,keyEncipherment
"""


def certificate(folder, name, start, end):
    """A certificate for an RSA key, from start to end (YYYYMMDD)."""
    folder = folder / f"ca-{name}"
    folder.mkdir()
    write(folder / "index.txt", "")
    write(folder / "serial", "01\n")
    configuration = write(folder / "ca.conf", CA_CONFIGURATION.format(folder))
    request = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout",
               str(folder / "key.pem"), "-out", str(folder / "request.pem"), "-subj", "/CN=judge"]
    sign = ["openssl", "ca", "-batch", "-selfsign", "-config", configuration, "-extensions",
            "usable", "-keyfile", str(folder / "key.pem"), "-in", str(folder / "request.pem"),
            "-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z", "-notext", "-out",
            str(folder / "certificate.pem")]
    for argv in (request, sign):
        done = run(argv)
        must(done.code == 0, done.err[-300:])
    return str(folder / "certificate.pem"), str(folder / "key.pem")


def judge_certificates(cases, place):
    if missing("openssl"):
        cases.skip("judge_seal_certificates", "openssl is not installed")
        return
    with cases.case("a valid certificate"):
        valid, key = certificate(place.folder, "valid", "20200101", "20991231")
        sealed = place.ok("seal", "-r", valid, place.message)
        must(place.ok("open", "-i", key, stdin=sealed) ==
             pathlib.Path(place.message).read_bytes(), "differs")
    with cases.case("an expired certificate"):
        expired, _ = certificate(place.folder, "expired", "20200101", "20210203")
        place.refused(FAILED, ["expired", "2021-02-03"], "seal", "-r", expired, place.message)
    with cases.case("a certificate of tomorrow"):
        coming, _ = certificate(place.folder, "coming", "20980101", "20991231")
        place.refused(FAILED, ["valid from 2098-01-01"], "seal", "-r", coming, place.message)


def judge_keys(cases, place):
    rsa, public = place.path("rsa.pem"), place.path("rsa.pub.pem")
    with cases.case("a key of another type"):
        place.ok("keygen", "--type", "rsa2048", "-o", rsa, "--public", public)
        place.refused(FAILED, ["no identity matches"], "open", "-i", rsa, place.sealed)
    with cases.case("another key of the same type"):
        place.ok("keygen", "-o", place.path("other"))
        place.refused(FAILED, ["no identity matches"], "open", "-i", place.path("other"),
                      place.sealed)
    with cases.case("a public key as identity"):
        pathlib.Path(public).chmod(0o600)
        place.refused(FAILED, ["rsa.pub.pem", "no private key"], "open", "-i", public, place.sealed)
    with cases.case("a private key as recipient"):
        secret = pathlib.Path(place.key).read_text().split()[-1]
        done = place.refused(USAGE, ["secret key", "shell's history"],
                             "seal", "-r", secret, place.message)
        must(secret not in done.err, "the key is shown")
    with cases.case("a key file that others can read"):
        write(place.folder / "open-key", pathlib.Path(place.key).read_bytes(), mode=0o644)
        place.refused(FAILED, ["chmod 600"], "open", "-i", place.path("open-key"), place.sealed)
    with cases.case("an unknown recipient"):
        place.refused(FAILED, ["nobody@example.org", "neither a key", "nor a file"], "seal", "-r",
                      "nobody@example.org", place.message)
    with cases.case("a recipient with a typing error"):
        wrong = place.recipient[:-1] + ("q" if place.recipient[-1] != "q" else "p")
        place.refused(FAILED, ["mistyped"], "seal", "-r", wrong, place.message)
    with cases.case("a list of recipients with one wrong line"):
        bad = write(place.folder / "list", f"# friends\n{place.recipient}\nage1nothing\n")
        place.refused(FAILED, ["list", "line 3"], "seal", "-R", bad, place.message)
    with cases.case("an empty list of recipients"):
        place.refused(FAILED, ["no key in it"], "seal", "-R",
                      write(place.folder / "empty-list", "# nobody\n"), place.message)
    with cases.case("no recipient at all"):
        place.refused(USAGE, ["-r"], "seal", place.message)
    with cases.case("a passphrase and a recipient"):
        place.refused(USAGE, ["passphrase"], "seal", "-p", "-r", place.recipient, place.message)
    with cases.case("a wrong passphrase"):
        sealed = place.path("by-passphrase")
        must(run_on_terminal([place.salus, "seal", "-p", "-o", sealed, place.message],
                             ["one", "one"]).code == 0, "does not seal")
        done = run_on_terminal([place.salus, "open", sealed], ["two"])
        must(done.code == FAILED and not done.out and "passphrase" in done.err,
             f"{done.code}: {done.err}")
        done = run_on_terminal([place.salus, "seal", "-p", place.message], ["one", "two"])
        must(done.code == FAILED and not done.out, f"differing ones: {done.code}: {done.err}")


def judge_files(cases, place):
    with cases.case("input that is not there"):
        place.refused(FAILED, ["nowhere", "No such file"], "open", "-i", place.key,
                      place.path("nowhere"))
        place.refused(FAILED, ["nowhere", "No such file"], "seal", "-r", place.recipient,
                      place.path("nowhere"))
    with cases.case("an identity that is not there"):
        place.refused(FAILED, ["nowhere"], "open", "-i", place.path("nowhere"), place.sealed)
    for name, content in {"an empty file": b"", "a text": b"Dear Sir or Madam,\n" * 100,
                          "zeros": bytes(5000)}.items():
        with cases.case(f"{name} as sealed file"):
            must(open_broken(place, content, "no-file") in (FAILED, TAMPERED), "opens")
    with cases.case("input that may not be read"):
        hidden = write(place.folder / "hidden", "x", mode=0)
        place.folder.chmod(0o755)
        if os.geteuid() == 0:
            argv = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all"]
        else:
            argv = []
        done = run([*argv, place.salus, "seal", "-r", place.recipient, hidden])
        must(done.code == FAILED and f"{hidden}: can't be read" in done.err,
             f"{done.code}: {done.err}")
    with cases.case("a folder where a file is to be opened"):
        place.refused(FAILED, ["folder"], "open", "-i", place.key, str(place.folder))
    with cases.case("output that is there already"):
        target = write(place.folder / "there", "old")
        place.refused(FAILED, ["there", "--force"], "open", "-i", place.key, "-o", target,
                      place.sealed)
        place.refused(FAILED, ["there", "--force"], "seal", "-r", place.recipient, "-o", target,
                      place.message)
        must(pathlib.Path(target).read_text() == "old", "was changed")
        write(place.folder / "broken", pathlib.Path(place.sealed).read_bytes()[:-1])
        done = place.run("open", "--force", "-i", place.key, "-o", target, place.path("broken"))
        must(done.code == TAMPERED, f"ends with {done.code}")
        must(pathlib.Path(target).read_text() == "old", "what failed has replaced it")
        place.ok("open", "--force", "-i", place.key, "-o", target, place.sealed)
        must(pathlib.Path(target).read_bytes() == pathlib.Path(place.message).read_bytes(),
             "was not replaced")
    with cases.case("output in a folder that is not there"):
        place.refused(FAILED, ["No such file"], "open", "-i", place.key, "-o",
                      place.path("no/where"), place.sealed)
    with cases.case("output over its own input"):
        own = write(place.folder / "own", "own content")
        place.ok("seal", "--force", "-r", place.recipient, "-o", own, own)
        must(place.ok("open", "-i", place.key, own) == b"own content", "is lost")


def judge_full_disk(cases, place):
    big = write(place.folder / "big", bytes_of(1 << 20))
    with cases.case("a full device"):
        with open("/dev/full", "wb") as full:
            done = place.run("seal", "-r", place.recipient, big, stdout=full)
        must(done.code == FAILED and "No space left" in done.err, f"{done.code}: {done.err}")
    if os.geteuid() != 0 or missing("unshare") or \
            run(["unshare", "--mount", "mount", "-t", "tmpfs", "x", "/mnt"]).code != 0:
        cases.skip("judge_seal_full_disk", "only root can mount a small file system")
        return
    with cases.case("a full disk"):
        mount = place.folder / "disk"
        mount.mkdir()
        script = (f'mount -t tmpfs -o size=128k x "{mount}" && "$@"; code=$?; '
                  f'ls -A "{mount}"; exit $code')
        for words in (("seal", "-r", place.recipient), ("open", "-i", place.key)):
            source = big if words[0] == "seal" else place.path("big.age")
            if words[0] == "open":
                place.ok("seal", "-r", place.recipient, "-o", source, big)
            done = run(["unshare", "--mount", "sh", "-c", script, "sh", place.salus, *words,
                        "-o", str(mount / "out"), source])
            must(done.code == FAILED and "No space left" in done.err, f"{done.code}: {done.err}")
            must(not done.out, f"left behind: {done.out}")


def judge_closed_pipe(cases, place):
    with cases.case("a closed pipe"):
        sealed = write(place.folder / "for-pipe", place.ok("seal", "-r", place.recipient,
                                                           stdin=bytes_of(1 << 20)))
        for words in (("open", "-i", place.key, sealed), ("seal", "-r", place.recipient, sealed)):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "wb") as end:
                done = place.run(*words, stdout=end)
            must(done.code == FAILED and "reader" in done.err, f"{done.code}: {done.err}")


def main():
    cases = Cases()
    with scratch_folder() as folder:
        place = Place(os.path.abspath(sys.argv[1]), folder)
        for judge in (judge_every_byte, judge_armor, judge_chunks, judge_many_recipients,
                      judge_endless_header, judge_certificates, judge_keys, judge_files,
                      judge_full_disk, judge_closed_pipe):
            judge(cases, place)
    cases.finish()


if __name__ == "__main__":
    main()
