#!/usr/bin/env python3
"""aggregate_server_test.py SALUS SALUSD: a study from its opening to its end with `--server` only.

Two real servers are pinned as their users would pin them, and nobody touches a data directory
while they run: officers and researchers open, accept, list and close tasks and rotate keys over
mutual TLS, people upload, and who has the collector's file learns the sum. What must be refused is
refused, in words that say why.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

from aggregate_rig import Pair, interval_since, wait_for

HEIGHTS = ("--statistic", "mean", "--unit", "cm", "--range", "30:272", "--min-batch", "3")
BY_SECOND = ("--batch", "time-interval:1s")


def require(is_true, what):
    if not is_true:
        raise SystemExit(f"wrong: {what}")


class Desk:
    """Somebody at an aggregator who has a certificate, and a server that is pinned."""

    def __init__(self, side, name, role, server):
        self.side, self.server = side, server
        self.folder = side.path(name)
        side.salus("identity", "new", "--role", role, "--name", name, "--id", name, "--origin",
                   side.origin, "-o", self.folder)
        side.salus("identity", "certify", self.folder, "--role", role, "--id", name, "--data",
                   side.data)

    def flags(self):
        return ("--server", self.server, "--as", self.folder)

    def salus(self, *arguments):
        return self.side.salus("aggregate", *arguments, *self.flags())

    def refused(self, *arguments, flags=None):
        """Exit code and what was said."""
        process = self.side.start_salus("aggregate", *arguments, *(flags or self.flags()),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = process.communicate()[1]
        return process.returncode, said

    def tasks(self):
        return {row["id"]: row for row in json.loads(self.salus("task", "list", "--json").stdout)}


def pin(at, server, name):
    """`salus connect` at one side to the server of a side, by the fingerprint that was told."""
    with open(server.root, encoding="ascii") as f:
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
    at.salus("connect", f"https://localhost:{server.port}", "--public-url",
             f"https://localhost:{server.public_port}", "--fingerprint", fingerprint, "--name",
             name)


class Study:
    def __init__(self, pair):
        self.pair = pair
        self.officer = Desk(pair.leader, "officer", "officer", "hospital")
        self.researcher = Desk(pair.leader, "researcher", "researcher", "hospital")
        self.helper = Desk(pair.helper, "officer", "officer", "regulator")
        self.mallory = Desk(pair.helper, "mallory", "researcher", "regulator")
        caller = pair.path("caller")
        pair.helper.salus("identity", "new", "--role", "partner", "--name", "hospital", "--id",
                          "hospital", "--origin", pair.helper.origin, "-o", caller)
        pair.helper.salus("identity", "certify", caller, "--role", "partner", "--id", "hospital",
                          "--data", pair.helper.data)
        pair.leader.configure(identity=json.dumps(caller))
        pair.run()
        pin(pair.leader, pair.leader, "hospital")
        pin(pair.leader, pair.helper, "regulator")
        pin(pair.helper, pair.helper, "regulator")

    def open(self, name, desk, *flags):
        """A task of both, made through the servers. Its folder of files, and its id."""
        folder = self.pair.path(name)
        done = desk.salus("task", "new", "--title", name, "--purpose", "to see that sums are right",
                          "--helper", "regulator", "-o", folder, *flags)
        task = done.stdout.strip()
        for _ in range(2):  # the same file once more changes nothing
            accepted = self.helper.salus("task", "accept", os.path.join(folder, "helper.json"))
            require(accepted.stdout.strip() == task, f"accept: {accepted.stdout}")
        return folder, task


def is_logged(desk, task, results):
    row = desk.tasks()[task]
    return row["logged"].startswith("entry ") and f", {results} result" in row["logged"]


def check_study(study):
    """Opened, accepted, listed, reported to, collected and closed; both logs tell of it."""
    folder, task = study.open("heights", study.officer, *HEIGHTS, *BY_SECOND)
    for desk, role in ((study.researcher, "leader"), (study.helper, "helper")):
        wait_for("the task's entry", lambda d=desk: is_logged(d, task, 0))
        row = desk.tasks()[task]
        require(row["role"] == role and row["state"] == "open", f"task list: {row}")
    values = [172, 181, 165, 30, 272, 158]
    begin = time.time()
    for part in (values[:3], values[3:]):
        taken = study.pair.upload(folder, part)
        require(taken == {"taken": 3, "repeated": 0, "refused": 0}, f"upload: {taken}")
        # What was sealed to the key before is still opened.
        for desk in (study.officer, study.helper):
            said = desk.salus("keys", "rotate").stderr
            require("new key" in said, f"keys rotate: {said}")
    for flags in ((), ("--as", study.researcher.folder, "--machine",
                       f"https://localhost:{study.pair.leader.port}")):
        interval = interval_since(begin) if not flags else interval
        code, result, said = study.pair.collect(folder, "--interval", interval, "--wait", *flags)
        require(code == 0 and result["sum"] == sum(values) and result["reports"] == len(values),
                f"collect {flags}: {code} {result} {said}")
    study.researcher.salus("task", "close", task)
    process = study.pair.start_upload(folder, "late", [100])
    said = process.communicate()[1]
    require(process.returncode == 1 and "closed" in said, f"a closed task: {said}")
    for desk in (study.officer, study.helper):
        wait_for("the result's entry", lambda d=desk: is_logged(d, task, 1))
    row = study.officer.tasks()[task]
    require(row["state"] == "closed" and row["aggregated"] == len(values) and row["waiting"] == 0,
            f"task list: {row}")


def check_fixed_size(study):
    """Opened by a researcher; the helper sees the leader's certificate."""
    folder, _ = study.open("sizes", study.researcher, *HEIGHTS, "--batch", "fixed:3",
                           "--mutual-tls")
    values = [100, 110, 120, 130, 140, 150]
    study.pair.upload(folder, values)
    sums = []
    for _ in range(2):
        code, result, said = study.pair.collect(folder, "--next", "--wait")
        require(code == 0 and result["reports"] == 3, f"the next batch: {code} {said}")
        sums.append(result["sum"])
    require(sum(sums) == sum(values), f"{sums} of {values}")


