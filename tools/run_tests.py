#!/usr/bin/env python3
"""Runs the tests that CTest knows and counts their cases.

The last line is `N passed, N failed, N skipped`, in test cases: those of GoogleTest, and what any
other test prints as its own last line of that form (else it counts as one). Exits 1 when a case
failed, when nothing ran, or when a case was skipped without a reason in tools/allowed_skips.txt
although the test vectors are there.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAST_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
SKIP_LINE = re.compile(r"^skipped: ([^:]+): (.*)$", re.MULTILINE)
# A GoogleTest case that passed and printed nothing.
QUIET_CASE = re.compile(r"^\[ RUN      \] (\S+)\n\[       OK \] \1 .*\n", re.MULTILINE)
DEFAULT_TIMEOUT_S = 900
SHOWN_OUTPUT_LINES = 200


@dataclass
class Test:
    name: str
    command: list
    labels: list
    directory: str
    environment: dict
    timeout_s: float
    will_fail: bool
    serial: bool


@dataclass
class Outcome:
    test: Test
    passed: int = 0
    failed: int = 0
    skips: list = field(default_factory=list)  # (case, reason)
    seconds: float = 0.0
    output: str = ""
    note: str = ""


def list_tests(build):
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True,
                             capture_output=True, text=True).stdout
    tests = []
    for entry in json.loads(listing)["tests"]:
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        if properties.get("DISABLED"):
            continue
        environment = dict(pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))
        tests.append(Test(
            name=entry["name"], command=entry.get("command", []),
            labels=properties.get("LABELS", []),
            directory=properties.get("WORKING_DIRECTORY", str(build)), environment=environment,
            timeout_s=float(properties.get("TIMEOUT", DEFAULT_TIMEOUT_S)),
            will_fail=bool(properties.get("WILL_FAIL")),
            serial=bool(properties.get("RUN_SERIAL"))))
    return tests


def execute(test, extra_arguments):
    """Returns (exit status or None after a timeout, output)."""
    with tempfile.TemporaryFile() as sink:
        process = subprocess.Popen(
            test.command + extra_arguments, cwd=test.directory, stdin=subprocess.DEVNULL,
            stdout=sink, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | test.environment)
        try:
            status = process.wait(test.timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = None
        sink.seek(0)
        return status, sink.read().decode(errors="replace")


def count_gtest(outcome, status, report):
    if not report.exists() or report.stat().st_size == 0:
        outcome.passed = len(re.findall(r"^\[       OK \] \S+ \(", outcome.output, re.MULTILINE))
        outcome.failed = 1
        outcome.note = "ended before it could report"
        return
    for suite in json.loads(report.read_text(errors="replace"))["testsuites"]:
        for case in suite["testsuite"]:
            name = f'{suite["name"]}.{case["name"]}'
            if case["status"] == "NOTRUN":
                outcome.skips.append((name, "disabled in the source"))
            elif case["result"] == "SKIPPED":
                message = " ".join(s.get("message", "") for s in case.get("skipped", []))
                reason = message.strip().splitlines()[-1] if message.strip() else "no reason given"
                outcome.skips.append((name, reason))
            elif "failures" in case:
                outcome.failed += 1
            else:
                outcome.passed += 1
    if status != 0 and outcome.failed == 0:
        outcome.failed = 1
        outcome.note = f"all cases passed, yet the process ended with {status}"
    if outcome.passed + outcome.failed + len(outcome.skips) == 0:
        outcome.failed = 1
        outcome.note = "has no test case"


def count_plain(outcome, status):
    lines = outcome.output.rstrip().splitlines()
    match = LAST_LINE.match(lines[-1].strip()) if lines else None
    if not match:
        outcome.passed, outcome.failed = (1, 0) if status == 0 else (0, 1)
        return
    outcome.passed, outcome.failed, skipped = map(int, match.groups())
    outcome.skips = SKIP_LINE.findall(outcome.output)[:skipped]
    while len(outcome.skips) < skipped:
        outcome.skips.append((outcome.test.name, "no reason given"))
    if status != 0 and outcome.failed == 0:
        outcome.failed = 1
        outcome.note = f"counted no failure, yet ended with {status}"
    if status == 0 and outcome.failed > 0:
        outcome.note = "counted a failure, yet ended with 0"
    if outcome.passed + outcome.failed + skipped == 0:
        outcome.failed = 1
        outcome.note = "checked nothing"


def run(test):
    outcome = Outcome(test)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="salus_tests_") as scratch:
        report = pathlib.Path(scratch) / "report.json"
        gtest = "gtest" in test.labels
        extra = [f"--gtest_output=json:{report}", "--gtest_brief=0"] if gtest else []
        try:
            status, outcome.output = execute(test, extra)
        except OSError as error:
            status, outcome.output = 127, f"cannot start: {error} (was it built?)"
        if status is None:
            outcome.failed = 1
            outcome.note = f"stopped after {test.timeout_s:.0f} s"
        elif test.will_fail:
            outcome.passed, outcome.failed = (0, 1) if status == 0 else (1, 0)
            outcome.note = "must fail, and passed" if status == 0 else ""
        elif gtest:
            count_gtest(outcome, status, report)
        else:
            count_plain(outcome, status)
    outcome.seconds = time.monotonic() - start
    return outcome


def read_allowed_skips():
    """Lines of `PATTERN: reason`; PATTERN is a case's name with * as wildcard."""
    allowed = []
    for line in (ROOT / "tools/allowed_skips.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, _, reason = line.partition(": ")
            if not reason.strip():
                sys.exit(f"tools/allowed_skips.txt: no reason in: {line}")
            allowed.append(pattern.strip())
    return allowed


def refuse_skips(outcome, allowed):
    """Turns skips that nobody allowed into failures; tells which."""
    refused = [(case, reason) for case, reason in outcome.skips
               if not any(fnmatch.fnmatchcase(case, pattern) for pattern in allowed)]
    outcome.skips = [skip for skip in outcome.skips if skip not in refused]
    outcome.failed += len(refused)
    return refused


def show(outcome, refused, done, total):
    word = "FAIL" if outcome.failed else "ok  "
    skipped = f", {len(outcome.skips)} skipped" if outcome.skips else ""
    print(f"[{done:3}/{total}] {word} {outcome.seconds:7.1f} s  {outcome.test.name}: "
          f"{outcome.passed} passed{skipped}"
          + (f", {outcome.failed} FAILED" if outcome.failed else "")
          + (f" ({outcome.note})" if outcome.note else ""), flush=True)
    for case, reason in outcome.skips:
        print(f"          skipped: {case}: {reason}")
    for case, reason in refused:
        print(f"          skipped without leave: {case}: {reason}")
    if outcome.failed and len(refused) < outcome.failed:
        lines = QUIET_CASE.sub("", outcome.output).rstrip().splitlines()
        if len(lines) > SHOWN_OUTPUT_LINES:
            print(f"    | ... {len(lines) - SHOWN_OUTPUT_LINES} lines before this")
        for line in lines[-SHOWN_OUTPUT_LINES:]:
            print(f"    | {line}")
    sys.stdout.flush()


def in_order(tests, times_file):
    """Longest first, as far as an earlier run knows."""
    try:
        known = json.loads(times_file.read_text())
    except (OSError, ValueError):
        known = {}
    return sorted(tests, key=lambda t: -known.get(t.name, 5.0)), known


def select(tests, arguments):
    if arguments.name:
        tests = [t for t in tests if re.search(arguments.name, t.name)]
    if arguments.label:
        wanted = re.compile(arguments.label)
        tests = [t for t in tests if any(wanted.search(label) for label in t.labels)]
    if arguments.no_label:
        unwanted = re.compile(arguments.no_label)
        tests = [t for t in tests if not any(unwanted.search(label) for label in t.labels)]
    return tests


def run_all(tests, jobs, report):
    parallel = [t for t in tests if not t.serial]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, t) for t in parallel]):
            report(done.result())
    for test in tests:
        if test.serial:
            report(run(test))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build/release", help="build folder")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="tests at once")
    parser.add_argument("--timeout", type=float, default=0, metavar="S",
                        help="seconds that each test has at least")
    parser.add_argument("-R", "--name", help="only tests whose name matches this expression")
    parser.add_argument("-L", "--label", help="only tests with a label that matches")
    parser.add_argument("-E", "--no-label", help="leave out tests with a label that matches")
    arguments = parser.parse_args()

    build = (ROOT / arguments.build).resolve()
    os.environ.setdefault("SALUS_VECTORS", str(ROOT.parent / "shared" / "vectors"))
    vectors = pathlib.Path(os.environ["SALUS_VECTORS"])
    allowed = read_allowed_skips() if vectors.is_dir() else ["*"]
    if not vectors.is_dir():
        print(f"no test vectors at {vectors}: tests that need them are skipped")

    times_file = build / "test_times.json"
    tests, known = in_order(select(list_tests(build), arguments), times_file)
    for test in tests:
        test.timeout_s = max(test.timeout_s, arguments.timeout)
    outcomes = []

    def report(outcome):
        outcomes.append(outcome)
        known[outcome.test.name] = round(outcome.seconds, 2)
        show(outcome, refuse_skips(outcome, allowed), len(outcomes), len(tests))

    run_all(tests, arguments.jobs, report)
    times_file.write_text(json.dumps(known, indent=1, sort_keys=True))

    failing = sorted(o.test.name for o in outcomes if o.failed)
    if failing:
        print("failed: " + " ".join(failing))
    if not tests:
        print("no test was found")
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    print(f"{passed} passed, {failed} failed, {sum(len(o.skips) for o in outcomes)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
