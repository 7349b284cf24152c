#!/usr/bin/env python3
"""aggregate_dap_test.py SALUS SALUSD: a study between two real servers, over real TLS.

Values are uploaded with `salus aggregate upload` and their sum, mean and histogram collected with
`salus aggregate collect`, in DAP-18 and DAP-09, by time and by fixed size. Leader and helper are
killed at random moments while each report has a bucket of its own: in the end every bucket holds
one. What must be refused is refused: a batch that is too small, a task that is unknown, closed or
over, a token that is wrong, a study whose budget is spent.
"""

import json
import os
import random
import sys
import tempfile
import threading
import time

from aggregate_rig import Pair, hours_around_now, interval_since, wait_for
from salusd_rig import is_nightly

HEIGHTS = ("--statistic", "mean", "--unit", "cm", "--range", "30:272")
# Batches of a second: one is collected once it is over, and late_ms after.
BY_SECOND = ("--batch", "time-interval:1s")


def require(is_true, what):
    if not is_true:
        raise SystemExit(f"wrong: {what}")


def heights(count, seed):
    numbers = random.Random(seed)
    return [numbers.randint(30, 272) for _ in range(count)]


def check_sum(pair, folder, values, *flags):
    code, result, said = pair.collect(folder, *flags)
    require(code == 0, f"collect: exit {code}: {said}")
    require(result["reports"] == len(values), f"{result['reports']} of {len(values)} reports")
    require(result["sum"] == sum(values), f"sum {result['sum']}, not {sum(values)}")
    require(abs(result["mean"] - sum(values) / len(values)) < 1e-9, "mean")


def check_sums(pair):
    """300 values by time, in both versions; the same question has the same answer."""
    for version in ("18", "09"):
        folder = pair.new_task(f"heights-{version}", *HEIGHTS, *BY_SECOND, "--version", version)
        pair.run()
        values = heights(300, 1)
        begin = time.time()
        taken = pair.upload(folder, values)
        require(taken == {"taken": 300, "repeated": 0, "refused": 0}, f"upload: {taken}")
        interval = interval_since(begin)
        check_sum(pair, folder, values, "--interval", interval, "--wait")
        check_sum(pair, folder, values, "--interval", interval, "--wait")
        pair.stop()


def check_fixed_size(pair):
    for version in ("18", "09"):
        folder = pair.new_task(f"fixed-{version}", *HEIGHTS, "--batch", "fixed:60", "--version",
                               version)
        pair.run()
        values = heights(120, 2)
        pair.upload(folder, values)
        sums = []
        for _ in range(2):
            code, result, said = pair.collect(folder, "--next", "--wait")
            require(code == 0 and result["reports"] == 60, f"next batch: {code} {said}")
            sums.append(result["sum"])
        require(sum(sums) == sum(values), f"two batches of {sums}, not {sum(values)} together")
        pair.stop()


def check_key_rotation(pair):
    """Reports for an old key are still opened, also those that wait while keys are rotated."""
    folder = pair.new_task("rotated", *HEIGHTS, *BY_SECOND)
    values = heights(150, 3)
    begin = time.time()
    for part in range(3):
        pair.run()
        pair.upload(folder, values[part * 50:part * 50 + 50])
        pair.kill()
        for side in pair.sides:
            side.salus("aggregate", "keys", "rotate", "--data", side.data)
    pair.run()
    check_sum(pair, folder, values, "--interval", interval_since(begin), "--wait")
    pair.stop()


def check_refusals(pair):
    folder = pair.new_task("refused", *HEIGHTS)
    over = pair.new_task("over", *HEIGHTS, "--batch", "time-interval:1s", "--expires", "1s")
    pair.run()
    interval = hours_around_now()
    pair.upload(folder, heights(99, 4))
    code, _, said = pair.collect(folder, "--interval", interval)
    require(code == 1, f"a batch below the minimum was given: {said}")

    def upload_fails(name, change, reason, exit_code=1):
        with open(os.path.join(folder, "task.json")) as f:
            file = json.load(f)
        change(file)
        os.makedirs(pair.path(name))
        with open(pair.path(name, "task.json"), "w") as f:
            json.dump(file, f)
        process = pair.start_upload(pair.path(name), "one", [100])
        said = process.communicate()[1]
        require(process.returncode == exit_code and reason in said, f"{name}: {said}")

    upload_fails("unknown", lambda file: file["task"].update(id="A" * 43), "unrecognizedTask")
    upload_fails("other-root", lambda file: file.update(
        leader_root=open(pair.helper.root, encoding="ascii").read()), "certificate", exit_code=3)

    path = os.path.join(folder, "collector.json")
    with open(path) as f:
        file = json.load(f)
    file["collector_token"] = "x" * 43
    with open(path, "w") as f:
        json.dump(file, f)
    code, _, said = pair.collect(folder, "--interval", interval)
    require(code == 1 and "401" in said, f"a wrong token: {code} {said}")

    def is_over():
        process = pair.start_upload(over, "one", [100])
        said = process.communicate()[1]
        return process.returncode == 1 and "time" in said

    wait_for("the task to be over", is_over)
    pair.stop()
    pair.leader.salus("aggregate", "task", "close", pair.task_of(folder)["id"], "--data",
                      pair.leader.data)
    pair.run()
    process = pair.start_upload(folder, "closed", [100])
    said = process.communicate()[1]
    require(process.returncode == 1 and "closed" in said, f"a closed task: {said}")
    pair.stop()


