#!/usr/bin/env python3
"""age_judge.py SALUS: Debian's age and npm's age-encryption open what salus seals, and the other
way round, at the sizes where a chunk of the payload ends. One case is a large file with holes; with
SALUS_NIGHTLY=1 it has 1 GiB."""

import hashlib
import os
import sys

from judging import (Cases, bytes_of, is_nightly, missing, must, run, run_measured,
                     run_on_terminal, scratch_folder, write)
from npm_age import NpmAge

MIB = 1 << 20
SIZES = [0, 1, 65535, 65536, 65537, 131072, 10 * MIB]
SLOW_SIZES = [0, 65536, 65537, 10 * MIB]  # where each file costs an scrypt on each side
LARGE_BYTES = 1 << 30 if is_nightly() else 100 * 1000 * 1000
# Shows that memory is constant, whatever the size. It is not the goal of 10 MB, which is missed:
# docs/performance.md.
PEAK_KIB = 16 * 1024
PASSPHRASE = "correct horse battery staple"


class Party:
    """A kind of key: what to seal for, what to open with."""

    def __init__(self, name, recipient, identity):
        self.name, self.recipient, self.identity = name, recipient, identity


def program(argv, stdin=None):
    done = run(argv, stdin)
    must(done.code == 0, f"{os.path.basename(argv[0])} {argv[1]}: {done.code}: {done.err[-300:]}")
    return done.out


def ssh_key(folder, name, *kind):
    path = str(folder / name)
    program(["ssh-keygen", "-q", "-N", "", "-C", "judge", "-f", path, *kind])
    return Party(name, open(f"{path}.pub", encoding="ascii").read().strip(), path)


def public_line(text):
    """The recipient that a key file names in its comment."""
    return next(line.split()[-1] for line in text.splitlines() if "public key:" in line)


def make_parties(salus, folder):
    theirs = str(folder / "age.key")
    program(["age-keygen", "-o", theirs])
    ours = str(folder / "salus.key")
    program([salus, "keygen", "-o", ours])
    recipient = program([salus, "keygen", "-y", ours]).decode().strip()
    must(recipient == program(["age-keygen", "-y", ours]).decode().strip(),
         "age-keygen -y reads another public key from our key file")
    return [Party("x25519 of age-keygen", public_line(open(theirs, encoding="ascii").read()),
                  theirs),
            Party("x25519 of salus keygen", recipient, ours),
            ssh_key(folder, "ssh-ed25519", "-t", "ed25519"),
            ssh_key(folder, "ssh-rsa", "-t", "rsa", "-b", "2048")]


def judge_both_ways(cases, salus, folder, party, size, is_armored):
    content = bytes_of(size)
    plain = write(folder / "plain", content)
    armor = ["-a"] if is_armored else []
    name = f"{party.name}, {size} bytes{', armored' if is_armored else ''}"
    with cases.case(f"salus seals, age opens: {name}"):
        file = program([salus, "seal", "-r", party.recipient, *armor, plain])
        must(program(["age", "-d", "-i", party.identity], file) == content, "differs")
    with cases.case(f"age seals, salus opens: {name}"):
        file = program(["age", "-r", party.recipient, *armor, plain])
        must(program([salus, "open", "-i", party.identity], file) == content, "differs")


def judge_passphrase(cases, salus, folder, size, is_armored):
    content = bytes_of(size)
    plain = write(folder / "plain", content)
    sealed = str(folder / "sealed")
    armor = ["-a"] if is_armored else []
    twice = [PASSPHRASE, PASSPHRASE]
    name = f"passphrase, {size} bytes{', armored' if is_armored else ''}"
    for sealer, opener in (("salus", "age"), ("age", "salus")):
        with cases.case(f"{sealer} seals, {opener} opens: {name}"):
            seal = [salus, "seal", "-p"] if sealer == "salus" else ["age", "-p"]
            done = run_on_terminal([*seal, *armor, "-o", sealed, plain], twice)
            must(done.code == 0, f"{sealer}: {done.err[-300:]} {done.asked[-100:]}")
            undo = [salus, "open"] if opener == "salus" else ["age", "-d"]
            done = run_on_terminal([*undo, sealed], [PASSPHRASE])
            must(done.code == 0, f"{opener}: {done.err[-300:]} {done.asked[-100:]}")
            must(done.out == content, "differs")
        if os.path.exists(sealed):
            os.unlink(sealed)


def judge_npm(cases, npm, salus, folder, party, size, is_armored):
    content = bytes_of(size)
    plain = write(folder / "plain", content)
    sealed, opened = str(folder / "sealed"), folder / "opened"
    identity = next(line for line in open(party.identity, encoding="ascii").read().splitlines()
                    if line.startswith("AGE-SECRET-KEY-"))
    name = f"{party.name}, {size} bytes{', armored' if is_armored else ''}"
    with cases.case(f"salus seals, npm opens: {name}"):
        write(sealed, program([salus, "seal", "-r", party.recipient,
                               *(["-a"] if is_armored else []), plain]))
        npm.ask("open", identities=[identity], armor=is_armored, **{"in": sealed},
                out=str(opened))
        must(opened.read_bytes() == content, "differs")
    with cases.case(f"npm seals, salus opens: {name}"):
        npm.ask("seal", recipients=[party.recipient], armor=is_armored, **{"in": plain},
                out=sealed)
        must(program([salus, "open", "-i", party.identity, sealed]) == content, "differs")


