#!/usr/bin/env python3
"""demo.py [--serve] [--keep] [--bin DIR]: the main job, end to end, on this machine.

A hospital with five patients, two audit companies and a handful of staff; a month of accesses, sent
over mutual TLS; what each patient and each auditor sees, decrypted and verified; and then the
attacks: each changes a copy of the data directory from outside, and the unmodified `salus` says
what and where.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import demo_trace

HERE = os.path.dirname(os.path.abspath(__file__))
ORIGIN = "hospital.example/demo"
TERMINAL = sys.stdout.isatty() and "NO_COLOR" not in os.environ

TOUR = (
    ("edit", "an entry is edited"),
    ("delete", "an entry is deleted"),
    ("swap", "two entries are swapped"),
    ("cut-tail", "the tail is cut off"),
    ("forge-checkpoint", "a checkpoint is forged"),
    ("index", "an index row is changed"),
    ("misfile", "an entry is filed under another patient"),
    ("map-reset", "the map is reset for one checkpoint"),
)


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if TERMINAL else text


def title(text):
    print(f"\n{paint('1;34', '== ' + text)}", flush=True)


def good(text):
    print(f"   {paint('32', 'ok')}  {text}", flush=True)


def bad(text):
    print(f"   {paint('1;31', 'FAILED')}  {text}", flush=True)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Demo:
    def __init__(self, folder, binaries):
        self.folder = folder
        self.salus_path = os.path.join(binaries, "salus/salus")
        self.salusd_path = os.path.join(binaries, "salusd/salusd")
        self.data = os.path.join(folder, "data")
        self.failures = 0
        self.server = None
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(folder, "config"),
                                XDG_STATE_HOME=os.path.join(folder, "state"), NO_COLOR="1")
        for name in ("SALUS_SERVER", "SALUS_DATA", "SALUS_AS"):
            self.environment.pop(name, None)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def salus(self, *arguments, expect=0, state=None):
        environment = dict(self.environment)
        if state:
            environment["XDG_STATE_HOME"] = self.path("state", state)
        done = subprocess.run([self.salus_path, *arguments], env=environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode != expect:
            self.failures += 1
            bad(f"salus {' '.join(arguments)}: exit {done.returncode}, not {expect}")
            print(done.stdout[-2000:] + done.stderr[-2000:])
            raise SystemExit(1)
        return done

    # ---- setting up --------------------------------------------------------------------------
    def identity(self, role, who, name):
        folder = self.path("identities", who)
        self.salus("identity", "new", "--role", role, "--name", name, "--id", who, "--origin",
                   ORIGIN, "-o", folder)
        self.salus("identity", "certify", folder, "--role", role, "--id", who, "--data",
                   self.data)
        return folder

    def set_up(self):
        title("A hospital: five patients, two audit companies, two systems")
        os.makedirs(self.path("identities"))
        public, machine = free_ports(2)
        self.salus("init", "--data", self.data, "--origin", ORIGIN, "--public-port", str(public),
                   "--machine-port", str(machine))
        self.url = f"https://localhost:{machine}"
        self.public_url = f"https://localhost:{public}"
        with open(os.path.join(self.data, "root.pem"), encoding="ascii") as f:
            self.fingerprint = subprocess.run(
                ["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=f.read(),
                text=True, capture_output=True, check=True).stdout
        self.fingerprint = self.fingerprint.split("=")[1].strip().replace(":", "").lower()
        good("`salus init` made the log, the certification authority and two custodians")
        for who, name in demo_trace.SOURCES.items():
            self.identity("source", who, name)
            self.salus("source", "add", who, "--name", name, "--data", self.data)
        for who, name in demo_trace.PATIENTS.items():
            if who == "elif":
                self.salus("patient", "add", who, "--name", name, "--data", self.data)
                continue
            folder = self.identity("patient", who, name)
            self.salus("patient", "add", who, "--name", name, "--certificate",
                       os.path.join(folder, "chain.pem"), "--data", self.data)
        good("four patients made their keys on their own machines; Elif Kaya has none yet")
        for who, (name, patients) in demo_trace.AUDITORS.items():
            folder = self.identity("auditor", who, name)
            self.salus("auditor", "add", who, "--name", name, "--certificate",
                       os.path.join(folder, "chain.pem"), "--data", self.data)
            flags = [flag for patient in patients for flag in ("--patient", patient)]
            self.salus("mandate", "set", who, *flags, "--purpose", "monthly review", "--data",
                       self.data)
            good(f"{name} may read {', '.join(demo_trace.PATIENTS[p] for p in patients)}")

    def start_server(self):
        self.server_log = open(self.path("salusd.log"), "a", encoding="utf-8")
        self.server = subprocess.Popen(
            [self.salusd_path, "--config", os.path.join(self.data, "salus.toml")],
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=self.server_log)
        line = self.server.stdout.readline()
        if "listening" not in line:
            raise SystemExit(f"salusd did not start: see {self.path('salusd.log')}")

    def stop_server(self):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(timeout=60)

    # ---- the main job ------------------------------------------------------------------------
    def ingest(self):
        title("A month of accesses, sent over mutual TLS")
        self.salus("connect", self.url, "--public-url", self.public_url, "--fingerprint",
                   self.fingerprint, "--name", "hospital")
        good("`salus connect` pinned the server by the fingerprint that was handed out")
        self.events = demo_trace.trace(demo_trace.now_utc())
        for source, events in self.events.items():
            file = self.path(f"{source}.ndjson")
            demo_trace.write(file, events)
            self.salus("audit", "send", file, "--server", "hospital", "--as",
                       self.path("identities", source), "--receipts",
                       self.path(f"{source}.receipts"), state=source)
            good(f"{source}: {len(events)} events logged; every entry was opened and compared, "
                 "its receipt kept")
        again = self.salus("audit", "send", self.path("lab-1.ndjson"), "--server", "hospital",
                           "--as", self.path("identities", "lab-1"), state="lab-1-again")
        good("lab-1 sent the same file again: every event is a repeat, nothing is there twice")
        return again

    def expected(self, patient):
        return sorted(e["id"] for events in self.events.values() for e in events
                      if e["patient"] == patient)

    def query(self, who, patient=None, **options):
        arguments = ["audit", "query", "--server", "hospital", "--as",
                     self.path("identities", who), "--format", "ndjson"]
        if patient:
            arguments += ["--patient", patient]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        done = self.salus(*arguments, state=who)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line]
        return rows, done.stderr.strip()

    def compare(self, label, rows, patient):
        if sorted(r["id"] for r in rows) == self.expected(patient):
            good(f"{label}: {len(rows)} accesses, all of them, none other")
        else:
            self.failures += 1
            bad(f"{label}: {len(rows)} accesses, {len(self.expected(patient))} were sent")

    def patients(self):
        title("What the patients see")
        for who, name in demo_trace.PATIENTS.items():
            if who == "elif":
                continue
            rows, said = self.query(who)
            self.compare(name, rows, who)
            sentence = [line for line in said.splitlines()
                        if "complete" in line or "proven" in line]
            if who == "ada":
                print(f"       {sentence[0] if sentence else said}")
                curious = [r for r in rows
                           if r["user"] == demo_trace.CURIOUS and "purpose" not in r]
                print(paint("33", f"       Ada notices: {demo_trace.CURIOUS} looked "
                                  f"{len(curious)} times, in the evening, without a purpose"))
            for row in rows:
                if row.get("purpose") == "BTG":
                    print(paint("33", f"       break-glass: {row['user']} on {row['time'][:16]}: "
                                      f"{row.get('detail', '')}"))

    def auditors(self):
        title("What the audit companies see: their mandate's patients, nobody else")
        for who, (name, patients) in demo_trace.AUDITORS.items():
            for patient in patients:
                rows, _ = self.query(who, patient)
                self.compare(f"{name} about {demo_trace.PATIENTS[patient]}", rows, patient)
            stranger = next(p for p in demo_trace.PATIENTS if p not in patients)
            self.salus("audit", "query", "--server", "hospital", "--as",
                       self.path("identities", who), "--patient", stranger, expect=1, state=who)
            good(f"{name} about {demo_trace.PATIENTS[stranger]}: not permitted")

    def enrol(self):
        title("Elif Kaya enrols: two custodians hand over the past")
        folder = self.identity_at_server_stopped("patient", "elif", demo_trace.PATIENTS["elif"])
        shown = self.salus("identity", "show", folder, "--json", state="elif").stdout
        key = json.loads(shown)[0]["key"]  # what Elif tells the custodians
        for custodian in ("custodian-1", "custodian-2"):
            self.salus("custody", "release", "--patient", "elif", "--key", key, "--as",
                       os.path.join(self.data, "custodians-offline", custodian), "--server",
                       "hospital", state=custodian)
            good(f"{custodian} re-sealed its share to Elif's new key; the act is an entry")
        self.salus("custody", "join", "--server", "hospital", "--as", folder, state="elif")
        rows, _ = self.query("elif")
        self.compare("Elif Kaya", rows, "elif")

    def identity_at_server_stopped(self, role, who, name):
        """The registrar's acts are made at the data directory: the server rests for a moment."""
        self.stop_server()
        folder = self.identity(role, who, name)
        self.salus("patient", "add", who, "--name", name, "--certificate",
                   os.path.join(folder, "chain.pem"), "--data", self.data)
        self.start_server()
        return folder

    # ---- the attack tour ---------------------------------------------------------------------
    def verify(self, directory, expect):
        return self.salus("audit", "verify", "--data", directory, expect=expect, state="desk")

    def tour(self):
        title("The attack tour: somebody with the operator's disk, and the operator itself")
        copy = self.path("copy")
        shutil.copytree(self.data, copy)
        done = self.verify(copy, 0)
        good("a clean copy: nothing to report")
        print("       " + (done.stdout + done.stderr).strip().splitlines()[-1])
        for attack, label in TOUR:
            shutil.rmtree(copy)
            shutil.copytree(self.data, copy)
            did = subprocess.run(
                [sys.executable, os.path.join(HERE, "attack.py"), attack, copy], check=True,
                capture_output=True, text=True).stdout.strip()
            done = self.verify(copy, 3)
            print(f"\n   {paint('1', label)}: {did}")
            lines = [x for x in (done.stdout + done.stderr).splitlines()
                     if x.strip() and not x.startswith('{"time')]
            for line in lines[:4]:
                print(paint("31", f"       {line}"))
        shutil.rmtree(copy)
        print()
        good(f"{len(TOUR)} attacks, {len(TOUR)} found, each with exit code 3")

    def commands(self):
        return "\n".join((
            f"  export XDG_CONFIG_HOME={self.path('config')} "
            f"PATH={os.path.dirname(self.salus_path)}:$PATH",
            f"  salus audit query --server hospital --as {self.path('identities/ada')} "
            "--action read",
            f"  curl --cacert {self.data}/root.pem --cert {self.path('identities/ada/chain.pem')} "
            f"--key {self.path('identities/ada/sign.key')} {self.url}/audit/v1/whoami",
        ))

    def finish(self, serve):
        title("Try it yourself")
        print(self.commands())
        if not serve:
            print(paint("2", "  (start the server first: "
                             f"{self.salusd_path} --config {self.data}/salus.toml)"))
            return
        print(f"\nThe server is running at {self.url}; identities: {self.path('identities')}.")
        print("Ctrl-C stops it.", flush=True)
        try:
            self.server.wait()
        except KeyboardInterrupt:
            self.stop_server()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", action="store_true", help="leave the server running")
    parser.add_argument("--keep", action="store_true", help="keep the demo's folder")
    parser.add_argument("--bin", default=os.path.join(HERE, "../build/release/apps"),
                        help="where salus/salus and salusd/salusd are (build/release/apps)")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="salus-demo-")
    demo = Demo(folder, os.path.abspath(args.bin))
    start = time.monotonic()
    keep = args.keep or args.serve
    try:
        demo.set_up()
        demo.start_server()
        demo.ingest()
        demo.patients()
        demo.auditors()
        demo.enrol()
        demo.stop_server()
        demo.tour()
        print(f"\n{paint('1;32', 'All of it held')}, in {time.monotonic() - start:.0f} seconds. "
              f"Folder: {folder}" if not demo.failures else "\nSomething did not hold: see above.")
        if args.serve:
            demo.start_server()
        demo.finish(args.serve)
        keep = keep or demo.failures == 0
    finally:
        demo.stop_server()
        if demo.failures and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if demo.failures else 0


if __name__ == "__main__":
    sys.exit(main())
