#!/usr/bin/env python3
"""syscall_test.py LOG_WRITER: fails each file system call of a recording node in turn.

strace injects an error or a SIGKILL into the n-th call of a kind. What was acknowledged must be in
the log once afterwards; an fsync that fails must abort the process. A sample of the calls; all of
them with SALUS_NIGHTLY=1.
"""

import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

CALLS = ("pwritev", "pwrite64", "fdatasync", "fsync", "fallocate", "ftruncate", "rename", "unlink",
         "pread64", "openat")
SYNCS = ("fdatasync", "fsync")
FAULTS = ("error=EIO", "error=ENOSPC", "signal=KILL")
READS = ("pread64", "openat")
SAMPLE_WRITES, SAMPLE_READS = 28, 8


def skip(reason):
    print(f"skipped: syscall_test: {reason}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)


class Rig:
    def __init__(self, writer, folder):
        self.writer = writer
        self.directory = os.path.join(folder, "data")
        self.trace = os.path.join(folder, "trace")
        self.said = []
        self.next_event = 0
        subprocess.run([writer, "init", self.directory], check=True)

    def write(self, *strace_options):
        """Records 30 events under strace; returns the exit code and the trace."""
        command = ["strace", "-f", "-qq", "-o", self.trace, *strace_options, self.writer, "write",
                   self.directory, str(self.next_event), "30", "5", "1"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.next_event += 30
        self.said += [line for line in run.stdout.splitlines(True) if line.endswith("\n")]
        with open(self.trace, errors="replace") as f:
            return run, f.read()

    def check(self):
        run = subprocess.run([self.writer, "check", self.directory], input="".join(self.said),
                             capture_output=True, text=True, timeout=120)
        return run.stdout.startswith("ok "), run.stdout + run.stderr[-2000:]


def count_calls(trace):
    """The most calls of each kind that one thread makes: strace counts by thread."""
    by_thread = collections.Counter(re.findall(r"^(\d+) +(\w+)\(", trace, re.MULTILINE))
    most = collections.Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def main():
    if not shutil.which("strace"):
        skip("strace is not installed")
    with tempfile.TemporaryDirectory(prefix="salus_syscall_") as folder:
        rig = Rig(sys.argv[1], folder)
        run, trace = rig.write("-e", "trace=" + ",".join(CALLS))
        if run.returncode != 0 or not trace:
            skip("this system does not permit ptrace")
        most = count_calls(trace)
        if os.environ.get("SALUS_LIST"):
            print(dict(most))
        cases = [(call, n, fault) for call in CALLS for n in range(1, most[call] + 1)
                 for fault in FAULTS]
        if os.environ.get("SALUS_NIGHTLY") != "1":
            chosen = random.Random(int(os.environ.get("SALUS_SEED", "1")))
            writes = [c for c in cases if c[0] not in READS]
            reads = [c for c in cases if c[0] in READS]
            cases = (chosen.sample(writes, min(SAMPLE_WRITES, len(writes))) +
                     chosen.sample(reads, min(SAMPLE_READS, len(reads))) +
                     [("fdatasync", 1, "error=EIO"), ("fsync", 1, "error=EIO")])
        fired = failures = 0
        for number, (call, n, fault) in enumerate(cases):
            run, trace = rig.write("-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={n}")
            hit = "(INJECTED)" in trace or "+++ killed by SIGKILL" in trace
            fired += hit
            if hit and call in SYNCS and fault.startswith("error") and run.returncode != -6:
                failures += 1
                print(f"{call} {n} {fault}: went on after a failed sync: {run.returncode}")
            good, text = rig.check() if number % 4 == 3 or number == len(cases) - 1 else (True, "")
            if not good:
                print(f"up to {call} {n} {fault}: {text}")
                failures += 1
                break
        print(f"{len(cases)} faults, {fired} hit; {text.strip()}")
        print(f"{int(not failures)} passed, {int(bool(failures))} failed, 0 skipped")
        return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
