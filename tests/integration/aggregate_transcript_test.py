#!/usr/bin/env python3
"""aggregate_transcript_test.py SALUS SALUSD: what leader and helper keep convinces others.

Two real servers are killed at random moments while they work; then `salus aggregate check` finds
both transcripts and the collector's in order, in DAP-18 and DAP-09, finds the same as the result
says, and finds what somebody changed in one of them.
"""

import json
import os
import random
import sys
import tempfile
import threading
import time

from aggregate_rig import Pair, interval_since

TASK = ("--statistic", "mean", "--unit", "cm", "--range", "30:272", "--min-batch", "20", "--batch",
        "time-interval:1s")


def require(is_true, what):
    if not is_true:
        raise SystemExit(f"wrong: {what}")


class Study:
    """A task that was played, and who checks it: somebody who pinned both servers."""

    def __init__(self, pair, version):
        self.pair = pair
        self.folder = pair.new_task(f"study-{version}", *TASK, "--version", version)
        self.task = pair.task_of(self.folder)["id"]
        self.collected = pair.path(f"collected-{version}.transcript")

    def kept(self, side):
        return os.path.join(side.data, "aggregate", "transcripts", f"{self.task}.transcript")

    def play(self, kills):
        """60 values; both servers are killed in turn while they are aggregated."""
        pair = self.pair
        pair.run()
        begin = time.time()
        values = list(range(100, 160))
        for first in range(0, 60, 10):
            pair.upload(self.folder, values[first:first + 10])
            for _ in range(kills):
                side = random.choice(pair.sides)
                time.sleep(random.uniform(0, 0.2))
                side.kill()
                side.run()
        code, result, said = pair.collect(self.folder, "--interval", interval_since(begin),
                                          "--wait", "--transcript", self.collected)
        require(code == 0 and result["sum"] == sum(values), f"collect: {code} {said}")
        pair.stop()

    def check(self, transcript, *flags):
        """Exit code, findings, and what was said."""
        process = self.pair.leader.start_salus(
            "aggregate", "check", transcript, "--task", os.path.join(self.folder, "task.json"),
            "--json", *flags, stdout=-1, stderr=-1)
        out, said = process.communicate()
        return process.returncode, json.loads(out)[0] if out.strip() else None, said

    def check_all(self, *flags):
        return self.check(self.kept(self.pair.leader), "--with", self.kept(self.pair.helper),
                          "--with", self.collected, "--leader", "leader", "--helper", "helper",
                          *flags)


def pin_both(pair):
    for side in pair.sides:
        pair.leader.salus("connect", f"https://localhost:{side.port}", "--public-url",
                          f"https://localhost:{side.public_port}", "--fingerprint",
                          side.fingerprint(), "--name", side.role)


def check_honest(study):
    code, findings, said = study.check_all()
    require(code == 0 and "all in order" in said, f"check: {code} {said}")
    require(findings["reports"] == 60 and findings["deviations"] == [], f"check: {findings}")
    require([batch["reports"] for batch in findings["batches"]] == [60], f"batches: {findings}")
    require(findings["batches"][0]["delivered"], f"not delivered: {findings}")
    # The helper's alone says less, and nothing wrong.
    code, findings, said = study.check(study.kept(study.pair.helper), "--helper", "helper")
    require(code == 0 and "leader's signatures were not checked" in said, f"helper's: {said}")
    require(findings["reports"] == 60, f"helper's: {findings}")


def check_wrong_key(study):
    code, findings, _ = study.check(study.kept(study.pair.leader), "--helper", "leader")
    require(code == 3 and "signature that is not its own" in findings["deviations"][0]["text"],
            f"the leader's key for the helper's: {code} {findings}")
    require({one["by"] for one in findings["deviations"]} == {"nobody"}, f"{findings}")


def check_damage(study):
    path = study.kept(study.pair.helper)
    with open(path, "rb") as f:
        content = f.read()
    damaged = study.pair.path("damaged.transcript")
    for place in (len(content) // 3, len(content) - 40):
        with open(damaged, "wb") as f:
            f.write(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
        code, _, said = study.check(damaged, "--helper", "helper")
        require(code == 3 and "item" in said, f"damage at {place}: {code} {said}")
    with open(damaged, "wb") as f:
        f.write(content[:len(content) // 2])
    code, _, said = study.check(damaged, "--helper", "helper")
    require(code != 0 and "item" in said, f"half of it: {code} {said}")


def check_other_file(study):
    """A file that is no transcript is neither read as one nor written over."""
    secret = study.pair.path("collector.copy")
    with open(os.path.join(study.folder, "collector.json"), "rb") as f:
        content = f.read()
    with open(secret, "wb") as f:
        f.write(content)
    code, _, said = study.pair.collect(study.folder, "--interval", "2026-12-01/2026-12-02",
                                       "--transcript", secret)
    require(code == 1 and "no transcript of a task" in said, f"another file: {code} {said}")
    with open(secret, "rb") as f:
        require(f.read() == content, "a file that is no transcript was written to")
    code, _, said = study.check(secret, "--helper", "helper")
    require(code == 1 and "no transcript of a task" in said, f"check: {code} {said}")


def check_missing_jobs(study):
    """The collector's alone proves no count; a transcript of another task is none of this."""
    code, findings, said = study.check(study.collected, "--leader", "leader")
    require(code == 0 and findings["batches"] == [], f"collector's: {code} {said}")
    code, _, said = study.check(study.collected)
    require(code == 2 and "--leader" in said, f"no key at all: {code} {said}")


def main():
    random.seed(int(os.environ.get("SALUS_SEED", "1")))
    done = 0
    with tempfile.TemporaryDirectory(prefix="salus_transcript_") as folder:
        pair = Pair(sys.argv[1], sys.argv[2], folder)
        pair.set_up()
        pair.leader.configure(job_reports="7")
        with pair.watched():
            pair.run()
            pin_both(pair)
            pair.stop()
            studies = []
            for version, kills in (("18", 2), ("09", 1)):
                study = Study(pair, version)
                study.play(kills)
                studies.append(study)
                for check in (check_honest, check_wrong_key, check_damage, check_other_file,
                              check_missing_jobs):
                    check(study)
                    done += 1
                    print(f"{check.__name__}, DAP-{version}: right", flush=True)
            code, _, said = studies[0].check(studies[1].kept(pair.leader), "--leader", "leader")
            require(code != 0 and "another task" in said, f"another task's: {code} {said}")
            done += 1
    print(f"{done} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
