"""A hospital on this machine for the tests that need the real salusd: a data directory with a
source and patients, the server, and a source's connection over mutual TLS."""

import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import time

ORIGIN = "hospital.example.org/rig"
START_TIMEOUT_S = 60


def is_nightly():
    return os.environ.get("SALUS_NIGHTLY") == "1"


def free_ports(count):
    """Ports that a server can take again after a restart: below those that the kernel gives out."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randint(10_000, 32_000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


def event_line(event_id, patient, detail=""):
    event = {"id": event_id, "time": "2025-11-20T09:00:00Z", "patient": patient, "user": "dr-1",
             "action": "read"}
    if detail:
        event["detail"] = detail
    return json.dumps(event, separators=(",", ":")) + "\n"


class Rig:
    def __init__(self, salus, salusd, folder):
        self.salus_path, self.salusd_path = os.path.abspath(salus), os.path.abspath(salusd)
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.server = None
        self.log = open(os.path.join(folder, "salusd.log"), "ab")
        self.environment = dict(os.environ, XDG_CONFIG_HOME=os.path.join(folder, "config"),
                                XDG_STATE_HOME=os.path.join(folder, "state"), NO_COLOR="1")
        for name in ("SALUS_SERVER", "SALUS_DATA", "SALUS_AS"):
            self.environment.pop(name, None)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def start_salus(self, *arguments, **options):
        return subprocess.Popen([self.salus_path, *arguments], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, **options)

    def salus(self, *arguments):
        done = subprocess.run([self.salus_path, *arguments], env=self.environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise SystemExit(f"salus {' '.join(arguments)}: exit {done.returncode}\n"
                             f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def set_up(self, sources, patients):
        self.public_port, self.port = free_ports(2)
        self.salus("init", "--data", self.data, "--origin", ORIGIN, "--public-port",
                   str(self.public_port), "--machine-port", str(self.port))
        for source in sources:
            self.add_identity("source", source)
            self.salus("source", "add", source, "--name", source, "--data", self.data)
        for patient in patients:
            chain = os.path.join(self.add_identity("patient", patient), "chain.pem")
            self.salus("patient", "add", patient, "--name", patient, "--certificate", chain,
                       "--data", self.data)

    def add_identity(self, role, name):
        folder = self.path(name)
        self.salus("identity", "new", "--role", role, "--name", name, "--id", name, "--origin",
                   ORIGIN, "-o", folder)
        self.salus("identity", "certify", folder, "--role", role, "--id", name, "--data",
                   self.data)
        return folder

    def launch(self):
        """Starts the server, and does not wait until it listens."""
        self.server = subprocess.Popen([self.salusd_path, "--config", self.data],
                                       env=self.environment, stdout=subprocess.PIPE,
                                       stderr=self.log)

    def wait_until_listening(self):
        line = self.server.stdout.readline()
        if b"listening" not in line:
            self.server.wait()
            raise SystemExit(f"salusd did not start: {self.server.returncode}\n{self.last_log()}")

    def stop(self):
        """Stops the server as an operator does; a server that fails here has failed the test."""
        if self.server is None:
            return
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(START_TIMEOUT_S)
        finally:
            self.server.kill()
        if self.server.returncode != 0:
            raise SystemExit(f"salusd ended with {self.server.returncode}\n{self.last_log()}")
        self.server = None

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.server = None

    def last_log(self):
        with open(self.path("salusd.log"), errors="replace") as f:
            return f.read()[-2000:]

    def connect(self, source):
        """A source's HTTPS connection by Python's own TLS."""
        context = ssl.create_default_context(cafile=os.path.join(self.data, "root.pem"))
        context.load_cert_chain(self.path(source, "chain.pem"), self.path(source, "sign.key"))
        return http.client.HTTPSConnection("localhost", self.port, context=context, timeout=60)

    def fingerprint(self):
        """Of its root, as `salus connect` wants it."""
        pem = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                              os.path.join(self.data, "root.pem")], text=True,
                             capture_output=True, check=True).stdout
        return pem.split("=")[1].strip().replace(":", "").lower()

    def pin(self):
        """`salus connect`; the server must run."""
        self.salus("connect", f"https://localhost:{self.port}", "--public-url",
                   f"https://localhost:{self.public_port}", "--fingerprint",
                   self.fingerprint(), "--name", "rig")

    def query(self, patient):
        """The patient's own verified history, as rows."""
        done = self.salus("audit", "query", "--data", self.data, "--as", self.path(patient),
                          "--format", "ndjson")
        return [json.loads(line) for line in done.stdout.splitlines() if line]


def wait_for(what, happened, timeout_s=60):
    end = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(0.02)
