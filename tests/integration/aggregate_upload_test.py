#!/usr/bin/env python3
"""aggregate_upload_test.py SALUS SALUSD: uploads that break off, and go on by their journal.

Every report has a bucket of a histogram of its own: in the end each must hold one. strace kills
`salus aggregate upload` at a system call, or breaks its network, again and again; the same command
goes on until it says that all is answered.
"""

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time

from aggregate_rig import Pair, interval_since
from salusd_rig import is_nightly

# What the client writes its journal with, and talks to the leader with: about how often in a run.
CALLS = {"rename": 4, "fsync": 9, "unlink": 4, "sendto": 320, "recvfrom": 64}

BROKEN_NETWORK = ("sendto:error=ECONNRESET:when=20+", "write:error=ECONNRESET:when=60+")


def require(is_true, what):
    if not is_true:
        raise SystemExit(f"wrong: {what}")


def skip(reason):
    print(f"skipped: aggregate_upload_test: {reason}\n0 passed, 0 failed, 1 skipped")
    sys.exit(0)


class Upload:
    """One file of values with a journal."""

    def __init__(self, pair, folder, name, values):
        self.pair, self.task = pair, os.path.join(folder, "task.json")
        self.input = os.path.join(folder, name + ".ndjson")
        self.journal = os.path.join(folder, name + ".upload")
        self.write(values)

    def write(self, values):
        with open(self.input, "w") as f:
            f.writelines(f"{value}\n" for value in values)

    def command(self):
        return [self.pair.leader.salus_path, "aggregate", "upload", "--task", self.task, "--input",
                self.input, "--journal", self.journal, "--json"]

    def run(self, *inject):
        """Exit code, totals, and what was said; inject is what strace does to it."""
        command = self.command()
        if inject:
            command = ["strace", "-f", "-qq", "-o", "/dev/null",
                       *(f"--inject={one}" for one in inject), *command]
        done = subprocess.run(command, env=self.pair.leader.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False,
                              timeout=120)
        totals = json.loads(done.stdout)[0] if done.stdout.strip().endswith("]") else None
        return done.returncode, totals, done.stderr

    def state(self):
        with open(os.path.join(self.journal, "state")) as f:
            return json.load(f)

    def run_through_kills(self, moments):
        """How often it was killed until all was answered."""
        kills = 0
        while True:
            call = moments.choice(list(CALLS))
            # A run that goes on has less to do: uniform moments would come after its end.
            most = CALLS[call] if kills == 0 else max(CALLS[call] // 2, 2)
            when = moments.randint(1, most)
            code, _, said = self.run(f"{call}:signal=KILL:when={when}")
            if code == -9:
                kills += 1
                continue
            require(code == 0 or (code == 1 and "its upload is complete" in said),
                    f"upload at {call} {when}: exit {code}: {said}")
            return kills


def histogram(pair, name, buckets, *flags):
    return pair.new_task(name, "--statistic", "histogram", "--range", f"0:{buckets - 1}",
                         "--min-batch", str(buckets), "--batch", "time-interval:1s", *flags)


def check_counts(pair, folder, buckets, begin):
    code, result, said = pair.collect(folder, "--interval", interval_since(begin), "--wait")
    require(code == 0, f"collect: {said}")
    counts = [bucket["count"] for bucket in result["buckets"]]
    require(counts == [1] * buckets,
            f"lost {counts.count(0)}, twice {sum(count > 1 for count in counts)} of {buckets}")


def check_kills(pair, seed):
    """Killed at any call, in both versions: a request has about a hundred of these reports."""
    each = 300
    for version, uploads in (("18", 20 if is_nightly() else 3), ("09", 20 if is_nightly() else 1)):
        buckets = uploads * each
        folder = histogram(pair, f"killed-{version}", buckets, "--version", version)
        pair.run()
        begin = time.time()
        moments = random.Random(seed)
        kills = 0
        for i in range(uploads):
            upload = Upload(pair, folder, f"part-{i}", range(i * each, i * each + each))
            kills += upload.run_through_kills(moments)
            state = upload.state()
            require(state["answered"] == each and "sealed" not in state and "input" not in state,
                    f"the journal of a whole upload: {state.keys()}")
            require(state["taken"] + state["repeated"] == each, f"totals: {state}")
        check_counts(pair, folder, buckets, begin)
        pair.stop()
        print(f"DAP-{version}: {buckets} reports counted once each, through {kills} kills")


def check_broken_network(pair):
    """The network ends in the middle: the error says how to go on, and the command does."""
    buckets = 700
    folder = histogram(pair, "broken", buckets)
    pair.run()
    begin = time.time()
    upload = Upload(pair, folder, "all", range(buckets))
    code, _, said = upload.run(*BROKEN_NETWORK)
    require(code == 1 and f"--journal {upload.journal}, goes on" in said, f"broken: {code} {said}")
    state = upload.state()
    require(0 < state["answered"] + len(state["sealed"]) < buckets, "it broke at its end")
    require(stat.S_IMODE(os.stat(upload.journal).st_mode) == 0o700 and stat.S_IMODE(
        os.stat(os.path.join(upload.journal, "state")).st_mode) == 0o600, "modes")
    code, totals, said = upload.run()
    require(code == 0 and totals["taken"] + totals["repeated"] == buckets
            and totals["refused"] == 0, f"resumed: {code} {totals} {said}")
    require("resumed" in said or state["answered"] == 0, f"resumed: {said}")
    check_counts(pair, folder, buckets, begin)
    pair.stop()


def check_without_journal(pair):
    """An upload that breaks off without one says what is known, and what is not."""
    buckets = 700
    folder = histogram(pair, "bare", buckets)
    pair.run()
    upload = Upload(pair, folder, "all", range(buckets))
    upload.command = lambda: [word for word in Upload.command(upload)
                              if word not in ("--journal", upload.journal)]
    code, _, said = upload.run(*BROKEN_NETWORK)
    require(code == 1 and "nobody can say" in said and "--journal" in said, f"bare: {code} {said}")
    pair.stop()


def check_one_journal_two_runs(pair):
    """Both at once: the second waits, and finds all done. Nothing counts twice."""
    buckets = 600
    folder = histogram(pair, "twice", buckets)
    pair.run()
    begin = time.time()
    upload = Upload(pair, folder, "all", range(buckets))
    runs = [subprocess.Popen(upload.command(), env=pair.leader.environment, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    said = [(run.communicate()[1], run.returncode) for run in runs]
    require(sorted(code for _, code in said) == [0, 1, 1], f"three runs: {said}")
    check_counts(pair, folder, buckets, begin)
    pair.stop()


def check_refusals(pair):
    folder = histogram(pair, "refused", 20)
    other = histogram(pair, "other", 20)
    pair.run()
    upload = Upload(pair, folder, "all", range(20))
    # All is sent, and the journal does not say so yet.
    code, _, said = upload.run("rename:signal=KILL:when=2")
    require(code == -9 and len(upload.state()["sealed"]) == 20, f"killed: {code} {said}")
    for values, what in ((range(19), "fewer"), (range(19, -1, -1), "in another order")):
        upload.write(values)
        code, _, said = upload.run()
        require(code == 1 and "of other values" in said, f"values {what}: {code} {said}")
    upload.write(range(20))
    upload.task, mine = os.path.join(other, "task.json"), upload.task
    code, _, said = upload.run()
    require(code == 1 and "of another task" in said, f"another task: {code} {said}")
    upload.task = mine
    code, totals, said = upload.run()
    require(code == 0 and totals == {"taken": 0, "repeated": 20, "refused": 0},
            f"resumed: {code} {totals} {said}")
    code, _, said = upload.run()
    require(code == 1 and "is complete (0 taken, 20 repeated" in said, f"once more: {code} {said}")
    upload.journal = other  # a folder of something else
    code, _, said = upload.run()
    require(code == 1 and "is no journal" in said, f"no journal: {code} {said}")
    require(not os.path.exists(os.path.join(other, "lock")), "something was put there")
    upload.journal = mine
    code, _, said = upload.run()
    require(code == 1 and "is no journal" in said, f"a file: {code} {said}")
    pair.stop()


def check_closed_meanwhile(pair):
    """DAP-09: a task that was closed takes neither what it has nor what it never had, and says the
    same of both. Nobody is told that all is well."""
    buckets = 20
    folder = histogram(pair, "closed", buckets, "--version", "09")
    task = pair.task_of(folder)["id"]
    pair.run()
    upload = Upload(pair, folder, "all", range(buckets))
    code, _, said = upload.run("sendto:signal=KILL:when=25")
    require(code == -9 and len(upload.state()["sealed"]) == buckets, f"killed: {code} {said}")
    pair.stop()
    pair.leader.salus("aggregate", "task", "close", task, "--data", pair.leader.data)
    rows = json.loads(pair.leader.salus("aggregate", "task", "list", "--data", pair.leader.data,
                                        "--json").stdout)
    taken = sum(row["waiting"] + row["aggregated"] for row in rows if row["id"] == task)
    require(0 < taken < buckets, f"it was killed at its begin or end: {taken}")
    pair.run()
    code, totals, said = upload.run()
    require(code == 1 and totals == {"taken": 0, "repeated": 0, "refused": buckets},
            f"resumed: {code} {totals} {said}")
    require("is closed or over" in said and "unless it was taken the first time" in said,
            f"resumed: {said}")
    pair.stop()


CHECKS = (check_broken_network, check_without_journal, check_one_journal_two_runs, check_refusals,
          check_closed_meanwhile)


def main():
    if shutil.which("strace") is None:
        skip("strace is not installed")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True,
                      check=False).returncode != 0:
        skip("this system does not permit ptrace")
    seed = int(os.environ.get("SALUS_SEED", "1"))
    wanted = sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="salus_aggregate_") as folder:
        pair = Pair(sys.argv[1], sys.argv[2], folder)
        pair.set_up()
        done = 0
        with pair.watched():
            for check in (lambda p: check_kills(p, seed), *CHECKS):
                name = check.__name__ if check in CHECKS else "check_kills"
                if wanted and name not in wanted:
                    continue
                check(pair)
                done += 1
                print(f"{name}: right", flush=True)
    print(f"{done} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
