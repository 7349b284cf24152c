#!/usr/bin/env python3
"""kit_judge.py SALUS: the test kit of age (npm cctv-age) before `salus open`.

124 of its 143 files must do what they say; the 19 whose identity is hybrid (ML-KEM) must be refused
by name, and must not open with other identities either.
"""

import hashlib
import os
import sys
import zlib

from judging import Cases, must, run, run_on_terminal, scratch_folder, write
from npm_age import NpmAge

FILES, HYBRID_FILES = 143, 19
KNOWN_KEYS = {"expect", "payload", "identity", "passphrase", "armored", "compressed", "file key",
              "comment"}
REFUSALS = {"header failure", "HMAC failure", "payload failure", "armor failure"}
# What it says to people who hold the wrong key, or the wrong passphrase.
NO_MATCH = ("no identity matches", "passphrase is wrong")


class Vector:
    def __init__(self, path):
        head, _, body = path.read_bytes().partition(b"\n\n")
        self.name = path.name
        self.fields = {}
        for line in head.decode().splitlines():
            key, _, value = line.partition(": ")
            must(key in KNOWN_KEYS, f"{path.name}: unknown key {key}")
            self.fields.setdefault(key, []).append(value)
        if "compressed" in self.fields:
            must(self.one("compressed") == "zlib", f"{path.name}: unknown compression")
            body = zlib.decompress(body)
        self.body = body
        self.identities = self.fields.get("identity", [])
        self.passphrases = self.fields.get("passphrase", [])
        self.is_hybrid = any(i.startswith("AGE-SECRET-KEY-PQ-") for i in self.identities)

    def one(self, key):
        return self.fields[key][0]


def open_vector(salus, vector, folder, *more):
    file = write(folder / "file", vector.body)
    argv = [salus, "open", *more]
    if vector.identities:
        argv += ["-i", write(folder / "identity", "\n".join(vector.identities) + "\n")]
    argv.append(file)
    if vector.passphrases and not vector.identities:
        return run_on_terminal([*argv, "-p"], vector.passphrases)
    return run(argv)


def judge(salus, vector, folder):
    done = open_vector(salus, vector, folder)
    digest = hashlib.sha256(done.out).hexdigest()
    expect = vector.one("expect")
    said = f"exit {done.code}: {done.err.strip()[-200:]}"
    if expect == "success":
        must(done.code == 0, f"must open, but {said}")
        must(digest == vector.one("payload"), "opens as something else")
    elif expect == "no match":
        must(done.code == 1 and any(text in done.err for text in NO_MATCH), said)
        must(not done.out, "something came out")
    else:
        must(expect in REFUSALS, f"unknown expectation: {expect}")
        must(done.code == 3, f"must be refused with 3, but {said}")
        if expect == "payload failure":
            must(digest == vector.one("payload"), "what came before the failure differs")
        else:
            must(not done.out, "something came out")
    target = folder / "output"
    to_file = open_vector(salus, vector, folder, "-o", str(target))
    must(to_file.code == done.code, f"to a file it ends with {to_file.code}, else with {done.code}")
    must(target.exists() == (expect == "success"), "there is a file where nothing opened")
    if target.exists():
        must(hashlib.sha256(target.read_bytes()).hexdigest() == digest, "the file differs")
        target.unlink()
    must(sorted(os.listdir(folder)) == sorted({"file", "identity"} & set(os.listdir(folder))),
         f"left behind: {os.listdir(folder)}")


def judge_hybrid(salus, vector, folder, other_identity):
    named = open_vector(salus, vector, folder)
    must(named.code in (1, 3) and not named.out, f"exit {named.code}, {len(named.out)} bytes")
    # A header that is none is refused before anybody looks at the identity.
    is_no_header = vector.one("expect") == "header failure" and named.code == 3
    must("ML-KEM" in named.err or is_no_header,
         f"does not name what it needs: {named.err.strip()[-200:]}")
    vector.identities = [other_identity]
    other = open_vector(salus, vector, folder)
    must(other.code in (1, 3) and not other.out, f"opens with another identity: {other.code}")


def main():
    salus = os.path.abspath(sys.argv[1])
    cases = Cases()
    with scratch_folder() as folder, NpmAge() as npm:
        if npm.why_not:
            cases.skip("judge_seal_kit", npm.why_not)
            cases.finish()
        kit, work = folder / "kit", folder / "work"
        kit.mkdir()
        npm.ask("kit", out=str(kit))
        other_identity = npm.ask("keygen")["identity"]
        paths = sorted(kit.iterdir())
        hybrids = 0
        for path in paths:
            work.mkdir()
            with cases.case(f"kit {path.name}"):
                vector = Vector(path)
                hybrids += vector.is_hybrid
                if vector.is_hybrid:
                    judge_hybrid(salus, vector, work, other_identity)
                else:
                    judge(salus, vector, work)
            for left in work.iterdir():
                left.unlink()
            work.rmdir()
        with cases.case("the kit is whole"):
            must((len(paths), hybrids) == (FILES, HYBRID_FILES), f"{len(paths)}, {hybrids} hybrid")
    cases.finish()


if __name__ == "__main__":
    main()
