#!/usr/bin/env python3
"""dap_judge.py SALUS SALUSD: @divviup/dap, a client of DAP-09 that is not ours, uploads to our
leader; what our collector learns is the sum of what it sent. Two real servers over TLS."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
sys.dont_write_bytecode = True

from aggregate_rig import Pair, interval_since  # noqa: E402

CANNOT = 77
NUMBERS = [0, 255, 17, 171, 180, 165, 99, 1, 254, 128, 64, 42]
# Flags of the task, measurements, and what our collector must say of them.
CASES = {
    "count": (("--statistic", "count"), [number % 2 == 0 for number in NUMBERS],
              {"count": sum(number % 2 == 0 for number in NUMBERS)}),
    "sum": (("--statistic", "sum", "--range", "0:255"), NUMBERS, {"sum": sum(NUMBERS)}),
    "histogram": (("--statistic", "histogram", "--range", "0:15"),
                  [number % 16 for number in NUMBERS],
                  {"buckets": [{"from": bucket, "to": bucket,
                                "count": sum(number % 16 == bucket for number in NUMBERS)}
                               for bucket in range(16)]}),
    "vector": (("--statistic", "vector", "--range", "0:255", "--length", "3"),
               [[number, 255 - number, 1] for number in NUMBERS],
               {"sums": [sum(NUMBERS), sum(255 - number for number in NUMBERS), len(NUMBERS)]}),
}


class Skip(Exception):
    """The client is not there."""


def roots_of(pair):
    path = pair.path("roots.pem")
    with open(path, "w") as out:
        for side in pair.sides:
            with open(side.root) as f:
                out.write(f.read())
    return path


def upload(pair, folder, values):
    done = subprocess.run(["node", str(HERE / "upload.mjs"), os.path.join(folder, "task.json")],
                          env=dict(os.environ, NODE_EXTRA_CA_CERTS=roots_of(pair)), text=True,
                          input=json.dumps(values), capture_output=True, check=False, timeout=240)
    if done.returncode == CANNOT:
        raise Skip(done.stderr.strip())
    if done.returncode != 0:
        raise SystemExit(f"upload: exit {done.returncode}: {done.stderr[-2000:]}")


def judge(pair):
    folders = {name: pair.new_task(name, "--version", "09", "--min-batch", str(len(values)),
                                   "--batch", "time-interval:1s", *flags)
               for name, (flags, values, _) in CASES.items()}
    pair.run()
    for name, (_, values, expected) in CASES.items():
        begin = time.time()
        upload(pair, folders[name], values)
        interval = interval_since(begin)
        code, result, said = pair.collect(folders[name], "--interval", interval, "--wait")
        if code != 0:
            raise SystemExit(f"{name}: collect: exit {code}: {said}")
        wrong = {key: result.get(key) for key in expected if result.get(key) != expected[key]}
        if wrong or result["reports"] != len(values):
            raise SystemExit(f"{name}: {wrong}, not {expected}; {result['reports']} reports")
        print(f"{name}: {len(values)} reports of @divviup/dap, the result is right")
    pair.stop()


def main():
    if shutil.which("node") is None:
        print("skipped: judge_dap: there is no node\n0 passed, 0 failed, 1 skipped")
        return 0
    with tempfile.TemporaryDirectory(prefix="salus_dap_judge_") as folder:
        pair = Pair(sys.argv[1], sys.argv[2], folder)
        pair.set_up()
        try:
            judge(pair)
        except Skip as why:
            print(f"skipped: judge_dap: {why}\n0 passed, 0 failed, 1 skipped")
            return 0
        except BaseException:
            for side in pair.sides:
                print(f"--- {side.role}\n{side.last_log()}", file=sys.stderr)
            raise
        finally:
            pair.kill()
    print(f"{len(CASES)} passed, 0 failed, 0 skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
