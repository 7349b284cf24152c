#!/usr/bin/env python3
"""kill_test.py LOG_WRITER: kills a node with SIGKILL at random moments while it records events.

After each restart every acknowledged event must be in the log once, at its index; every checkpoint
that was made must be a prefix; the derived files must fit. 20 kills, 600 with SALUS_NIGHTLY=1.
"""

import os
import random
import subprocess
import sys
import tempfile
import threading


def run_until_killed(writer, directory, first, delay_s):
    """Returns what the writer said before it was killed."""
    process = subprocess.Popen([writer, "write", directory, str(first), "1000000", "7", "3"],
                               stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    timer = threading.Timer(delay_s, process.kill)
    timer.start()
    process.wait()
    timer.cancel()
    reader.join()
    if process.returncode != -9:
        raise SystemExit(f"the writer ended by itself: {process.returncode} {lines[-1:]}")
    # The kill may cut the last line.
    return [line for line in lines if line.endswith("\n")]


def main():
    writer = sys.argv[1]
    kills = 600 if os.environ.get("SALUS_NIGHTLY") == "1" else 20
    seed = int(os.environ.get("SALUS_SEED", "1"))
    moments = random.Random(seed)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="salus_kill_") as folder:
        directory = os.path.join(folder, "data")
        subprocess.run([writer, "init", directory], check=True)
        said, first = [], 0
        for kill in range(kills):
            said += run_until_killed(writer, directory, first, moments.uniform(0.02, 0.5))
            numbers = [int(line.split()[1]) for line in said if line.startswith("ack ")]
            # The next run begins inside what may have been logged: some events are sent twice.
            first = max(numbers, default=0)
            if kill % 5 != 4 and kill != kills - 1:
                continue
            check = subprocess.run([writer, "check", directory], input="".join(said), text=True,
                                   capture_output=True)
            if check.returncode != 0 or not check.stdout.startswith("ok "):
                print(f"seed {seed}, kill {kill}: {check.stdout}{check.stderr[-2000:]}")
                failed = 1
                break
        refused = [line for line in said if line.startswith("refused")]
        print(f"{kills} kills: {check.stdout.strip()}, {len(refused)} refusals")
        if refused:
            print("refused although nothing was wrong:", set(refused))
            failed = 1
    print(f"{1 - failed} passed, {failed} failed, 0 skipped")
    return failed


if __name__ == "__main__":
    sys.exit(main())
