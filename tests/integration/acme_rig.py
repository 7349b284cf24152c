"""An ACME authority on this machine (Debian's pebble, with its DNS server), `salus proxy` in front
of a small backend, and a stub that limits the rate of the authority's directory."""

import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

from salusd_rig import free_ports, wait_for

NAME = "front.example.test"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def missing_programs():
    return [name for name in ("pebble", "pebble-challtestsrv", "uacme", "openssl", "unshare")
            if not shutil.which(name)]


def can_mount():
    """uacme trusts the system's authorities only; a mount namespace adds the test's own."""
    how = ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "true"]
    return subprocess.run(how, capture_output=True, check=False).returncode == 0


def openssl(*arguments, text=""):
    return subprocess.run(["openssl", *arguments], input=text, text=True, capture_output=True,
                          check=True).stdout


class Folder:
    """The test's files: a small authority for the ACME server's own HTTPS, and a PATH on which
    uacme is one that trusts it."""

    def __init__(self, path):
        self.path = path
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.at("ca.key"), "-out", self.at("ca.pem"), "-days", "2", "-subj",
                "/CN=salus test authority")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.at("https.key"), "-out", self.at("https.csr"), "-subj", "/CN=acme")
        with open(self.at("extensions"), "w") as f:
            f.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", self.at("https.csr"), "-CA", self.at("ca.pem"), "-CAkey",
                self.at("ca.key"), "-days", "2", "-extfile", self.at("extensions"), "-out",
                self.at("https.pem"))
        with open(self.at("bundle.crt"), "w") as f:
            for source in (self.at("ca.pem"), BUNDLE):
                if os.path.exists(source):
                    f.write(open(source).read())
        os.mkdir(self.at("bin"))
        how = "-m" if os.geteuid() == 0 else "-Urm"
        with open(self.at("bin", "uacme"), "w") as f:
            f.write("#!/bin/sh\n"
                    f"exec unshare {how} sh -c 'mount --bind {self.at('bundle.crt')} {BUNDLE} && "
                    f"exec {shutil.which('uacme')} \"$@\"' uacme \"$@\"\n")
        os.chmod(self.at("bin", "uacme"), 0o755)

    def at(self, *parts):
        return os.path.join(self.path, *parts)


class Pebble:
    """The authority. validity_s is how long what it issues is valid."""

    def __init__(self, folder, http_port, tls_port, validity_s=3600, nonce_reject=0):
        self.folder = folder
        self.port, self.management_port, dns, self.dns_management = free_ports(4)
        self.url = f"https://127.0.0.1:{self.port}/dir"
        config = {"listenAddress": f"127.0.0.1:{self.port}",
                  "managementListenAddress": f"127.0.0.1:{self.management_port}",
                  "certificate": folder.at("https.pem"), "privateKey": folder.at("https.key"),
                  "httpPort": http_port, "tlsPort": tls_port, "ocspResponderURL": "",
                  "certificateValidityPeriod": validity_s}
        with open(folder.at("pebble.json"), "w") as f:
            json.dump({"pebble": config}, f)
        self.log_path = folder.at("pebble.log")
        environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_AUTHZREUSE="0",
                           PEBBLE_WFE_NONCEREJECT=str(nonce_reject))
        with open(self.log_path, "wb") as log:
            self.dns = subprocess.Popen(
                ["pebble-challtestsrv", "-dns01", f"127.0.0.1:{dns}", "-http01", "", "-https01",
                 "", "-tlsalpn01", "", "-management", f"127.0.0.1:{self.dns_management}",
                 "-defaultIPv6", ""], stdout=log, stderr=log)
            self.server = subprocess.Popen(
                ["pebble", "-config", folder.at("pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"],
                env=environment, stdout=log, stderr=log)
        for port in (self.port, self.management_port, self.dns_management):
            wait_for("pebble listens", lambda p=port: listens(p))

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def orders(self):
        return self.log().count("POST /order-plz -> calling handler()")

    def accounts(self):
        return len(re.findall(r"There are now \d+ accounts in memory", self.log()))

    def trust(self):
        """What a visitor of the certified server trusts: the authority's root of today."""
        context = ssl.create_default_context(cafile=self.folder.at("ca.pem"))
        root = urllib.request.urlopen(f"https://127.0.0.1:{self.management_port}/roots/0",
                                      context=context, timeout=10).read().decode()
        return ssl.create_default_context(cadata=root)

    def set_address(self, address):
        """Where the DNS says that NAME is, from now on."""
        for path, wanted in (("clear-a", {"host": NAME}),
                             ("add-a", {"host": NAME, "addresses": [address]})):
            urllib.request.urlopen(f"http://127.0.0.1:{self.dns_management}/{path}",
                                   json.dumps(wanted).encode(), timeout=10)

    def stop(self):
        for process in (self.server, self.dns):
            process.kill()
            process.wait()


class LimitedDirectory:
    """The authority's directory behind a rate limit. It notes the time of each request."""

    def __init__(self, folder, pebble):
        self.retry_after = None  # the field's text; None: no limit
        self.times = []
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                stub.times.append(time.time())
                if stub.retry_after is None:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    body = stub.directory
                else:
                    self.send_response(429)
                    self.send_header("Content-Type", "application/problem+json")
                    self.send_header("Retry-After", stub.retry_after)
                    body = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited",
                                       "detail": "too many orders", "status": 429}).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.create_default_context(cafile=folder.at("ca.pem"))
        self.directory = urllib.request.urlopen(pebble.url, context=context, timeout=10).read()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder.at("https.pem"), folder.at("https.key"))
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


class Backend:
    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


class FrontDoor:
    """One run of `salus proxy`; what it says is kept, line by line."""

    def __init__(self, salus, folder, port, arguments, environment=None):
        self.port = port
        self.lines = []
        self.environment = dict(os.environ, NO_COLOR="1",
                                PATH=folder.at("bin") + ":" + os.environ["PATH"])
        self.environment.update(environment or {})
        self.process = subprocess.Popen([os.path.abspath(salus), "proxy", *arguments],
                                        env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def wait_until_listening(self):
        wait_for("the proxy listens", lambda: self.check_runs() and listens(self.port))

    def check_runs(self):
        if self.process.poll() is not None:
            raise SystemExit(f"salus proxy ended with {self.process.returncode}: {self.lines}")
        return True

    def wait_for_line(self, text, after=0, timeout_s=60):
        """Waits for a line with text, from line number `after` on; gives the line."""
        found = []

        def look():
            self.check_runs()
            found[:] = [line for line in self.lines[after:] if text in line]
            return found

        try:
            wait_for(text, look, timeout_s)
        except SystemExit as gave_up:
            raise SystemExit(f"{gave_up}; the proxy said: {self.lines}") from None
        return found[0]

    def certificate(self):
        """What is shown now, as text of the openssl program."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=NAME) as tls:
                pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
        return openssl("x509", "-noout", "-text", text=pem)

    def serial(self):
        return re.search(r"Serial Number:\s*(.*)", self.certificate()).group(1)

    def connect(self, context):
        """A visitor's connection; the certificate is verified."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.connect()
        connection.sock = context.wrap_socket(connection.sock, server_hostname=NAME)
        return connection

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.wait()
        self.reader.join(10)
        if self.process.returncode != 0:
            raise SystemExit(f"salus proxy ended with {self.process.returncode}: {self.lines}")
        return self.lines


def get(connection):
    connection.request("GET", "/", headers={"Host": NAME})
    answer = connection.getresponse()
    return answer.status, answer.read()
