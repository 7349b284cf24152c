"""The front door on this machine for tests: certificates by openssl, the real `salus proxy`, and a
backend that writes down what reaches it."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

START_TIMEOUT_S = 60
READ_TIMEOUT_S = 20


def run_openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Certificates:
    """An authority, a server's certificate for localhost, and clients' certificates."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.ca, self.ca_key = self.path(name + ".pem"), self.path(name + ".key")
        run_openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", self.ca_key, "-out", self.ca, "-days", "30", "-subj",
                    "/CN=rig " + name)
        self.chain, self.key = self.issue(name + "-server", "localhost",
                                          "DNS:localhost,IP:127.0.0.1", "serverAuth")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, file_name, subject, names, usage):
        chain, key = self.path(file_name + ".pem"), self.path(file_name + ".key")
        request, extensions = self.path(file_name + ".csr"), self.path(file_name + ".ext")
        with open(extensions, "w") as f:
            f.write(f"subjectAltName={names}\nextendedKeyUsage={usage}\n"
                    "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
        run_openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", request, "-subj", "/CN=" + subject)
        run_openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key,
                    "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", chain)
        os.chmod(key, 0o600)
        return chain, key

    def client_context(self, identity=None):
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(["http/1.1"])
        if identity:
            context.load_cert_chain(*identity)
        return context


class Proxy:
    def __init__(self, salus, *arguments):
        self.command = [os.path.abspath(salus), "proxy", *arguments]
        self.process = None
        self.pid = None

    def start(self, **options):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, **options)
        self.wait_until_listening()
        return self

    def wait_until_listening(self):
        line = self.process.stdout.readline()
        if b"listening" not in line:
            raise SystemExit(f"salus proxy did not start: {self.process.wait()}")
        said = json.loads(line)
        self.ports, self.port, self.pid = said["ports"], said["ports"][0], said["pid"]

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        self.signal(signal.SIGTERM)
        if self.process.poll() is None and self.pid == self.process.pid:
            if self.process.wait(START_TIMEOUT_S) != 0:
                raise SystemExit(f"salus proxy ended with {self.process.returncode}")


class Request:
    """One request as a backend of the plainest kind reads it."""

    def __init__(self, head, body):
        lines = head.split(b"\r\n")
        self.line = lines[0].decode("latin-1")
        self.method, self.target = (self.line.split(" ") + ["", ""])[:2]
        self.fields = [tuple(part.strip() for part in line.decode("latin-1").split(":", 1))
                       for line in lines[1:] if line]
        self.body = body

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        found = self.all(name)
        return found[0] if found else None


class Reader:
    def __init__(self, connection):
        self.connection, self.buffer = connection, b""

    def fill(self):
        more = self.connection.recv(65536)
        self.buffer += more
        return bool(more)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                return None
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def exactly(self, size):
        found = [self.buffer[:size]]
        missing = size - len(found[0])
        self.buffer = self.buffer[size:]
        while missing > 0:
            if not self.fill():
                return None
            found.append(self.buffer[:missing])
            self.buffer = self.buffer[missing:]
            missing -= len(found[-1])
        return b"".join(found)

    def chunked(self):
        body = []
        while True:
            line = self.until(b"\r\n")
            if line is None:
                return None
            size = int(line, 16)
            data = self.exactly(size + 2)
            if data is None:
                return None
            if size == 0:
                return b"".join(body)
            body.append(data[:-2])

    def request(self):
        """The next whole request; None when there is none, or it is cut short."""
        head = self.until(b"\r\n\r\n")
        if head is None:
            return None
        request = Request(head, b"")
        if request.get("transfer-encoding"):
            request.body = self.chunked()
        else:
            request.body = self.exactly(int(request.get("content-length") or 0))
        return None if request.body is None else request

    def response(self, to_head=False):
        """(status, fields, body) of the next final answer; None at the end."""
        while True:
            head = self.until(b"\r\n\r\n")
            if head is None:
                return None
            parsed = Request(head, b"")
            status = int(parsed.line.split(" ")[1])
            if status >= 200 or status == 101:
                break
        if to_head or status in (101, 204, 304):
            parsed.body = b""
        elif parsed.get("transfer-encoding"):
            parsed.body = self.chunked()
        elif parsed.get("content-length") is not None:
            parsed.body = self.exactly(int(parsed.get("content-length")))
        else:
            rest = [self.buffer]
            self.buffer = b""
            while self.fill():
                rest.append(self.buffer)
                self.buffer = b""
            parsed.body = b"".join(rest)
        return status, parsed, parsed.body


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Backend:
    """Writes down every whole request. answer(request, connection) sends the answer, and returns
    False to close; by default each gets 200."""

    def __init__(self, answer=None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.requests, self.heads_begun, self.lock = [], 0, threading.Lock()
        self.answer = answer
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        reader = Reader(connection)
        try:
            while True:
                request = reader.request()
                if request is None:
                    break
                request.reader = reader
                with self.lock:
                    self.requests.append(request)
                if self.answer is None:
                    connection.sendall(OK)
                elif self.answer(request, connection) is False:
                    break
        except (OSError, ValueError):
            pass
        connection.close()

    def take(self):
        with self.lock:
            taken, self.requests = self.requests, []
        return taken

    def stop(self):
        # Closing alone would leave the accepting thread, and so the port, as they are.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Client(Reader):
    """A TLS connection that sends what it is told."""

    def __init__(self, port, context, name="localhost"):
        plain = socket.create_connection(("127.0.0.1", port), timeout=READ_TIMEOUT_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(context.wrap_socket(plain, server_hostname=name))

    def fill(self):
        try:
            return super().fill()
        except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
            return False

    def send(self, data):
        self.connection.sendall(data)

    def ask(self, data, to_head=False):
        self.send(data)
        return self.response(to_head)

    def is_closed(self):
        """Waits for the end; anything more that is said is no end."""
        return not self.buffer and not self.fill()

    def close(self):
        self.connection.close()


def get(target="/", fields=""):
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()


class Stage:
    """Certificates, and a proxy before a backend for each test that asks for one."""

    def __init__(self, salus, folder):
        self.salus, self.folder = salus, folder
        self.certificates = Certificates(folder)
        self.context = self.certificates.client_context()
        self.running = []

    def open(self, *flags, answer=None, to=None, **options):
        backend = Backend(answer)
        proxy = Proxy(self.salus, "--from", "127.0.0.1:0", "--to", to or backend.address,
                      "--certificate", self.certificates.chain, "--key", self.certificates.key,
                      "--threads", "2", *flags).start(**options)
        self.running.append((proxy, backend))
        return proxy, backend

    def client(self, proxy, context=None):
        return Client(proxy.port, context or self.context)

    def close(self):
        for proxy, backend in self.running:
            proxy.stop()
            backend.stop()
        self.running = []

    def kill(self):
        for proxy, backend in self.running:
            try:
                os.kill(proxy.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            backend.stop()
        self.running = []


def run_tests(tests, salus, wanted):
    """Runs the functions called test_..., and exits: 1 when one of them failed."""
    passed = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(os.path.abspath(salus), folder)
        for name, test in tests.items():
            if not name.startswith("test_") or (wanted and name not in wanted):
                continue
            start = time.monotonic()
            try:
                test(stage)
                stage.close()
                passed += 1
                print(f"ok {name} {time.monotonic() - start:.1f} s", flush=True)
            except Exception:  # each test tells its own failure
                failures += 1
                print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
                stage.kill()
    print(f"{passed} passed, {failures} failed, 0 skipped")
    sys.exit(1 if failures else 0)
