"""What the judges of sealed files share: counting cases, and running salus and others, also with a
terminal of their own to ask a passphrase on."""

import contextlib
import fcntl
import os
import pathlib
import pty
import random
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass

TIMEOUT_S = 600


def is_nightly():
    return os.environ.get("SALUS_NIGHTLY") == "1"


class Refuted(Exception):
    """A judge found something wrong."""


def must(condition, text):
    if not condition:
        raise Refuted(text)


class Cases:
    """Counts cases as tools/run_tests.py reads them."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    @contextlib.contextmanager
    def case(self, name):
        try:
            yield
            self.passed += 1
        except (Refuted, OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
            self.failed += 1
            print(f"failed: {name}: {type(error).__name__}: {error}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped: {name}: {reason}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


@dataclass
class Ran:
    code: int
    out: bytes
    err: str
    asked: str = ""  # what stood on its terminal
    peak_kib: int = 0


def run(argv, stdin=None, stdout=None, environment=None, memory_bytes=0):
    """Runs to the end. stdin: bytes, an open file, or None for nothing; stdout: an open file, or
    None for the bytes. With memory_bytes its address space is bounded."""
    give = stdin if isinstance(stdin, (bytes, type(None))) else None

    def bound():
        if memory_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE if give else (stdin or subprocess.DEVNULL),
        stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, NO_COLOR="1", **(environment or {})),
        preexec_fn=bound if memory_bytes else None)
    try:
        out, err = process.communicate(give or None, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ran(process.returncode, out or b"", err.decode(errors="replace"))


def high_water_kib(pid):
    """The most that was resident so far. The kernel's own figure after the end (ru_maxrss) is of no
    use: it counts what was this process's before the other began."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    match = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(match.group(1)) if match else 0


def run_measured(argv, stdin=None, stdout=subprocess.DEVNULL):
    """Like run, for a file in and out, and knows the most that was resident until just before the
    end."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=stdout,
                                   stderr=errors, env=dict(os.environ, NO_COLOR="1"))
        peak_kib = 0
        while process.poll() is None:
            peak_kib = max(peak_kib, high_water_kib(process.pid))
            time.sleep(0.002)
        errors.seek(0)
        return Ran(process.returncode, b"", errors.read().decode(errors="replace"),
                   peak_kib=peak_kib)


def run_on_terminal(argv, answers, stdin=None, stdout=None):
    """Runs argv with a terminal of its own; each prompt there gets the next of answers."""
    master, slave = pty.openpty()

    def own_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=stdout or out,
                                   stderr=err, preexec_fn=own_terminal, pass_fds=(slave,),
                                   env=dict(os.environ, NO_COLOR="1"))
        os.close(slave)
        asked = answer_prompts(process, master, list(answers))
        os.close(master)
        out.seek(0)
        err.seek(0)
        return Ran(process.returncode, out.read(), err.read().decode(errors="replace"), asked)


def answer_prompts(process, master, answers):
    asked, since = "", ""
    deadline = time.monotonic() + TIMEOUT_S
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise Refuted(f"did not end; on its terminal stands {asked!r}")
        if not select.select([master], [], [], 0.02)[0]:
            continue
        try:
            text = os.read(master, 4096).decode(errors="replace")
        except OSError:  # the last that had the terminal open is gone
            process.wait(TIMEOUT_S)
            break
        asked += text
        since += text
        if since.rstrip("\x1b[0mK").endswith(": ") and answers:
            since = ""
            os.write(master, answers.pop(0).encode() + b"\n")
    return asked


def bytes_of(size):
    """The same bytes for the same size, all of them different."""
    return random.Random(size).randbytes(size)


def write(path, content, mode=0o600):
    path = pathlib.Path(path)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return str(path)


def missing(*programs):
    """The first of programs that is not there, or None."""
    return next((name for name in programs if shutil.which(name) is None), None)


@contextlib.contextmanager
def scratch_folder():
    """A folder below /var/tmp, which is a disk where /tmp may be memory."""
    with tempfile.TemporaryDirectory(prefix="salus-judge-", dir="/var/tmp") as name:
        yield pathlib.Path(name)
