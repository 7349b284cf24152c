#!/usr/bin/env python3
"""Runs the command line as text transcripts, and compares what it says with what they expect.

A transcript is a text file, run in an empty directory of its own:

    # a comment
    $ salus status --data d          a command; `salus` is the binary under test, there is no shell
    > log   good  [*]                a line of the standard output; [*] stands for any text
    >* 3                             three lines of it, whatever they are; >* for all that follow
    ! salus: [*]                     a line of the standard error, likewise !*
    ? 3                              the exit code; 0 where the line is missing

A command's last words may be `>/dev/full` and `2>/dev/full`: what it writes there fails.
A command without > or ! lines may say what it likes there; with one it must say just that. `<`
after a command is a line of its standard input. The runner's own commands are `write FILE` (its `<`
lines), `copy FROM TO`, `flip FILE OFFSET`, `empty FILE`, `remove FILE`, `present FILE`,
`absent FILE` and `sql DATABASE STATEMENT`. `serve CONFIG [FLAG]...` starts salusd on a data
directory that was made with
`--public-port 0 --machine-port 0`, and sets [public] and [machine] to its ports; `stop` ends it.
`[name]` is the text that `[=name]` stood for in an expected line before it.

The last line printed is `N passed, N failed, N skipped`; a transcript is one case.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile

TIMEOUT_S = 120


FULL = os.open("/dev/full", os.O_WRONLY)  # writing to it fails
REDIRECTIONS = {">/dev/full": ("stdout", FULL), "2>/dev/full": ("stderr", FULL)}


class Step:
    def __init__(self, line_number, words):
        self.line_number = line_number
        self.words = words
        self.input = []
        self.stdout = None
        self.stderr = None
        self.exit_code = 0


class Mismatch(Exception):
    pass


def parse(path):
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        mark, text = line[0], line[1:].removeprefix(" ")
        if mark == "$":
            steps.append(Step(number, shlex.split(text)))
        elif not steps:
            raise Mismatch(f"{path}:{number}: a line before the first command")
        elif mark == "<":
            steps[-1].input.append(text)
        elif mark in ">!":
            name = "stdout" if mark == ">" else "stderr"
            lines = getattr(steps[-1], name) or []
            lines.append(text)
            setattr(steps[-1], name, lines)
        elif mark == "?":
            steps[-1].exit_code = int(text)
        else:
            raise Mismatch(f"{path}:{number}: not a transcript line")
    return steps


def pattern_of(text):
    parts = re.split(r"(\[\*\]|\[=\w+\])", text)
    out = ""
    for part in parts:
        if part == "[*]":
            out += ".*"
        elif part.startswith("[="):
            out += f"(?P<{part[2:-1]}>.*)"
        else:
            out += re.escape(part)
    return re.compile(out)


def compare(kind, expected, got, names):
    at = 0
    for line in expected:
        if re.fullmatch(r"\*( \d+)?", line):
            count = int(line[2:]) if len(line) > 1 else len(got) - at
            at += count
            continue
        if at >= len(got):
            raise Mismatch(f"{kind} ends, expected: {line}")
        line = re.sub(r"\[(\w+)\]", lambda m: names.get(m[1], m[0]), line)
        match = pattern_of(line).fullmatch(got[at])
        if not match:
            raise Mismatch(f"{kind} line {at + 1}\n  expected: {line}\n  got:      {got[at]}")
        names.update(match.groupdict())
        at += 1
    if at != len(got):
        raise Mismatch(f"{kind} has {len(got)} lines, {at} expected; the next: {got[at:at + 3]}")


class Servers:
    """The salusd processes of one transcript."""

    def __init__(self, salusd):
        self.salusd = salusd
        self.running = []

    def serve(self, words, directory, names):
        with open(directory / "salusd.log", "w+", encoding="utf-8") as log:
            server = subprocess.Popen([self.salusd, "--config", *words], cwd=directory, text=True,
                                      stdout=subprocess.PIPE, stderr=log)
            line = server.stdout.readline()
            if not line:
                server.stdout.close()
                log.seek(0)
                raise Mismatch(f"salusd ended with {server.wait(TIMEOUT_S)}: {log.read()}")
        self.running.append(server)
        said = json.loads(line)
        names.update(public=str(said["public_port"]), machine=str(said["machine_port"]))

    def stop(self):
        while self.running:
            server = self.running.pop()
            server.terminate()
            try:
                if server.wait(TIMEOUT_S) != 0:
                    raise Mismatch(f"salusd ended with {server.returncode}")
            finally:
                if server.poll() is None:
                    server.kill()
                server.stdout.close()


def own_command(words, directory, step):
    """The runner's own commands change files from outside, as an attacker with the disk would."""
    name, *rest = words
    target = directory / rest[0]
    if name == "write":
        target.write_text("".join(line + "\n" for line in step.input))
    elif name == "copy":
        shutil.copytree(target, directory / rest[1]) if target.is_dir() else \
            shutil.copy(target, directory / rest[1])
    elif name == "flip":
        content = bytearray(target.read_bytes())
        content[int(rest[1])] ^= 1
        target.write_bytes(content)
    elif name == "empty":
        target.write_bytes(b"")
    elif name == "remove":
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    elif name == "sql":
        with contextlib.closing(sqlite3.connect(target)) as database:
            database.execute(" ".join(rest[1:]))
            database.commit()
    elif name == "present":
        if not target.exists():
            raise Mismatch(f"{rest[0]} is not there")
    elif name == "absent":
        if target.exists():
            raise Mismatch(f"{rest[0]} is there")
    else:
        return False
    return True