def check_refusals(study):
    folder, task = study.open("refusals", study.officer, *HEIGHTS)
    helper_file = os.path.join(folder, "helper.json")
    for what, desk, arguments, exit_code, reason in (
            ("keys are an officer's", study.researcher, ("keys", "rotate"), 1, "not permitted"),
            ("a task that is not there", study.officer, ("task", "close", "A" * 43), 1, "no such"),
            ("an id that is none", study.officer, ("task", "close", "A"), 2, "32 bytes"),
            ("a file that is no aggregator's", study.helper,
             ("task", "accept", os.path.join(folder, "task.json")), 2, "helper.json"),
            ("another role", study.officer, ("task", "accept", helper_file), 1, "aggregate.role"),
            ("a folder that is there", study.officer,
             ("task", "new", "--title", "x", "--purpose", "y", *HEIGHTS, "--helper", "regulator",
              "-o", folder), 1, "name a new folder"),
            ("a helper that nobody knows", study.officer,
             ("task", "new", "--title", "x", "--purpose", "y", *HEIGHTS, "--helper", "nobody",
              "-o", folder + "-2"), 1, "--helper nobody: no server of that name is connected")):
        code, said = desk.refused(*arguments)
        require(code == exit_code and reason in said, f"{what}: exit {code}: {said}")
    for arguments in (("task", "list"), ("task", "accept", helper_file), ("task", "close", task),
                      ("keys", "rotate")):
        code, said = study.officer.refused(*arguments, flags=("--server", "hospital"))
        require(code == 2 and "--as DIR" in said, f"{arguments} without --as: exit {code}: {said}")
    # Who is not of this log may not even look.
    study.helper.side, side = study.pair.leader, study.helper.side
    study.helper.server = "hospital"
    code, said = study.helper.refused("task", "list")
    study.helper.side, study.helper.server = side, "regulator"
    require(code != 0, f"a stranger was shown tasks: {said}")
    require(study.officer.tasks()[task]["state"] == "open", "a refused act changed something")


def announce_first(study, task):
    """A researcher at the helper's log announces a task of others, to another purpose."""
    context = ssl.create_default_context(cafile=study.pair.helper.root)
    context.load_cert_chain(os.path.join(study.mallory.folder, "chain.pem"),
                            os.path.join(study.mallory.folder, "sign.key"))
    body = {"title": "t", "purpose": "to sell it", "statistic": "s", "min_participants": 3,
            "from": "2026-11-30T00:00:00Z", "until": "2027-11-30T00:00:00Z", "noise": "",
            "definition": "00" * 32}
    task_id = base64.urlsafe_b64decode(task + "=").hex()
    request = urllib.request.Request(
        f"https://localhost:{study.pair.helper.port}/audit/v1/tasks/{task_id}",
        json.dumps(body).encode(), method="PUT", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        return json.load(answer)["entry"], task_id


def check_squatter(study):
    """Whoever announces a task's id first keeps no aggregator from taking it or saying so."""
    folder = study.pair.path("squatted")
    study.officer.salus("task", "new", "--title", "squatted", "--purpose", "to see it through",
                        "--helper", "regulator", "-o", folder, *HEIGHTS, *BY_SECOND)
    task = study.pair.task_of(folder)["id"]
    entry, task_id = announce_first(study, task)
    study.helper.salus("task", "accept", os.path.join(folder, "helper.json"))
    wait_for("the task's own entry", lambda: is_logged(study.helper, task, 0))
    begin = time.time()
    study.pair.upload(folder, [170, 180, 190])
    code, result, said = study.pair.collect(folder, "--interval", interval_since(begin), "--wait")
    require(code == 0 and result["sum"] == 540, f"collect: {code} {result} {said}")
    wait_for("the result's entry", lambda: is_logged(study.helper, task, 1))
    shown = json.loads(study.pair.leader.salus("log", "tasks", "--server", "regulator",
                                               "--json").stdout)
    shown = {one["publisher"]: one for one in shown if one["id"] == task_id}
    server = f"server:{study.pair.helper.origin}"
    require(set(shown) == {"researcher:mallory", server}, f"publishers: {shown}")
    require(shown["researcher:mallory"]["entry"] == entry
            and shown["researcher:mallory"]["results"] == []
            and len(shown[server]["results"]) == 1, f"both entries: {shown}")


CHECKS = (check_study, check_fixed_size, check_refusals, check_squatter)


def main():
    wanted = sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="salus_aggregate_") as folder:
        pair = Pair(sys.argv[1], sys.argv[2], folder)
        pair.set_up()
        done = 0
        with pair.watched():
            study = Study(pair)
            for check in CHECKS:
                if wanted and check.__name__ not in wanted:
                    continue
                check(study)
                done += 1
                print(f"{check.__name__}: right", flush=True)
            pair.stop()
    print(f"{done} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
