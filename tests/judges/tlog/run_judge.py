#!/usr/bin/env python3
"""Lets golang.org/x/mod/sumdb judge logs that tlog_judge writes.

usage: run_judge.py GO SOURCES TLOG_JUDGE   (SOURCES: a GOPATH with src/golang.org/x/mod)

The library comes as source from Debian's golang-golang-x-mod-dev; nothing is fetched.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def main():
    go, sources, writer = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as scratch:
        logs = os.path.join(scratch, "logs")
        judge = os.path.join(scratch, "judge")
        environment = dict(os.environ, GO111MODULE="off", GOPATH=sources, GOFLAGS="",
                           GOTOOLCHAIN="local", CGO_ENABLED="0")
        if "HOME" not in environment:
            environment.setdefault("GOCACHE", os.path.join(scratch, "cache"))
        subprocess.run([writer, logs], check=True)
        subprocess.run([go, "build", "-o", judge, str(HERE / "judge.go")], check=True,
                       env=environment, cwd=scratch)
        return subprocess.run([judge, logs]).returncode


if __name__ == "__main__":
    sys.exit(main())