def check_noise_budget(pair):
    folder = pair.new_task("noisy", *HEIGHTS, "--batch", "fixed:50", "--noise", "laplace:1",
                           "--study", "heights", "--budget", "1")
    pair.run()
    pair.upload(folder, heights(100, 5))
    code, result, said = pair.collect(folder, "--next", "--wait")
    require(code == 0 and result["reports"] == 50, f"the first noisy batch: {code} {said}")
    require(result["noise_deviation"] > 242, "noise is not told")
    code, _, said = pair.collect(folder, "--next", "--wait")
    require(code == 1 and "budget" in said, f"a batch beyond the budget: {code} {said}")
    pair.stop()


def check_mutual_tls(pair):
    """The leader shows the helper a certificate of the helper's log, and the collector one of the
    leader's."""
    caller = pair.path("caller")
    pair.helper.salus("identity", "new", "--role", "partner", "--name", "leader", "--id", "leader",
                      "--origin", pair.helper.origin, "-o", caller)
    pair.helper.salus("identity", "certify", caller, "--role", "partner", "--id", "leader",
                      "--data", pair.helper.data)
    researcher = pair.path("researcher")
    pair.leader.salus("identity", "new", "--role", "researcher", "--name", "r", "--id", "r",
                      "--origin", pair.leader.origin, "-o", researcher)
    pair.leader.salus("identity", "certify", researcher, "--role", "researcher", "--id", "r",
                      "--data", pair.leader.data)
    pair.leader.configure(identity=json.dumps(caller))
    folder = pair.new_task("mutual", *HEIGHTS, *BY_SECOND, "--helper-machine",
                           f"https://localhost:{pair.helper.port}", "--leader-machine",
                           f"https://localhost:{pair.leader.port}")
    pair.run()
    values = heights(100, 6)
    begin = time.time()
    pair.upload(folder, values)
    check_sum(pair, folder, values, "--interval", interval_since(begin), "--wait", "--as",
              researcher)
    pair.stop()


def check_bad_values(pair):
    """One value out of range, and none of the file is sent."""
    folder = pair.new_task("bad-values", *HEIGHTS)
    pair.run()
    process = pair.start_upload(folder, "bad", [100, 29, 200])
    said = process.communicate()[1]
    require(process.returncode == 1 and "line 2" in said and "30" in said, f"bad value: {said}")
    pair.stop()
    done = pair.leader.salus("aggregate", "task", "list", "--data", pair.leader.data, "--json")
    row = next(row for row in json.loads(done.stdout) if row["title"] == "bad-values")
    require(row["waiting"] == 0 and row["aggregated"] == 0, f"bad values were sent: {row}")


def check_task_list(pair):
    """The tasks of both logs, with what was released."""
    for side in pair.sides:
        done = side.salus("aggregate", "task", "list", "--data", side.data, "--json")
        rows = {row["title"]: row for row in json.loads(done.stdout)}
        require("1 result" in rows["heights-18"]["logged"], f"list: {rows['heights-18']}")
        require(rows["heights-18"]["aggregated"] == 300, f"list: {rows['heights-18']}")
        side.salus("audit", "verify", "--data", side.data)


def kill_in_turn(pair, moments, stopping, kills):
    while not stopping.is_set():
        side = moments.choice(pair.sides)
        if stopping.wait(moments.uniform(0.0, 0.3)):
            break
        if side.server.poll() is not None:
            raise SystemExit(f"salusd ended by itself: {side.server.returncode}\n"
                             f"{side.last_log()}")
        side.kill()
        side.run()
        kills.append(side.role)


def check_kills(pair, seed):
    """Each report in a bucket of its own, and both servers killed again and again."""
    reports = 2000 if is_nightly() else 300
    folder = pair.new_task("killed", "--statistic", "histogram", "--range", f"0:{reports - 1}",
                           "--min-batch", str(reports), *BY_SECOND)
    pair.leader.configure(job_reports="7")
    pair.run()
    stopping, kills, failures = threading.Event(), [], []

    def kill():
        try:
            kill_in_turn(pair, random.Random(seed), stopping, kills)
        except BaseException as error:  # told by the main thread
            failures.append(error)

    killer = threading.Thread(target=kill)
    begin = time.time()
    killer.start()
    try:
        for first in range(0, reports, 15):
            # So that kills fall between and into all of them.
            wait_for("a kill", lambda: failures or len(kills) >= first // 20)
            process = pair.start_upload(folder, "part", range(first, min(first + 15, reports)))
            said = process.communicate()[1]
            require(process.returncode == 0, f"upload: {said}")
        # The collector's own requests are cut off too.
        interval = interval_since(begin)
        answers = []

        def is_collected():
            answers.append(pair.collect(folder, "--interval", interval))
            return answers[-1][0] == 0 or len(kills) > 400

        wait_for("the batch", is_collected, timeout_s=300)
    finally:
        stopping.set()
        killer.join()
    require(not failures, f"{failures}")
    code, result, said = answers[-1]
    require(code == 0, f"collect: {said}")
    counts = [bucket["count"] for bucket in result["buckets"]]
    require(counts == [1] * reports,
            f"lost {counts.count(0)}, twice {sum(count > 1 for count in counts)} of {reports}")
    pair.stop()
    print(f"{reports} reports counted once each, through {len(kills)} kills")


CHECKS = (check_sums, check_fixed_size, check_key_rotation, check_refusals, check_noise_budget,
          check_mutual_tls, check_bad_values, check_task_list)


def main():
    seed = int(os.environ.get("SALUS_SEED", "1"))
    wanted = sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="salus_aggregate_") as folder:
        pair = Pair(sys.argv[1], sys.argv[2], folder)
        pair.set_up()
        done = 0
        with pair.watched():
            for check in (*CHECKS, lambda p: check_kills(p, seed)):
                name = getattr(check, "__name__", "")
                if wanted and (name if name != "<lambda>" else "check_kills") not in wanted:
                    continue
                check(pair)
                done += 1
                print(f"{name if name != '<lambda>' else 'check_kills'}: right", flush=True)
    print(f"{done} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
