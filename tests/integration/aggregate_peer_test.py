#!/usr/bin/env python3
"""Sums between peers as people run them: aggregate_peer_test.py SALUS [TEST...]. Every party is a
process of the real `salus aggregate join`, and the host one of `salus aggregate host`."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TIMEOUT_S = 120
# A party that never comes is waited for so long; an honest one needs a small part of it, under a
# sanitizer too.
STEP_S = 5
STEPS = ["join", "report", "receipt", "coin", "verify", "verdict", "sum"]
HEIGHTS = {"alice": 170, "bob": 181, "charlie": 165, "dana": 158, "emil": 192}


class Stage:
    """A folder of identities, and processes that end with the test."""

    def __init__(self, salus, folder):
        self.salus_path, self.folder = os.path.abspath(salus), folder
        self.environment = dict(os.environ, NO_COLOR="1", HOME=folder,
                                XDG_CONFIG_HOME=os.path.join(folder, "config"),
                                XDG_STATE_HOME=os.path.join(folder, "state"))
        for name in ("SALUS_SERVER", "SALUS_DATA", "SALUS_AS"):
            self.environment.pop(name, None)
        self.running = []
        for name in ["hospital", "stranger", *HEIGHTS]:
            self.salus("identity", "new", "--role", "patient", "--name", name.capitalize(),
                       "--self-signed", "-o", self.path(name))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def salus(self, *arguments, expect=0, text=None):
        options = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
        done = subprocess.run([self.salus_path, *arguments], env=self.environment, text=True,
                              capture_output=True, check=False, timeout=TIMEOUT_S,
                              start_new_session=True, **options)
        assert done.returncode == expect, (arguments, done.returncode, done.stdout[-2000:],
                                           done.stderr[-2000:])
        return done

    def start(self, *arguments, value=None):
        process = subprocess.Popen([self.salus_path, "aggregate", *arguments],
                                   env=self.environment, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, stdin=subprocess.PIPE)
        if value is not None:
            process.stdin.write(f"{value}\n")
        process.stdin.flush()
        self.running.append(process)
        return process

    def kill(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.running = []


class Session:
    """One roster, its host and its parties."""

    def __init__(self, stage, names, *flags, unit="cm", values="30:272", join_s=60,
                 host="hospital"):
        self.stage, self.names, self.host_name, self.said = stage, names, host, ""
        self.folder = tempfile.mkdtemp(dir=stage.folder)
        self.roster = self.path("roster.json")
        parties = [word for name in names for word in ("--party", stage.path(name))]
        stage.salus("aggregate", "roster", "--title", "Height of patients", "--purpose",
                    "a test of sums", "--unit", unit, "--range", values, "--host",
                    stage.path(host), "-o", self.roster, "--step-time", f"{STEP_S}s",
                    "--join-time", f"{join_s}s", *parties, *flags)
        self.parties = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def start_host(self, *flags, roster=None):
        self.host = self.stage.start("host", "--roster", roster or self.roster, "--as",
                                     self.stage.path(self.host_name), "--listen", "127.0.0.1:0",
                                     "--transcript", self.path("hospital.transcript"), "--events",
                                     "--json", *flags)
        self.said = ""
        for line in self.host.stderr:
            self.said += line
            if "listening" in line:
                self.url = f"https://127.0.0.1:{json.loads(line)['port']}"
                return
        raise AssertionError(f"the host did not start: {self.host.wait()}: {self.said}")

    def join(self, name, *flags, value=None, roster=None):
        self.parties[name] = self.stage.start(
            "join", "--roster", roster or self.roster, "--as", self.stage.path(name), "--host",
            self.url, "--yes", "--transcript", self.path(name + ".transcript"), "--events",
            "--json", "--value", "-", *flags, value=HEIGHTS[name] if value is None else value)

    def end(self):
        """{name: (exit code, result or None, what was said)}, the host's under "hospital"."""
        out = {}
        for name, process in [*self.parties.items(), ("hospital", self.host)]:
            stdout, stderr = process.communicate(timeout=TIMEOUT_S)
            result = json.loads(stdout)[0] if stdout else None
            out[name] = (process.returncode, result, stderr)
        return out

    def check(self, name="hospital", expect=0, roster=None):
        return self.stage.salus("aggregate", "check", self.path(name + ".transcript"), "--roster",
                                roster or self.roster, "--json", expect=expect)