def judge_npm_passphrase(cases, npm, salus, folder):
    content = bytes_of(65537)
    plain = write(folder / "plain", content)
    sealed, opened = str(folder / "sealed-for-npm"), folder / "opened"
    with cases.case("salus seals, npm opens: passphrase"):
        done = run_on_terminal([salus, "seal", "-p", "-o", sealed, plain], [PASSPHRASE] * 2)
        must(done.code == 0, done.err[-300:])
        npm.ask("open", passphrase=PASSPHRASE, **{"in": sealed}, out=str(opened))
        must(opened.read_bytes() == content, "differs")
    with cases.case("npm seals, salus opens: passphrase"):
        npm.ask("seal", passphrase=PASSPHRASE, **{"in": plain}, out=sealed)
        done = run_on_terminal([salus, "open", sealed], [PASSPHRASE])
        must(done.code == 0 and done.out == content, done.err[-300:])


def judge_many_recipients(cases, salus, folder, parties):
    content = bytes_of(1000)
    plain = write(folder / "plain", content)
    recipients = [word for party in parties for word in ("-r", party.recipient)]
    ours = theirs = b""
    with cases.case("sealed for all at once"):
        ours = program([salus, "seal", *recipients, plain])
        theirs = program(["age", *recipients, plain])
    for party in parties:
        with cases.case(f"sealed for all, opened by {party.name}"):
            must(program(["age", "-d", "-i", party.identity], ours) == content, "age differs")
            must(program([salus, "open", "-i", party.identity], theirs) == content, "we differ")


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_large(path):
    """Holes, and something at both ends and in the middle."""
    with open(path, "wb") as file:
        for at in (0, LARGE_BYTES // 2, LARGE_BYTES - 1000):
            file.seek(at)
            file.write(bytes_of(1000))


def judge_large(cases, npm, salus, folder, party):
    plain, sealed, opened = (str(folder / name) for name in ("large", "large.age", "large.opened"))
    make_large(plain)
    wanted = digest_of(plain)
    ours = lambda *words: [salus, *words]
    steps = {
        "salus seals, age opens": (ours("seal", "-r", party.recipient, "-o", sealed, plain),
                                   ["age", "-d", "-i", party.identity, "-o", opened, sealed]),
        "age seals, salus opens": (["age", "-r", party.recipient, "-o", sealed, plain],
                                   ours("open", "-i", party.identity, "-o", opened, sealed)),
    }
    for name, commands in steps.items():
        with cases.case(f"{name}: {LARGE_BYTES} bytes"):
            for argv in commands:
                done = run_measured(argv)
                must(done.code == 0, f"{argv[0]}: {done.err[-300:]}")
                must(argv[0] != salus or done.peak_kib <= PEAK_KIB,
                     f"{done.peak_kib} KiB were resident, more than {PEAK_KIB}")
            must(digest_of(opened) == wanted, "differs")
        for path in (sealed, opened):
            if os.path.exists(path):
                os.unlink(path)
    if npm.why_not:
        return
    with cases.case(f"salus seals, npm opens: {LARGE_BYTES} bytes"):
        program(ours("seal", "-r", party.recipient, "-o", sealed, plain))
        identity = open(party.identity, encoding="ascii").read().strip().splitlines()[-1]
        npm.ask("open", identities=[identity], stream=True, **{"in": sealed}, out=opened)
        must(digest_of(opened) == wanted, "differs")


def main():
    salus = os.path.abspath(sys.argv[1])
    cases = Cases()
    absent = missing("age", "age-keygen", "ssh-keygen")
    if absent:
        cases.skip("judge_seal_age", f"{absent} is not installed")
        cases.finish()
    with scratch_folder() as folder, NpmAge() as npm:
        parties = make_parties(salus, folder)
        for party in parties:
            for size in SIZES:
                for is_armored in (False, True):
                    judge_both_ways(cases, salus, folder, party, size, is_armored)
        for size in SLOW_SIZES:
            judge_passphrase(cases, salus, folder, size, is_armored=size == 65537)
        judge_many_recipients(cases, salus, folder, parties)
        if npm.why_not:
            cases.skip("judge_seal_npm", npm.why_not)
        else:
            for size in SIZES:
                for is_armored in (False, True):
                    judge_npm(cases, npm, salus, folder, parties[1], size, is_armored)
            judge_npm_passphrase(cases, npm, salus, folder)
        judge_large(cases, npm, salus, folder, parties[0])
    cases.finish()


if __name__ == "__main__":
    main()
