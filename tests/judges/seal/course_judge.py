#!/usr/bin/env python3
"""course_judge.py SALUS VECTORS: PyCryptodome judges the course's file, in both directions, and the
exercise of the security lecture runs as it is written there: its own code for one partner, salus
for the other. The lecture lies beside the vectors (SALUS_VECTORS, else VECTORS); where it is absent
the exercise is skipped."""

import contextlib
import io
import os
import pathlib
import re
import sys

try:
    import Cryptodome
    from Cryptodome.Cipher import AES, PKCS1_OAEP
    from Cryptodome.PublicKey import RSA
    from Cryptodome.Random import get_random_bytes
except ImportError:
    Cryptodome = None

from judging import (Cases, bytes_of, must, run, run_measured, scratch_folder, write)

SIZES = [0, 1, 15, 16, 17, 46, 65535, 65536, 65537, 1 << 20]
KEY_BITS = [2048, 3072, 4096]
LARGE_BYTES = 100 * 1000 * 1000
PEAK_KIB = 16 * 1024  # constant memory; the goal of 10 MB is missed: docs/performance.md
CODE_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


# As the lecture does it, step 3 and step 5, with an AES key of any size.
def course_seal(public_key, data, aes_key_size=16):
    aes_key = get_random_bytes(aes_key_size)
    cipher = AES.new(aes_key, AES.MODE_EAX)
    ciphertext, tag = cipher.encrypt_and_digest(data)
    return PKCS1_OAEP.new(public_key).encrypt(aes_key) + cipher.nonce + tag + ciphertext


def course_open(private_key, file):
    size = private_key.size_in_bytes()
    aes_key = PKCS1_OAEP.new(private_key).decrypt(file[:size])
    must(len(aes_key) == 16, f"the AES key has {len(aes_key)} bytes")
    cipher = AES.new(aes_key, AES.MODE_EAX, file[size:size + 16])
    return cipher.decrypt_and_verify(file[size + 32:], file[size + 16:size + 32])


def program(argv, stdin=None):
    done = run(argv, stdin)
    must(done.code == 0, f"salus {argv[1]}: {done.code}: {done.err[-300:]}")
    return done.out


def make_key(salus, folder, bits, is_ours):
    """The files of a private and a public key, and the key."""
    private, public = folder / f"{bits}.pem", folder / f"{bits}.pub.pem"
    if is_ours:
        program([salus, "keygen", "--type", f"rsa{bits}", "-o", str(private),
                 "--public", str(public)])
        key = RSA.import_key(private.read_bytes())
    else:
        key = RSA.generate(bits)
        write(private, key.export_key())
        write(public, key.publickey().export_key())
    return str(private), str(public), key