def run_step(step, programs, directory, names, servers):
    words = [re.sub(r"\[(\w+)\]", lambda m: names.get(m[1], m[0]), w) for w in step.words]
    if words[0] == "serve":
        return servers.serve(words[1:], directory, names)
    if words[0] == "stop":
        return servers.stop()
    if words[0] not in programs:
        if not own_command(words, directory, step):
            raise Mismatch(f"unknown command {words[0]}")
        return None
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    while words[-1] in REDIRECTIONS:
        name, target = REDIRECTIONS[words.pop()]
        streams[name] = target
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory / "home"), "LC_ALL": "C.UTF-8",
                   "XDG_STATE_HOME": str(directory / "state"),
                   "XDG_CONFIG_HOME": str(directory / "config")}
    for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if variable in os.environ:
            environment[variable] = os.environ[variable]
    done = subprocess.run([programs[words[0]], *words[1:]], cwd=directory, env=environment,
                          timeout=TIMEOUT_S,
                          input="".join(line + "\n" for line in step.input).encode(),
                          check=False, **streams)
    stdout = (done.stdout or b"").decode(errors="replace").replace("\r\n", "\n").splitlines()
    stderr = (done.stderr or b"").decode(errors="replace").splitlines()
    try:
        if done.returncode != step.exit_code:
            raise Mismatch(f"exit code {done.returncode}, expected {step.exit_code}")
        if step.stdout is not None:
            compare("stdout", step.stdout, stdout, names)
        if step.stderr is not None:
            compare("stderr", step.stderr, stderr, names)
    except Mismatch as mismatch:
        said = "".join(f"\n    > {line}" for line in stdout[:20])
        said += "".join(f"\n    ! {line}" for line in stderr[:20])
        raise Mismatch(f"$ {' '.join(words)}: {mismatch}{said}") from None
    return None


def run(path, programs):
    servers = Servers(programs["salusd"])
    with tempfile.TemporaryDirectory(prefix="salus-e2e-") as name:
        names = {}
        try:
            for step in parse(path):
                try:
                    run_step(step, programs, pathlib.Path(name), names, servers)
                except (Mismatch, OSError, subprocess.TimeoutExpired) as problem:
                    raise Mismatch(f"{path.name}:{step.line_number}: {problem}") from None
        finally:
            servers.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--salus", required=True, help="the binary under test")
    parser.add_argument("--salusd", required=True, help="the server under test")
    parser.add_argument("transcripts", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    here = pathlib.Path(__file__).parent / "transcripts"
    transcripts = arguments.transcripts or sorted(here.glob("*.txt"))
    programs = {"salus": os.path.abspath(arguments.salus),
                "salusd": os.path.abspath(arguments.salusd)}
    failed = 0
    for path in transcripts:
        try:
            run(path, programs)
        except Mismatch as mismatch:
            failed += 1
            print(f"FAILED {mismatch}")
    print(f"{len(transcripts) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not transcripts else 0


if __name__ == "__main__":
    sys.exit(main())
