#!/usr/bin/env python3
"""sign_judge.py SALUS FLATTENED_MJS: openssl and npm's jose verify what salus signs, and the other
way; and salus says who signed, as one who uses it sees it."""

import datetime
import json
import pathlib
import subprocess
import sys

from judging import Cases, bytes_of, missing, must, run, run_measured, scratch_folder, write

SALUS, FLATTENED = sys.argv[1], sys.argv[2]
LARGE_BYTES = 200 * 1000 * 1000
PEAK_KIB = 20 * 1024
NO_PACKAGES = 77
SIZES = [0, 1, 1000, 196607, 196608, 196609, 1 << 20]
KINDS = {
    "ES256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "PS256": ["-newkey", "rsa:2048"],
    "EdDSA": ["-newkey", "ed25519"],
}


def openssl(*arguments):
    return run(["openssl", *arguments])


def done(ran, what):
    must(ran.code == 0, f"{what}: exit code {ran.code}: {ran.err[-400:]}")
    return ran


def refused(ran, code, words):
    must(ran.code == code, f"exit code {ran.code} instead of {code}: {ran.err[-400:]}")
    must(words in ran.err, f"no {words!r} in {ran.err[-400:]!r}")


class Place:
    """A folder with keys and certificates, all made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.make("root", KINDS["ES256"], "keyUsage=critical,keyCertSign,cRLSign")
        self.make("stranger", KINDS["ES256"], "keyUsage=critical,keyCertSign,cRLSign")
        for alg, kind in KINDS.items():
            self.make(alg, kind, "basicConstraints=critical,CA:FALSE",
                      "keyUsage=critical,digitalSignature", issuer="root")
            public = done(openssl("pkey", "-in", self.key(alg), "-pubout"), "pkey").out
            write(folder / f"{alg}.pub", public)

    def make(self, name, kind, *extensions, issuer=None, days="90"):
        arguments = ["req", "-x509", "-nodes", "-subj", f"/CN={name}", "-days", days, *kind,
                     "-keyout", self.key(name), "-out", self.certificate(name)]
        for extension in extensions:
            arguments += ["-addext", extension]
        if issuer:
            arguments += ["-CA", self.certificate(issuer), "-CAkey", self.key(issuer)]
        done(openssl(*arguments), "req")
        pathlib.Path(self.key(name)).chmod(0o600)

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def certificate(self, name):
        return str(self.folder / f"{name}.pem")

    def public(self, name):
        return str(self.folder / f"{name}.pub")

    def file(self, name, content=None):
        path = self.folder / name
        return write(path, content) if content is not None else str(path)


def judge_jose(cases, place):
    if missing("node"):
        cases.skip("npm's jose", "there is no node")
        return
    for alg in KINDS:
        with cases.case(f"{alg}: salus signs, npm's jose verifies"):
            for size in SIZES:
                file = place.file("content", bytes_of(size))
                done(run([SALUS, "sign", "--force", "--key", place.key(alg), file]), "sign")
                read = run(["node", FLATTENED, "verify", place.public(alg), file + ".jws", file])
                if read.code == NO_PACKAGES:
                    cases.skip(alg, "the npm packages are missing; run npm ci in "
                                    "tests/judges/jose")
                    return
                header = json.loads(done(read, "jose").out)
                must(header["alg"] == alg and header["b64"] is False, f"{header}")
                write(file, bytes_of(size) + b"x")
                must(run(["node", FLATTENED, "verify", place.public(alg), file + ".jws",
                          file]).code == 1, "changed content verifies")
        with cases.case(f"{alg}: npm's jose signs, salus verifies"):
            for form in ["raw", "base64url"]:
                for size in SIZES:
                    file = place.file("content", bytes_of(size))
                    signed = done(run(["node", FLATTENED, "sign", place.key(alg), alg, form, file]),
                                  "jose").out
                    write(file + ".jws", signed)
                    verify = [SALUS, "verify", "--key", place.public(alg), file]
                    done(run(verify), f"verify {form} {size}")
                    write(file, bytes_of(size) + b"x")
                    refused(run(verify), 3, "does not fit")


def judge_openssl(cases, place):
    for alg in ["ES256", "PS256"]:
        for form, flags, ending in [("DER", [], "p7s"), ("PEM", ["--pem"], "p7s")]:
            with cases.case(f"CMS {alg} {form}: salus signs, openssl verifies"):
                for size in SIZES:
                    file = place.file("content", bytes_of(size))
                    done(run([SALUS, "sign", "--cms", *flags, "--force", "--key", place.key(alg),
                              "--certificate", place.certificate(alg), file]), "sign")
                    verify = ["cms", "-verify", "-binary", "-inform", form, "-in",
                              f"{file}.{ending}", "-content", file, "-CAfile",
                              place.certificate("root"), "-out", "/dev/null"]
                    done(openssl(*verify), "openssl cms")
                    write(file, bytes_of(size) + b"x")
                    must(openssl(*verify).code != 0, "changed content verifies")
        with cases.case(f"CMS {alg}: openssl signs, salus verifies"):
            for form in ["DER", "PEM"]:
                file = place.file("content", b"line\n\r\n" + bytes_of(5000))
                done(openssl("cms", "-sign", "-binary", "-in", file, "-signer",
                             place.certificate(alg), "-inkey", place.key(alg), "-outform", form,
                             "-out", file + ".sig"), "openssl cms")
                verify = [SALUS, "verify", "--signature", file + ".sig", "--trust",
                          place.certificate("root"), file]
                said = done(run(verify), "verify").out.decode()
                must(f"signed by CN={alg}," in said and "the root CN=root," in said, said)
                write(file, b"changed")
                refused(run(verify), 3, "not what was signed")
    with cases.case("CMS: what is refused"):
        file = place.file("content", b"content")
        for flags, words in [(["-md", "sha1"], "SHA-1"), (["-noattr"], "-noattr")]:
            done(openssl("cms", "-sign", "-binary", "-in", file, "-signer",
                         place.certificate("PS256"), "-inkey", place.key("PS256"), "-outform",
                         "DER", "-out", file + ".sig", *flags), "openssl cms")
            refused(run([SALUS, "verify", "--signature", file + ".sig", "--trust",
                         place.certificate("root"), file]), 3, words)


def judge_signers(cases, place):
    file = place.file("report", b"report")
    sign = [SALUS, "sign", "--force", "--key", place.key("ES256"), "--certificate",
            place.certificate("ES256"), file]
    verify = [SALUS, "verify", file]
    trust = ["--trust", place.certificate("root")]
    with cases.case("who signed is said, or said to be unproven"):
        done(run(sign), "sign")
        said = done(run(verify + trust), "verify").out.decode()
        must("signed by CN=ES256," in said and "by the signer's own word" in said
             and "covers all 6 bytes" in said, said)
        report = json.loads(done(run(verify + trust + ["--json"]), "verify --json").out)
        must(report["proven"] == "path" and report["path"][-1]["subject"] == "CN=root"
             and report["covers_bytes"] == 6, f"{report}")
        done(run(verify + ["--key", place.public("ES256")]), "verify --key")
        done(run(verify + ["--key", place.certificate("ES256")]), "verify --key certificate")
        refused(run(verify), 1, "NOT PROVEN")
        refused(run(verify + ["--key", place.public("PS256")]), 3, "another key")
        refused(run(verify + ["--trust", place.certificate("stranger")]), 3, "certificate path")
        done(run([SALUS, "verify", "--signature", file + ".jws", *trust, "-"], stdin=b"report"),
             "verify of the standard input")
    with cases.case("an expired certificate is named, and was good when it signed"):
        now = datetime.datetime.now(datetime.timezone.utc)
        later = (now + datetime.timedelta(days=91)).strftime("%Y-%m-%dT%H:%M:%SZ")
        refused(run(verify + trust + ["--at", later]), 3, "expired at ")
        refused(run(verify + trust + ["--at", later]), 3, "--at claimed")
        done(run(verify + trust + ["--at", "claimed"]), "verify --at claimed")
    with cases.case("pairs and places that do not fit"):
        refused(run(sign[:-1] + ["--certificate", place.certificate("PS256"), file]), 2, "")
        refused(run([SALUS, "sign", "--force", "--key", place.key("ES256"), "--certificate",
                     place.certificate("PS256"), file]), 1, "not the signing key's")
        refused(run([SALUS, "sign", "--key", place.key("ES256"), file]), 1, "--force")
        refused(run([SALUS, "sign", "--cms", "--force", "--key", place.key("EdDSA"),
                     "--certificate", place.certificate("EdDSA"), file]), 1, "Ed25519")
        refused(run([SALUS, "verify", "--key", place.key("ES256"), file]), 1, "private key")
        pathlib.Path(place.key("PS256")).chmod(0o644)
        refused(run([SALUS, "sign", "--force", "--key", place.key("PS256"), file]), 1, "chmod 600")
        pathlib.Path(place.key("PS256")).chmod(0o600)
    with cases.case("every byte of a signature flipped, every prefix cut"):
        done(run([SALUS, "sign", "--force", "--key", place.key("ES256"), file]), "sign")
        whole = pathlib.Path(file + ".jws").read_bytes()
        for at in range(0, len(whole) - 1, 29):
            for changed in [whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]]:
                write(file + ".bad", changed)
                ran = run([SALUS, "verify", "--signature", file + ".bad", "--key",
                           place.public("ES256"), file])
                must(ran.code == 3 and not ran.out, f"byte {at}: {ran.code} {ran.err}")


def judge_sealed(cases, place):
    def holder(name):
        path = place.file(name + ".txt")
        ran = done(run([SALUS, "keygen", "-o", path]), "keygen")
        return path, next(word for word in ran.err.split() if word.startswith("age1"))

    if run([SALUS, "keygen", "--help"]).code != 0:
        cases.skip("signed inside the seal", "there is no salus keygen")
        return
    bob, bob_name = holder("bob")
    eve, eve_name = holder("eve")
    file = place.file("letter", bytes_of(300000))
    out = place.file("opened")
    sealed = file + ".age"
    with cases.case("signed inside the seal: opened with the signer"):
        done(run([SALUS, "seal", "-r", bob_name, "--sign", place.key("ES256"), "--certificate",
                  place.certificate("ES256"), "-o", sealed, file]), "seal")
        must(b'"signed": true' in done(run([SALUS, "inspect", "--json", sealed]), "inspect").out,
             "inspect does not say that it is signed")
        ran = done(run([SALUS, "open", "--force", "-i", bob, "--trust", place.certificate("root"),
                        "-o", out, sealed]), "open")
        must("signed by CN=ES256," in ran.err, ran.err)
        must(pathlib.Path(out).read_bytes() == pathlib.Path(file).read_bytes(), "content differs")
        done(run([SALUS, "open", "--force", "-i", bob, "--signer", place.public("ES256"), "-o", out,
                  sealed]), "open --signer")
        must("not proven" in done(run([SALUS, "open", "--force", "-i", bob, "-o", out, sealed]),
                                  "open").err, "nothing is said about who signed")
        pathlib.Path(out).unlink()
        refused(run([SALUS, "open", "-i", bob, "--signer", place.public("PS256"), "-o", out,
                     sealed]), 3, "another key")
        must(not pathlib.Path(out).exists(), "output in spite of the wrong signer")
    with cases.case("passed on to somebody else: refused, no output"):
        if missing("age"):
            raise FileNotFoundError("age")
        payload = done(run(["age", "-d", "-i", bob, sealed]), "age -d").out
        must(payload.endswith(b"SALUSIG1"), "no trailer")
        # Bob seals the payload anew, to Eve; age writes no marker, so Eve's file is not signed.
        passed = place.file("passed.age", done(run(["age", "-r", eve_name], stdin=payload),
                                               "age").out)
        refused(run([SALUS, "open", "-i", eve, "--signer", place.public("ES256"), "-o", out,
                     passed]), 3, "not signed inside")
        must(not pathlib.Path(out).exists(), "output")
    with cases.case("a signed folder is not passed on as a file"):
        records = place.folder / "records"
        records.mkdir()
        write(records / "note", b"note")
        done(run([SALUS, "seal", "-r", bob_name, "--sign", place.key("ES256"), "-o", sealed,
                  "--force", str(records)]), "seal of a folder")
        shown = [SALUS, "open", "-i", bob, "--signer", place.public("ES256")]
        done(run([*shown, "-o", out + ".d", sealed]), "open of a folder")
        must((place.folder / "opened.d" / "note").read_bytes() == b"note", "content differs")
        must(b"note" in done(run([*shown, sealed]), "open to a pipe").out, "no archive")
    with cases.case("a key has one safety number in every form"):
        forms = {alg: [place.public(alg), place.certificate(alg)] for alg in KINDS}
        forms["PS256"].append(place.file("rsa.ssh", done(
            run(["ssh-keygen", "-i", "-m", "PKCS8", "-f", place.public("PS256")]),
            "ssh-keygen").out))
        forms["PS256"].append(place.file("rsa.pkcs1", done(openssl(
            "rsa", "-pubin", "-in", place.public("PS256"), "-RSAPublicKey_out"), "rsa").out))
        forms["ES256"].append(place.file("p256.der", done(openssl(
            "x509", "-in", place.certificate("ES256"), "-outform", "DER"), "x509").out))
        for alg, given in forms.items():
            numbers = {done(run([SALUS, "safety-number", one, eve_name]), one).out
                       for one in given}
            must(len(numbers) == 1, f"{alg}: {numbers}")
    with cases.case("safety numbers are the same from both ends"):
        one = done(run([SALUS, "safety-number", place.certificate("ES256"), eve_name]), "one").out
        two = done(run([SALUS, "safety-number", eve_name, place.certificate("ES256")]), "two").out
        must(one == two and len(one.split()) == 12, f"{one} {two}")
        must(run([SALUS, "safety-number", eve_name, eve_name]).code == 2, "one party twice")


def judge_size(cases, place):
    with cases.case("a large file in constant memory"):
        large = place.folder / "large"
        with open(large, "wb") as out:
            out.truncate(LARGE_BYTES)
        for flags in [[], ["--cms", "--certificate", place.certificate("ES256")]]:
            ran = run_measured([SALUS, "sign", "--force", "--key", place.key("ES256"), *flags,
                                str(large)])
            done(ran, "sign")
            must(ran.peak_kib < PEAK_KIB, f"{ran.peak_kib} KiB resident")


def main():
    cases = Cases()
    if missing("openssl"):
        cases.skip("signatures", "there is no openssl")
        cases.finish()
    with scratch_folder() as folder:
        place = Place(folder)
        judge_jose(cases, place)
        judge_openssl(cases, place)
        judge_signers(cases, place)
        judge_sealed(cases, place)
        judge_size(cases, place)
    cases.finish()


if __name__ == "__main__":
    try:
        main()
    except subprocess.SubprocessError as error:
        sys.exit(f"failed: {error}")
