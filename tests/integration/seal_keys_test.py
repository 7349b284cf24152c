#!/usr/bin/env python3
"""seal_keys_test.py SALUS: keys and passphrases from and to where a shell and a terminal put them.

A key from a pipe or the standard input, a key written by a shell's umask, a passphrase that is too
long, and a signal while one is asked for: the terminal must show again what is typed."""

import contextlib
import os
import pathlib
import pty
import select
import signal
import sqlite3
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "judges" / "seal"))
from judging import Cases, must, run, run_on_terminal, scratch_folder, write  # noqa: E402

FAILED, USAGE, TAMPERED = 1, 2, 3
WAIT_S = 20
TYPED_LIMIT, FILE_LIMIT = 1024, 4096


def judge_identities(cases, salus, folder):
    key, sealed = str(folder / "key"), str(folder / "sealed")
    must(run([salus, "keygen", "-o", key]).code == 0, "keygen fails")
    text = pathlib.Path(key).read_bytes()
    recipient = run([salus, "keygen", "-y", key]).out.decode().strip()
    message = write(folder / "message", "by any way")
    must(run([salus, "seal", "-r", recipient, "-o", sealed, message]).code == 0, "seal fails")
    with cases.case("an identity from the standard input"):
        done = run([salus, "open", "-i", "-", sealed], stdin=text)
        must((done.code, done.out) == (0, b"by any way"), done.err)
        done = run([salus, "keygen", "-y", "-"], stdin=text)
        must((done.code, done.out.decode().strip()) == (0, recipient), done.err)
        done = run([salus, "open", "-i", "-", sealed], stdin=b"nothing like a key\n")
        must(done.code == FAILED and "standard input: line 1" in done.err, done.err)
    with cases.case("an identity from a shell's pipe"):
        done = run(["bash", "-c", '"$0" open -i <(cat "$1") "$2"', salus, key, sealed])
        must((done.code, done.out) == (0, b"by any way"), done.err)
    with cases.case("an identity by a symbolic link, if its file is the owner's"):
        os.symlink("key", folder / "link")
        done = run([salus, "open", "-i", str(folder / "link"), sealed])
        must((done.code, done.out) == (0, b"by any way"), done.err)
        os.chmod(key, 0o644)
        done = run([salus, "open", "-i", str(folder / "link"), sealed])
        must(done.code == FAILED and "chmod 600" in done.err, done.err)
    with cases.case("the standard input is one thing"):
        for words in (["-i", "-"], ["-i", "-", "-"], ["-i", "-", "-i", "-", sealed]):
            done = run([salus, "open", *words], stdin=text)
            must(done.code == USAGE and "standard input" in done.err, f"{words}: {done.err}")
        done = run([salus, "seal", "-R", "-"], stdin=recipient.encode())
        must(done.code == USAGE and "standard input" in done.err, done.err)
    with cases.case("one key in two files is named twice"):
        for name in ("a.pub", "b.pub"):
            write(folder / name, recipient)
        for flag in ("-r", "-R"):
            done = run([salus, "seal", "--to-each", "-r", str(folder / "a.pub"), flag,
                        str(folder / "b.pub"), "-O", str(folder / "each"), message])
            must(done.code == USAGE and "named twice" in done.err, done.err)
            must(not (folder / "each").exists(), "there are files, or an empty folder")


def judge_output(cases, salus, folder):
    for mode, is_warned in ((0o644, True), (0o600, False)):
        with cases.case(f"keygen to a file of mode {mode:o}"):
            path = write(folder / f"out{mode:o}", "", mode)
            with open(path, "wb") as out:
                done = run([salus, "keygen"], stdout=out)
            must(done.code == 0, done.err)
            must(("chmod 600" in done.err) == is_warned, done.err)
    with cases.case("keygen to a pipe warns of nothing"):
        done = run([salus, "keygen"])
        must(done.code == 0 and "warning" not in done.err, done.err)


def judge_lengths(cases, salus, folder):
    def from_file(length, ending):
        words = write(folder / "words", "x" * length + ending)
        return run([salus, "keygen", "--passphrase-file", words])

    with cases.case("a passphrase in a file is whole, or refused"):
        for ending in ("", "\n", "\r\n"):
            done = from_file(FILE_LIMIT, ending)
            must(done.code == 0, f"{ending!r}: {done.err}")
            done = from_file(FILE_LIMIT + 1, ending)
            must(done.code == FAILED and "longer than 4096 bytes" in done.err, done.err)
    with cases.case("a typed passphrase is whole, or refused"):
        long = "x" * TYPED_LIMIT
        done = run_on_terminal([salus, "keygen", "-p"], [long, long])
        must(done.code == 0, done.err)
        done = run_on_terminal([salus, "keygen", "-p"], [long + "x", long + "x"])
        must(done.code == FAILED and "longer than 1024 bytes" in done.err, done.err)