def play(stage, names, *flags, cheats=None, **options):
    """Runs a session, with what some of its parties do otherwise."""
    session = Session(stage, names, *flags, **options)
    session.start_host()
    for name in names:
        session.join(name, *(cheats or {}).get(name, []))
    return session, session.end()


def people(count):
    return list(HEIGHTS)[:count]


def test_three_learn_the_sum_and_the_mean(stage):
    session, ends = play(stage, people(3))
    for name, (code, result, said) in ends.items():
        assert code == 0, (name, said)
        assert (result["sum"], result["mean"], result["count"]) == (516, 172, 3), (name, result)
        assert result["unit"] == "cm" and result["title"] == "Height of patients"
        checked = json.loads(session.check(name).stdout)[0]
        assert checked["sum"] == 516 and len(checked["in_result"]) == 3, (name, checked)
    # Nobody takes part twice: with one less the second sum would tell that one's value.
    again = stage.salus("aggregate", "join", "--roster", session.roster, "--as",
                        stage.path("alice"), "--host", session.url, "--yes", "--value", "-",
                        expect=1, text="170\n")
    assert "you have taken part in this session before" in again.stderr, again.stderr
    # What went on is told step by step.
    steps = [json.loads(line)["step"] for line in ends["alice"][2].splitlines()
             if line.startswith('{"event":"progress"')]
    assert steps == sorted(steps, key=STEPS.index) and set(steps) >= {"join", "coin", "sum"}, steps


def test_other_statistics(stage):
    _, ends = play(stage, people(4), "--statistic", "variance")
    for _, result, said in ends.values():
        assert result["mean"] == 168.5 and abs(result["variance"] - 70.25) < 1e-9, (result, said)
    session = Session(stage, people(4), "--statistic", "histogram", "--bucket", "10",
                      values="150:189")
    session.start_host("--quantile", "0.25,0.75")
    for name in people(4):
        session.join(name)
    ends = session.end()
    assert ends["hospital"][1]["quantile_0.25"] == 160, ends["hospital"][1]
    table = stage.salus("aggregate", "check", session.path("bob.transcript"), "--roster",
                        session.roster, "--quantile", "0.5").stdout
    assert re.search(r"quantile 0.5 \(approximate\) +170 +cm", table), table
    assert re.search(r"largest \(at most\) +189 +cm", table), table
    counts = [(b["from"], b["count"]) for b in ends["hospital"][1]["buckets"]]
    assert counts == [(150, 1), (160, 1), (170, 1), (180, 1)], counts
    wide = ends["alice"][1]
    assert (wide["smallest"], wide["largest"]) == (150, 189), wide
    assert set(wide["approximate"]) == {"mean", "smallest", "lower_quartile", "median",
                                        "upper_quartile", "largest"}, wide
    session, ends = play(stage, people(4), "--statistic", "histogram", values="150:189")
    exact = ends["alice"][1]
    assert (exact["median"], exact["largest"], exact["approximate"]) == (167.5, 181, []), exact
    check = ("aggregate", "check", session.path("alice.transcript"), "--roster", session.roster)
    asked = json.loads(stage.salus(*check, "--quantile", "0.1,50%", "--quantile", "1",
                                   "--json").stdout)[0]
    assert (asked["quantile_0.5"], asked["quantile_1"]) == (167.5, 181), asked
    assert abs(asked["quantile_0.1"] - 160.1) < 1e-9 and "median" not in asked, asked
    for wrong in ("10", "-0.1", "101%", "half", "", "0.1,,0.5", "nan"):
        done = stage.salus(*check, "--quantile", wrong, expect=2)
        assert "shares from 0 to 1, or percentages" in done.stderr, (wrong, done.stderr)
    session = Session(stage, people(4), "--statistic", "regression", "--inputs", "1",
                      values="0:400")
    session.start_host()
    for name in people(4):
        session.join(name, value=f"{HEIGHTS[name]}\n{2 * HEIGHTS[name] + 7}")
    for code, result, said in session.end().values():
        assert code == 0, said
        assert round(result["slopes"][0], 6) == 2 and round(result["intercept"], 6) == 7, result


