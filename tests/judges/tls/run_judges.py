#!/usr/bin/env python3
"""testssl.sh and sslscan judge `salus proxy --ca`: TLS 1.3 only, with --tls12, and as a gate for
client certificates. Findings above LOW fail, but those of accepted_findings.txt.

usage: run_judges.py SALUS
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../integration"))

from salusd_rig import free_ports, is_nightly  # noqa: E402

NAME = "front.example.test"
ORIGIN = "example.test/judge"
BAD = ("WARN", "MEDIUM", "HIGH", "CRITICAL")
TLS13_SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
TLS12_SUITE = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)")


class Application(http.server.BaseHTTPRequestHandler):
    """The server behind sets the fields that are its own business."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Site:
    """A data directory, an application, and proxies in front of it."""

    def __init__(self, salus, folder):
        self.salus, self.folder = os.path.abspath(salus), folder
        self.environment = dict(os.environ, NO_COLOR="1", XDG_STATE_HOME=folder)
        self.proxies = []
        self.application = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
        threading.Thread(target=self.application.serve_forever, daemon=True).start()
        self.data = os.path.join(folder, "data")
        self.run("init", "--data", self.data, "--origin", ORIGIN)
        self.client = os.path.join(folder, "client")
        self.run("identity", "new", "--role", "source", "--id", "ehr", "--origin", ORIGIN, "-o",
                 self.client)
        self.run("identity", "certify", self.client, "--data", self.data)

    def run(self, *arguments):
        subprocess.run([self.salus, *arguments], env=self.environment, check=True,
                       capture_output=True)

    def start(self, *more):
        port, plain = free_ports(2)
        log = open(os.path.join(self.folder, f"proxy-{port}.log"), "w+")
        proxy = subprocess.Popen(
            [self.salus, "proxy", "--from", f"127.0.0.1:{port}", "--redirect-from",
             f"127.0.0.1:{plain}", "--to", f"127.0.0.1:{self.application.server_address[1]}",
             "--domain", NAME, "--ca", self.data, *more],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.proxies.append(proxy)
        if b"listening" not in proxy.stdout.readline():
            log.seek(0)
            raise SystemExit(f"salus proxy did not start: {log.read()}")
        return port, plain

    def stop(self):
        for proxy in self.proxies:
            proxy.terminate()
            if proxy.wait(60) != 0:
                raise SystemExit(f"salus proxy ended with {proxy.returncode}")
        self.application.shutdown()


def accepted():
    with open(os.path.join(HERE, "accepted_findings.txt")) as f:
        lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
    pairs = [line.split(": ", 1) for line in lines]
    if not all(len(pair) == 2 and len(pair[1]) > 20 for pair in pairs):
        raise SystemExit("accepted_findings.txt: each line is `ID: reason`")
    return dict(pairs)


class Testssl:
    """One run of testssl.sh. Its findings are only believed when the run was whole."""

    def __init__(self, site, port, checks):
        self.port = port
        path = os.path.join(site.folder, f"testssl-{port}.json")
        program = shutil.which("testssl") or shutil.which("testssl.sh")
        done = subprocess.run(
            [program, "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1",
             "--nodns", "none", "--add-ca", os.path.join(site.data, "root.pem"), "--jsonfile",
             path, *checks, f"{NAME}:{port}"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        try:
            with open(path) as f:
                self.findings = json.load(f)
        except (OSError, ValueError):
            raise SystemExit(f"testssl.sh gave no findings: {done.stdout[-2000:]}") from None
        self.ids = {finding["id"] for finding in self.findings}

    def wrong(self, known, must_have):
        out = [f"testssl.sh of port {self.port} did not look at {name}"
               for name in must_have if name not in self.ids]
        out += [f"{f['severity']} {f['id']}: {f['finding']}" for f in self.findings
                if f["severity"] in BAD and f["id"] not in known]
        return out

    def is_ok(self, name):
        return any(f["severity"] == "OK" for f in self.findings if f["id"] == name)

    def used(self, known):
        return {f["id"] for f in self.findings if f["severity"] in BAD and f["id"] in known}

    def counted(self):
        return f"{len(self.findings)} findings"


def sslscan(port, versions, *client):
    """What sslscan reports, against what the front door is to offer."""
    done = subprocess.run(["sslscan", "--xml=-", f"--sni-name={NAME}", *client,
                           f"127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    scan = xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")
    wrong = []

    def expect(what, is_so):
        if not is_so:
            wrong.append(f"sslscan of port {port}: {what}")

    enabled = {p.get("type") + p.get("version") for p in scan.findall("protocol")
               if p.get("enabled") == "1"}
    expect(f"protocols {enabled}", enabled == versions)
    expect("renegotiation", all(r.get("supported") == "0" for r in scan.findall("renegotiation")))
    expect("compression", all(c.get("supported") == "0" for c in scan.findall("compression")))
    beats = scan.findall("heartbleed")
    expect("heartbleed", beats and all(h.get("vulnerable") == "0" for h in beats))
    ciphers = scan.findall("cipher")
    tls13 = {c.get("cipher") for c in ciphers if c.get("sslversion") == "TLSv1.3"}
    tls12 = {c.get("cipher") for c in ciphers if c.get("sslversion") == "TLSv1.2"}
    expect(f"TLS 1.3 suites {tls13}", tls13 == TLS13_SUITES)
    expect(f"TLS 1.2 suites {tls12}", all(TLS12_SUITE.fullmatch(s) for s in tls12) and
           bool(tls12) == ("tls1.2" in versions))
    expect("a weak cipher", all(c.get("strength") in ("strong", "acceptable") for c in ciphers))
    certificate = scan.find("certificates/certificate")
    expect("no certificate", certificate is not None)
    if certificate is not None:
        expect("self-signed", certificate.findtext("self-signed") == "false")
        expect("expired", certificate.findtext("expired") == "false")
        expect("its key", certificate.find("pk").get("curve_name") == "prime256v1")
    return wrong


def check_revocation_list(site, port, plain):
    """curl fetches the list from where the certificate says; openssl verifies with it."""
    at = os.path.join(site.folder, "shown.pem")
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername",
                            NAME, "-showcerts"], input="", text=True, capture_output=True,
                           check=True).stdout
    with open(at, "w") as f:
        f.write(shown)
    text = subprocess.run(["openssl", "x509", "-in", at, "-noout", "-text"], text=True,
                          capture_output=True, check=True).stdout
    address = re.search(r"URI:(http://\S+\.crl)", text).group(1)
    crl = os.path.join(site.folder, "ca.crl")
    subprocess.run(["curl", "-sS", "--fail", "--connect-to", f"{NAME}:{plain}:127.0.0.1:{plain}",
                    "-o", crl, address], check=True)
    pem = subprocess.run(["openssl", "crl", "-inform", "DER", "-in", crl], text=True,
                         capture_output=True, check=True).stdout
    with open(crl, "w") as f:
        f.write(pem)
    # -partial_chain: the root's own list, which its offline key would sign, is not looked at.
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check", "-partial_chain", "-purpose",
         "sslserver", "-verify_hostname", NAME, "-CAfile",
         os.path.join(site.data, "ca", "certificate.pem"), "-CRLfile", crl, at],
        text=True, capture_output=True, check=False)
    return [] if done.returncode == 0 else [f"openssl verify with the list: {done.stderr}"]