class Prompt:
    """A command that asks for a passphrase on a terminal of its own, below a leader of the session,
    as a shell is for people: with nobody to let it go on, a program is not stopped."""

    def __init__(self, argv):
        self.leader, self.terminal = pty.fork()
        self.asked = b""
        if self.leader == 0:
            self.lead(argv)
        self.pid = self.leader  # until the program is in front
        self.wait(lambda: os.tcgetpgrp(self.terminal) not in (0, self.leader),
                  "no program")
        self.pid = os.tcgetpgrp(self.terminal)

    @staticmethod
    def lead(argv):
        try:
            program = os.fork()
            if program == 0:
                os.setpgid(0, 0)
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(0, os.getpid())
                signal.signal(signal.SIGTTOU, signal.SIG_DFL)
                os.execv(argv[0], argv)
            os.waitpid(program, 0)
            signal.pause()  # the terminal is looked at until this is killed
        finally:
            os._exit(1)

    def shows(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def wait(self, condition, what):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            must(time.monotonic() < deadline, f"{what}: not in time; {self.asked!r}")
            if select.select([self.terminal], [], [], 0.02)[0]:
                with contextlib.suppress(OSError):
                    self.asked += os.read(self.terminal, 4096)

    def wait_for_prompt(self, count):
        self.wait(lambda: self.asked.lower().count(b"passphrase: ") == count, "no prompt")
        must(not self.shows(), "the terminal shows what is typed")

    def end(self):
        if state_of(self.pid) != "gone":
            os.kill(self.pid, signal.SIGKILL)
        os.kill(self.leader, signal.SIGKILL)
        os.waitpid(self.leader, 0)
        os.close(self.terminal)


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1][1]
    except OSError:
        return "gone"


def judge_signals(cases, salus, folder):
    words = write(folder / "words", "correct horse")
    message, sealed = write(folder / "kept", "words"), str(folder / "kept.age")
    must(run([salus, "seal", "--passphrase-file", words, "-o", sealed, message]).code == 0,
         "seal fails")
    keygen = [salus, "keygen", "-p"]
    with cases.case("SIGINT at the prompt of open, which removes what is not whole"):
        prompt = Prompt([salus, "open", sealed])
        try:
            prompt.wait_for_prompt(1)
            os.kill(prompt.pid, signal.SIGINT)
            prompt.wait(lambda: state_of(prompt.pid) in ("gone", "Z"), "does not end")
            must(prompt.shows(), "the terminal stays silent")
        finally:
            prompt.end()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with cases.case(f"{number.name} at the prompt"):
            prompt = Prompt(keygen)
            try:
                prompt.wait_for_prompt(1)
                os.kill(prompt.pid, number)
                prompt.wait(lambda: state_of(prompt.pid) in ("gone", "Z"), "does not end")
                must(prompt.shows(), "the terminal stays silent")
            finally:
                prompt.end()
    with cases.case("^C, typed in the middle of a passphrase"):
        prompt = Prompt(keygen)
        try:
            prompt.wait_for_prompt(1)
            os.write(prompt.terminal, b"half\x04\x03")
            prompt.wait(lambda: state_of(prompt.pid) in ("gone", "Z"), "does not end")
            must(prompt.shows(), "the terminal stays silent")
        finally:
            prompt.end()
    with cases.case("^Z at the prompt, and on again"):
        prompt = Prompt(keygen)
        try:
            prompt.wait_for_prompt(1)
            os.write(prompt.terminal, b"\x1a")
            prompt.wait(lambda: state_of(prompt.pid) == "T", "does not stop")
            must(prompt.shows(), "the terminal stays silent")
            os.kill(prompt.pid, signal.SIGCONT)
            prompt.wait_for_prompt(2)
        finally:
            prompt.end()


def judge_registered(cases, salus, folder):
    """Whoever the data directory knows, by what the log recorded of them."""
    data, ana = str(folder / "data"), str(folder / "ana")
    message = write(folder / "to-ana", "for ana")

    def ok(*words):
        done = run([salus, *words])
        must(done.code == 0, f"{words}: {done.err}")

    ok("init", "--data", data, "--origin", "localhost/keys")
    ok("identity", "new", "--role", "patient", "--id", "p-1", "--origin", "localhost/keys", "-o",
       ana)
    ok("identity", "certify", ana, "--data", data)
    ok("patient", "add", "p-1", "--certificate", ana + "/chain.pem", "--data", data)
    sealed = str(folder / "for-ana")
    ok("seal", "-r", "patient:p-1", "--data", data, "-o", sealed, message)
    kept = (folder / "data" / "control.db").read_bytes()
    patient = "kind = 1 AND key LIKE '%p-1%'"
    changes = {
        "another content": f"UPDATE rows SET content = content || x'00' WHERE {patient}",
        "another salt": f"UPDATE rows SET salt = zeroblob(16) WHERE {patient}",
        "another entry": f"UPDATE rows SET entry_index = entry_index - 1 WHERE {patient}",
        "filed elsewhere": f"UPDATE rows SET key = key || 'x' WHERE {patient}",
        "gone": f"DELETE FROM rows WHERE {patient}",
    }
    for what, statement in changes.items():
        with cases.case(f"a patient's row: {what}"):
            with contextlib.closing(sqlite3.connect(folder / "data" / "control.db")) as db:
                must(db.execute(statement).rowcount == 1, "there is no such row")
                db.commit()
            for words in (["seal", "-r", "patient:p-1", "-o", str(folder / "no"), message],
                          ["audit", "readers", "--patient", "p-1"]):
                done = run([salus, *words, "--data", data])
                must(done.code == TAMPERED and "restore it" in done.err,
                     f"{words}: {done.code}: {done.err}")
            must(not (folder / "no").exists(), "something was sealed")
            done = run([salus, "seal", "-r", "patient:p-2", "--data", data, message])
            must(done.code == FAILED and "no such patient" in done.err, done.err)
            (folder / "data" / "control.db").write_bytes(kept)


def main():
    salus = sys.argv[1]
    cases = Cases()
    os.umask(0o022)
    # Whoever starts this in the background may have these ignored, which children inherit.
    for one in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)
    with scratch_folder() as folder:
        judge_identities(cases, salus, folder)
        judge_output(cases, salus, folder)
        judge_lengths(cases, salus, folder)
        judge_registered(cases, salus, folder)
        judge_signals(cases, salus, folder)
    cases.finish()


main()
