#!/usr/bin/env python3
"""kill_salusd_test.py SALUS SALUSD: kills the real server with SIGKILL while sources send to it.

Three clients of Python's own TLS and one `salus audit send` log events; the server dies at random
moments, during its start too, and comes back. Afterwards every event that was acknowledged must be
in the log at its index, every event that was ever sent must be there exactly once after it was sent
again, the patients must see all of theirs, the receipts must fit, and nothing may be damaged.
10 kills, 200 with SALUS_NIGHTLY=1.
"""

import http.client
import json
import os
import random
import ssl
import struct
import sys
import tempfile
import threading
import time

from salusd_rig import Rig, event_line, is_nightly

SOURCES = ("ward-1", "ward-2", "ward-3", "ehr")
# Two patients with keys of their own; others nobody registered, and new ones all the time, so that
# kills hit their registration too.
PATIENTS = ("ada", "ben")
BATCHES = {"ward-1": 1, "ward-2": 20, "ward-3": 300}
LOST_CONNECTION = (OSError, ssl.SSLError, http.client.HTTPException)


def patient_of(event):
    return PATIENTS[event % 2] if event % 4 < 2 else f"unknown-{event % (5 + event // 200)}"


def post(connection, events, source):
    """Sends a batch; yields (event id, status, index) of each line that came back whole."""
    body = "".join(event_line(f"{source}-{e}", patient_of(e)) for e in events)
    connection.request("POST", "/audit/v1/events?entries=false&keys=false", body.encode(),
                       {"Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    if answer.status != 200:
        yield None, f"status {answer.status}: {answer.read(500)}", 0
        connection.close()
        return
    for line in answer:
        if not line.endswith(b"\n"):
            return
        said = json.loads(line)
        if "line" in said:
            yield said.get("id"), said["status"], said.get("index")
        elif said.get("done") is False:
            yield None, f"not done: {said.get('detail')}", 0
    answer.read()


class Client(threading.Thread):
    """One source that sends batch after batch; a batch that was cut off is sent again as it was."""

    def __init__(self, rig, source, pace):
        super().__init__(daemon=True)
        self.rig, self.source, self.pace = rig, source, pace
        self.batch = BATCHES[source]
        self.acknowledged = {}
        self.sent = 0
        self.wrong = []
        self.stopping = threading.Event()

    def run(self):
        first = 0
        connection = None
        while not self.stopping.is_set():
            events = range(first, first + self.batch)
            self.sent = max(self.sent, events.stop)
            try:
                connection = connection or self.rig.connect(self.source)
                for event_id, status, index in post(connection, events, self.source):
                    self.take(event_id, status, index)
                first = events.stop
            except LOST_CONNECTION:
                if connection:
                    connection.close()
                connection = None
                self.stopping.wait(0.02)
            self.stopping.wait(self.pace)

    def take(self, event_id, status, index):
        if status not in ("logged", "repeat"):
            self.wrong.append(f"{event_id}: {status}")
        elif self.acknowledged.setdefault(event_id, index) != index:
            self.wrong.append(f"{event_id} is at {self.acknowledged[event_id]} and at {index}")


class Sender:
    """`salus audit send` on a file, which it gets whole into the log through all the restarts."""

    def __init__(self, rig, rounds):
        self.rig, self.events = rig, 0
        self.rounds = rounds
        self.wrong = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            path = self.rig.path("ehr.ndjson")
            with open(path, "w") as f:
                for event in range(self.events, self.events + self.rounds):
                    f.write(event_line(f"ehr-{event}", patient_of(event)))
            self.events += self.rounds
            # It ends where there is no server to begin with; the next one goes on.
            for _ in range(300):
                done = self.rig.start_salus(
                    "audit", "send", path, "--server", "rig", "--as", self.rig.path("ehr"),
                    "--receipts", self.rig.path("receipts.jsonl"), stdout=-1, stderr=-1)
                said = done.communicate()
                if done.returncode == 0:
                    break
                time.sleep(0.1)
            else:
                self.wrong.append(f"salus audit send: exit {done.returncode}: {said[1][-500:]}")
                return


def kill_in_turn(rig, kills, moments):
    """Kills the server again and again; it must come up each time."""
    for kill in range(kills):
        if kill % 5 == 3:  # before it listens, while it recovers
            timer = threading.Timer(moments.uniform(0.0, 0.2), rig.server.kill)
            timer.start()
            rig.server.wait()
            timer.cancel()
            rig.server = None
        else:
            rig.wait_until_listening()
            timer = threading.Event()
            timer.wait(moments.uniform(0.02, 0.9))
            if rig.server.poll() is not None:
                raise SystemExit(f"salusd ended by itself: {rig.server.returncode}\n"
                                 f"{rig.last_log()}")
            rig.kill()
        rig.launch()
    rig.wait_until_listening()


def send_all_again(rig, client):
    """Whatever became of an event before, now it is logged or a repeat, and at its index."""
    connection = rig.connect(client.source)
    for first in range(0, client.sent, 1000):
        events = range(first, min(first + 1000, client.sent))
        answered = 0
        for event_id, status, index in post(connection, events, client.source):
            answered += 1
            if status == "logged" and event_id in client.acknowledged:
                client.wrong.append(f"{event_id} was acknowledged, and is lost")
            client.take(event_id, status, index)
        if answered != len(events):
            client.wrong.append(f"{answered} answers to {len(events)} events")
    connection.close()


def count_events(rig):
    """The sealed events of the static export: [kind 1, body] in bundles of 256 entries."""
    rig.salus("log", "export", rig.path("mirror"), "--data", rig.data)
    bundles = {}
    for folder, _, files in os.walk(rig.path("mirror", "tile", "entries")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                bundles[os.path.join(folder, name)] = f.read()
    count = 0
    for data in bundles.values():
        at = 0
        while at < len(data):
            size = struct.unpack_from(">H", data, at)[0]
            count += data[at + 2:at + 4] == b"\x82\x01"
            at += 2 + size
    return count


def check_histories(rig, sent):
    """Each patient sees each of its events once; sent: source to number of events."""
    wrong = []
    for patient in PATIENTS:
        seen = [row["id"] for row in rig.query(patient)]
        expected = [f"{source}-{e}" for source, count in sent.items() for e in range(count)
                    if patient_of(e) == patient]
        if sorted(seen) != sorted(expected):
            wrong.append(f"{patient} sees {len(seen)} accesses ({len(set(seen))} different), "
                         f"{len(expected)} were sent")
    return wrong


def check(rig, clients, sender):
    wrong = [w for client in clients for w in client.wrong] + sender.wrong
    sent = {client.source: client.sent for client in clients} | {"ehr": sender.events}
    events = count_events(rig)
    if events != sum(sent.values()):
        wrong.append(f"{sum(sent.values())} different events were sent, {events} are in the log")
    wrong += check_histories(rig, sent)
    said = rig.salus("log", "fsck", "--data", rig.data).stderr
    said += rig.salus("audit", "verify", "--data", rig.data).stderr
    receipts = rig.salus("audit", "reconcile", "--receipts", rig.path("receipts.jsonl"), "--data",
                         rig.data).stderr
    if not receipts.rstrip().endswith(" 0 do not fit, 0 not yet covered"):
        wrong.append(receipts)
    acknowledged = sum(len(client.acknowledged) for client in clients)
    print(f"{events} events in the log, {acknowledged} acknowledged to Python clients; "
          f"{receipts.strip()}")
    return wrong


def main():
    kills = 200 if is_nightly() else 10
    seed = int(os.environ.get("SALUS_SEED", "1"))
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="salus_kill_") as folder:
        rig = Rig(sys.argv[1], sys.argv[2], folder)
        rig.set_up(SOURCES, PATIENTS)
        rig.launch()
        try:
            rig.wait_until_listening()
            rig.pin()
            rig.stop()
            rig.launch()
            pace = 0.3 if is_nightly() else 0.02  # a history is as long as the test
            clients = [Client(rig, source, pace) for source in BATCHES]
            sender = Sender(rig, 3000)
            for thread in [*clients, sender.thread]:
                thread.start()
            kill_in_turn(rig, kills, moments)
            sender.stopping.set()
            for client in clients:
                client.stopping.set()
            for thread in [*clients, sender.thread]:
                thread.join()
            for client in clients:
                send_all_again(rig, client)
            rig.stop()
            wrong = check(rig, clients, sender)
        finally:
            if rig.server:
                rig.kill()
    for text in wrong[:20]:
        print(f"seed {seed}: {text}")
    print(f"{kills} kills\n{int(not wrong)} passed, {int(bool(wrong))} failed, 0 skipped")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
