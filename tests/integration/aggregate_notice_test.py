#!/usr/bin/env python3
"""aggregate_notice_test.py SALUS SALUSD [TEST...]: what the log says of sums between peers. The
host and three parties are processes of the real program, the log is a real salusd's or a data
directory, and everybody reads it with `salus log tasks`."""

import hashlib
import json
import os
import ssl
import sys
import tempfile
import time
import traceback
import urllib.request

from aggregate_peer_test import HEIGHTS, Session, Stage, people
from salusd_rig import Rig


class Log:
    """A hospital's log with a researcher who may announce, and the people of a stage."""

    def __init__(self, salus, salusd, folder):
        self.rig = Rig(salus, salusd, folder)
        self.stage = Stage(salus, folder)
        self.rig.set_up([], [])
        for role, name in (("researcher", "registry"), ("researcher", "other"),
                           ("patient", "visitor")):
            self.rig.add_identity(role, name)
        self.run()
        self.rig.pin()
        self.rig.stop()

    def run(self):
        self.rig.launch()
        self.rig.wait_until_listening()

    def tasks(self, *place):
        return json.loads(self.stage.salus("log", "tasks", *place, "--json").stdout)

    def wait_for_task(self, session, results, *place):
        """What everybody sees of a session; a server's entry shows with the next checkpoint."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for task in self.tasks(*place):
                if task["id"] == session_id(session) and len(task["results"]) == results:
                    return task
            time.sleep(0.05)
        raise AssertionError(f"the log does not say it: {self.tasks(*place)}")

    def kill(self):
        self.stage.kill()
        if self.rig.server:
            self.rig.kill()


def session_id(session):
    with open(session.roster) as f:
        return json.load(f)["session"]


def sha256_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def say(log, identity, path, body):
    """What a researcher's own program could send."""
    context = ssl.create_default_context(cafile=os.path.join(log.rig.data, "root.pem"))
    context.load_cert_chain(log.rig.path(identity, "chain.pem"),
                            log.rig.path(identity, "sign.key"))
    request = urllib.request.Request(f"https://localhost:{log.rig.port}/audit/v1/tasks/{path}",
                                     json.dumps(body).encode(), method="PUT",
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        return json.load(answer)["entry"]


def squat(log, session):
    """Another researcher, who saw the roster, announces it."""
    body = {"title": "Height of patients", "purpose": "a test of sums", "statistic": "sum",
            "min_participants": 3, "from": "2026-11-30T10:00:00Z",
            "until": "2027-11-30T10:00:00Z", "noise": "",
            "definition": sha256_of(session.roster)}
    return say(log, "other", session_id(session), body)


def play(session, *flags):
    session.start_host(*flags)
    for name in session.names:
        session.join(name)
    return session.end()


def check_entry(session, task, publisher):
    assert task["title"] == "Height of patients" and task["purpose"] == "a test of sums", task
    assert "sum and mean" in task["statistic"] and "30 to 272 cm" in task["statistic"], task
    assert task["publisher"] == publisher and task["min_participants"] == 3, task
    assert task["definition"] == sha256_of(session.roster), task


def check_result(session, task, publisher):
    result = task["results"][0]
    assert result["publisher"] == publisher and result["participants"] == 3, result
    assert result["result"]["sum"] == 516 and result["result"]["mean"] == 172, result
    assert result["evidence"] == sha256_of(session.path("hospital.transcript")), result


def refused(session, *flags):
    """A host that must end before anybody could join; what it says."""
    try:
        session.start_host(*flags)
    except AssertionError:
        assert session.host.returncode == 1, session.said
        assert "listening" not in session.said, session.said
        assert not os.path.exists(session.path("hospital.transcript")), "a transcript of nothing"
        return session.said
    raise AssertionError("the host listens, and the log says nothing")


def test_a_server_says_what_for_and_what_came_of_it(log):
    log.run()
    session = Session(log.stage, people(3), host="registry")
    session.start_host("--server", "rig")
    assert '"event":"announced"' in session.said, session.said
    # Before anybody takes part, and without anybody's identity.
    task = log.wait_for_task(session, 0, "--server", "rig")
    check_entry(session, task, "researcher:registry")
    for name in people(3):
        session.join(name)
    ends = session.end()
    for name, (code, result, said) in ends.items():
        assert code == 0 and result["sum"] == 516, (name, said)
    assert '"event":"released"' in ends["hospital"][2], ends["hospital"]
    task = log.wait_for_task(session, 1, "--server", "rig")
    check_entry(session, task, "researcher:registry")
    check_result(session, task, "researcher:registry")
    table = log.stage.salus("log", "tasks", "--server", "rig").stdout
    assert "Height of patients" in table and "of 3, sum 516, mean 172" in table, table
    # The route itself, for whoever has nothing but the authority's certificate.
    context = ssl.create_default_context(cafile=os.path.join(log.rig.data, "root.pem"))
    url = f"https://localhost:{log.rig.public_port}/audit/v1/tasks"
    with urllib.request.urlopen(url, context=context, timeout=30) as answer:
        notices = json.load(answer)["notices"]
    assert {task["entry"], task["results"][0]["entry"]} <= {one["index"] for one in notices}
    # A second time it is not played.
    os.remove(session.path("hospital.transcript"))
    assert "this session was played before" in refused(session, "--server", "rig")
    log.rig.stop()
    log.rig.salus("audit", "verify", "--data", log.rig.data)


def test_a_data_directory_says_it(log):
    session = Session(log.stage, people(3), host="registry")
    session.start_host("--data", log.rig.data)
    # It is not locked while the session goes on.
    check_entry(session, log.wait_for_task(session, 0, "--data", log.rig.data),
                "researcher:registry")
    log.rig.salus("log", "fsck", "--data", log.rig.data)
    for name in people(3):
        session.join(name)
    for name, (code, _, said) in session.end().items():
        assert code == 0, (name, said)
    check_result(session, log.wait_for_task(session, 1, "--data", log.rig.data),
                 "researcher:registry")
    # A certificate of no log announces on its own operator's data directory by its fingerprint.
    session = Session(log.stage, people(3))
    assert play(session, "--data", log.rig.data)["hospital"][0] == 0
    task = log.wait_for_task(session, 1, "--data", log.rig.data)
    assert task["publisher"].startswith("certificate:"), task
    # A histogram of single values has more buckets than an entry has room for.
    session = Session(log.stage, people(3), "--statistic", "histogram", host="registry")
    assert play(session, "--data", log.rig.data)["hospital"][0] == 0
    result = log.wait_for_task(session, 1, "--data", log.rig.data)["results"][0]["result"]
    assert result["buckets"] == [{"from": HEIGHTS[name], "to": HEIGHTS[name], "count": 1}
                                 for name in ("charlie", "alice", "bob")], result


def test_who_announces_first_does_not_speak_for_the_host(log):
    log.run()
    session = Session(log.stage, people(3), host="registry")
    entry = squat(log, session)
    log.wait_for_task(session, 0, "--server", "rig")
    said = refused(session, "--server", "rig")
    assert f"entry {entry} of" in said and "by the word of researcher:other" in said, said
    assert "Make a new roster" in said and "not begun" in said, said
    # Who comes second, once the host has said it, changes nothing for the host: both are shown.
    session = Session(log.stage, people(3), host="registry")
    session.start_host("--server", "rig")
    log.wait_for_task(session, 0, "--server", "rig")
    squat(log, session)
    say(log, "other", session_id(session) + "/result",
        {"participants": 3, "result": json.dumps({"sum": 300}), "time": "2026-11-30T11:00:00Z",
         "evidence": "00" * 32})
    for name in people(3):
        session.join(name)
    for name, (code, result, said) in session.end().items():
        assert code == 0 and result["sum"] == 516, (name, said)
    end = time.monotonic() + 30
    while True:
        by_publisher = {task["publisher"]: task for task in log.tasks("--server", "rig")
                        if task["id"] == session_id(session) and task["results"]}
        if len(by_publisher) == 2 or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert by_publisher["researcher:other"]["results"][0]["result"] == {"sum": 300}, by_publisher
    check_entry(session, by_publisher["researcher:registry"], "researcher:registry")
    check_result(session, by_publisher["researcher:registry"], "researcher:registry")
    table = log.stage.salus("log", "tasks", "--server", "rig").stdout
    assert "researcher:other" in table and "researcher:registry" in table, table
    done = log.stage.salus("aggregate", "release", session.path("hospital.transcript"), "--roster",
                           session.roster, "--server", "rig", "--as", log.stage.path("registry"))
    assert "the result was entry" in done.stderr, done.stderr
    log.rig.stop()
    log.rig.salus("audit", "verify", "--data", log.rig.data)


def test_who_may_not_announce_is_told(log):
    log.run()
    said = refused(Session(log.stage, people(3), host="visitor"), "--server", "rig")
    assert "the sum was not announced, and not begun" in said, said
    assert "a researcher, an officer or a registrar" in said and "is a patient's" in said, said
    said = refused(Session(log.stage, people(3)), "--server", "rig")
    assert "not begun" in said and "the identity of --as is of no log" in said, said
    said = refused(Session(log.stage, people(3), host="registry"), "--server", "elsewhere")
    assert "not begun" in said and "no server of that name" in said, said
    # Whose data directory a server works on is not another program's.
    said = refused(Session(log.stage, people(3), host="registry"), "--data", log.rig.data)
    assert "not begun" in said and "in use" in said, said


def test_a_log_that_is_away_stops_it_before_anybody_joins(log):
    session = Session(log.stage, people(3), host="registry")
    said = refused(session, "--server", "rig")
    assert "not begun" in said and "cannot connect" in said, said
    # The same roster, and the same name for the transcript, once it is back.
    log.run()
    ends = play(session, "--server", "rig")
    assert ends["hospital"][0] == 0, ends["hospital"]
    check_result(session, log.wait_for_task(session, 1, "--server", "rig"), "researcher:registry")


def test_a_host_that_broke_off_may_announce_again(log):
    log.run()
    session = Session(log.stage, people(3), host="registry")
    session.start_host("--server", "rig")
    log.wait_for_task(session, 0, "--server", "rig")
    session.host.kill()
    session.host.communicate()
    os.remove(session.path("hospital.transcript"))
    session.start_host("--server", "rig")
    assert "announced before: entry" in session.said, session.said
    for name in people(3):
        session.join(name)
    assert session.end()["hospital"][0] == 0
    log.wait_for_task(session, 1, "--server", "rig")


def test_a_result_that_the_log_did_not_take_is_said_later(log):
    log.run()
    session = Session(log.stage, people(3), host="registry")
    session.start_host("--server", "rig")
    log.rig.stop()
    for name in people(3):
        session.join(name)
    ends = session.end()
    code, result, said = ends["hospital"]
    # The figures are not lost with it; the parties have theirs.
    assert code == 1 and result["sum"] == 516, (code, said)
    assert "the result above is not in the log yet" in said and "release" in said, said
    assert all(ends[name][0] == 0 for name in people(3)), ends
    log.run()
    log.wait_for_task(session, 0, "--server", "rig")
    release = ["aggregate", "release", session.path("hospital.transcript"), "--roster",
               session.roster, "--server", "rig", "--as"]
    done = log.stage.salus(*release, log.stage.path("other"), expect=1)
    assert "told by who announced it: researcher:registry" in done.stderr, done.stderr
    done = log.stage.salus(*release, log.stage.path("registry"))
    assert "the result is entry" in done.stderr, done.stderr
    check_result(session, log.wait_for_task(session, 1, "--server", "rig"), "researcher:registry")
    done = log.stage.salus(*release, log.stage.path("registry"))
    assert "the result was entry" in done.stderr, done.stderr
    # What was changed on the way is no result.
    with open(session.path("hospital.transcript"), "r+b") as f:
        f.seek(-40, os.SEEK_END)
        f.write(b"\0")
    log.stage.salus(*release, log.stage.path("registry"), expect=3)


def test_without_a_log_that_is_said(log):
    session = Session(log.stage, people(3))
    session.start_host()
    assert '"event":"not logged"' in session.said and "no log says" in session.said, session.said
    # For people it is a sentence; the environment is no word of the host's.
    log.stage.environment["SALUS_SERVER"] = "rig"
    try:
        other = Session(log.stage, people(3), join_s=1)
        done = log.stage.salus("aggregate", "host", "--roster", other.roster, "--as",
                               log.stage.path("hospital"), "--listen", "127.0.0.1:0", expect=1)
    finally:
        del log.stage.environment["SALUS_SERVER"]
    assert "warning: no log says that this sum takes place" in done.stderr, done.stderr


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    passed = failures = 0
    with tempfile.TemporaryDirectory(prefix="salus_notices_") as folder:
        log = Log(sys.argv[1], sys.argv[2], folder)
        for name, test in globals().items():
            if not name.startswith("test_") or (sys.argv[3:] and name not in sys.argv[3:]):
                continue
            start = time.monotonic()
            try:
                test(log)
                passed += 1
                print(f"ok {name} {time.monotonic() - start:.1f} s", flush=True)
            except Exception:  # each test tells its own failure
                failures += 1
                print(f"FAILED {name}\n{traceback.format_exc()}{log.rig.last_log()}", flush=True)
            finally:
                log.kill()
    print(f"{passed} passed, {failures} failed, 0 skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