def test_a_liar_is_named_and_left_out(stage):
    session, ends = play(stage, people(4), cheats={"dana": ["--cheat", "value"]})
    for name, (code, result, said) in ends.items():
        assert code == 0 and (result["sum"], result["count"]) == (516, 3), (name, said)
        assert "Dana's value is not what the roster allows" in said, (name, said)
    checked = session.check()
    assert "Dana's value is not what the roster allows" in checked.stderr
    assert sorted(json.loads(checked.stdout)[0]["in_result"]) == ["Alice", "Bob", "Charlie"]


def test_a_wrong_sum_names_its_author(stage):
    session, ends = play(stage, people(4), cheats={"dana": ["--cheat", "sum"]})
    for name in ("alice", "bob", "charlie", "hospital"):
        code, result, said = ends[name]
        assert code == 3 and result is None and "Dana sent a sum" in said, (name, code, said)
        assert "Dana sent a sum" in session.check(name, expect=3).stderr


def test_a_crash_at_each_step(stage):
    """All at once: the waiting is for the same deadline. Nobody waits longer, and all say who."""
    sessions = {}
    for step in STEPS:
        sessions[step] = Session(stage, people(4), join_s=4 * STEP_S)
        sessions[step].start_host()
        for name in people(4):
            flags = ["--cheat", "crash=" + step] if name == "dana" else []
            sessions[step].join(name, *flags)
    for step, session in sessions.items():
        ends = session.end()
        assert ends["dana"][0] == -signal.SIGKILL, ends["dana"]
        for name in ("alice", "bob", "charlie", "hospital"):
            code, result, said = ends[name]
            if step == "join":  # nobody misses who never came
                assert code == 0 and result["sum"] == 516, (name, code, said)
                continue
            assert code == 1 and result is None, (step, name, code, said)
            assert f"Dana sent nothing in the step {step}" in said, (step, name, said)
        if step != "join":
            checked = session.check(expect=1)
            assert f"Dana sent nothing in the step {step}" in checked.stderr, checked.stderr


def test_a_threshold_survives_a_loss(stage):
    """From the receipts on a value stays in; before, its holder is left out. Coins need all."""
    sessions = {}
    for step in STEPS[1:]:
        sessions[step] = Session(stage, people(5), "--threshold")
        sessions[step].start_host()
        for name in people(5):
            sessions[step].join(name, *(["--cheat", "crash=" + step] if name == "dana" else []))
    for step, session in sessions.items():
        for name, (code, result, said) in session.end().items():
            if name == "dana":
                assert code == -signal.SIGKILL, (step, said)
                continue
            assert f"Dana sent nothing in the step {step}" in said, (step, name, said)
            if step == "coin":
                assert code == 1 and result is None, (name, code, said)
                continue
            assert code == 0, (step, name, code, said)
            assert result["count"] == (4 if step == "report" else 5), (step, result)
            assert result["sum"] == (708 if step == "report" else 866), (step, result)


def test_a_threshold_corrects_a_wrong_sum(stage):
    session, ends = play(stage, people(4), "--threshold", cheats={"dana": ["--cheat", "sum"]})
    for name in ("alice", "bob", "charlie", "hospital"):
        code, result, said = ends[name]
        assert code == 0 and result["sum"] == 674, (name, code, said)
        assert "Dana sent a wrong sum" in said, (name, said)
    _, ends = play(stage, people(5), "--threshold", cheats={"emil": ["--cheat", "value"]})
    for name, (code, result, said) in ends.items():
        assert code == 0 and result["sum"] == 674, (name, code, said)
        assert "Emil's value is not what the roster allows" in said, (name, said)