def check_ocsp(site, port, plain):
    """The openssl program asks where the certificate says how it stands."""
    at = os.path.join(site.folder, "shown.pem")
    address = subprocess.run(["openssl", "x509", "-in", at, "-noout", "-ocsp_uri"], text=True,
                             capture_output=True, check=True).stdout.strip()
    if address != f"http://{NAME}:{plain}/salus-ocsp":
        return [f"the certificate of port {port} names {address!r} for OCSP"]
    done = subprocess.run(
        ["openssl", "ocsp", "-no_nonce", "-issuer",
         os.path.join(site.data, "ca", "certificate.pem"), "-cert", at, "-url",
         address.replace(NAME, "127.0.0.1"), "-CAfile", os.path.join(site.data, "root.pem")],
        text=True, capture_output=True, check=False)
    is_good = "Response verify OK" in done.stderr and ": good" in done.stdout
    return [] if is_good else [f"openssl ocsp: {done.stdout} {done.stderr}"]


def judge(site):
    known = accepted()
    only13, plain13 = site.start()
    both, _ = site.start("--tls12")
    gate, _ = site.start("--require-client-cert", os.path.join(site.data, "root.pem"))
    wrong = check_revocation_list(site, only13, plain13)
    wrong += check_ocsp(site, only13, plain13)
    wrong += sslscan(only13, {"tls1.3"})
    wrong += sslscan(both, {"tls1.2", "tls1.3"})
    wrong += sslscan(gate, {"tls1.3"}, f"--certs={site.client}/chain.pem",
                     f"--pk={site.client}/sign.key")
    if is_nightly():
        runs = [(only13, []), (both, [])]
    else:
        runs = [(only13, ["--fast", "-p", "-S", "-h"]), (both, ["-p", "-P", "-s", "-U"])]
    with ThreadPoolExecutor(2) as pool:
        scans = list(pool.map(lambda run: Testssl(site, *run), runs))
    wanted = [{"TLS1_3", "cert_chain_of_trust", "cert_crlDistributionPoints", "cert_ocspURL",
               "HSTS_time"},
              {"TLS1_2", "TLS1_3", "cipher_order", "heartbleed", "LUCKY13",
               "secure_client_renego"}]
    for scan, must_have in zip(scans, wanted):
        wrong += scan.wrong(known, must_have)
    if not scans[0].is_ok("OCSP_stapling"):
        wrong.append("testssl.sh does not see that OCSP responses are stapled")
    if is_nightly():
        always = {name for name, reason in known.items() if not reason.startswith("at times")}
        stale = always - set().union(*(scan.used(known) for scan in scans))
        wrong += [f"accepted_findings.txt: nothing finds {name} any more" for name in stale]
    print(", ".join(scan.counted() for scan in scans) + " of testssl.sh")
    return wrong


def main():
    missing = [name for name in ("sslscan", "openssl", "curl") if not shutil.which(name)]
    if not (shutil.which("testssl") or shutil.which("testssl.sh")):
        missing.append("testssl.sh")
    if missing:
        print(f"skipped: judge_tls: {', '.join(missing)} not installed\n"
              "0 passed, 0 failed, 1 skipped")
        return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="salus_tls_") as folder:
        site = Site(sys.argv[1], folder)
        try:
            wrong = judge(site)
        finally:
            site.stop()
    for text in wrong:
        print(text)
    print(f"{time.monotonic() - start:.0f} s\n"
          f"{int(not wrong)} passed, {int(bool(wrong))} failed, 0 skipped")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
