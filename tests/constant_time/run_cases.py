#!/usr/bin/env python3
"""run_cases.py PROGRAM CASE...: runs each case of a program in valgrind.

A report of valgrind fails the case: a branch or an address depended on a secret. The case `canary`
does just that, and fails when there is no report.
"""

import pathlib
import shutil
import subprocess
import sys

REPORTED, NO_MARKS = 9, 77


def main():
    program, cases = sys.argv[1], sys.argv[2:]
    name = pathlib.Path(program).name
    passed, failed, skipped = 0, 0, []
    for case in cases:
        if shutil.which("valgrind") is None:
            skipped.append((case, "valgrind is not installed"))
            continue
        run = subprocess.run(["valgrind", "-q", f"--error-exitcode={REPORTED}", program, case],
                             capture_output=True, text=True, check=False)
        if run.returncode == NO_MARKS:
            skipped.append((case, "valgrind's headers were not installed when this was built"))
        elif run.returncode == (REPORTED if case == "canary" else 0):
            passed += 1
        else:
            failed += 1
            print(f"failed: {case}: exit {run.returncode}\n{run.stdout}{run.stderr}")
    for case, reason in skipped:
        print(f"skipped: {name}.{case}: {reason}")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