def test_a_wrong_certificate_is_refused_precisely(stage):
    session = Session(stage, people(3))
    session.start_host()
    # The own roster names nobody like that.
    done = stage.salus("aggregate", "join", "--roster", session.roster, "--as",
                       stage.path("stranger"), "--host", session.url, "--value", "170", "--yes",
                       expect=1)
    assert "is not in the roster: use the identity" in done.stderr, done.stderr
    # A roster of one's own making does, and the host does not.
    forged = Session(stage, ["alice", "bob", "stranger"])
    done = stage.salus("aggregate", "join", "--roster", forged.roster, "--as",
                       stage.path("stranger"), "--host", session.url, "--value", "170", "--yes",
                       expect=1)
    assert "is in nobody's place in the roster" in done.stderr, done.stderr
    # The other way round: a host whose certificate is another than the roster's.
    wrong = Session(stage, people(3))
    with open(wrong.roster) as f:
        roster = json.load(f)
    roster["host"] = "ab" * 32
    with open(wrong.roster, "w") as f:
        f.write(json.dumps(roster, sort_keys=True, separators=(",", ":")))
    done = stage.salus("aggregate", "join", "--roster", wrong.roster, "--as", stage.path("alice"),
                       "--host", session.url, "--value", "170", "--yes", expect=3)
    assert "another than the one expected" in done.stderr, done.stderr
    # None of that disturbed the session.
    for name in people(3):
        session.join(name)
    for name, (code, result, said) in session.end().items():
        assert code == 0 and result["sum"] == 516, (name, said)


def test_a_host_with_another_roster_is_found_out(stage):
    session = Session(stage, people(4))
    for edit, words in (({"maximum": 273}, "range or unit"),
                        ({"purpose": "marketing"}, "title or purpose"),
                        ({"minimum_parties": 4}, "how many parties")):
        with open(session.roster) as f:
            roster = json.load(f)
        roster.update(edit)
        other = session.path("other.json")
        with open(other, "w") as f:
            f.write(json.dumps(roster, sort_keys=True, separators=(",", ":")))
        session.start_host(roster=other)
        session.join("alice")
        stdout, stderr = session.parties["alice"].communicate(timeout=TIMEOUT_S)
        assert session.parties["alice"].returncode == 3 and not stdout, stderr
        assert "the host shows another roster" in stderr and words in stderr, stderr
        assert "nothing was sent" in stderr, stderr
        session.host.kill()
        session.host.communicate()
        os.remove(session.path("hospital.transcript"))
        assert not os.path.exists(session.path("alice.transcript"))  # nothing was said