def judge_both_ways(cases, salus, folder, bits, is_ours):
    private, public, key = make_key(salus, folder, bits, is_ours)
    for size in SIZES:
        content = bytes_of(size)
        plain = write(folder / "plain", content)
        name = f"{bits} bits, {size} bytes"
        with cases.case(f"salus seals, PyCryptodome opens: {name}"):
            file = program([salus, "seal", "--format", "course", "-r", public, plain])
            must(course_open(key, file) == content, "differs")
            must(len(file) == bits // 8 + 32 + size, f"has {len(file)} bytes")
        with cases.case(f"PyCryptodome seals, salus opens: {name}"):
            file = write(folder / "sealed", course_seal(key.publickey(), content))
            must(program([salus, "open", "-i", private, file]) == content, "differs")
    for aes_key_size in (24, 32):
        with cases.case(f"an AES key of {aes_key_size} bytes, {bits} bits"):
            file = write(folder / "sealed", course_seal(key.publickey(), b"text", aes_key_size))
            must(program([salus, "open", "-i", private, file]) == b"text", "differs")
    return private, public, key


def judge_pipes(cases, salus, folder, private, public, key):
    with cases.case("through pipes"):
        content = bytes_of(100000)
        file = program([salus, "seal", "--format", "course", "-r", public], content)
        must(course_open(key, file) == content, "differs")
        must(program([salus, "open", "-i", private], file) == content, "differs")
        must(program([salus, "open", "--format", "course", "-i", private], file) == content,
             "differs when the format is named")
    with cases.case("a pipe that is too long is refused with what to do"):
        done = run([salus, "seal", "--format", "course", "-r", public], bytes((64 << 20) + 1))
        must(done.code == 1 and not done.out and "name the file" in done.err,
             f"{done.code}: {done.err[-300:]}")
    with cases.case("what was changed is refused before a byte leaves"):
        file = bytearray(course_seal(key.publickey(), bytes_of(1 << 20)))
        file[-1] ^= 1
        done = run([salus, "open", "-i", private, write(folder / "sealed", bytes(file))])
        must(done.code == 3 and not done.out, f"{done.code}, {len(done.out)} bytes came")
    with cases.case("writing and reading it says what is better"):
        done = run([salus, "seal", "--format", "course", "-r", public], b"text")
        must(done.code == 0 and "age" in done.err, done.err)
        done = run([salus, "open", "-i", private], done.out)
        must(done.code == 0 and "old format" in done.err, done.err)


def judge_large(cases, salus, folder, private, public, key):
    """A file with holes, sealed and opened in constant memory."""
    plain, sealed, opened = (folder / name for name in ("large", "large.bin", "large.opened"))
    with open(plain, "wb") as file:
        file.truncate(LARGE_BYTES)
    with cases.case(f"{LARGE_BYTES} bytes in constant memory"):
        for argv in ([salus, "seal", "--format", "course", "-r", public, "-o", str(sealed),
                      str(plain)],
                     [salus, "open", "-i", private, "-o", str(opened), str(sealed)]):
            done = run_measured(argv)
            must(done.code == 0, done.err[-300:])
            must(done.peak_kib <= PEAK_KIB, f"{done.peak_kib} KiB were resident")
        must(opened.read_bytes() == bytes(LARGE_BYTES), "opens as something else")
        must(course_open(key, sealed.read_bytes()) == bytes(LARGE_BYTES), "differs")


class Student:
    """A partner who runs the lecture's own code, in a folder of their own."""

    def __init__(self, blocks, folder):
        self.folder, self.names = folder, {}
        folder.mkdir()
        for block in blocks:
            exec(compile(block, "the lecture", "exec"), self.names)  # pylint: disable=exec-used

    def do(self, step):
        """Runs a function of the lecture; returns what it printed."""
        printed, before = io.StringIO(), os.getcwd()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(printed):
                self.names[step]()
        finally:
            os.chdir(before)
        return printed.getvalue()


def share(giver, name, taker, new_name):
    (taker / new_name).write_bytes((giver / name).read_bytes())


def judge_exercise(cases, salus, folder, lecture):
    blocks = CODE_BLOCK.findall(lecture.read_text())
    for name in [name for name in sys.modules if name.split(".")[0] == "Cryptodome"]:
        sys.modules[name.replace("Cryptodome", "Crypto", 1)] = sys.modules[name]
    with cases.case("exercise: the lecture's code"):
        must(len(blocks) == 3, f"there are {len(blocks)} blocks of code")
    theirs, ours = folder / "student", folder / "salus"
    ours.mkdir()
    student = Student(blocks, theirs)
    secret = b"Enter the secret only your partner should read"
    message = "What salus has to say to its partner"
    write(ours / "message.txt", message)

    with cases.case("exercise, step 1: both make their keys"):
        student.do("generate_keys")
        program([salus, "keygen", "--type", "rsa2048", "-o", str(ours / "my_private.pem"),
                 "--public", str(ours / "my_public.pem")])
    with cases.case("exercise, step 2: they exchange the public ones"):
        share(theirs, "my_public.pem", ours, "recipient_public_key.pem")
        share(ours, "my_public.pem", theirs, "recipient_public_key.pem")
    with cases.case("exercise, step 3: both seal"):
        student.do("encrypt")
        program([salus, "seal", "--format", "course", "-r",
                 str(ours / "recipient_public_key.pem"), "-o",
                 str(ours / "encrypted_data_to_send.bin"), str(ours / "message.txt")])
    with cases.case("exercise, step 4: they exchange the files"):
        share(theirs, "encrypted_data_to_send.bin", ours, "received_encrypted_data.bin")
        share(ours, "encrypted_data_to_send.bin", theirs, "received_encrypted_data.bin")
    with cases.case("exercise, step 5: salus opens the student's"):
        opened = program([salus, "open", "-i", str(ours / "my_private.pem"),
                          str(ours / "received_encrypted_data.bin")])
        must(opened == secret, "differs")
    with cases.case("exercise, step 5: the student opens salus's"):
        must(student.do("decrypt") == message + "\n", "differs")
    with cases.case("exercise, step 6: they go on, each way"):
        for text in ("A second message", "A third one, of \u00e4\u00f6\u00fc"):
            file = program([salus, "seal", "--format", "course", "-r",
                            str(ours / "recipient_public_key.pem")], text.encode())
            (theirs / "received_encrypted_data.bin").write_bytes(file)
            must(student.do("decrypt") == text + "\n", "differs")
            student.do("encrypt")
            must(program([salus, "open", "-i", str(ours / "my_private.pem")],
                         (theirs / "encrypted_data_to_send.bin").read_bytes()) == secret,
                 "differs")
    with cases.case("exercise: salus takes the place of a student, with the keys that they made"):
        share(theirs, "my_public.pem", theirs, "recipient_public_key.pem")
        student.do("encrypt")
        (theirs / "my_private.pem").chmod(0o600)
        must(program([salus, "open", "-i", str(theirs / "my_private.pem"),
                      str(theirs / "encrypted_data_to_send.bin")]) == secret, "differs")


def main():
    salus = os.path.abspath(sys.argv[1])
    vectors = pathlib.Path(os.environ.get("SALUS_VECTORS", sys.argv[2]))
    lecture = vectors.parent / "spec" / "2-security-lecture.md"
    cases = Cases()
    if Cryptodome is None:
        cases.skip("judge_seal_course", "python3-pycryptodome is not installed")
        cases.finish()
    with scratch_folder() as folder:
        for bits in KEY_BITS:
            keys = judge_both_ways(cases, salus, folder, bits, is_ours=bits != 3072)
        judge_pipes(cases, salus, folder, *keys)
        judge_large(cases, salus, folder, *keys)
        if lecture.exists():
            judge_exercise(cases, salus, folder, lecture)
        else:
            cases.skip("judge_seal_exercise", "the lecture is not there")
    cases.finish()


if __name__ == "__main__":
    main()