def test_changed_transcripts_are_no_evidence(stage):
    session, _ = play(stage, people(3))
    path = session.path("hospital.transcript")
    with open(path, "rb") as f:
        whole = f.read()
    # One bit, anywhere: never done, and mostly named as what it is.
    codes = set()
    for place in range(40, len(whole), len(whole) // 23):
        changed = bytearray(whole)
        changed[place] ^= 1
        with open(path, "wb") as f:
            f.write(changed)
        done = subprocess.run([stage.salus_path, "aggregate", "check", path, "--roster",
                               session.roster], env=stage.environment, capture_output=True,
                              text=True, check=False)
        assert done.returncode in (1, 3), (place, done.returncode, done.stdout, done.stderr)
        codes.add(done.returncode)
    assert 3 in codes, codes
    # Cut at an item's end it is a sound one of a session without an end.
    with open(path, "wb") as f:
        f.write(whole[:-1])
    assert "cut off" in session.check(expect=1).stderr
    # Another session's roster is not this one's.
    with open(path, "wb") as f:
        f.write(whole)
    other = Session(stage, people(3))
    assert "another roster" in session.check(expect=3, roster=other.roster).stderr


def test_what_is_wrong_is_said(stage):
    session = Session(stage, people(3))
    join = ["aggregate", "join", "--roster", session.roster, "--as", stage.path("alice"), "--host",
            "https://127.0.0.1:1"]
    for flags, code, words in (
            (["--value", "170"], 1, "say that you agree with --yes"),
            (["--yes"], 1, "pipe the value in, with --value -"),
            (["--yes", "--value", "300"], 2, "is not from 30 to 272"),
            (["--yes", "--value", "1.80"], 2, "a value is a whole number"),
            (["--yes", "--value", "170", "--value", "171"], 2, "takes 1 numbers"),
            (["--yes", "--value", "170", "--cheat", "crash=later"], 2, "--cheat:")):
        done = stage.salus(*join, *flags, expect=code)
        assert words in done.stderr, (flags, done.stderr)
        # The value is not repeated; in a hash these digits may stand by chance.
        said = done.stderr.replace("--value 300", "")
        assert not re.search(r"(?<!\w)300(?!\w)", said), said
    done = stage.salus("aggregate", "check", session.roster, "--roster", session.roster, expect=1)
    assert "item 0" in done.stderr or "byte string" in done.stderr, done.stderr
    with open(session.path("hospital.transcript"), "w"):
        pass
    done = stage.salus("aggregate", "host", "--roster", session.roster, "--as",
                       stage.path("hospital"), "--listen", "127.0.0.1:0", "--transcript",
                       session.path("hospital.transcript"), expect=1)
    assert "is evidence" in done.stderr, done.stderr


def test_a_host_that_is_not_there_is_not_waited_for(stage):
    """Ten seconds for one that starts, and the time to join with --wait."""
    session = Session(stage, people(3))
    for url, words in (("https://127.0.0.1:1", "cannot connect"),
                       (f"https://{'x' * 70}.example", "the host name is not known")):
        start = time.monotonic()
        done = stage.salus("aggregate", "join", "--roster", session.roster, "--as",
                           stage.path("alice"), "--host", url, "--yes", "--value", "-",
                           "--transcript", session.path("alice.transcript"), text="170\n",
                           expect=1)
        assert time.monotonic() - start < 20, url
        assert words in done.stderr and "--wait waits for a host" in done.stderr, done.stderr
        # Nothing was said: there is nothing to keep, and no file in the way of the next try.
        assert not os.path.exists(session.path("alice.transcript"))
    waiting = Session(stage, people(3), join_s=12)
    start = time.monotonic()
    done = stage.salus("aggregate", "join", "--roster", waiting.roster, "--as",
                       stage.path("alice"), "--host", "https://127.0.0.1:1", "--yes", "--wait",
                       "--value", "-", text="170\n", expect=1)
    assert time.monotonic() - start > 11, done.stderr
    assert "The time to join is over, and nothing was sent" in done.stderr, done.stderr


def numbers_of(lesson):
    """Whole numbers, but for the processes'."""
    steps = lesson[lesson.index("1. Join"):]
    return set(re.findall(r"(?<![\w.])\d+(?![\w.])", steps))


def test_demo_in_each_form(stage):
    for flags, words in (
            ([], ["sum 516 cm, mean 172 cm, of 3 people", "Alice    -> Bob", "426 + 3 x 30 = 516"]),
            # Two of those three and the hospital would know the third's.
            (["--with-liar"], ["Mallory's value is not what the roster allows", "of 3 people",
                               "Even one of those in the sum and the hospital together"]),
            (["--with-liar", "--parties", "6"], ["Even 3 of those in the sum and the hospital"]),
            (["--with-crash"], ["Charlie sent nothing in the step verify", "--threshold"]),
            (["--with-crash", "--threshold"],
             ["Dana sent nothing in the step verify", "sum 674 cm"]),
            (["--with-liar", "--threshold"], ["Mallory's value is not what the roster allows"]),
            (["--with-lying-sum", "--threshold"], ["Mallory sent a wrong sum", "of 5 people"]),
            (["--with-lying-sum"], ["Mallory sent a sum that is not that of the shares"]),
            (["--with-eavesdropper"], ["What the eavesdropper heard", "Nothing stands there",
                                       "sum 516 cm"])):
        done = stage.salus("aggregate", "demo", *flags)
        for word in words:
            assert word in done.stdout, (flags, word, done.stdout)
        # What the session itself says is as long as it is.
        is_quoted = re.compile(r"=>|Charlie sent|Mallory sent")
        assert all(len(line) <= 100 or is_quoted.search(line)
                   for line in done.stdout.splitlines()), flags
        # The lesson shows nobody's height.
        assert not {"170", "181", "165"} & numbers_of(done.stdout), (flags, done.stdout)
    done = json.loads(stage.salus("aggregate", "demo", "--with-eavesdropper", "--json").stdout)[0]
    assert done["sum"] == 516 and done["eavesdropper"]["heard_nothing"] is True, done
    shares = [m for m in done["messages"] if m["to"] != "all"]
    assert len(shares) == 6 and all(m["step"] == "report" for m in shares), shares
    # A program that reads CSV gets no lesson, and no result where there is none.
    rows = stage.salus("aggregate", "demo", "--format", "csv").stdout.splitlines()
    assert rows == ["figure,value,unit", "count,3,", "sum,516,cm", "mean,172,cm"], rows
    assert not stage.salus("aggregate", "demo", "--with-crash", "--format", "csv").stdout
    assert "one at a time" in stage.salus("aggregate", "demo", "--with-liar", "--with-crash",
                                          expect=2).stderr
    assert "no form in FHIR" in stage.salus("aggregate", "demo", "--format", "fhir",
                                            expect=2).stderr
    assert "4 to 255 here, so that 3 are left" in stage.salus(
        "aggregate", "demo", "--with-liar", "--parties", "3", expect=2).stderr


def test_what_the_eavesdropper_recorded_is_kept(stage):
    folder = stage.path("overheard")
    done = stage.salus("aggregate", "demo", "--with-eavesdropper", "--folder", folder)
    path = os.path.join(folder, "captured.tls")
    assert f"what the eavesdropper recorded: {path}" in done.stderr, done.stderr
    with open(path, "rb") as f:
        captured = f.read()
    assert f", {len(captured)} bytes" in done.stdout, done.stdout
    # Each connection begins with the client's hello: records of TLS, one after another.
    kinds, at = set(), 0
    while at < len(captured):
        kinds.add(captured[at])
        at += 5 + int.from_bytes(captured[at + 3:at + 5], "big")
    assert at == len(captured) and kinds <= {20, 21, 22, 23} and 23 in kinds, kinds
    with open(os.path.join(folder, "roster.json"), "rb") as f:
        assert b'"name":"Bob"' in f.read()
    assert b'"name":"' not in captured


def test_nothing_that_is_kept_or_sent_shows_a_value(stage):
    """Values that no chance repeats, in every form that a program could write them."""
    names = people(3)
    low = 5_000_000_000_000_000
    values = {name: low + 1_234_567_000 + 7 * index for index, name in enumerate(names)}
    session = Session(stage, names, values=f"{low}:{low + 4_000_000_000}")
    session.start_host()
    for name in names:
        session.join(name, value=values[name])
    ends = session.end()
    assert ends["hospital"][1]["sum"] == sum(values.values()), ends["hospital"]
    for name, (_, _, said) in ends.items():
        with open(session.path(name + ".transcript"), "rb") as f:
            kept = f.read() + said.encode()
        for value in values.values():
            for number in (value, value - low):
                forms = [str(number).encode(), number.to_bytes(8, "little")[:5],
                         number.to_bytes(8, "big")[-4:], b"%x" % number]
                for form in forms:
                    assert form not in kept, (name, number, form)


def test_many(stage):
    """12 in every run; SALUS_PARTIES=100 is the goal of 10 s."""
    count = int(os.environ.get("SALUS_PARTIES", "12"))
    start = time.monotonic()
    done = json.loads(stage.salus("aggregate", "demo", "--parties", str(count), "--json").stdout)[0]
    assert done["count"] == count, done
    print(f"  {count} parties: session {done['seconds']:.1f} s, with keys and check "
          f"{time.monotonic() - start:.1f} s")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    passed = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(sys.argv[1], folder)
        for name, test in globals().items():
            if not name.startswith("test_") or (sys.argv[2:] and name not in sys.argv[2:]):
                continue
            start = time.monotonic()
            try:
                test(stage)
                passed += 1
                print(f"ok {name} {time.monotonic() - start:.1f} s", flush=True)
            except Exception:  # each test tells its own failure
                failures += 1
                print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
            finally:
                stage.kill()
    print(f"{passed} passed, {failures} failed, 0 skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
